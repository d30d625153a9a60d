/* Verified credentials: remembered for a while, by digests that need the keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http_verified.h"

static struct random source;
static struct http_verified verified;

static int set_up(void **state)
{
	(void)state;
	random_init(&source, 1);
	http_verified_init(&verified, &source);
	return 0;
}

static struct http_digest digest_of(uint32_t number)
{
	return http_verified_digest(&verified, bytes_of(&number, sizeof number));
}

static void what_is_added_counts_for_its_time(void **state)
{
	struct http_digest a = digest_of(1), b = digest_of(2);

	(void)state;
	assert_false(http_verified_has(&verified, &a, 1000));
	http_verified_add(&verified, &a, 1000);
	assert_true(http_verified_has(&verified, &a, 1000 + HTTP_VERIFIED_US - 1));
	assert_false(http_verified_has(&verified, &b, 1000));
	assert_false(http_verified_has(&verified, &a, 1000 + HTTP_VERIFIED_US));
}

static void clearing_forgets_all(void **state)
{
	struct http_digest a = digest_of(1);

	(void)state;
	http_verified_add(&verified, &a, 1000);
	http_verified_clear(&verified);
	assert_false(http_verified_has(&verified, &a, 1000));
}

/* Ten times as many as there is room for: the last ones are there, and nothing that was not added is. */
static void the_newest_take_the_place_of_others(void **state)
{
	unsigned kept = 0;

	(void)state;
	for (uint32_t i = 0; i < 10 * HTTP_VERIFIED_MOST; i++) {
		struct http_digest d = digest_of(i);

		http_verified_add(&verified, &d, 1000);
		assert_true(http_verified_has(&verified, &d, 1000));
	}
	for (uint32_t i = 0; i < 20 * HTTP_VERIFIED_MOST; i++) {
		struct http_digest d = digest_of(i);
		bool has = http_verified_has(&verified, &d, 1000);

		assert_true(!has || i < 10 * HTTP_VERIFIED_MOST);
		kept += has;
	}
	assert_in_range(kept, HTTP_VERIFIED_MOST / 2, HTTP_VERIFIED_MOST);
}

static void other_keys_make_other_digests(void **state)
{
	struct http_digest before = digest_of(1), after;

	(void)state;
	http_verified_init(&verified, &source);
	after = digest_of(1);
	assert_false(http_digest_equal(&before, &after));
	assert_true(before.words[0] != before.words[1]);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_added_counts_for_its_time),
		TEST(clearing_forgets_all),
		TEST(the_newest_take_the_place_of_others),
		TEST(other_keys_make_other_digests),
	};

	return cmocka_run_group_tests_name("http/http_verified", tests, NULL, NULL);
}
