/* Ticket keys: the ratchet, and keys from a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "tls/tls_ticket.h"

enum { PERIOD = 1000 };

static const uint8_t secret[TLS_TICKET_SECRET] = "a secret of two workers";

static void workers_with_one_secret_have_the_same_keys(void **state)
{
	struct tls_tickets a, b;

	(void)state;
	assert_true(tls_tickets_init(&a, secret, PERIOD, 0));
	assert_true(tls_tickets_init(&b, secret, PERIOD, 0));
	tls_tickets_turn(&a, 5 * PERIOD);
	for (unsigned i = 1; i <= 5; i++)
		tls_tickets_turn(&b, i * PERIOD);
	assert_int_equal(a.n, TLS_TICKET_KEYS);
	assert_memory_equal(a.keys, b.keys, sizeof a.keys);
}

static void each_period_has_its_key_and_two_old_ones_stay(void **state)
{
	struct tls_tickets t;
	struct tls_ticket_key first, second;

	(void)state;
	assert_true(tls_tickets_init(&t, secret, PERIOD, 0));
	first = t.keys[0];
	tls_tickets_turn(&t, PERIOD - 1);
	assert_memory_equal(&t.keys[0], &first, sizeof first);
	assert_int_equal(t.n, 1);
	tls_tickets_turn(&t, PERIOD);
	second = t.keys[0];
	assert_memory_not_equal(&second, &first, sizeof first);
	tls_tickets_turn(&t, 2 * PERIOD);
	assert_memory_equal(&t.keys[2], &first, sizeof first);
	tls_tickets_turn(&t, 3 * PERIOD);
	assert_memory_equal(&t.keys[2], &second, sizeof second);
	assert_memory_not_equal(t.secret, secret, sizeof secret); /* what opened earlier tickets is gone */
}

/* What use() says of a ticket that was sealed by one set of keys and comes to another. */
static int verdict(const struct tls_tickets *sealer, const struct tls_tickets *opener)
{
	unsigned char name[TLS_TICKET_NAME], iv[EVP_MAX_IV_LENGTH];
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
	int r;

	assert_int_equal(tls_tickets_use(sealer, name, iv, cipher, mac, true), 1);
	r = tls_tickets_use(opener, name, iv, cipher, mac, false);
	EVP_CIPHER_CTX_free(cipher);
	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(hmac);
	return r;
}

static void an_old_key_opens_and_asks_for_a_new_ticket(void **state)
{
	struct tls_tickets old, now;

	(void)state;
	assert_true(tls_tickets_init(&old, secret, PERIOD, 0));
	now = old;
	assert_int_equal(verdict(&old, &now), 1);
	tls_tickets_turn(&now, PERIOD);
	assert_int_equal(verdict(&old, &now), 2);
	tls_tickets_turn(&now, 3 * PERIOD);
	assert_int_equal(verdict(&old, &now), 0);
}

static char *write_file(size_t len)
{
	static char name[] = "/tmp/th-ticket-XXXXXX";
	uint8_t bytes[4 * TLS_TICKET_KEY_BYTES];
	int fd;

	strcpy(name, "/tmp/th-ticket-XXXXXX");
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	return name;
}

static void keys_come_from_a_file(void **state)
{
	struct tls_tickets t;
	struct failure why;
	const char *file = write_file(2 * TLS_TICKET_KEY_BYTES);

	(void)state;
	assert_true(tls_tickets_init(&t, secret, PERIOD, 0));
	assert_int_equal(tls_tickets_load(&t, file, &why), 0);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.keys[0].name[1], 1);
	assert_int_equal(t.keys[0].mac[0], TLS_TICKET_NAME);
	assert_int_equal(t.keys[0].aes[0], TLS_TICKET_NAME + TLS_TICKET_SECRET);
	assert_int_equal(t.keys[1].name[0], TLS_TICKET_KEY_BYTES);
	tls_tickets_turn(&t, 10 * PERIOD); /* they do not turn by themselves */
	assert_int_equal(t.n, 2);
	unlink(file);
}

static void a_file_of_another_size_is_refused(void **state)
{
	static const size_t sizes[] = { 0, 1, TLS_TICKET_KEY_BYTES - 1, TLS_TICKET_KEY_BYTES + 1,
					4 * TLS_TICKET_KEY_BYTES };
	struct tls_tickets t, before;
	struct failure why;

	(void)state;
	assert_true(tls_tickets_init(&t, secret, PERIOD, 0));
	before = t;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		const char *file = write_file(sizes[i]);

		assert_true(tls_tickets_load(&t, file, &why) < 0);
		assert_non_null(strstr(why.text, "openssl rand 80"));
		unlink(file);
	}
	assert_true(tls_tickets_load(&t, "/nowhere/keys", &why) < 0);
	assert_non_null(strstr(why.text, "/nowhere/keys"));
	assert_memory_equal(&t, &before, sizeof t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_with_one_secret_have_the_same_keys),
		cmocka_unit_test(each_period_has_its_key_and_two_old_ones_stay),
		cmocka_unit_test(an_old_key_opens_and_asks_for_a_new_ticket),
		cmocka_unit_test(keys_come_from_a_file),
		cmocka_unit_test(a_file_of_another_size_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
