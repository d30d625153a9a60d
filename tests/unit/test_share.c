/* Shares of limits: together they are what was allowed, or a little more; what is of one connection is
 * whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/share.h"

static void a_single_worker_has_all(void **state)
{
	struct tcp_config tcp;
	struct http_config http;
	struct tls_config tls;

	(void)state;
	tcp_config_default(&tcp);
	http_config_default(&http);
	tls_config_default(&tls);
	assert_int_equal(share_tcp(&tcp, 1).max_connections, tcp.max_connections);
	assert_int_equal(share_tcp(&tcp, 1).memory, tcp.memory);
	assert_int_equal(share_http(&http, 1).cache_bytes, http.cache_bytes);
	assert_int_equal(share_tls(&tls, 1).buffers, tls.buffers);
}

static void shares_are_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(share_count(10, 3), 4);
	assert_int_equal(share_count(1, 32), 1);
	assert_int_equal(share_count(0, 32), 0);
	assert_int_equal(share_count(UINT32_MAX, 2), 1u << 31);
}

static void what_is_of_one_is_whole(void **state)
{
	struct tcp_config tcp;
	struct http_config http;

	(void)state;
	tcp_config_default(&tcp);
	http_config_default(&http);
	assert_int_equal(share_tcp(&tcp, 4).syn_backlog, share_count(tcp.syn_backlog, 4));
	assert_int_equal(share_tcp(&tcp, 4).send_buffer, tcp.send_buffer);
	assert_int_equal(share_http(&http, 4).max_connections, share_count(http.max_connections, 4));
	assert_int_equal(share_http(&http, 4).max_connections_per_address, http.max_connections_per_address);
	assert_int_equal(share_http(&http, 4).cache_max_file, http.cache_max_file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_single_worker_has_all),
		cmocka_unit_test(shares_are_rounded_up),
		cmocka_unit_test(what_is_of_one_is_whole),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
