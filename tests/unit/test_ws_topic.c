/* Topics: who gets what is published, limits, and a thousand clients of which one never reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ws_fixture.h"

enum { CROWD = 1000, BUFFER = 16 << 10 };

static struct ws_fixture fx;
static struct ws_test_client *crowd;
static struct ws_conn *conns[CROWD];
static unsigned n_conns, n_closed;

/* The path's rest is the topic. */
static void on_open(struct ws_conn *c, const struct ws_opening *opening)
{
	assert_int_equal(ws_subscribe(c, opening->path), 0);
	conns[n_conns++ % CROWD] = c;
}

static void publish(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	ws_publish_from(c, opcode, message);
}

static void on_close(struct ws_conn *c, unsigned code)
{
	struct ws_budget budget = { .limit = 1000 };
	struct ws_buffer *message = ws_buffer_new(&budget, 0);

	(void)code;
	n_closed++;
	assert_int_equal(ws_publish_from(c, WS_TEXT, message), 0); /* it has left its topics already */
	ws_buffer_give(message);
}

static int set_up(void **state)
{
	(void)state;
	n_conns = n_closed = 0;
	crowd = calloc(CROWD, sizeof *crowd);
	ws_fixture_init(&fx);
	fx.handler = (struct ws_handler){ .on_open = on_open, .on_message = publish };
	return crowd == NULL;
}

static void join(unsigned from, unsigned to, const char *path, const char *more)
{
	for (unsigned i = from; i < to; i++) {
		assert_int_equal(ws_test_connect(&fx, &crowd[i], path, more, BUFFER), 101);
		fake_stream_ack_all(&crowd[i].s);
	}
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CROWD; i++)
		if (crowd[i].s.stream.ops != NULL)
			ws_test_fini(&crowd[i]);
	free(crowd);
	ws_fixture_fini(&fx);
	return 0;
}

static void who_has_subscribed_gets_it(void **state)
{
	(void)state;
	ws_fixture_start(&fx);
	join(0, 2, "/ws/a", "");
	join(2, 4, "/ws/b", "");
	assert_int_equal(ws_fixture_usage(&fx).topics, 2);
	ws_test_send_text(&crowd[0], "to a");
	ws_test_expect_text(&crowd[0], "to a");
	ws_test_expect_text(&crowd[1], "to a");
	ws_test_expect_nothing(&crowd[2]);
	ws_test_send_text(&crowd[3], "to b");
	ws_test_expect_text(&crowd[2], "to b");
	ws_test_expect_nothing(&crowd[1]);
	assert_int_equal(ws_subscribe(conns[0], "b"), 0);
	assert_int_equal(ws_subscribe(conns[0], "b"), 0);
	ws_test_send_text(&crowd[2], "to b as well");
	ws_test_expect_text(&crowd[0], "to b as well");
	ws_test_expect_nothing(&crowd[0]);
	ws_unsubscribe(conns[0], "b");
	ws_unsubscribe(conns[0], "never heard of");
	ws_test_send_text(&crowd[2], "not to 0");
	ws_test_expect_nothing(&crowd[0]);
}

static void there_are_limits(void **state)
{
	char name[WS_TOPIC_NAME + 2] = { 0 };

	(void)state;
	ws_fixture_start(&fx);
	join(0, 1, "/ws/a", "");
	memset(name, 'x', WS_TOPIC_NAME);
	assert_int_equal(ws_subscribe(conns[0], name), 0);
	name[WS_TOPIC_NAME] = 'x';
	assert_int_equal(ws_subscribe(conns[0], name), -28);
	for (int i = 2; i < WS_TOPICS_OF_CONN; i++) {
		snprintf(name, sizeof name, "topic %d", i);
		assert_int_equal(ws_subscribe(conns[0], name), 0);
	}
	assert_int_equal(ws_subscribe(conns[0], "one more"), -28);
	assert_int_equal(ws_fixture_usage(&fx).topics, WS_TOPICS_OF_CONN);
}

/* All but one read; that one is not waited for, and memory does not grow. */
static void one_of_a_thousand_never_reads(enum ws_slow_reader policy)
{
	uint64_t most = 0;
	char text[100];

	memset(text, 'x', sizeof text);
	fx.config.slow_reader = policy;
	ws_fixture_start(&fx);
	join(0, CROWD, "/ws/room", "");
	for (unsigned n = 0; n < 500; n++) {
		snprintf(text, 8, "%07u", n);
		text[7] = ' ';
		ws_test_send(&crowd[1 + n % 999], WS_FIN | WS_TEXT, text, sizeof text);
		for (unsigned i = 1; i < CROWD; i++) {
			ws_test_expect(&crowd[i], WS_FIN | WS_TEXT, text, sizeof text);
			fake_stream_ack_all(&crowd[i].s);
		}
		if (ws_fixture_usage(&fx).memory > most)
			most = ws_fixture_usage(&fx).memory;
		http_fixture_advance(&fx.http, TIMER_TICK_US); /* a thousand sent are much of a turn */
	}
	assert_true(most < 2 * BUFFER * 2); /* what the one has in its queue, and a little */
	assert_true(fake_stream_in_flight(&crowd[0].s) <= BUFFER + 200);
	if (policy == WS_SLOW_DROP)
		assert_in_range(ws_fixture_usage(&fx).dropped, 300, 400);
	else
		assert_int_equal(ws_fixture_usage(&fx).closed_slow, 1);
}

static void a_thousand_and_one_that_loses_messages(void **state)
{
	(void)state;
	one_of_a_thousand_never_reads(WS_SLOW_DROP);
}

static void a_thousand_and_one_that_is_closed(void **state)
{
	(void)state;
	one_of_a_thousand_never_reads(WS_SLOW_CLOSE);
}

static void members_may_leave_while_others_talk(void **state)
{
	(void)state;
	fx.handler.on_close = on_close;
	ws_fixture_start(&fx);
	join(0, 20, "/ws/room", "");
	for (unsigned i = 0; i < 20; i += 2)
		crowd[i].s.send_error = -12; /* each fails when it is sent to */
	ws_test_send_text(&crowd[1], "hello");
	for (unsigned i = 1; i < 20; i += 2)
		ws_test_expect_text(&crowd[i], "hello");
	http_fixture_advance(&fx.http, 0);
	assert_int_equal(n_closed, 10);
	assert_int_equal(ws_fixture_usage(&fx).connections, 10);
	ws_test_send_text(&crowd[3], "fewer");
	ws_test_expect_text(&crowd[19], "fewer");
}

#ifdef TH_WITH_ZLIB

static void compressed_once_for_all(const char *extensions, const char *text, size_t len)
{
	const uint8_t *first;

	ws_fixture_start(&fx);
	join(0, 10, "/ws/room", extensions);
	ws_test_send(&crowd[0], WS_FIN | WS_TEXT, text, len);
	assert_int_equal(ws_fixture_usage(&fx).compressed_out, 10);
	first = crowd[1].s.spans[(crowd[1].s.first_span) % FAKE_STREAM_SPANS].data;
	for (unsigned i = 2; i < 10; i++)
		assert_ptr_equal(crowd[i].s.spans[crowd[i].s.first_span].data, first);
}

static void a_message_is_compressed_once_for_all(void **state)
{
	char text[500];

	(void)state;
	memset(text, 'x', sizeof text);
	compressed_once_for_all("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n", text,
				sizeof text);
}

static void a_long_one_even_with_takeover(void **state)
{
	static char text[5000];

	(void)state;
	memset(text, 'x', sizeof text);
	compressed_once_for_all("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", text,
				sizeof text);
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_has_subscribed_gets_it),
		TEST(there_are_limits),
		TEST(a_thousand_and_one_that_loses_messages),
		TEST(a_thousand_and_one_that_is_closed),
		TEST(members_may_leave_while_others_talk),
#ifdef TH_WITH_ZLIB
		TEST(a_message_is_compressed_once_for_all),
		TEST(a_long_one_even_with_takeover),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
