/* Basic credentials (RFC 7617), right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_basic.h"

static bool parse(const char *value, struct http_basic *out)
{
	return http_basic_parse(bytes_of(value, strlen(value)), out);
}

static void assert_credentials(const char *value, const char *user, const char *password)
{
	struct http_basic b;

	assert_true(parse(value, &b));
	assert_string_equal(b.user, user);
	assert_string_equal(b.password, password);
	assert_int_equal(b.len, strlen(user) + 1 + strlen(password));
}

static void the_examples_of_rfc7617_are_read(void **state)
{
	(void)state;
	assert_credentials("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame");
	assert_credentials("Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3");
}

static void what_a_client_may_write_otherwise_is_read(void **state)
{
	(void)state;
	assert_credentials("bAsIc  QWxhZGRpbjpvcGVuIHNlc2FtZQ==  ", "Aladdin", "open sesame");
	assert_credentials("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Aladdin", "open sesame");
	assert_credentials("Basic YTpiOmM=", "a", "b:c");
	assert_credentials("Basic Og==", "", "");
	assert_credentials("Basic eDo=", "x", "");
}

static void anything_else_is_refused_and_leaves_nothing_behind(void **state)
{
	static const char *const values[] = {
		"", "Basic", "Basic ", "Basic =", "Basic ==", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "BasicYTpi",
		"Basic bm9jb2xvbg==", "Basic YWIKY2Q6ZQ==" /* LF */, "Basic AGE6Yg==" /* NUL */, "Basic YTp/" /* DEL */,
		"Basic YT pi", "Basic YTpi===", "Basic YTpi=YTpi", "Basic Y", "Basic YTpiY", "Basic YTp_", "Basic YTpi\xc2\xa3",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
		static const struct http_basic nothing;
		struct http_basic b;

		assert_false(parse(values[i], &b));
		assert_memory_equal(&b, &nothing, sizeof b);
	}
}

/* 252 letters become 189 octets; 340 become 255, and 344 more than fit. */
static void the_longest_is_read_and_a_longer_one_is_not(void **state)
{
	char value[400] = "Basic YTph"; /* "a:a" */
	struct http_basic b;

	(void)state;
	memset(value + 10, 'Y', 336);
	for (size_t i = 10; i < 346; i += 4)
		memcpy(value + i, "YWFh", 4);
	assert_true(parse(value, &b));
	assert_int_equal(b.len, HTTP_BASIC_MOST);
	memcpy(value + 346, "YQ==", 5);
	assert_false(parse(value, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_rfc7617_are_read),
		cmocka_unit_test(what_a_client_may_write_otherwise_is_read),
		cmocka_unit_test(anything_else_is_refused_and_leaves_nothing_behind),
		cmocka_unit_test(the_longest_is_read_and_a_longer_one_is_not),
	};

	return cmocka_run_group_tests_name("http/http_basic", tests, NULL, NULL);
}
