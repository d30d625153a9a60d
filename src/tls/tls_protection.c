/*
 * AEAD over records. The nonce is the sequence number, with the direction's IV laid over it: as RFC 8446
 * section 5.3 and RFC 7905 section 2 have it, and as RFC 5288 section 3 lets us choose it, where the IV has
 * four bytes, and the other eight stand in the record. OpenSSL has sealed the first record of 1.2 with a
 * number of its own choice there, at random, so that ours meet it with a probability of 2^-64 each.
 */
#include "tls/tls_protection.h"

#include <string.h>

#include <openssl/crypto.h>

static uint8_t explicit_len(const struct tls_protection *p)
{
	return p->is_1_3 ? 0 : (uint8_t)(TLS_NONCE - p->suite->fixed_len);
}

/* ---- begun and ended ---- */

bool tls_protection_begin(struct tls_protection *p, const struct tls_suite *suite,
			  const struct tls_keys *keys, bool is_1_3, bool seals, uint64_t sequence)
{
	*p = (struct tls_protection){ .suite = suite, .is_1_3 = is_1_3, .sequence = sequence };
	memcpy(p->iv, keys->iv, sizeof p->iv);
	p->cipher = EVP_CIPHER_CTX_new();
	return p->cipher != NULL &&
	       EVP_CipherInit_ex2(p->cipher, suite->cipher, keys->key, NULL, seals, NULL) == 1;
}

bool tls_protection_begin_secret(struct tls_protection *p, const struct tls_algorithms *a,
				 const struct tls_suite *suite, const struct tls_secret *secret, bool seals,
				 uint64_t sequence)
{
	struct tls_keys keys;
	bool ok = tls_keys_of_secret(a, suite, secret, &keys) &&
		  tls_protection_begin(p, suite, &keys, true, seals, sequence);

	if (ok)
		p->secret = *secret;
	OPENSSL_cleanse(&keys, sizeof keys);
	return ok;
}

bool tls_protection_advance(struct tls_protection *p, const struct tls_algorithms *a)
{
	struct tls_keys keys;
	bool ok = tls_secret_advance(a, p->suite, &p->secret) &&
		  tls_keys_of_secret(a, p->suite, &p->secret, &keys) &&
		  EVP_CipherInit_ex2(p->cipher, NULL, keys.key, NULL, -1, NULL) == 1;

	if (ok) {
		memcpy(p->iv, keys.iv, sizeof p->iv);
		p->sequence = 0;
	}
	OPENSSL_cleanse(&keys, sizeof keys);
	return ok;
}

void tls_protection_end(struct tls_protection *p)
{
	EVP_CIPHER_CTX_free(p->cipher);
	OPENSSL_cleanse(p, sizeof *p);
}

/* ---- a record ---- */

static void make_nonce(const struct tls_protection *p, uint8_t nonce[static TLS_NONCE])
{
	uint64_t low;

	memcpy(nonce, p->iv, TLS_NONCE);
	memcpy(&low, nonce + 4, sizeof low);
	low ^= htobe64(p->sequence);
	memcpy(nonce + 4, &low, sizeof low);
}

static void put_header(uint8_t *out, uint8_t type, size_t len)
{
	out[0] = type;
	store_be16(out + 1, TLS1_2_VERSION); /* in 1.3 too: RFC 8446 section 5.2 */
	store_be16(out + 3, (uint16_t)len);
}

/* Begins with the nonce, and what is authenticated beside the contents: in 1.3 the header as it is sent, in
 * 1.2 the sequence number, and the header with the length of the contents. */
static bool begin_record(struct tls_protection *p, const uint8_t *header, const uint8_t *nonce,
			 size_t text_len)
{
	uint8_t aad[8 + TLS_HEADER];
	uint64_t sequence = htobe64(p->sequence);
	int n;

	if (EVP_CipherInit_ex2(p->cipher, NULL, NULL, nonce, -1, NULL) != 1)
		return false;
	if (p->is_1_3)
		return EVP_CipherUpdate(p->cipher, NULL, &n, header, TLS_HEADER) == 1;
	memcpy(aad, &sequence, sizeof sequence);
	memcpy(aad + sizeof sequence, header, TLS_HEADER);
	store_be16(aad + sizeof aad - 2, (uint16_t)text_len);
	return EVP_CipherUpdate(p->cipher, NULL, &n, aad, sizeof aad) == 1;
}

/* A stream cipher: as much comes out as goes in. */
static bool run_cipher(struct tls_protection *p, const uint8_t *in, size_t len, uint8_t *out)
{
	int n;

	return EVP_CipherUpdate(p->cipher, out, &n, in, (int)len) == 1;
}

static bool seal_text(struct tls_protection *p, struct tls_source *from, size_t len, uint8_t *out)
{
	while (len > 0) {
		size_t left = from->span->len - from->at, n = len < left ? len : left;

		if (n > 0 && !run_cipher(p, from->span->data + from->at, n, out))
			return false;
		out += n;
		len -= n;
		from->at += n;
		if (from->at == from->span->len)
			*from = (struct tls_source){ .span = from->span + 1 };
	}
	return true;
}

static bool finish_seal(struct tls_protection *p, uint8_t *tag)
{
	int n;

	return EVP_CipherFinal_ex(p->cipher, tag, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(p->cipher, EVP_CTRL_AEAD_GET_TAG, TLS_TAG, tag) == 1;
}

size_t tls_protection_seal(struct tls_protection *p, uint8_t type, struct tls_source *from, size_t len,
			   uint8_t *out)
{
	size_t explicit = explicit_len(p), end = TLS_HEADER + explicit + len + p->is_1_3;
	uint8_t nonce[TLS_NONCE];

	make_nonce(p, nonce);
	put_header(out, p->is_1_3 ? SSL3_RT_APPLICATION_DATA : type, end + TLS_TAG - TLS_HEADER);
	memcpy(out + TLS_HEADER, nonce + TLS_NONCE - explicit, explicit);
	if (!begin_record(p, out, nonce, len) || !seal_text(p, from, len, out + TLS_HEADER + explicit) ||
	    (p->is_1_3 && !run_cipher(p, &type, 1, out + end - 1)) || !finish_seal(p, out + end))
		return 0;
	p->sequence++;
	return end + TLS_TAG;
}

/* The type stands behind the contents, and zeros behind that (RFC 8446 section 5.4). */
static int strip(struct tls_opened *o)
{
	size_t len = o->text.len;

	while (len > 0 && o->text.data[len - 1] == 0)
		len--;
	if (len == 0)
		return SSL_AD_UNEXPECTED_MESSAGE;
	o->type = o->text.data[len - 1];
	o->text.len = len - 1;
	return 0;
}

static bool check(struct tls_protection *p, const uint8_t *tag)
{
	uint8_t nothing[EVP_MAX_BLOCK_LENGTH];
	int n;

	return EVP_CIPHER_CTX_ctrl(p->cipher, EVP_CTRL_AEAD_SET_TAG, TLS_TAG, (void *)(uintptr_t)tag) == 1 &&
	       EVP_CipherFinal_ex(p->cipher, nothing, &n) == 1;
}

int tls_protection_open(struct tls_protection *p, struct bytes record, uint8_t *out,
			struct tls_opened *opened)
{
	size_t around = TLS_HEADER + explicit_len(p) + TLS_TAG, len;
	const uint8_t *text = record.data + TLS_HEADER + explicit_len(p);
	uint8_t nonce[TLS_NONCE];

	if (p->is_1_3 && record.data[0] != SSL3_RT_APPLICATION_DATA)
		return SSL_AD_UNEXPECTED_MESSAGE;
	if (record.len < around)
		return SSL_AD_BAD_RECORD_MAC; /* RFC 5246 section 6.2.3.3 has no other for it */
	len = record.len - around;
	make_nonce(p, nonce);
	memcpy(nonce + TLS_NONCE - explicit_len(p), record.data + TLS_HEADER, explicit_len(p));
	if (!begin_record(p, record.data, nonce, len) || !run_cipher(p, text, len, out) ||
	    !check(p, text + len))
		return SSL_AD_BAD_RECORD_MAC;
	p->sequence++;
	*opened = (struct tls_opened){ .type = record.data[0], .text = bytes_of(out, len) };
	if (len > (size_t)TLS_RECORD_LARGEST + p->is_1_3) /* padding counts: RFC 8446 section 5.4 */
		return SSL_AD_RECORD_OVERFLOW;
	return p->is_1_3 ? strip(opened) : 0;
}
