/* Keys that need a restart: told, and kept as they are in use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/config_fixed.h"

static char said[2048];

static void on_line(void *context, const char *line, size_t len)
{
	(void)context;
	strncat(said, line, len);
}

static const struct log log_to_text = { .level = LOG_WARNING, .write = on_line };

static void what_is_alike_is_not_told(void **state)
{
	struct config a, b;

	(void)state;
	said[0] = '\0';
	config_init(&a);
	config_init(&b);
	b.drain_timeout_us = 1;
	b.tcp_keepalive = !a.tcp_keepalive;
	b.http.max_body = 1;
	b.log.access = "off";
	assert_int_equal(config_keep_fixed(&b, &a, &log_to_text), 0);
	assert_string_equal(said, "");
	assert_int_equal(b.drain_timeout_us, 1);
	assert_int_equal(b.tcp_keepalive, !a.tcp_keepalive);
	assert_int_equal(b.http.max_body, 1);
	assert_string_equal(b.log.access, "off");
}

static void fixed_keys_stay_and_are_told_once_each(void **state)
{
	struct config a, b;

	(void)state;
	said[0] = '\0';
	config_init(&a);
	config_init(&b);
	a.user = config_keep(&a, "nobody");
	b.tcp.msl_us = 1;
	b.tcp.congestion = "reno";
	b.device.address.items[0].bits--;
	strcpy(b.device.name.interface, "other");
	assert_int_equal(config_keep_fixed(&b, &a, &log_to_text), 0);
	assert_non_null(strstr(said, "server: user has changed: that needs a restart\n"));
	assert_non_null(strstr(said, "server: tcp msl has changed"));
	assert_non_null(strstr(said, "server: tcp congestion has changed"));
	assert_non_null(strstr(said, "server: device address has changed"));
	assert_non_null(strstr(said, "server: the device is another one, tap:other: that needs a restart\n"));
	said[0] = '\0';
	config_fini(&a); /* b holds nothing of it */
	assert_string_equal(b.user, "nobody");
	config_init(&a);
	assert_int_equal(b.tcp.msl_us, a.tcp.msl_us);
	assert_string_equal(b.tcp.congestion, a.tcp.congestion);
	assert_memory_equal(&b.device.address, &a.device.address, sizeof a.device.address);
	assert_string_equal(b.device.name.interface, a.device.name.interface);
	config_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_alike_is_not_told),
		cmocka_unit_test(fixed_keys_stay_and_are_told_once_each),
	};

	return cmocka_run_group_tests_name("config_fixed", tests, NULL, NULL);
}
