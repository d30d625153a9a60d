/* ip/route.h: the table of prefixes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ip/route.h"

static const struct ip_addr any;

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_true(ip_addr_parse(text, &a));
	return a;
}

static void add(struct ip *ip, const char *to, const char *gateway)
{
	struct ip_prefix prefix;
	struct ip_addr hop = gateway != NULL ? addr(gateway) : any;

	assert_true(ip_prefix_parse(to, &prefix));
	assert_int_equal(route_add(ip, &prefix, &hop), 0);
}

/* The next hop towards dst as text, or "none". */
static const char *hop(const struct ip *ip, const char *dst)
{
	static char text[IP_ADDR_TEXT];
	struct ip_addr to = addr(dst);
	const struct ip_route *route = route_find(ip, &to);

	return route == NULL ? "none" : ip_addr_format(route_next_hop(route, &to), text);
}

static void test_empty_table_has_no_route(void **state)
{
	struct ip ip = { 0 };

	(void)state;
	assert_string_equal(hop(&ip, "10.0.0.1"), "none");
}

static void test_longest_prefix_wins_in_any_order_of_adding(void **state)
{
	static const char *routes[4][2] = {
		{ "0.0.0.0/0", "10.77.0.1" },
		{ "10.77.0.0/24", NULL },
		{ "10.0.0.0/8", "10.77.0.3" },
		{ "10.77.0.7/32", "10.77.0.4" },
	};

	(void)state;
	for (unsigned order = 0; order < 4 * 3 * 2; order++) {
		unsigned left[4] = { 0, 1, 2, 3 };
		struct ip ip = { 0 };

		for (unsigned n = 4, code = order; n > 0; code /= n, n--) {
			unsigned pick = left[code % n];

			left[code % n] = left[n - 1];
			add(&ip, routes[pick][0], routes[pick][1]);
		}
		assert_string_equal(hop(&ip, "10.77.0.9"), "10.77.0.9");
		assert_string_equal(hop(&ip, "10.77.0.7"), "10.77.0.4");
		assert_string_equal(hop(&ip, "10.77.1.9"), "10.77.0.3");
		assert_string_equal(hop(&ip, "8.8.8.8"), "10.77.0.1");
	}
}

static void test_same_prefix_is_replaced(void **state)
{
	struct ip ip = { 0 };

	(void)state;
	add(&ip, "10.0.0.0/8", "10.77.0.1");
	add(&ip, "10.9.8.7/8", "10.77.0.2"); /* host bits do not make it another prefix */
	assert_int_equal(ip.n_routes, 1);
	assert_string_equal(hop(&ip, "10.1.1.1"), "10.77.0.2");
}

static void test_host_bits_are_cleared(void **state)
{
	struct ip_addr want = addr("10.77.16.0");
	struct ip ip = { 0 };

	(void)state;
	add(&ip, "10.77.23.45/20", NULL);
	assert_true(ip_addr_equal(&ip.routes[0].to.addr, &want));
	assert_string_equal(hop(&ip, "10.77.31.255"), "10.77.31.255");
	assert_string_equal(hop(&ip, "10.77.32.0"), "none");
}

static void test_full_table_refuses_new_prefixes_only(void **state)
{
	struct ip_prefix more;
	struct ip ip = { 0 };
	char text[32];

	(void)state;
	for (int i = 0; i < IP_MAX_ROUTES; i++) {
		snprintf(text, sizeof text, "10.%d.0.0/16", i);
		add(&ip, text, NULL);
	}
	assert_true(ip_prefix_parse("192.168.0.0/16", &more));
	assert_false(route_fits(&ip, &more));
	assert_int_equal(route_add(&ip, &more, &any), -ENOSPC);
	assert_true(ip_prefix_parse("10.3.7.7/16", &more));
	assert_true(route_fits(&ip, &more));
	add(&ip, "10.3.0.0/16", "10.4.0.1");
	assert_string_equal(hop(&ip, "10.3.1.1"), "10.4.0.1");
	assert_int_equal(ip.n_routes, IP_MAX_ROUTES);
}

static void test_families_do_not_mix(void **state)
{
	struct ip ip = { 0 };

	(void)state;
	add(&ip, "::/0", "fe80::1");
	assert_string_equal(hop(&ip, "10.1.1.1"), "none"); /* though ::/0 holds ::ffff:10.1.1.1 */
	assert_string_equal(hop(&ip, "2001:db8::1"), "fe80::1");
	add(&ip, "0.0.0.0/0", "10.77.0.1");
	assert_string_equal(hop(&ip, "10.1.1.1"), "10.77.0.1");
	assert_string_equal(hop(&ip, "2001:db8::1"), "fe80::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_table_has_no_route),
		cmocka_unit_test(test_longest_prefix_wins_in_any_order_of_adding),
		cmocka_unit_test(test_same_prefix_is_replaced),
		cmocka_unit_test(test_host_bits_are_cleared),
		cmocka_unit_test(test_full_table_refuses_new_prefixes_only),
		cmocka_unit_test(test_families_do_not_mix),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
