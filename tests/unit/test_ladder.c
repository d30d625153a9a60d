/* --trace: what it understands, what it tells of frames, and what becomes of lines that nobody reads. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "common/ladder_frame.h"
#include "server/ladder.h"
#include "server/ladder_segment.h"

struct traced {
	struct stack *stack;
	struct ladder *ladder;
	int pipe[2];
	char told[1 << 18];
};

static const uint8_t options[] = { 2, 4, 5, 0xb4 };

static const struct ladder_frame from_client = {
	.src = 0x0a4d0001,
	.dst = 0x0a4d0002,
	.src_port = 40000,
	.dst_port = 80,
	.seq = 1000,
	.flags = LADDER_SYN,
	.window = 64240,
	.options = options,
	.options_len = sizeof options,
};

static const struct ladder_frame from_server = {
	.src = 0x0a4d0002, .dst = 0x0a4d0001, .src_port = 80, .dst_port = 40000, .seq = 5000, .ack = 1001,
	.flags = LADDER_SYN | LADDER_ACK, .window = 65535,
};

static struct traced *trace(const char *what)
{
	struct traced *t = calloc(1, sizeof *t);
	struct ladder_config config = { .ours = LADDER_SERVER, .wall_offset_us = 1700000000000000 };
	struct stack_config c;
	struct failure why;

	assert_non_null(t);
	stack_config_default(&c);
	c.seed = 1;
	c.caps.mtu = 1500;
	assert_int_equal(stack_new(&c, 1000000, &t->stack, &why), 0);
	assert_int_equal(pipe2(t->pipe, O_CLOEXEC), 0);
	config.fd = t->pipe[1];
	assert_int_equal(ladder_options_parse(what, &config.options, &why), 0);
	assert_int_equal(ladder_open(&config, t->stack, &t->ladder, &why), 0);
	return t;
}

static void see_in(struct traced *t, const struct ladder_frame *f, uint64_t now_us, enum drop_reason drop)
{
	uint8_t frame[LADDER_FRAME_MAX];
	struct rx_frame rx = { .data = frame, .len = (uint32_t)ladder_frame_make(f, frame) };

	observers_tell(t->stack->world.observer,
		       &(struct trace_event){
			       .kind = TRACE_FRAME_IN, .now_us = 1000000 + now_us, .rx = &rx, .drop = drop });
}

/* Of the stack's make: all headers in its own memory. */
static void see_out(struct traced *t, const struct ladder_frame *f, uint64_t now_us, const char *note)
{
	uint8_t frame[LADDER_FRAME_MAX];
	unsigned len = (unsigned)ladder_frame_make(f, frame);
	struct tx_frame tx;

	tx_begin(&tx);
	memcpy(tx_push(&tx, len), frame, len);
	observers_tell(t->stack->world.observer, &(struct trace_event){ .kind = TRACE_FRAME_OUT,
									.now_us = 1000000 + now_us,
									.tx = &tx,
									.note = note });
}

/* Closes the ladder; returns all that was told. */
static const char *end(struct traced *t)
{
	size_t len = 0;
	ssize_t n;

	ladder_close(t->ladder);
	close(t->pipe[1]);
	while ((n = read(t->pipe[0], t->told + len, sizeof t->told - 1 - len)) > 0)
		len += (size_t)n;
	t->told[len] = '\0';
	return t->told;
}

static void forget(struct traced *t)
{
	close(t->pipe[0]);
	stack_free(t->stack);
	free(t);
}

static void frames_become_a_ladder(void **state)
{
	struct traced *t = trace("");
	struct ladder_frame ack = from_client, rst = from_client;

	(void)state;
	ack.flags = LADDER_ACK;
	ack.seq = 1001;
	ack.ack = 5001;
	ack.options_len = 0;
	ack.text = "GET / HTTP/1.1\r\n\r\n";
	rst = ack;
	rst.flags = LADDER_RST;
	rst.text = NULL;
	see_in(t, &from_client, 0, DROP_NONE);
	see_out(t, &from_server, 10, NULL);
	see_out(t, &from_server, 1000010, "SYN-ACK retransmission");
	see_in(t, &ack, 1000020, DROP_NONE);
	see_in(t, &ack, 1000030, DROP_TCP_CHECKSUM);
	see_in(t, &rst, 1000040, DROP_TCP_RESET);
	assert_string_equal(end(t),
"     ms #   client*    flags seq+length ack window; *inferred         server\n"
"        #1  10.77.0.1 port 40000                               10.77.0.2 port 80\n"
"  0.000 #1  SYN-SENT   -- SYN 0+0 win 64240 mss 1460 ---------------> SYN-RCVD\n"
"  0.010 #1  ESTAB      <- SYN ACK 0+0 ack 1 win 65535 --------------- SYN-RCVD\n"
"1000.01 #1  ESTAB      <= SYN ACK 0+0 ack 1 win 65535 =============== SYN-RCVD\n"
"                          SYN-ACK retransmission\n"
"1000.02 #1  ESTAB      -- ACK 1+18 ack 1 win 64240 third ACK GET / -> ESTAB\n"
"1000.03 #1  ESTAB      == ACK 1+18 ack 1 win 64240 GET / ===========x ESTAB\n"
"                          dropped: TCP checksum is wrong\n"
"1000.04 #1  CLOSED     -- RST 1+0 win 64240 ------------------------> CLOSED\n");
	forget(t);
}

static void json_is_a_line_a_row(void **state)
{
	struct traced *t = trace("json");
	const char *told;

	(void)state;
	see_in(t, &from_client, 0, DROP_NONE);
	told = end(t);
	assert_memory_equal(told, "{\"event\":\"opened\",\"time\":1700000001.000000,", 43);
	assert_non_null(strstr(told, "}\n{\"event\":\"segment\","));
	forget(t);
}

static void one_address_or_port_may_be_seen_alone(void **state)
{
	static const struct {
		const char *what;
		bool is_seen;
	} all[] = {
		{ "80", true },
		{ "40000", true },
		{ "81", false },
		{ "10.77.0.1", true },
		{ "10.77.0.9", false },
		{ "10.77.0.1,81", false },
		{ "json,10.77.0.2,80", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		struct traced *t = trace(all[i].what);

		see_in(t, &from_client, 0, DROP_NONE);
		assert_int_equal(strstr(end(t), "SYN") != NULL, all[i].is_seen);
		forget(t);
	}
}

static void damage_makes_no_connection(void **state)
{
	struct traced *t = trace("");

	(void)state;
	see_in(t, &from_client, 0, DROP_TCP_CHECKSUM);
	see_in(t, &from_client, 0, DROP_ETH_NOT_OURS);
	assert_null(strstr(end(t), "SYN"));
	forget(t);
}

static unsigned count_lines(const char *text)
{
	unsigned lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

/* Nobody reads: the pipe fills, then the buffer, then lines are counted. When there is room, that is told. */
static void who_does_not_read_loses_lines_and_is_told(void **state)
{
	enum { SEGMENTS = 5000, FIRST = 60000, BEFORE = 2 /* the head, and the connection's name */ };
	struct traced *t = trace("");
	struct ladder_frame ack = from_client;
	unsigned told, left_out = 0;
	const char *at;

	(void)state;
	ack.flags = LADDER_ACK;
	for (unsigned i = 0; i < SEGMENTS; i++)
		see_in(t, &ack, i, DROP_NONE);
	assert_int_equal(read(t->pipe[0], t->told, FIRST), FIRST);
	t->told[FIRST] = '\0';
	told = count_lines(t->told);
	see_in(t, &ack, SEGMENTS, DROP_NONE);
	fcntl(t->pipe[1], F_SETPIPE_SZ, 1 << 20);
	told += count_lines(end(t));
	at = strstr(t->told, "        (");
	assert_non_null(at);
	assert_int_equal(sscanf(at, " (%u lines were left out", &left_out), 1);
	assert_true(left_out > 1000);
	assert_int_equal(told - 1 + left_out, BEFORE + SEGMENTS + 1);
	forget(t);
}

static void nonsense_is_refused(void **state)
{
	static const char *const all[] = { "jsom",  ",",       "json,",        "0",
					   "70000", "10.77.0", "10.77.0.1:80", "json json" };
	struct ladder_options o;
	struct failure why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		assert_int_equal(ladder_options_parse(all[i], &o, &why), -EINVAL);
		assert_non_null(strstr(why.text, "is not json, an address or a port"));
	}
	assert_int_equal(ladder_options_parse(NULL, &o, &why), 0);
	assert_false(o.wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_become_a_ladder),
		cmocka_unit_test(json_is_a_line_a_row),
		cmocka_unit_test(one_address_or_port_may_be_seen_alone),
		cmocka_unit_test(damage_makes_no_connection),
		cmocka_unit_test(who_does_not_read_loses_lines_and_is_told),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
