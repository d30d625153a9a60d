/* Names of fields, by their numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_fields.h"

static enum http_field_id find(const char *name)
{
	return http_field_find(name, strlen(name));
}

static void names_are_found_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(find("Host"), HTTP_FIELD_HOST);
	assert_int_equal(find("HOST"), HTTP_FIELD_HOST);
	assert_int_equal(find("content-length"), HTTP_FIELD_CONTENT_LENGTH);
	assert_int_equal(find("Transfer-Encoding"), HTTP_FIELD_TRANSFER_ENCODING);
	assert_int_equal(find("If-Modified-Since"), HTTP_FIELD_IF_MODIFIED_SINCE);
	assert_int_equal(find("If-None-Match"), HTTP_FIELD_IF_NONE_MATCH);
	assert_int_equal(find("Authorization"), HTTP_FIELD_AUTHORIZATION);
	assert_int_equal(find("If-Match"), HTTP_FIELD_IF_MATCH);
	assert_int_equal(find("If-Range"), HTTP_FIELD_IF_RANGE);
	assert_int_equal(find("If-Unmodified-Since"), HTTP_FIELD_IF_UNMODIFIED_SINCE);
	assert_int_equal(find("Range"), HTTP_FIELD_RANGE);
	assert_int_equal(find("Accept"), HTTP_FIELD_ACCEPT);
	assert_int_equal(find("Accept-Encoding"), HTTP_FIELD_ACCEPT_ENCODING);
	assert_int_equal(find("eXpEcT"), HTTP_FIELD_EXPECT);
	assert_int_equal(find("Connection"), HTTP_FIELD_CONNECTION);
	assert_int_equal(find("User-Agent"), HTTP_FIELD_USER_AGENT);
	assert_int_equal(find("Referer"), HTTP_FIELD_REFERER);
}

static void others_are_other(void **state)
{
	(void)state;
	assert_int_equal(find(""), HTTP_FIELD_OTHER);
	assert_int_equal(find("Hosts"), HTTP_FIELD_OTHER);
	assert_int_equal(find("Most"), HTTP_FIELD_OTHER);
	assert_int_equal(find("Content_Length"), HTTP_FIELD_OTHER);
	assert_int_equal(find("Transfer_Encoding"), HTTP_FIELD_OTHER);
	assert_int_equal(find("X-Transfer-Encoding"), HTTP_FIELD_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_in_any_case),
		cmocka_unit_test(others_are_other),
	};

	return cmocka_run_group_tests_name("http_fields", tests, NULL, NULL);
}
