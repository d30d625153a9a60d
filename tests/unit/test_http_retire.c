/* A server retires: which connections go over, when, and that their clients see nothing of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { BIG = 300000 };

static struct http_fixture fx;   /* its server is the one that retires */
static struct http_server *next; /* whose root is fx.outside */
static struct fake_stream s;
static size_t at;

static int set_up(void **state)
{
	struct http_site site = { .root = fx.outside };
	struct failure why;
	char path[128], *big = calloc(1, BIG);
	FILE *file;

	(void)state;
	assert_non_null(big);
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "a.txt", "old");
	http_fixture_write(&fx, "big", big, BIG);
	free(big);
	http_fixture_start(&fx);
	snprintf(path, sizeof path, "%s/a.txt", fx.outside);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("new", file);
	fclose(file);
	assert_int_equal(http_server_new(&fx.config, &site, 1, &fx.world, NULL, &next, &why), 0);
	fake_stream_init(&s, 1 << 20);
	at = 0;
	return 0;
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	fake_stream_fini(&s);
	http_server_free(next);
	snprintf(path, sizeof path, "%s/a.txt", fx.outside);
	remove(path);
	http_fixture_fini(&fx);
	return 0;
}

static void assert_body(const char *text)
{
	struct http_reply r;

	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body_len, strlen(text));
	assert_memory_equal(r.body, text, r.body_len);
}

static struct http_usage usage_of(const struct http_server *server)
{
	struct http_usage usage;

	http_usage(server, &usage);
	return usage;
}

static void idle_connections_go_over_at_once(void **state)
{
	struct fake_stream fresh;
	uint32_t requests;

	(void)state;
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("old");
	fake_stream_init(&fresh, 1 << 20);
	http_serve(fx.server, &fresh.stream);
	http_retire(fx.server, next);
	assert_true(http_is_deserted(fx.server));
	assert_int_equal(usage_of(next).idle, 2);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("new");
	assert_true(http_requests_of(&s.stream, &requests));
	assert_int_equal(requests, 2);
	http_server_free(fx.server);
	fx.server = NULL;
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("new");
	fake_stream_end(&s);
	assert_true(s.closed);
	fake_stream_end(&fresh);
	fake_stream_fini(&fresh);
}

static void a_request_under_way_is_answered_where_it_came_in(void **state)
{
	(void)state;
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, "GET /a.txt HTTP/1.1\r\nHo");
	http_retire(fx.server, next);
	assert_false(http_is_deserted(fx.server));
	fake_stream_feed_text(&s, "st: a\r\n\r\n");
	assert_body("old");
	assert_null(strstr(s.sent, "Connection: close"));
	http_fixture_advance(&fx, 0);
	assert_true(http_is_deserted(fx.server));
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("new");
	fake_stream_end(&s);
}

static void pipelined_requests_are_answered_and_the_connection_goes_over(void **state)
{
	struct http_reply r;

	(void)state;
	fake_stream_fini(&s);
	fake_stream_init(&s, 100000);
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, GET("/big") GET("/a.txt") GET("/a.txt"));
	http_retire(fx.server, next);
	while (fake_stream_in_flight(&s) > 0) {
		assert_false(http_is_deserted(fx.server));
		fake_stream_ack_all(&s);
	}
	http_fixture_advance(&fx, 0);
	assert_true(http_is_deserted(fx.server));
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(r.body_len, BIG);
	assert_body("old");
	assert_body("old");
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("new");
	fake_stream_end(&s);
}

/* What TCP still holds points into the memory of a server that is gone. */
static void unacknowledged_bytes_outlive_the_server(void **state)
{
	(void)state;
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_true(fake_stream_in_flight(&s) > 0);
	http_retire(fx.server, next);
	http_server_free(fx.server);
	fx.server = NULL;
	assert_body("old");
	fake_stream_ack_all(&s);
	fake_stream_end(&s);
}

static void without_a_successor_the_next_answer_is_the_last(void **state)
{
	(void)state;
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("old");
	http_retire(fx.server, NULL);
	assert_false(s.closed || s.shut_down);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("old");
	assert_non_null(strstr(s.sent, "Connection: close"));
	assert_true(s.shut_down);
	fake_stream_end(&s);
	assert_true(http_is_deserted(fx.server));
}

static void a_place_that_is_taken_after_all_is_gone_over_to(void **state)
{
	(void)state;
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("old");
	http_retire(fx.server, NULL);
	http_retire(fx.server, next);
	assert_true(http_is_deserted(fx.server));
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("new");
	assert_null(strstr(s.sent, "Connection: close"));
	fake_stream_end(&s);
}

static void who_finds_no_room_stays(void **state)
{
	struct http_site site = { .root = fx.outside };
	struct http_config full = fx.config;
	struct fake_stream other;
	struct failure why;

	(void)state;
	http_server_free(next);
	full.max_connections = 1;
	assert_int_equal(http_server_new(&full, &site, 1, &fx.world, NULL, &next, &why), 0);
	fake_stream_init(&other, 1 << 20);
	http_serve(next, &other.stream);
	fake_stream_feed_text(&other, "GET / HT");
	http_serve(fx.server, &s.stream);
	http_retire(fx.server, next);
	assert_false(http_is_deserted(fx.server) || s.aborted || other.aborted);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("old");
	fake_stream_lose(&other, STREAM_END_RESET);
	fake_stream_fini(&other);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_body("old");
	http_fixture_advance(&fx, 0);
	assert_true(http_is_deserted(fx.server));
	fake_stream_end(&s);
}

static void counters_go_over_once(void **state)
{
	(void)state;
	http_serve(fx.server, &s.stream);
	fake_stream_feed_text(&s, GET("/a.txt") "GET /a.txt HTTP/1.1\r\n");
	http_retire(fx.server, next);
	assert_int_equal(usage_of(next).requests, 1);
	assert_int_equal(usage_of(next).cache_misses, 1);
	assert_int_equal(usage_of(fx.server).requests, 0);
	fake_stream_feed_text(&s, "Host: a\r\n\r\n");
	http_retire(fx.server, next);
	assert_int_equal(usage_of(next).requests, 2);
	assert_int_equal(usage_of(next).request_time.counts[0], 2);
	assert_int_equal(usage_of(next).responses_by_class[2], 2);
	assert_int_equal(usage_of(next).idle, 1);
	fake_stream_end(&s);
}

#define WITH_SERVERS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVERS(idle_connections_go_over_at_once),
		WITH_SERVERS(a_request_under_way_is_answered_where_it_came_in),
		WITH_SERVERS(pipelined_requests_are_answered_and_the_connection_goes_over),
		WITH_SERVERS(unacknowledged_bytes_outlive_the_server),
		WITH_SERVERS(without_a_successor_the_next_answer_is_the_last),
		WITH_SERVERS(a_place_that_is_taken_after_all_is_gone_over_to),
		WITH_SERVERS(who_finds_no_room_stays),
		WITH_SERVERS(counters_go_over_once),
	};

	return cmocka_run_group_tests_name("http_retire", tests, NULL, NULL);
}
