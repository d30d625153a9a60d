/* Certificates: chains and keys read from files, with what a person needs to know when they do not fit. */
#include "tls/tls_certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tls/tls_error.h"

enum { STAPLE_MOST = 16 << 10 };

/* Nobody is there to type a passphrase when certificates are read again. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static int failed(struct failure *why, const char *what, const char *file)
{
	struct tls_error e;

	tls_error_take(&e);
	return failure_set(why, -EINVAL, "%s %s: %s", what, file, e.text);
}

static int check_readable(const char *what, const char *file, struct failure *why)
{
	return access(file, R_OK) == 0 ? 0
				       : failure_set(why, -errno, "%s %s: %s", what, file, strerror(errno));
}

static EVP_PKEY *read_key(const char *file)
{
	FILE *f = fopen(file, "re");
	EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, no_passphrase, NULL) : NULL;

	if (f != NULL)
		fclose(f);
	return key;
}

static int use_key(SSL_CTX *ctx, X509 *leaf, const struct tls_pair *pair, struct failure *why)
{
	EVP_PKEY *key = read_key(pair->key);
	int r = 0;

	if (key == NULL)
		return failed(why, "key", pair->key);
	if (X509_check_private_key(leaf, key) != 1)
		r = failure_set(why, -EINVAL, "key %s does not belong to certificate %s", pair->key,
				pair->certificate);
	else if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
		r = failed(why, "key", pair->key);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return r;
}

static int load_files(struct tls_certificate *c, const struct tls_pair *pair, SSL_CTX *ctx,
		      struct failure *why)
{
	int r = check_readable("certificate", pair->certificate, why);

	if (r == 0)
		r = check_readable("key", pair->key, why);
	if (r < 0)
		return r;
	if (SSL_CTX_use_certificate_chain_file(ctx, pair->certificate) != 1)
		return failed(why, "certificate", pair->certificate);
	c->leaf = SSL_CTX_get0_certificate(ctx);
	X509_up_ref(c->leaf);
	return use_key(ctx, c->leaf, pair, why);
}

static int load_own(struct tls_certificate *c, const struct tls_self_signed *own, SSL_CTX *ctx,
		    struct failure *why)
{
	if (SSL_CTX_use_certificate(ctx, own->certificate) != 1 || SSL_CTX_use_PrivateKey(ctx, own->key) != 1)
		return failed(why, "certificate", "(self-signed)");
	c->leaf = own->certificate;
	X509_up_ref(c->leaf);
	return 0;
}

static int read_staple(struct tls_certificate *c, const char *file, struct failure *why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return failure_set(why, -errno, "OCSP response %s: %s", file, strerror(errno));
	c->staple = malloc(STAPLE_MOST);
	n = c->staple != NULL ? read(fd, c->staple, STAPLE_MOST) : -1;
	close(fd);
	if (n <= 0 || n == STAPLE_MOST)
		return failure_set(why, -EINVAL,
				   "OCSP response %s: it cannot be read, is empty, or larger than %d bytes",
				   file, STAPLE_MOST - 1);
	c->staple_len = (size_t)n;
	return 0;
}

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

int tls_certificate_load(struct tls_certificate *out, const struct tls_pair *pair, SSL_CTX *ctx,
			 struct failure *why)
{
	int r;

	*out = (struct tls_certificate){ 0 };
	ERR_clear_error();
	r = pair->own != NULL ? load_own(out, pair->own, ctx, why) : load_files(out, pair, ctx, why);
	if (r == 0 && pair->staple != NULL)
		r = read_staple(out, pair->staple, why);
	if (r < 0) {
		tls_certificate_free(out);
		return r;
	}
	out->not_after = seconds_of(X509_get0_notAfter(out->leaf));
	return 0;
}

void tls_certificate_free(struct tls_certificate *c)
{
	X509_free(c->leaf);
	free(c->staple);
	*c = (struct tls_certificate){ 0 };
}

char *tls_fingerprint(const X509 *certificate, char out[static TLS_FINGERPRINT])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *p = out;

	*p = '\0';
	if (X509_digest(certificate, EVP_sha256(), digest, &len) == 1)
		for (unsigned i = 0; i < len; i++)
			p += sprintf(p, i > 0 ? ":%02X" : "%02X", digest[i]);
	return out;
}
