/* Clients: which of the networks that a client is in decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_clients.h"

enum { MOST = 4 };

/* Networks in one text, with spaces between them. */
static size_t parse(const char *text, struct ip_prefix out[static MOST])
{
	size_t n = 0;

	while (*text != '\0') {
		char one[IP_PREFIX_TEXT] = "";
		size_t len = strcspn(text, " ");

		assert_true(n < MOST && len < sizeof one);
		memcpy(one, text, len);
		assert_true(ip_prefix_parse(one, &out[n++]));
		text += len + (text[len] == ' ');
	}
	return n;
}

static bool admits(const char *allow, const char *deny, const char *client)
{
	struct ip_prefix allowed[MOST], denied[MOST];
	size_t n_allowed = parse(allow, allowed), n_denied = parse(deny, denied);
	struct http_clients a;
	struct ip_addr addr;
	bool result;

	assert_true(ip_addr_parse(client, &addr));
	assert_true(http_clients_open(&a, allowed, n_allowed, denied, n_denied));
	memset(allowed, 0xff, sizeof allowed); /* they were copied */
	memset(denied, 0xff, sizeof denied);
	result = http_clients_admit(&a, &addr);
	http_clients_close(&a);
	return result;
}

static void without_networks_all_are_admitted(void **state)
{
	(void)state;
	assert_true(admits("", "", "198.51.100.7"));
}

static void allow_alone_admits_nobody_else(void **state)
{
	(void)state;
	assert_true(admits("10.77.0.0/24 192.0.2.1", "", "10.77.0.255"));
	assert_true(admits("10.77.0.0/24 192.0.2.1", "", "192.0.2.1"));
	assert_false(admits("10.77.0.0/24 192.0.2.1", "", "10.77.1.0"));
	assert_false(admits("10.77.0.0/24 192.0.2.1", "", "192.0.2.2"));
}

static void deny_alone_admits_all_others(void **state)
{
	(void)state;
	assert_false(admits("", "10.0.0.0/8", "10.1.2.3"));
	assert_true(admits("", "10.0.0.0/8", "11.1.2.3"));
}

static void the_longest_network_decides(void **state)
{
	(void)state;
	assert_true(admits("10.1.0.0/16", "10.0.0.0/8", "10.1.2.3"));
	assert_false(admits("10.1.0.0/16", "10.0.0.0/8", "10.2.2.3"));
	assert_false(admits("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3"));
	assert_false(admits("10.0.0.0/8 10.1.2.0/24", "10.1.0.0/16 10.1.2.3", "10.1.2.3"));
	assert_true(admits("10.0.0.0/8 10.1.2.0/24", "10.1.0.0/16 10.1.2.3", "10.1.2.4"));
}

static void of_equal_networks_deny_decides(void **state)
{
	(void)state;
	assert_false(admits("10.0.0.0/8", "10.0.0.0/8", "10.1.2.3"));
}

static void everybody_else_can_be_allowed_beside_deny(void **state)
{
	(void)state;
	assert_true(admits("0.0.0.0/0", "10.0.0.0/8", "192.0.2.1"));
	assert_false(admits("0.0.0.0/0", "10.0.0.0/8", "10.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_networks_all_are_admitted),
		cmocka_unit_test(allow_alone_admits_nobody_else),
		cmocka_unit_test(deny_alone_admits_all_others),
		cmocka_unit_test(the_longest_network_decides),
		cmocka_unit_test(of_equal_networks_deny_decides),
		cmocka_unit_test(everybody_else_can_be_allowed_beside_deny),
	};

	return cmocka_run_group_tests_name("http_clients", tests, NULL, NULL);
}
