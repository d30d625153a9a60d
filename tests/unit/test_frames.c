/* Frames of a connection: whose are shown to whom, what is kept of them, and when nothing is kept any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "common/ladder_frame.h"
#include "server/frames.h"
#include "server/ladder_segment.h"

enum { START_US = 5000000, CLIENT = 0x0a4d0001, SERVER = 0x0a4d0002 };

struct fixture {
	struct stack *stack;
	struct frames frames;
	struct document_budget budget;
	struct tcp_info info; /* of the newest connection */
};

static int set_up(void **state)
{
	static struct fixture f;
	const struct ip_prefix ours = { .addr = ip_addr_from_4(SERVER), .bits = 120 };
	struct stack_config c;
	struct failure why;

	f = (struct fixture){ .budget.limit = 1 << 20 };
	stack_config_default(&c);
	c.caps.mtu = 1500;
	c.seed = 1;
	assert_int_equal(stack_new(&c, START_US, &f.stack, &why), 0);
	assert_int_equal(ip_add_address(&f.stack->ip, &ours), 0);
	frames_init(&f.frames, f.stack);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	frames_fini(&f->frames);
	assert_null(f->stack->world.observer);
	assert_int_equal(f->budget.in_use, 0);
	stack_free(f->stack);
	return 0;
}

static void on_closed(struct stream *s, enum stream_end why)
{
	(void)s;
	(void)why;
}

static void find_newest(void *context, const struct tcp_conn *c)
{
	struct fixture *f = context;
	struct tcp_info info;

	tcp_conn_info(c, &info);
	if (info.id >= f->info.id)
		f->info = info;
}

/* To this client; it is in f->info. */
static void open_connection(struct fixture *f, uint32_t client)
{
	static const struct stream_handler handler = { .on_closed = on_closed };
	struct ip_addr any = { { 0 } }, remote = ip_addr_from_4(client);
	struct stream *s;

	assert_int_equal(tcp_connect(f->stack->tcp, &any, 0, &remote, 7, &handler, NULL, &s), 0);
	tcp_each(f->stack->tcp, find_newest, f);
}

/* What a client with this address is answered, over the connection in f->info; *text is to be freed, or NULL. */
static unsigned ask(struct fixture *f, uint32_t client, const char *query, char **text)
{
	const struct http_target target = { .query = bytes_of(query, strlen(query)) };
	const struct http_call call = {
		.target = &target,
		.client = ip_addr_from_4(client),
		.client_port = f->info.remote_port,
		.server_port = f->info.local_port,
	};
	struct document *d = document_new(&f->budget, 1 << 20);
	unsigned status = frames_answer(&f->frames, &call, d);
	struct span span;

	*text = NULL;
	if (status != 200) {
		span_owner_unref(&d->owner);
		return status;
	}
	assert_true(document_finish(d, &span));
	*text = strndup((const char *)span.data, span.len);
	assert_non_null(*text);
	span_owner_unref(span.owner);
	return status;
}

static void assert_told(struct fixture *f, const char *query, const char *expected)
{
	char *text;

	assert_int_equal(ask(f, CLIENT, query, &text), 200);
	if (strstr(text, expected) == NULL)
		fail_msg("%s is not in %s", expected, text);
	free(text);
}

static unsigned refused(struct fixture *f, uint32_t client, const char *query)
{
	char *text;
	unsigned status = ask(f, client, query, &text);

	free(text);
	return status;
}

static struct ladder_frame segment(const struct tcp_info *c, bool is_out, const char *text, size_t len)
{
	return (struct ladder_frame){
		.src = is_out ? SERVER : CLIENT,
		.dst = is_out ? CLIENT : SERVER,
		.src_port = is_out ? c->local_port : c->remote_port,
		.dst_port = is_out ? c->remote_port : c->local_port,
		.flags = LADDER_ACK,
		.text = text,
		.len = len,
	};
}

static void see_in(struct fixture *f, const char *text, uint8_t flags, enum drop_reason drop)
{
	const struct ladder_frame frame = segment(&f->info, false, text, 0);
	uint8_t data[LADDER_FRAME_MAX];
	const struct rx_frame rx = {
		.data = data,
		.len = (uint32_t)ladder_frame_make(&frame, data),
		.flags = flags,
		.checksum_start = 34,
		.checksum_offset = 16,
	};

	if (f->stack->world.observer != NULL)
		observers_tell(f->stack->world.observer, &(struct trace_event){ .kind = TRACE_FRAME_IN,
										.now_us = START_US,
										.rx = &rx,
										.drop = drop });
}

/* Its text is a piece beside the headers. */
static void see_out(struct fixture *f, const void *text, size_t len, uint16_t segment_size)
{
	const struct ladder_frame frame = segment(&f->info, true, NULL, 0);
	uint8_t data[LADDER_FRAME_MAX];
	unsigned head = (unsigned)ladder_frame_make(&frame, data);
	struct tx_frame tx;

	store_be16(data + 16, (uint16_t)(head - 14 + len)); /* IPv4's total length */
	tx_begin(&tx);
	memcpy(tx_push(&tx, head), data, head);
	assert_true(tx_add_payload(&tx, text, len));
	tx.gso_size = segment_size;
	observers_tell(f->stack->world.observer,
		       &(struct trace_event){ .kind = TRACE_FRAME_OUT, .now_us = START_US, .tx = &tx });
}

static void nothing_is_observed_before_the_question(void **state)
{
	struct fixture *f = *state;

	open_connection(f, CLIENT);
	assert_null(f->stack->world.observer);
	assert_told(f, "", "\"seen\":0,\"frames\":[]}");
	assert_non_null(f->stack->world.observer);
}

static void frames_of_both_directions_are_told(void **state)
{
	struct fixture *f = *state;

	open_connection(f, CLIENT);
	assert_told(f, "", "\"frames\":[]");
	see_in(f, "GET", 0, DROP_NONE);
	see_out(f, "200", 3, 0);
	assert_told(f, "", "\"from\":\"client\",\"len\":57,\"segment_size\":0,\"checksum_finished\":false,\"drop\":null,");
	assert_told(f, "", "474554\"},\n{\"time\"");
	assert_told(f, "", "\"from\":\"server\",\"len\":57,");
	assert_told(f, "", "323030\"}]}");
}

static void what_was_dropped_says_so(void **state)
{
	struct fixture *f = *state;

	open_connection(f, CLIENT);
	assert_told(f, "", "\"frames\":[]");
	see_in(f, "GET", 0, DROP_TCP_CHECKSUM);
	assert_told(f, "", "\"drop\":\"tcp_checksum\"");
}

/* The field holds the pseudo-header's sum, here 0, until the device has summed up the rest. */
static void unfinished_checksums_are_finished(void **state)
{
	struct fixture *f = *state;

	open_connection(f, CLIENT);
	assert_told(f, "", "\"frames\":[]");
	see_in(f, "GET", RX_CHECKSUM_VALID | RX_CHECKSUM_PARTIAL, DROP_NONE);
	assert_told(f, "", "\"checksum_finished\":true");
	assert_int_equal(checksum_finish(checksum_add(0, f->frames.whole + 34, 23)), 0);
}

static void of_a_long_frame_the_beginning_is_kept(void **state)
{
	struct fixture *f = *state;
	static uint8_t text[60000];
	char *told;

	open_connection(f, CLIENT);
	assert_told(f, "", "\"frames\":[]");
	see_out(f, text, sizeof text, 1448);
	assert_told(f, "", "\"len\":60054,\"segment_size\":1448,");
	assert_int_equal(ask(f, CLIENT, "", &told), 200);
	assert_in_range(strlen(told), 2 * FRAMES_BYTES, 2 * FRAMES_BYTES + 300);
	free(told);
}

static void the_last_ones_are_kept(void **state)
{
	struct fixture *f = *state;
	char *told, *at;
	unsigned n = 0;

	open_connection(f, CLIENT);
	assert_told(f, "", "\"frames\":[]");
	for (unsigned i = 0; i < 3 * FRAMES_KEPT; i++)
		see_in(f, i < 2 * FRAMES_KEPT ? "old" : "new", 0, DROP_NONE);
	assert_int_equal(ask(f, CLIENT, "", &told), 200);
	for (at = told; (at = strstr(at, "6e6577\"")) != NULL; at++)
		n++;
	assert_int_equal(n, FRAMES_KEPT);
	assert_null(strstr(told, "6f6c64\""));
	assert_non_null(strstr(told, "\"seen\":36,"));
	free(told);
}

static void connections_of_others_are_not_there(void **state)
{
	struct fixture *f = *state;
	char query[64], named[64];

	open_connection(f, CLIENT);
	snprintf(query, sizeof query, "?connection=%lu", (unsigned long)f->info.id);
	snprintf(named, sizeof named, "\"connection\":%lu,", (unsigned long)f->info.id);
	assert_told(f, query, named);
	assert_int_equal(refused(f, CLIENT + 5, query), 404);
	assert_int_equal(refused(f, CLIENT + 5, ""), 404);
	assert_int_equal(refused(f, CLIENT, "?connection=4711"), 404);
}

static void other_queries_are_refused(void **state)
{
	static const char *const bad[] = { "?connection=", "?connection=-1", "?connection=1x", "?connection", "?other=1",
					   "?connection=1&other=2", "?connection=1111111111111111111" };

	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_int_equal(refused(*state, CLIENT, bad[i]), 400);
}

static void after_half_a_minute_it_is_over(void **state)
{
	struct fixture *f = *state;

	open_connection(f, CLIENT);
	assert_told(f, "", "\"frames\":[]");
	world_advance(&f->stack->world, START_US + FRAMES_US - 1000000);
	assert_told(f, "", "\"frames\":[]");
	world_advance(&f->stack->world, START_US + FRAMES_US + 1000000);
	assert_non_null(f->stack->world.observer);
	world_advance(&f->stack->world, START_US + 2 * FRAMES_US);
	assert_null(f->stack->world.observer);
}

static void the_oldest_gives_way(void **state)
{
	struct fixture *f = *state;
	struct tcp_info first;

	open_connection(f, CLIENT);
	first = f->info;
	assert_told(f, "", "\"frames\":[]");
	see_in(f, "GET", 0, DROP_NONE);
	for (unsigned i = 0; i < FRAMES_WATCHES; i++) {
		world_advance(&f->stack->world, f->stack->world.now_us + 1000);
		open_connection(f, CLIENT);
		assert_told(f, "", "\"frames\":[]");
	}
	assert_int_equal(f->frames.n, FRAMES_WATCHES);
	f->info = first;
	assert_told(f, "", "\"frames\":[]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_observed_before_the_question),
		TEST(frames_of_both_directions_are_told),
		TEST(what_was_dropped_says_so),
		TEST(unfinished_checksums_are_finished),
		TEST(of_a_long_frame_the_beginning_is_kept),
		TEST(the_last_ones_are_kept),
		TEST(connections_of_others_are_not_there),
		TEST(other_queries_are_refused),
		TEST(after_half_a_minute_it_is_over),
		TEST(the_oldest_gives_way),
	};

	return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
