/* A certificate made on the spot, which vouches for nobody but the key that signs it (RFC 5280). */
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tls/tls_certificate.h"

enum {
	VALID_DAYS = 90,
	VALID_BEFORE = 3600, /* seconds: a peer's clock may be behind */
	DAY = 86400,
};

static bool set_serial(X509 *x)
{
	uint8_t bytes[16];
	BIGNUM *n;
	bool ok;

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and of full length */
	n = BN_bin2bn(bytes, sizeof bytes, NULL);
	ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

static bool set_names(X509 *x)
{
	static const unsigned char name[] = "taphouse self-signed";
	X509_NAME *subject = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, subject) == 1;
}

static bool set_times(X509 *x, int64_t wall_s)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)wall_s - VALID_BEFORE) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(x), (time_t)wall_s + VALID_DAYS * DAY) != NULL;
}

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

/* Takes the value over. */
static bool push_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
	GENERAL_NAME *name = value != NULL ? GENERAL_NAME_new() : NULL;

	if (name == NULL) {
		ASN1_STRING_free(value);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, value);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool push_text(GENERAL_NAMES *names, const char *text)
{
	ASN1_STRING *value = ASN1_STRING_type_new(V_ASN1_IA5STRING);

	if (value != NULL && ASN1_STRING_set(value, text, -1) != 1) {
		ASN1_STRING_free(value);
		return false;
	}
	return push_name(names, GEN_DNS, value);
}

static bool push_address(GENERAL_NAMES *names, const struct ip_addr *address)
{
	ASN1_STRING *value = ASN1_STRING_type_new(V_ASN1_OCTET_STRING);
	int skip = ip_addr_is_4(address) ? 12 : 0; /* IPv4 stands in the last four of the sixteen bytes */

	if (value != NULL && ASN1_STRING_set(value, address->b + skip, 16 - skip) != 1) {
		ASN1_STRING_free(value);
		return false;
	}
	return push_name(names, GEN_IPADD, value);
}

/* RFC 5280 section 4.2.1.6. */
static bool add_alternative_names(X509 *x, const char *const *names, const struct ip_addr *addresses,
				  size_t n_addresses)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	bool ok = all != NULL;

	for (; ok && names != NULL && *names != NULL; names++)
		ok = push_text(all, *names);
	for (size_t i = 0; ok && i < n_addresses; i++)
		ok = push_address(all, &addresses[i]);
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
	sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
	return ok;
}

static bool fill(X509 *x, EVP_PKEY *key, const char *const *names, const struct ip_addr *addresses,
		 size_t n_addresses, int64_t wall_s)
{
	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && set_names(x) &&
	       set_times(x, wall_s) && X509_set_pubkey(x, key) == 1 &&
	       add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(x, NID_ext_key_usage, "serverAuth") &&
	       add_extension(x, NID_subject_key_identifier, "hash") &&
	       add_alternative_names(x, names, addresses, n_addresses) && X509_sign(x, key, EVP_sha256()) > 0;
}

int tls_self_signed_make(struct tls_self_signed *out, const char *const *names,
			 const struct ip_addr *addresses, size_t n_addresses, int64_t wall_s,
			 struct failure *why)
{
	*out = (struct tls_self_signed){ .certificate = X509_new(), .key = EVP_EC_gen("P-256") };
	if (out->certificate != NULL && out->key != NULL &&
	    fill(out->certificate, out->key, names, addresses, n_addresses, wall_s))
		return 0;
	tls_self_signed_free(out);
	ERR_clear_error();
	return failure_set(why, -ENOMEM, "OpenSSL cannot make a self-signed certificate");
}

int tls_self_signed_copy(struct tls_self_signed *out, const struct tls_self_signed *from,
			 struct failure *why)
{
	*out = (struct tls_self_signed){
		.certificate = X509_dup(from->certificate),
		.key = EVP_PKEY_dup(from->key),
	};
	if (out->certificate != NULL && out->key != NULL)
		return 0;
	tls_self_signed_free(out);
	ERR_clear_error();
	return failure_set(why, -ENOMEM, "no memory for a self-signed certificate");
}

void tls_self_signed_free(struct tls_self_signed *s)
{
	X509_free(s->certificate);
	EVP_PKEY_free(s->key);
	*s = (struct tls_self_signed){ 0 };
}
