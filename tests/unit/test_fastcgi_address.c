/* Addresses of applications: those that are taken, as the kernel has them, and those that are not. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/fastcgi_address.h"

static void numbers_and_paths_are_taken(void **state)
{
	struct fastcgi_address a;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a.storage;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a.storage;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a.storage;

	(void)state;
	assert_int_equal(fastcgi_address_parse("127.0.0.1:9000", &a), 0);
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohs(in->sin_port), 9000);
	assert_int_equal(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(fastcgi_address_parse("[::1]:80", &a), 0);
	assert_int_equal(in6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(in6->sin6_port), 80);
	assert_true(IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
	assert_int_equal(fastcgi_address_parse("unix:/run/a:b", &a), 0);
	assert_int_equal(un->sun_family, AF_UNIX);
	assert_string_equal(un->sun_path, "/run/a:b");
}

static void all_else_is_not(void **state)
{
	static const char *const bad[] = {
		"", ":", "localhost:9000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:9000x",
		"127.0.0.256:1", "::1:80", "[::1]", "[::1:80", "[]:80", "[:80", ":80", "unix:", "unix:run/a", "unix:@a", "/run/a",
		"[127.0.0.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1]:1",
	};
	struct fastcgi_address a;
	char path[200] = "unix:/";

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_int_equal(fastcgi_address_parse(bad[i], &a), -EINVAL);
	memset(path + 6, 'x', 106);
	assert_int_equal(fastcgi_address_parse(path, &a), 0);
	path[112] = 'x';
	assert_int_equal(fastcgi_address_parse(path, &a), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_paths_are_taken),
		cmocka_unit_test(all_else_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
