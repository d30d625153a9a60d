/* Values as people write them: units, bounds, what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/values.h"

static void assert_time(const char *text, int verdict, uint64_t us)
{
	uint64_t v = 0;

	assert_int_equal(value_time(text, &v), verdict);
	if (verdict == 0)
		assert_int_equal(v, us);
}

static void test_times(void **state)
{
	const char *const bad[] = { "", "s", "30", "30S", "-1s", "+1s", " 1s", "1s ", "1.5s", "0x1s", "1ss" };

	(void)state;
	assert_time("0", 0, 0);
	assert_time("7us", 0, 7);
	assert_time("250ms", 0, 250000);
	assert_time("30s", 0, 30000000);
	assert_time("2m", 0, 120000000);
	assert_time("1h", 0, 3600000000);
	assert_time("7d", 0, 604800000000);
	assert_time("213503982d", 0, 213503982 * 86400000000ULL);
	assert_time("213503983d", -ERANGE, 0);
	assert_time("18446744073709551616us", -ERANGE, 0);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_time(bad[i], -EINVAL, 0);
}

static void assert_size(const char *text, int verdict, uint64_t bytes)
{
	uint64_t v = 0;

	assert_int_equal(value_size(text, &v), verdict);
	if (verdict == 0)
		assert_int_equal(v, bytes);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_size("0", 0, 0);
	assert_size("1500", 0, 1500);
	assert_size("8K", 0, 8192);
	assert_size("8k", 0, 8192);
	assert_size("2M", 0, 2097152);
	assert_size("3G", 0, 3221225472);
	assert_size("17179869183G", 0, 17179869183ULL << 30);
	assert_size("17179869184G", -ERANGE, 0);
	assert_size("8KB", -EINVAL, 0);
	assert_size("K", -EINVAL, 0);
	assert_size("-8K", -EINVAL, 0);
	assert_size("8 K", -EINVAL, 0);
}

static void test_counts_and_ports(void **state)
{
	uint64_t v;
	uint16_t port;

	(void)state;
	assert_int_equal(value_count("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(value_count("18446744073709551616", &v), -ERANGE);
	assert_int_equal(value_count("1x", &v), -EINVAL);
	assert_int_equal(value_port("65535", &port), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(value_port("65536", &port), -ERANGE);
	assert_int_equal(value_port("0", &port), -ERANGE);
	assert_int_equal(value_port("http", &port), -EINVAL);
}

static void test_bools(void **state)
{
	bool b = false;

	(void)state;
	assert_int_equal(value_bool("true", &b), 0);
	assert_true(b);
	assert_int_equal(value_bool("off", &b), 0);
	assert_false(b);
	assert_int_equal(value_bool("yes", &b), 0);
	assert_true(b);
	assert_int_equal(value_bool("1", &b), -EINVAL);
	assert_int_equal(value_bool("True", &b), -EINVAL);
}

static void test_macs(void **state)
{
	struct mac_addr mac;
	char text[MAC_TEXT];

	(void)state;
	assert_int_equal(value_mac("02:aB:00:ff:10:01", &mac), 0);
	assert_string_equal(value_format_mac(&mac, text), "02:ab:00:ff:10:01");
	assert_int_equal(value_mac("03:00:00:00:00:01", &mac), -ERANGE);
	assert_int_equal(value_mac("ff:ff:ff:ff:ff:ff", &mac), -ERANGE);
	assert_int_equal(value_mac("00:00:00:00:00:00", &mac), -ERANGE);
	assert_int_equal(value_mac("02:00:00:00:00", &mac), -EINVAL);
	assert_int_equal(value_mac("02:00:00:00:00:0g", &mac), -EINVAL);
	assert_int_equal(value_mac("02-00-00-00-00-01", &mac), -EINVAL);
	assert_int_equal(value_mac("02:00:00:00:00:01:", &mac), -EINVAL);
	assert_int_equal(value_mac("", &mac), -EINVAL);
}

static void test_devices(void **state)
{
	const char *const bad[] = { "", "tap", "tap:", "tap:a/b", "tap:a b", "tap:..", "tap:a:b", "tap:%d" };
	struct device_name d;
	char text[DEVICE_NAME_TEXT];

	(void)state;
	assert_int_equal(value_device("tap:taphouse0", &d), 0);
	assert_int_equal(d.kind, DEVICE_TAP);
	assert_string_equal(d.interface, "taphouse0");
	assert_int_equal(value_device("packet:eth0.100", &d), 0);
	assert_string_equal(value_format_device(&d, text), "packet:eth0.100");
	assert_int_equal(value_device("tap:123456789012345", &d), 0);
	assert_int_equal(value_device("tap:1234567890123456", &d), -EINVAL);
	assert_int_equal(value_device("xdp:eth0", &d), 0);
	assert_int_equal(d.kind, DEVICE_XDP);
	assert_int_equal(value_device("tun:eth0", &d), -ERANGE);
	assert_int_equal(value_device("ta:x", &d), -ERANGE);
	assert_int_equal(value_device("tapp:x", &d), -ERANGE);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_int_equal(value_device(bad[i], &d), -EINVAL);
}

static void test_formats_use_the_largest_unit_that_divides(void **state)
{
	char text[VALUE_TEXT];

	(void)state;
	assert_string_equal(value_format_time(0, text), "0");
	assert_string_equal(value_format_time(1500000, text), "1500ms");
	assert_string_equal(value_format_time(90000000, text), "90s");
	assert_string_equal(value_format_time(7200000000, text), "2h");
	assert_string_equal(value_format_time(1, text), "1us");
	assert_string_equal(value_format_size(65536, text), "64K");
	assert_string_equal(value_format_size(65537, text), "65537");
	assert_string_equal(value_format_count(UINT64_MAX, text), "18446744073709551615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_counts_and_ports),
		cmocka_unit_test(test_bools),
		cmocka_unit_test(test_macs),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_formats_use_the_largest_unit_that_divides),
	};

	return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
