/* Which connections get in, and which make room for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/http_fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define SECOND UINT64_C(1000000)

enum { STREAMS = 6 };

static struct http_fixture fx;
static struct fake_stream streams[STREAMS];
static unsigned n_streams;

static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "a.txt", "aaaa");
	n_streams = 0;
	return 0;
}

static int tear_down(void **state)
{
	struct http_usage usage;

	(void)state;
	while (n_streams > 0)
		fake_stream_fini(&streams[--n_streams]);
	http_usage(fx.server, &usage);
	assert_int_equal(usage.idle + usage.busy, 0);
	http_fixture_fini(&fx);
	return 0;
}

static struct fake_stream *connect_from(const char *client)
{
	struct fake_stream *s = &streams[n_streams++];

	assert_true(n_streams <= STREAMS);
	fake_stream_init(s, 1 << 20);
	assert_true(ip_addr_parse(client, &s->facts.remote));
	http_serve(fx.server, &s->stream);
	return s;
}

static struct http_usage usage_now(void)
{
	struct http_usage usage;

	http_usage(fx.server, &usage);
	return usage;
}

static void get(struct fake_stream *s)
{
	size_t before = s->sent_len;

	fake_stream_feed_text(s, GET("/a.txt"));
	assert_true(s->sent_len > before);
}

static void one_address_has_its_limit_and_others_theirs(void **state)
{
	(void)state;
	fx.config.max_connections_per_address = 2;
	http_fixture_start(&fx);
	connect_from("192.0.2.1");
	connect_from("192.0.2.1");
	assert_true(connect_from("192.0.2.1")->aborted);
	get(connect_from("192.0.2.2"));
	assert_int_equal(usage_now().refused_by_address, 1);
	assert_int_equal(usage_now().refused_connections, 0);
}

static void lose(struct fake_stream *s)
{
	fake_stream_lose(s, STREAM_END_RESET);
}

static void stay_silent(struct fake_stream *s)
{
	(void)s;
	http_fixture_advance(&fx, 11 * SECOND);
}

static void stay_idle(struct fake_stream *s)
{
	get(s);
	fake_stream_ack_all(s);
	http_fixture_advance(&fx, 76 * SECOND);
}

static void read_nothing(struct fake_stream *s)
{
	get(s);
	http_fixture_advance(&fx, 76 * SECOND);
	http_fixture_advance(&fx, 61 * SECOND);
}

static void talk_nonsense(struct fake_stream *s)
{
	fake_stream_feed_text(s, "nonsense\r\n\r\n");
	fake_stream_end(s);
}

static void a_place_is_free_again_however_a_connection_ends(void **state)
{
	void (*const ways[])(struct fake_stream *s) = {
		lose, fake_stream_end, stay_silent, stay_idle, read_nothing, talk_nonsense,
	};

	(void)state;
	fx.config.max_connections_per_address = 1;
	http_fixture_start(&fx);
	for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
		struct fake_stream *s = connect_from("192.0.2.1");

		assert_false(s->aborted);
		ways[i](s);
		assert_true(fake_stream_is_over(s));
	}
	assert_int_equal(usage_now().refused_by_address, 0);
}

static void the_longest_idle_makes_room_and_keeps_its_last_answer(void **state)
{
	struct fake_stream *oldest, *younger, *busy;

	(void)state;
	fx.config.max_connections = 3;
	http_fixture_start(&fx);
	busy = connect_from("192.0.2.1");
	fake_stream_feed_text(busy, "GET /a.txt HTTP/1.1\r\n");
	younger = connect_from("192.0.2.2");
	oldest = connect_from("192.0.2.3");
	get(oldest);
	http_fixture_advance(&fx, 1000);
	get(younger);
	get(connect_from("192.0.2.4"));
	assert_true(oldest->closed);
	assert_int_equal(fake_stream_in_flight(oldest), oldest->sent_len);
	assert_false(fake_stream_is_over(younger) || fake_stream_is_over(busy));
	assert_int_equal(usage_now().made_room, 1);
}

static void what_just_came_does_not_make_room(void **state)
{
	struct fake_stream *first;

	(void)state;
	fx.config.max_connections = 1;
	http_fixture_start(&fx);
	first = connect_from("192.0.2.1");
	http_fixture_advance(&fx, SECOND / 2);
	assert_true(connect_from("192.0.2.2")->aborted);
	assert_int_equal(usage_now().refused_connections, 1);
	http_fixture_advance(&fx, SECOND);
	get(connect_from("192.0.2.3"));
	assert_true(first->closed);
}

static void who_has_too_many_makes_nobody_leave(void **state)
{
	struct fake_stream *idle;

	(void)state;
	fx.config.max_connections = 2;
	fx.config.max_connections_per_address = 1;
	http_fixture_start(&fx);
	idle = connect_from("192.0.2.1");
	get(idle);
	connect_from("192.0.2.2");
	assert_true(connect_from("192.0.2.2")->aborted);
	assert_false(fake_stream_is_over(idle));
	assert_int_equal(usage_now().made_room, 0);
}

static void an_old_connection_ends_with_its_next_response(void **state)
{
	struct fake_stream *s;

	(void)state;
	fx.config.keepalive_time_us = 100 * SECOND;
	http_fixture_start(&fx);
	s = connect_from("192.0.2.1");
	for (int i = 0; i < 9; i++) {
		get(s);
		fake_stream_ack_all(s);
		http_fixture_advance(&fx, 10 * SECOND);
	}
	assert_null(strstr(s->sent, "Connection: close"));
	assert_false(s->shut_down);
	http_fixture_advance(&fx, 12 * SECOND);
	get(s);
	assert_non_null(strstr(s->sent, "Connection: close"));
	assert_true(s->shut_down);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_address_has_its_limit_and_others_theirs),
		TEST(a_place_is_free_again_however_a_connection_ends),
		TEST(the_longest_idle_makes_room_and_keeps_its_last_answer),
		TEST(what_just_came_does_not_make_room),
		TEST(who_has_too_many_makes_nobody_leave),
		TEST(an_old_connection_ends_with_its_next_response),
	};

	return cmocka_run_group_tests_name("http/http_admission", tests, NULL, NULL);
}
