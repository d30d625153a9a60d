/* Addresses: text to bytes and back, RFC 5952 and RFC 4291. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/bytes.h"

static struct ip_addr parsed(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		fail_msg("\"%s\" does not parse", text);
	return a;
}

static struct ip_prefix parsed_prefix(const char *text)
{
	struct ip_prefix p;

	if (!ip_prefix_parse(text, &p))
		fail_msg("\"%s\" does not parse", text);
	return p;
}

static void ip4_is_kept_mapped_rfc4291_2_5_5_2(void **state)
{
	static const uint8_t want[16] = { [10] = 0xff, 0xff, 10, 77, 0, 2 };
	struct ip_addr a = parsed("10.77.0.2");

	(void)state;
	assert_memory_equal(a.b, want, sizeof want);
	assert_true(ip_addr_is_4(&a));
	assert_int_equal(ip_addr_to_4(&a), 0x0a4d0002);
	a = ip_addr_from_4(0x0a4d0002);
	assert_memory_equal(a.b, want, sizeof want);
	a = parsed("::ffff:10.77.0.2");
	assert_memory_equal(a.b, want, sizeof want);
	a = parsed("2001:db8::1");
	assert_false(ip_addr_is_4(&a));
}

static void malformed_ip4_is_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", ".", "1", "1.2", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.", "1.2.3.4.5",
		"256.1.1.1", "1.1.1.256", "1.1.1.999999999999999999999", "01.2.3.4", "1.2.3.04", "1.2.3.00",
		"1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "1.2.3.-4", "+1.2.3.4", "0x1.2.3.4", "1.2.3.4/24",
		"1,2,3,4", "a.b.c.d", "localhost", "1.2.3.4a", "\xc2\xb9.2.3.4",
	};
	struct ip_addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		if (ip_addr_parse(bad[i], &a))
			fail_msg("\"%s\" was taken", bad[i]);
	a = parsed("0.0.0.0");
	assert_int_equal(ip_addr_to_4(&a), 0);
	a = parsed("255.255.255.255");
	assert_int_equal(ip_addr_to_4(&a), 0xffffffff);
}

static void malformed_ip6_is_refused(void **state)
{
	static const char *const bad[] = {
		":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::",
		"fe80::1%eth0", "[::1]", "::1 ", " ::1", "::1/64", "::1.2.3", "::1.2.3.256", "::01.2.3.4",
		"1:2:3:4:5:6:7:1.2.3.4",
	};
	struct ip_addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		if (ip_addr_parse(bad[i], &a))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void text_is_canonical_rfc5952_4(void **state)
{
	static const char *const forms[][2] = {
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1" },
		{ "2001:DB8::ABCD", "2001:db8::abcd" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "0:0:0:1:0:0:0:0", "0:0:0:1::" },
		{ "1:0:0:0:0:0:0:0", "1::" },
		{ "0:0:0:0:0:0:1:2", "::1:2" },
		{ "::1.2.3.4", "::102:304" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "::ffff:10.77.0.2", "10.77.0.2" },
		{ "::ffff:a4d:2", "10.77.0.2" },
		{ "::fffe:a4d:2", "::fffe:a4d:2" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "0.0.0.0", "0.0.0.0" },
	};
	char text[IP_ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
		struct ip_addr a = parsed(forms[i][0]), b;
		assert_ptr_equal(ip_addr_format(&a, text), text);
		assert_string_equal(text, forms[i][1]);
		b = parsed(text);
		assert_true(ip_addr_equal(&a, &b));
	}
}

static void every_pattern_of_zero_groups_reads_back(void **state)
{
	char text[IP_ADDR_TEXT];

	(void)state;
	for (unsigned pattern = 0; pattern < 256; pattern++) {
		struct ip_addr a, b;
		memset(&a, 0, sizeof a);
		for (unsigned g = 0; g < 8; g++)
			if (pattern & 1u << g)
				store_be16(a.b + 2 * g, (uint16_t)(0xf000 + g));
		b = parsed(ip_addr_format(&a, text));
		assert_true(ip_addr_equal(&a, &b));
		assert_null(strstr(text, ":::"));
	}
}

static void kinds_of_addresses(void **state)
{
	struct ip_addr a;

	(void)state;
	a = parsed("::");
	assert_true(ip_addr_is_any(&a));
	a = parsed("0.0.0.0");
	assert_false(ip_addr_is_any(&a));
	assert_false(ip_addr_is_multicast(&a));

	a = parsed("223.255.255.255");
	assert_false(ip_addr_is_multicast(&a));
	a = parsed("224.0.0.0");
	assert_true(ip_addr_is_multicast(&a));
	a = parsed("239.255.255.255");
	assert_true(ip_addr_is_multicast(&a));
	a = parsed("240.0.0.0");
	assert_false(ip_addr_is_multicast(&a));
	a = parsed("ff02::1");
	assert_true(ip_addr_is_multicast(&a));
	a = parsed("fe80::1");
	assert_false(ip_addr_is_multicast(&a));

	a = parsed("127.255.255.255");
	assert_true(ip_addr_is_loopback(&a));
	a = parsed("128.0.0.0");
	assert_false(ip_addr_is_loopback(&a));
	a = parsed("::1");
	assert_true(ip_addr_is_loopback(&a));
	a = parsed("::2");
	assert_false(ip_addr_is_loopback(&a));
}

static void prefix_text_reads_back_and_counts_the_familys_bits(void **state)
{
	static const struct {
		const char *in, *out;
		uint8_t bits;
	} good[] = {
		{ "10.77.0.2/24", "10.77.0.2/24", 96 + 24 },
		{ "10.77.0.2", "10.77.0.2/32", 128 },
		{ "0.0.0.0/0", "0.0.0.0/0", 96 },
		{ "2001:db8::/32", "2001:db8::/32", 32 },
		{ "2001:db8::1", "2001:db8::1/128", 128 },
		{ "::/0", "::/0", 0 },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8", 104 },
		{ "::ffff:0.0.0.0/90", "::ffff:0.0.0.0/90", 90 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 128 },
	};
	char text[IP_PREFIX_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		struct ip_prefix p = parsed_prefix(good[i].in);
		assert_int_equal(p.bits, good[i].bits);
		assert_ptr_equal(ip_prefix_format(&p, text), text);
		assert_string_equal(text, good[i].out);
	}
}

static void malformed_prefixes_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "/", "/24", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/024", "10.0.0.0/-1", "10.0.0.0/+8",
		"10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0/8", "::/129", "::/", "::/4294967296",
		"10.0.0.0/255.0.0.0", "1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8:1:2:3:4:5:6:7:8/1",
	};
	struct ip_prefix p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		if (ip_prefix_parse(bad[i], &p))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void failed_parse_leaves_the_result_alone(void **state)
{
	struct ip_addr a = parsed("10.1.2.3"), before = a;
	struct ip_prefix p = parsed_prefix("10.1.2.3/8");

	(void)state;
	assert_false(ip_addr_parse("10.1.2", &a));
	assert_false(ip_addr_parse("1::2::3", &a));
	assert_true(ip_addr_equal(&a, &before));
	assert_false(ip_prefix_parse("10.9.9.9/99", &p));
	assert_true(ip_addr_equal(&p.addr, &before));
	assert_int_equal(p.bits, 96 + 8);
}

static void prefix_contains_exactly_what_its_bits_say(void **state)
{
	struct ip_addr base = parsed("10.77.85.170"), a;
	struct ip_prefix p;

	(void)state;
	for (unsigned bits = 0; bits <= 128; bits++) {
		p = (struct ip_prefix){ .addr = base, .bits = (uint8_t)bits };
		assert_true(ip_prefix_contains(&p, &base));
		for (unsigned flip = 0; flip < 128; flip++) {
			a = base;
			a.b[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
			assert_int_equal(ip_prefix_contains(&p, &a), flip >= bits);
		}
	}
	p = parsed_prefix("0.0.0.0/0");
	a = parsed("2001:db8::1");
	assert_true(ip_prefix_contains(&p, &base));
	assert_false(ip_prefix_contains(&p, &a));
	p = parsed_prefix("::/0");
	assert_true(ip_prefix_contains(&p, &base));
}

static void a_client_has_an_ip4_address_or_an_ip6_network_rfc6177(void **state)
{
	static const char *const cases[][2] = {
		{ "10.77.0.1", "10.77.0.1" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
		{ "2001:db8:1:2::", "2001:db8:1:2::" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ip_addr a = parsed(cases[i][0]), expected = parsed(cases[i][1]);
		struct ip_addr network = ip_addr_client_network(&a);

		assert_true(ip_addr_equal(&network, &expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_is_kept_mapped_rfc4291_2_5_5_2),
		cmocka_unit_test(malformed_ip4_is_refused),
		cmocka_unit_test(malformed_ip6_is_refused),
		cmocka_unit_test(text_is_canonical_rfc5952_4),
		cmocka_unit_test(every_pattern_of_zero_groups_reads_back),
		cmocka_unit_test(kinds_of_addresses),
		cmocka_unit_test(a_client_has_an_ip4_address_or_an_ip6_network_rfc6177),
		cmocka_unit_test(prefix_text_reads_back_and_counts_the_familys_bits),
		cmocka_unit_test(malformed_prefixes_are_refused),
		cmocka_unit_test(failed_parse_leaves_the_result_alone),
		cmocka_unit_test(prefix_contains_exactly_what_its_bits_say),
	};

	return cmocka_run_group_tests_name("base/addr", tests, NULL, NULL);
}
