/* Keys of session tickets: derived, turned, loaded, used. */
#include "tls/tls_ticket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

/* SHA-256 over a label and the secret: as the secret has 256 bits of its own, that is a sound derivation. */
static bool derive(const uint8_t secret[static TLS_TICKET_SECRET], char label,
		   uint8_t out[static TLS_TICKET_SECRET])
{
	uint8_t input[1 + TLS_TICKET_SECRET];
	unsigned len;
	bool ok;

	input[0] = (uint8_t)label;
	memcpy(input + 1, secret, TLS_TICKET_SECRET);
	ok = EVP_Digest(input, sizeof input, out, &len, EVP_sha256(), NULL) == 1;
	OPENSSL_cleanse(input, sizeof input);
	return ok;
}

static bool derive_key(struct tls_tickets *t, struct tls_ticket_key *key)
{
	uint8_t name[TLS_TICKET_SECRET], next[TLS_TICKET_SECRET];
	bool ok = derive(t->secret, 'n', name) && derive(t->secret, 'm', key->mac) &&
		  derive(t->secret, 'a', key->aes) && derive(t->secret, 's', next);

	if (ok) {
		memcpy(key->name, name, sizeof key->name);
		memcpy(t->secret, next, sizeof t->secret);
	}
	OPENSSL_cleanse(next, sizeof next);
	return ok;
}

/* In front of the others; the oldest gives way. */
static bool add_key(struct tls_tickets *t)
{
	struct tls_ticket_key key;

	if (!derive_key(t, &key))
		return false;
	memmove(&t->keys[1], &t->keys[0], (TLS_TICKET_KEYS - 1) * sizeof key);
	t->keys[0] = key;
	OPENSSL_cleanse(&key, sizeof key);
	if (t->n < TLS_TICKET_KEYS)
		t->n++;
	return true;
}

bool tls_tickets_init(struct tls_tickets *t, const uint8_t secret[static TLS_TICKET_SECRET],
		      uint64_t period_us, uint64_t now_us)
{
	*t = (struct tls_tickets){ .period_us = period_us, .turned_us = now_us };
	memcpy(t->secret, secret, sizeof t->secret);
	return add_key(t);
}

static ssize_t read_keys(const char *file, uint8_t *data, size_t size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : read(fd, data, size);

	if (fd >= 0 && n < 0)
		n = -errno;
	if (fd >= 0)
		close(fd);
	return n;
}

int tls_tickets_load(struct tls_tickets *t, const char *file, struct failure *why)
{
	uint8_t data[TLS_TICKET_KEYS * TLS_TICKET_KEY_BYTES + 1];
	ssize_t len = read_keys(file, data, sizeof data);
	unsigned n = (unsigned)len / TLS_TICKET_KEY_BYTES;

	if (len < 0)
		return failure_set(why, (int)len, "ticket keys %s: %s", file, strerror((int)-len));
	if (n == 0 || n > TLS_TICKET_KEYS || len % TLS_TICKET_KEY_BYTES != 0) {
		OPENSSL_cleanse(data, sizeof data);
		return failure_set(why, -EINVAL,
				   "ticket keys %s: the file must have %d bytes for each of one to %d "
				   "keys: make one with \"openssl rand %d\"",
				   file, TLS_TICKET_KEY_BYTES, TLS_TICKET_KEYS, TLS_TICKET_KEY_BYTES);
	}
	*t = (struct tls_tickets){ .n = n };
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *from = data + i * TLS_TICKET_KEY_BYTES;

		memcpy(t->keys[i].name, from, TLS_TICKET_NAME);
		memcpy(t->keys[i].mac, from + TLS_TICKET_NAME, TLS_TICKET_SECRET);
		memcpy(t->keys[i].aes, from + TLS_TICKET_NAME + TLS_TICKET_SECRET, TLS_TICKET_SECRET);
	}
	OPENSSL_cleanse(data, sizeof data);
	return 0;
}

/* After a long time without a call there is a key for each period that went by, up to as many as are kept. */
void tls_tickets_turn(struct tls_tickets *t, uint64_t now_us)
{
	if (t->period_us == 0)
		return;
	while (now_us - t->turned_us >= t->period_us && add_key(t))
		t->turned_us += t->period_us;
}

void tls_tickets_fini(struct tls_tickets *t)
{
	OPENSSL_cleanse(t, sizeof *t);
}

static bool init_mac(EVP_MAC_CTX *mac, const struct tls_ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_init(mac, key->mac, sizeof key->mac, params) == 1;
}

static int seal_with(const struct tls_ticket_key *key, unsigned char *name, unsigned char *iv,
		     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const EVP_CIPHER *aes = EVP_aes_256_cbc();

	memcpy(name, key->name, TLS_TICKET_NAME);
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) != 1 || !init_mac(mac, key) ||
	    EVP_EncryptInit_ex(cipher, aes, NULL, key->aes, iv) != 1)
		return TLS_TICKET_FAILED;
	return TLS_TICKET_OPENED;
}

int tls_tickets_use(const struct tls_tickets *t, unsigned char name[static TLS_TICKET_NAME],
		    unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal)
{
	if (seal)
		return seal_with(&t->keys[0], name, iv, cipher, mac);
	for (unsigned i = 0; i < t->n; i++) {
		const struct tls_ticket_key *key = &t->keys[i];

		if (memcmp(name, key->name, sizeof key->name) != 0)
			continue;
		if (!init_mac(mac, key) ||
		    EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv) != 1)
			return TLS_TICKET_FAILED;
		return i == 0 ? TLS_TICKET_OPENED : TLS_TICKET_REPLACE;
	}
	return TLS_TICKET_UNKNOWN;
}
