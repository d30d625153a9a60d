/* Lines of the ladder: columns, colours, what is cut, in 80 columns and more; and the same rows as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/ladder_json.h"
#include "server/ladder_line.h"

static const struct ladder_flow flow = {
	.number = 3, .connection = 9, .started_us = 1000, .ours = LADDER_SERVER,
	.side = { { .addr = { { [10] = 0xff, 0xff, 10, 77, 0, 1 } }, .port = 40000 },
		  { .addr = { { [10] = 0xff, 0xff, 10, 77, 0, 2 } }, .port = 80 } },
};

static const struct ladder_row request = {
	.event = LADDER_SEGMENT,
	.flow = &flow,
	.now_us = 1123,
	.wall_us = 1700000000000123,
	.from = LADDER_CLIENT,
	.step = { .seq = 1, .ack = 1, .window = 64256, .state = { TCP_ESTABLISHED, TCP_SYN_RECEIVED } },
	.flags = LADDER_PSH | LADDER_ACK,
	.len = 76,
	.headers = 52,
	.content = "GET /a",
};

static char text[2 * LADDER_LINE];

static const char *write_line(const struct ladder_row *row, unsigned width, bool colour)
{
	const struct ladder_look look = { .width = width, .colour = colour };
	struct document d = document_in(text, sizeof text - 1);

	ladder_line(&d, &look, row);
	assert_false(d.failed);
	assert_true(d.len <= LADDER_LINE);
	text[d.len] = '\0';
	return text;
}

static const char *write_json(const struct ladder_row *row)
{
	struct document d = document_in(text, sizeof text - 1);

	ladder_json(&d, row);
	assert_false(d.failed);
	text[d.len] = '\0';
	return text;
}

static void a_segment_goes_from_side_to_side(void **state)
{
	struct ladder_row row = request;

	(void)state;
	assert_string_equal(write_line(&row, 80, false),
		"  0.123 #3  ESTAB      -- PSH ACK 1+76 ack 1 win 64256 GET /a ------> SYN-RCVD\n");
	row.from = LADDER_SERVER;
	assert_string_equal(write_line(&row, 80, false),
		"  0.123 #3  ESTAB      <- PSH ACK 1+76 ack 1 win 64256 GET /a ------- SYN-RCVD\n");
	assert_string_equal(
		write_line(&row, 100, false),
		"  0.123 #3  ESTABLISHED  <- PSH ACK 1+76 ack 1 win 64256 GET /a ----------------------- SYN-RECEIVED\n");
}

static void what_has_no_room_is_cut(void **state)
{
	struct ladder_row row = request;

	(void)state;
	snprintf(row.content, sizeof row.content, "GET /a/very/long/name/of/a/file");
	assert_string_equal(write_line(&row, 80, false),
		"  0.123 #3  ESTAB      -- PSH ACK 1+76 ack 1 win 64256 GET /a/ve.. -> SYN-RCVD\n");
	row.step.is_third_ack = true;
	assert_string_equal(write_line(&row, 80, false),
		"  0.123 #3  ESTAB      -- PSH ACK 1+76 ack 1 win 64256 third ACK ---> SYN-RCVD\n");
	row.step.seq = row.step.ack = 4294967295;
	row.step.window = 1073725440;
	assert_string_equal(
		write_line(&row, 80, false),
		"  0.123 #3  ESTAB      -- PSH ACK 4294967295+76 ack 4294967295 win 1073725440 > SYN-RCVD\n");
}

static void times_fit_their_column(void **state)
{
	static const struct {
		uint64_t us;
		const char *text;
	} all[] = {
		{ 0, "  0.000 #3" },
		{ 999999, "999.999 #3" },
		{ 1000010, "1000.01 #3" },
		{ 9999999, "9999.99 #3" },
		{ 75120900, "75120.9 #3" },
		{ 100000000, " 100000 #3" },
		{ 86400000000, "86400000 #3" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		struct ladder_row row = request;

		row.now_us = flow.started_us + all[i].us;
		assert_memory_equal(write_line(&row, 80, false), all[i].text, strlen(all[i].text));
	}
}

/* Without colour too: by the arrow, and in words. */
static void trouble_is_seen(void **state)
{
	struct ladder_row row = request;

	(void)state;
	row.is_trouble = row.step.is_again = true;
	row.note = "fast retransmission";
	assert_string_equal(write_line(&row, 80, false),
		"  0.123 #3  ESTAB      == PSH ACK 1+76 ack 1 win 64256 GET /a ======> SYN-RCVD\n"
		"                          fast retransmission\n");
	assert_string_equal(
		write_line(&row, 120, false),
		"  0.123 #3  ESTABLISHED  == PSH ACK 1+76 ack 1 win 64256 fast retransmission GET /a ======================> "
		"SYN-RECEIVED\n");
	row.drop = DROP_TCP_CHECKSUM;
	assert_string_equal(write_line(&row, 80, false),
		"  0.123 #3  ESTAB      == PSH ACK 1+76 ack 1 win 64256 GET /a ======x SYN-RCVD\n"
		"                          dropped: TCP checksum is wrong\n");
	row.drop = DROP_WIRE; /* it had been sent for a reason */
	assert_string_equal(write_line(&row, 80, false),
		"  0.123 #3  ESTAB      == PSH ACK 1+76 ack 1 win 64256 GET /a ======x SYN-RCVD\n"
		"                          dropped: lost or damaged on the impaired wire\n"
		"                          fast retransmission\n");
}

/* Late in a long connection numbers and times are long. */
static void an_arrow_is_shortened_before_it_is_too_long(void **state)
{
	struct ladder_row row = request;

	(void)state;
	row.now_us = 2500711000;
	row.from = LADDER_SERVER;
	row.flags = LADDER_FIN | LADDER_PSH | LADDER_ACK;
	row.step = (struct ladder_step){ .seq = 79798, .ack = 22, .window = 262144,
					 .state = { TCP_CLOSE_WAIT, TCP_FIN_WAIT_1 } };
	row.len = 10513;
	row.content[0] = '\0';
	assert_non_null(strstr(write_line(&row, 80, false),
			       " #3  CLOSE-WAIT <- FIN PSH ACK 79798+10513 ack 22 win 262144 - FIN-WAIT-1\n"));
	assert_int_equal(strlen(text), 81);
}

static void colour_is_for_trouble_and_for_what_changed(void **state)
{
	struct ladder_row row = request;

	(void)state;
	row.step.changed[LADDER_SERVER] = true;
	assert_string_equal(
		write_line(&row, 80, true),
		"  0.123 #3  ESTAB      -- PSH ACK 1+76 ack 1 win 64256 GET /a ------> \033[1mSYN-RCVD\033[0m\n");
	row.is_trouble = true;
	assert_non_null(strstr(write_line(&row, 80, true), " \033[33m-- PSH ACK"));
	row.drop = DROP_TCP_CHECKSUM;
	assert_non_null(strstr(write_line(&row, 80, true), "\033[31m-- PSH ACK"));
	assert_non_null(strstr(text, "\033[31mdropped: TCP checksum is wrong\033[0m\n"));
	assert_null(strchr(write_line(&row, 80, false), '\033'));
}

static void steps_stand_on_the_side_of_their_doer(void **state)
{
	struct ladder_row row = {
		.event = LADDER_STEP,
		.flow = &flow,
		.now_us = 1123,
		.from = LADDER_CLIENT,
		.note = "TLS ClientHello",
	};

	(void)state;
	assert_string_equal(write_line(&row, 80, false), "        #3                TLS ClientHello\n");
	row.from = LADDER_SERVER;
	row.note = "TLS ServerHello";
	assert_string_equal(write_line(&row, 80, false),
		"        #3                                         TLS ServerHello\n");
}

static void a_connection_is_named_when_it_begins(void **state)
{
	const struct ladder_row row = { .event = LADDER_OPENED, .flow = &flow, .now_us = 1000 };

	(void)state;
	assert_string_equal(write_line(&row, 80, false),
		"        #3  10.77.0.1 port 40000                               10.77.0.2 port 80\n");
}

/* Whatever a row says, a line has room. */
static void the_longest_rows_have_room(void **state)
{
	struct ladder_row row = request;
	char note[400];

	(void)state;
	memset(note, 'n', sizeof note - 1);
	note[sizeof note - 1] = '\0';
	memset(row.content, 'c', sizeof row.content - 1);
	row.note = note;
	row.flags = 0xff;
	row.step = (struct ladder_step){ .seq = UINT32_MAX,
					 .ack = UINT32_MAX,
					 .window = UINT32_MAX,
					 .is_again = true,
					 .state = { TCP_SYN_RECEIVED, TCP_SYN_RECEIVED },
					 .changed = { true, true } };
	row.is_trouble = true;
	row.now_us = UINT64_MAX;
	write_line(&row, LADDER_WIDEST, true);
	row.event = LADDER_STEP;
	write_line(&row, LADDER_WIDEST, true);
	write_json(&row);
}

static void json_says_the_same(void **state)
{
	struct ladder_row row = request;

	(void)state;
	assert_string_equal(
		write_json(&row),
		"{\"event\":\"segment\",\"time\":1700000000.000123,\"since\":0.000123,\"number\":3,\"connection\":9,"
		"\"client\":\"10.77.0.1\",\"client_port\":40000,\"server\":\"10.77.0.2\",\"server_port\":80,"
		"\"from\":\"client\",\"flags\":\"PSH,ACK\",\"seq\":1,\"ack\":1,\"len\":76,\"headers\":52,\"window\":64256,"
		"\"client_state\":\"ESTABLISHED\",\"server_state\":\"SYN-RECEIVED\",\"inferred\":\"client\","
		"\"sent_again\":false,\"third_ack\":false,\"content\":\"GET /a\"}");
	row.drop = DROP_TCP_CHECKSUM;
	row.note = "a \"note\"";
	assert_non_null(strstr(write_json(&row), "\"drop\":\"tcp_checksum\",\"note\":\"a \\\"note\\\"\"}"));
	row.flags |= LADDER_SYN;
	row.isn = 4000000000;
	assert_non_null(strstr(write_json(&row), "\"seq\":1,\"isn\":4000000000,\"ack\":1,"));
	row.is_replayed = true;
	assert_non_null(strstr(write_json(&row), "\"replayed\":true}"));
	row.event = LADDER_STEP;
	assert_null(strstr(write_json(&row), "flags"));
	row.event = LADDER_OPENED;
	assert_null(strstr(write_json(&row), "from"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_goes_from_side_to_side),
		cmocka_unit_test(what_has_no_room_is_cut),
		cmocka_unit_test(times_fit_their_column),
		cmocka_unit_test(trouble_is_seen),
		cmocka_unit_test(an_arrow_is_shortened_before_it_is_too_long),
		cmocka_unit_test(colour_is_for_trouble_and_for_what_changed),
		cmocka_unit_test(steps_stand_on_the_side_of_their_doer),
		cmocka_unit_test(a_connection_is_named_when_it_begins),
		cmocka_unit_test(the_longest_rows_have_room),
		cmocka_unit_test(json_says_the_same),
	};

	return cmocka_run_group_tests_name("ladder_line", tests, NULL, NULL);
}
