/* URLs: what is taken apart, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/url.h"

static void assert_parsed(const char *text, const char *host, uint16_t port, const char *target)
{
	struct failure why;
	struct url url;

	assert_int_equal(url_parse(text, &url, &why), 0);
	assert_string_equal(url.host, host);
	assert_int_equal(url.port, port);
	assert_string_equal(url.target, target);
}

static void test_parts(void **state)
{
	(void)state;
	assert_parsed("http://10.77.0.2/", "10.77.0.2", 80, "/");
	assert_parsed("http://10.77.0.2", "10.77.0.2", 80, "/");
	assert_parsed("HTTP://example.org:8080/a/b?c=d&e", "example.org", 8080, "/a/b?c=d&e");
	assert_parsed("example.org/a", "example.org", 80, "/a");
	assert_parsed("localhost:81", "localhost", 81, "/");
	assert_parsed("http://x?q", "x", 80, "/?q");
	assert_parsed("http://x/a#b", "x", 80, "/a");
	assert_parsed("http://x#b/c?d", "x", 80, "/");
	assert_parsed("http://x:/", "x", 80, "/");
	assert_parsed("http://x/?u=http://y/", "x", 80, "/?u=http://y/");
	assert_parsed("https://x/a", "x", 443, "/a");
	assert_parsed("HTTPS://x:8443", "x", 8443, "/");
	assert_parsed("x/?u=http://y/", "x", 80, "/?u=http://y/");
}

static void test_refused(void **state)
{
	const char *const bad[] = {
		"", "http://", "http:///x", "httpss://x/", "ftp://x/", "http://[::1]/", "http://u@x/",
		"http://u:p@x/", "http://x:0/", "http://x:65536/", "http://x:8080808080/", "http://x:8o/",
		"http://x y/", "http://x/a b", "http://x/\r\nX: y",
		"http://x\r\n/", "http://x/\x7f", "http://x/\xc3\xa9", "http://x\\y/",
	};
	struct failure why;
	struct url url;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (url_parse(bad[i], &url, &why) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_true(strlen(why.text) > 10);
	}
}

static void test_lengths(void **state)
{
	char text[2 * URL_TARGET] = "http://";
	struct failure why;
	struct url url;

	(void)state;
	memset(text + 7, 'h', URL_HOST - 1);
	assert_int_equal(url_parse(text, &url, &why), 0);
	assert_int_equal(strlen(url.host), URL_HOST - 1);
	text[7 + URL_HOST - 1] = 'h';
	assert_int_equal(url_parse(text, &url, &why), -EINVAL);

	memset(text, 0, sizeof text);
	strcpy(text, "http://x/");
	memset(text + 9, 't', URL_TARGET - 2);
	assert_int_equal(url_parse(text, &url, &why), 0);
	assert_int_equal(strlen(url.target), URL_TARGET - 1);
	text[9 + URL_TARGET - 2] = 't';
	assert_int_equal(url_parse(text, &url, &why), -EINVAL);

	memset(text, 0, sizeof text);
	strcpy(text, "http://x?");
	memset(text + 9, 'q', URL_TARGET - 3);
	assert_int_equal(url_parse(text, &url, &why), 0);
	assert_int_equal(strlen(url.target), URL_TARGET - 1);
	text[9 + URL_TARGET - 3] = 'q';
	assert_int_equal(url_parse(text, &url, &why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
