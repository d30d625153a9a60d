/* Secrets, and keys from secrets, by OpenSSL's key derivation functions. */
#include "tls/tls_key_schedule.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>

#include "base/bytes.h"

/* ---- algorithms ---- */

bool tls_algorithms_init(struct tls_algorithms *a)
{
	static const struct tls_suite suites[TLS_SUITES] = {
		{ .nid = NID_aes_128_gcm, .hash = "SHA256", .key_len = 16, .fixed_len = 4 },
		{ .nid = NID_aes_256_gcm, .hash = "SHA384", .key_len = 32, .fixed_len = 4 },
		{ .nid = NID_chacha20_poly1305, .hash = "SHA256", .key_len = 32, .fixed_len = TLS_NONCE },
	};
	bool ok = true;

	memcpy(a->suites, suites, sizeof suites);
	for (size_t i = 0; i < TLS_SUITES; i++) {
		a->suites[i].cipher = EVP_CIPHER_fetch(NULL, OBJ_nid2sn(suites[i].nid), NULL);
		ok = ok && a->suites[i].cipher != NULL;
	}
	a->hkdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
	a->prf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
	return ok && a->hkdf != NULL && a->prf != NULL;
}

void tls_algorithms_fini(struct tls_algorithms *a)
{
	for (size_t i = 0; i < TLS_SUITES; i++)
		EVP_CIPHER_free(a->suites[i].cipher);
	EVP_KDF_free(a->hkdf);
	EVP_KDF_free(a->prf);
}

const struct tls_suite *tls_suite_find(const struct tls_algorithms *a, const SSL_CIPHER *cipher)
{
	int nid = cipher != NULL ? SSL_CIPHER_get_cipher_nid(cipher) : NID_undef;

	for (size_t i = 0; i < TLS_SUITES; i++)
		if (a->suites[i].nid == nid)
			return &a->suites[i];
	return NULL;
}

static OSSL_PARAM octets(const char *name, const void *data, size_t len)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)data, len);
}

static OSSL_PARAM hash_of(const struct tls_suite *suite)
{
	return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)suite->hash, 0);
}

static bool derive(EVP_KDF *kdf, const OSSL_PARAM *parameters, uint8_t *out, size_t len)
{
	EVP_KDF_CTX *c = EVP_KDF_CTX_new(kdf);
	bool ok = c != NULL && EVP_KDF_derive(c, out, len, parameters) == 1;

	EVP_KDF_CTX_free(c);
	return ok;
}

/* ---- TLS 1.3 ---- */

/* "LABEL client_random secret", the two in hexadecimal. */
bool tls_secret_read(struct tls_secret *s, const char *line, const char *label)
{
	enum { RANDOM = 2 * SSL3_RANDOM_SIZE };
	size_t skip = strlen(label) + 1 + RANDOM + 1, len;

	if (strncmp(line, label, strlen(label)) != 0 || line[strlen(label)] != ' ' || strlen(line) <= skip)
		return false;
	s->len = 0;
	if (OPENSSL_hexstr2buf_ex(s->bytes, sizeof s->bytes, &len, line + skip, '\0') == 1)
		s->len = (uint8_t)len;
	return true;
}

/* HKDF-Expand-Label() without a context (RFC 8446 section 7.1). */
static bool expand(const struct tls_algorithms *a, const struct tls_suite *suite, const struct tls_secret *s,
		   const char *label, uint8_t *out, size_t len)
{
	static const char prefix[] = "tls13 ", mode[] = "EXPAND_ONLY";
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, (char *)(uintptr_t)mode, 0),
		hash_of(suite),
		octets(OSSL_KDF_PARAM_KEY, s->bytes, s->len),
		octets(OSSL_KDF_PARAM_PREFIX, prefix, sizeof prefix - 1),
		octets(OSSL_KDF_PARAM_LABEL, label, strlen(label)),
		OSSL_PARAM_construct_end(),
	};

	return derive(a->hkdf, parameters, out, len);
}

bool tls_secret_advance(const struct tls_algorithms *a, const struct tls_suite *suite, struct tls_secret *s)
{
	struct tls_secret next = { .len = s->len };
	bool ok = expand(a, suite, s, "traffic upd", next.bytes, next.len);

	*s = next;
	OPENSSL_cleanse(&next, sizeof next);
	return ok;
}

bool tls_keys_of_secret(const struct tls_algorithms *a, const struct tls_suite *suite,
			const struct tls_secret *s, struct tls_keys *out)
{
	return s->len > 0 && expand(a, suite, s, "key", out->key, suite->key_len) &&
	       expand(a, suite, s, "iv", out->iv, TLS_NONCE);
}

/* ---- TLS 1.2 ---- */

/* The key block. AEADs have no keys for MACs in it (RFC 5246 section 6.2.3.3). */
static bool expand_session(const struct tls_algorithms *a, const struct tls_suite *suite, const SSL *ssl,
			   uint8_t *block, size_t len)
{
	static const char label[] = "key expansion";
	uint8_t master[SSL_MAX_MASTER_KEY_LENGTH], client[SSL3_RANDOM_SIZE], server[SSL3_RANDOM_SIZE];
	size_t master_len = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
	const OSSL_PARAM parameters[] = {
		hash_of(suite),
		octets(OSSL_KDF_PARAM_SECRET, master, master_len),
		octets(OSSL_KDF_PARAM_SEED, label, sizeof label - 1),
		octets(OSSL_KDF_PARAM_SEED, server, SSL_get_server_random(ssl, server, sizeof server)),
		octets(OSSL_KDF_PARAM_SEED, client, SSL_get_client_random(ssl, client, sizeof client)),
		OSSL_PARAM_construct_end(),
	};
	bool ok = derive(a->prf, parameters, block, len);

	OPENSSL_cleanse(master, sizeof master);
	return ok;
}

bool tls_keys_of_session(const struct tls_algorithms *a, const struct tls_suite *suite, const SSL *ssl,
			 struct tls_keys *client, struct tls_keys *server)
{
	uint8_t block[2 * (TLS_KEY_MOST + TLS_NONCE)], *at = block;
	size_t key = suite->key_len, fixed = suite->fixed_len;
	bool ok = expand_session(a, suite, ssl, block, 2 * (key + fixed));

	*client = *server = (struct tls_keys){ 0 };
	memcpy(client->key, at, key);
	memcpy(server->key, at += key, key);
	memcpy(client->iv, at += key, fixed);
	memcpy(server->iv, at += fixed, fixed);
	OPENSSL_cleanse(block, sizeof block);
	return ok;
}
