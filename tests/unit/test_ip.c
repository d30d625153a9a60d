/* ip/ip.h: addresses, routes and the choice among them; what both families share. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "common/ip_host.h"

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_true(ip_addr_parse(text, &a));
	return a;
}

static int add_address(struct ip_host *h, const char *text)
{
	struct ip_prefix p;

	assert_true(ip_prefix_parse(text, &p));
	return ip_add_address(&h->ip, &p);
}

static int add_route(struct ip_host *h, const char *to, const char *gateway)
{
	struct ip_addr hop = { { 0 } };
	struct ip_prefix p;

	assert_true(ip_prefix_parse(to, &p));
	if (gateway != NULL)
		hop = addr(gateway);
	return ip_add_route(&h->ip, &p, gateway != NULL ? &hop : NULL);
}

static const char *source_for(struct ip_host *h, const char *dst)
{
	static char text[IP_ADDR_TEXT];
	struct ip_addr to = addr(dst);
	struct ip_addr src;

	return ip_source_for(&h->ip, &to, &src) ? ip_addr_format(&src, text) : "none";
}

static int set_up(void **state)
{
	*state = ip_host_new(1500);
	return 0;
}

static int tear_down(void **state)
{
	ip_host_free(*state);
	return 0;
}

static void test_addresses_that_no_host_may_have_are_refused_rfc1122_3_2_1_3(void **state)
{
	static const char *const bad[] = {
		"0.0.0.0/24",     "0.1.2.3/8",           "127.0.0.1/8",    "224.0.0.1/4",
		"239.1.1.1/24",   "255.255.255.255/32",  "192.0.2.255/24", "192.0.2.0/24",
		"192.0.2.3/30",   "192.0.2.128/25",      "10.77.0.255/32", "::1/128",
		"2001:db8::1/64", "::ffff:192.0.2.1/64",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		if (add_address(*state, bad[i]) != -EINVAL)
			fail_msg("%s was not refused", bad[i]);
}

static void test_addresses_at_the_edges_of_prefixes_are_taken(void **state)
{
	static const char *const good[] = {
		"192.0.2.1/24", "192.0.3.254/24", "192.0.4.0/31", "192.0.4.3/31", /* RFC 3021 */
		"192.0.5.0/32", "192.0.6.255/32", "10.1.0.0/8",   "10.1.255.255/8",
	};
	struct ip_host *h = *state;

	for (size_t i = 0; i < ARRAY_LENGTH(good); i++)
		assert_int_equal(add_address(h, good[i]), 0);
	assert_int_equal(h->ip.n_addresses, 1 + ARRAY_LENGTH(good));
	assert_int_equal(h->link.n_addresses, h->ip.n_addresses); /* ARP answers for them */
}

static void test_prefix_of_0_bits_has_the_limited_broadcast_only(void **state)
{
	struct ip_addr broadcast = addr("255.255.255.255");
	struct ip_host *h = *state;

	assert_int_equal(add_address(h, "198.51.100.7/0"), 0);
	assert_true(ip_addr_equal(&h->ip.addresses[1].broadcast, &broadcast));
	assert_string_equal(source_for(h, "203.0.113.1"), "198.51.100.7");
}

static void test_address_twice_and_too_many(void **state)
{
	struct ip_host *h = *state;
	char text[32];

	assert_int_equal(add_address(h, "10.77.0.2/16"), -EEXIST);
	for (int i = 1; i < IP_MAX_ADDRESSES; i++) {
		snprintf(text, sizeof text, "10.78.%d.1/24", i);
		assert_int_equal(add_address(h, text), 0);
	}
	assert_int_equal(add_address(h, "10.79.0.1/24"), -ENOSPC);
	assert_int_equal(h->ip.n_addresses, IP_MAX_ADDRESSES);
}

static void test_full_route_table_leaves_no_half_added_address(void **state)
{
	struct ip_host *h = *state;
	char text[32];

	for (int i = (int)h->ip.n_routes; i < IP_MAX_ROUTES; i++) {
		snprintf(text, sizeof text, "10.%d.0.0/16", 100 + i);
		assert_int_equal(add_route(h, text, "10.77.0.1"), 0);
	}
	assert_int_equal(add_address(h, "10.79.0.1/24"), -ENOSPC);
	assert_int_equal(h->ip.n_addresses, 1);
	assert_int_equal(h->link.n_addresses, 1);
	assert_int_equal(add_address(h, "10.77.0.3/24"), 0); /* its prefix is there already */
}

static void test_is_ours(void **state)
{
	struct ip_host *h = *state;
	struct ip_addr ours = addr("10.77.0.2"), other = addr("10.77.0.3"), any = addr("::");

	assert_true(ip_is_ours(&h->ip, &ours));
	assert_false(ip_is_ours(&h->ip, &other));
	assert_false(ip_is_ours(&h->ip, &any));
}

static void test_invalid_peers(void **state)
{
	static const char *const bad[] = {
		"::",          "0.0.0.0", "0.255.1.1", "255.255.255.255", "10.77.0.255", "127.0.0.1",
		"127.255.0.1", "::1",     "224.0.0.1", "239.255.255.250", "ff02::1",
	};
	static const char *const good[] = {
		"10.77.0.1",       "10.77.0.254",     "10.77.1.255", "1.0.0.0",
		"223.255.255.255", "126.255.255.255", "128.0.0.1",   "2001:db8::1",
	};
	struct ip_host *h = *state;
	struct ip_addr a;

	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		a = addr(bad[i]);
		if (!ip_is_invalid_peer(&h->ip, &a))
			fail_msg("%s passed", bad[i]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		a = addr(good[i]);
		if (ip_is_invalid_peer(&h->ip, &a))
			fail_msg("%s did not pass", good[i]);
	}
}

static void test_source_is_the_address_nearest_to_the_next_hop(void **state)
{
	struct ip_host *h = *state;

	assert_int_equal(add_address(h, "192.168.5.4/16"), 0);
	assert_int_equal(add_address(h, "192.168.7.4/24"), 0);
	assert_int_equal(add_route(h, "172.16.0.0/12", "192.168.7.1"), 0);
	assert_int_equal(add_route(h, "203.0.113.0/24", NULL), 0);
	assert_string_equal(source_for(h, "10.77.0.9"), "10.77.0.2");
	assert_string_equal(source_for(h, "192.168.9.9"), "192.168.5.4");
	assert_string_equal(source_for(h, "192.168.7.9"), "192.168.7.4");
	assert_string_equal(source_for(h, "172.16.3.4"), "192.168.7.4");
	assert_string_equal(source_for(h, "8.8.8.8"), "10.77.0.2");
	/* On-link without an address there: our first. */
	assert_string_equal(source_for(h, "203.0.113.7"), "10.77.0.2");
	assert_string_equal(source_for(h, "2001:db8::1"), "none");
}

static void test_near_address_beats_an_earlier_one_with_longer_prefix(void **state)
{
	struct ip_host *h = *state;

	assert_int_equal(add_address(h, "172.16.0.5/12"), 0);
	assert_string_equal(source_for(h, "172.20.0.9"), "172.16.0.5");
}

static void test_no_address_no_source(void **state)
{
	struct ip_host *h = *state;
	struct ip empty = { .world = &h->world, .link = &h->link };
	struct ip_addr dst = addr("10.77.0.9"), src;
	struct ip_prefix all = { .addr = addr("0.0.0.0"), .bits = 96 };

	assert_false(ip_source_for(&empty, &dst, &src));
	assert_int_equal(ip_add_route(&empty, &all, NULL), 0);
	assert_false(ip_source_for(&empty, &dst, &src));
}

static void test_gateway_must_be_a_host_on_link(void **state)
{
	struct ip_host *h = *state;

	assert_int_equal(add_route(h, "0.0.0.0/0", "10.78.0.1"), -EINVAL); /* behind the gateway itself */
	assert_int_equal(add_route(h, "0.0.0.0/0", "10.77.0.2"), -EINVAL); /* us */
	assert_int_equal(add_route(h, "0.0.0.0/0", "10.77.0.255"), -EINVAL);
	assert_int_equal(add_route(h, "0.0.0.0/0", "224.0.0.1"), -EINVAL);
	assert_int_equal(add_route(h, "::/0", "10.77.0.1"), -EINVAL); /* another family */
	assert_int_equal(add_route(h, "0.0.0.0/0", "fe80::1"), -EINVAL);
	assert_int_equal(add_route(h, "::ffff:0.0.0.0/64", "10.77.0.1"), -EINVAL); /* half a family */
	assert_int_equal(add_route(h, "192.168.1.1/32", NULL), 0);
	assert_int_equal(add_route(h, "192.168.0.0/16", "192.168.1.1"), 0); /* on-link by a route */
	assert_int_equal(add_route(h, "0.0.0.0/0", "0.0.0.0"), -EINVAL);
	assert_int_equal(add_route(h, "0.0.0.0/0", "::"), 0); /* any: on-link */
}

static void test_route_table_limit(void **state)
{
	struct ip_host *h = *state;
	char text[32];

	for (int i = (int)h->ip.n_routes; i < IP_MAX_ROUTES; i++) {
		snprintf(text, sizeof text, "10.%d.0.0/16", 100 + i);
		assert_int_equal(add_route(h, text, NULL), 0);
	}
	assert_int_equal(add_route(h, "10.99.0.0/16", NULL), -ENOSPC);
	assert_int_equal(add_route(h, "0.0.0.0/0", NULL), 0); /* replaces */
}

static void test_mtu_and_header_length(void **state)
{
	struct ip_host *h = *state;
	struct ip_addr v4 = addr("8.8.8.8"), v6 = addr("2001:db8::1");

	assert_int_equal(ip_mtu(&h->ip, &v4), 1500);
	assert_int_equal(ip_header_len(&v4), 20);
	assert_int_equal(ip_header_len(&v6), 40);
}

/* Both sums made by hand, 16 bits at a time. */
static void test_pseudo_header_sum_rfc9293_3_1_rfc8200_8_1(void **state)
{
	struct ip_addr a4 = addr("192.0.2.1"), b4 = addr("198.51.100.2");
	struct ip_addr a6 = addr("2001:db8::1"), b6 = addr("2001:db8::ff:2");
	uint32_t want4 = 0xc000 + 0x0201 + 0xc633 + 0x6402 + 6 + 0xffff;
	uint32_t want6 = 0x2001 + 0x0db8 + 1 + 0x2001 + 0x0db8 + 0xff + 2 + 6 + 0x0001 + 0x2345;

	(void)state;
	want4 = (want4 & 0xffff) + (want4 >> 16);
	want4 = (want4 & 0xffff) + (want4 >> 16);
	assert_int_equal(be16_swap(checksum_fold(ip_pseudo_sum(&a4, &b4, IP_PROTO_TCP, 0xffff))), want4);
	assert_int_equal(be16_swap(checksum_fold(ip_pseudo_sum(&a6, &b6, IP_PROTO_TCP, 0x12345))), want6);
}

static void test_family_not_spoken_is_dropped_by_name(void **state)
{
	struct ip_host *h = *state;
	uint8_t bytes[60] = { 0x60 };
	struct rx_frame frame = { .data = bytes, .len = sizeof bytes };

	assert_int_equal(ip_input(&h->ip, ETH_TYPE_IPV6, &frame, bytes_of(bytes + 14, 46), &h->packet,
				  &h->error, &h->reason),
			 IP_DROPPED);
	assert_int_equal(h->reason, DROP_ETH_UNKNOWN_TYPE);
	assert_int_equal(ip_host_drops(h), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_addresses_that_no_host_may_have_are_refused_rfc1122_3_2_1_3),
		T(test_addresses_at_the_edges_of_prefixes_are_taken),
		T(test_prefix_of_0_bits_has_the_limited_broadcast_only),
		T(test_address_twice_and_too_many),
		T(test_full_route_table_leaves_no_half_added_address),
		T(test_is_ours),
		T(test_invalid_peers),
		T(test_source_is_the_address_nearest_to_the_next_hop),
		T(test_near_address_beats_an_earlier_one_with_longer_prefix),
		T(test_no_address_no_source),
		T(test_gateway_must_be_a_host_on_link),
		T(test_route_table_limit),
		T(test_mtu_and_header_length),
		T(test_pseudo_header_sum_rfc9293_3_1_rfc8200_8_1),
		T(test_family_not_spoken_is_dropped_by_name),
	};

	return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
