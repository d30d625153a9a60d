/*
 * What the application hears without asking (RFC 9293 section 3.9.1.8), and what the layers below are told at
 * R1 (section 3.8.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/peer.h"

#define MS 1000ull
#define SECOND 1000000ull

static struct {
	unsigned reports, closed;
	enum stream_soft_error last;
	bool abort;
} app;

static void on_soft_error(struct stream *s, enum stream_soft_error what)
{
	app.reports++;
	app.last = what;
	if (app.abort)
		stream_abort(s);
}

static void on_closed(struct stream *s, enum stream_end why)
{
	(void)why;
	((struct peer *)s->user)->stream = NULL;
	app.closed++;
}

static const struct stream_handler handler = { .on_soft_error = on_soft_error, .on_closed = on_closed };

static void with_text_in_flight(struct peer *p)
{
	app = (typeof(app)){ .reports = 0 };
	peer_init(p, NULL);
	p->handler = &handler;
	peer_established(p, NULL);
	peer_write(p, 100);
	peer_any(p);
}

static const struct {
	uint8_t type, code;
	enum stream_soft_error what;
} errors[] = {
	{ 3, 0, STREAM_SOFT_NET_UNREACHABLE },	    { 3, 1, STREAM_SOFT_HOST_UNREACHABLE },
	{ 3, 2, STREAM_SOFT_PROTOCOL_UNREACHABLE }, { 3, 3, STREAM_SOFT_PORT_UNREACHABLE },
	{ 3, 5, STREAM_SOFT_NET_UNREACHABLE },	    { 11, 0, STREAM_SOFT_TIME_EXCEEDED },
	{ 12, 0, STREAM_SOFT_PARAMETER_PROBLEM },
};

static void rfc9293_must_47_shld_25_icmp_errors_are_reported(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(errors); i++) {
		struct peer p;

		with_text_in_flight(&p);
		peer_icmp(&p, errors[i].type, errors[i].code, 0, p.iss + 1);
		assert_int_equal(app.reports, 1);
		assert_int_equal(app.last, errors[i].what);
		assert_int_equal(tcp_counters(p.stack->tcp)->soft_errors, 1);
		assert_int_equal(peer_state(&p), TCP_ESTABLISHED);
		peer_fini(&p);
	}
}

static void rfc9293_must_47_an_active_open_hears_of_them(void **state)
{
	struct peer p;

	(void)state;
	app = (typeof(app)){ .reports = 0 };
	peer_init(&p, NULL);
	p.handler = &handler;
	peer_syn_sent(&p);
	peer_icmp(&p, 3, 1, 0, p.iss);
	assert_int_equal(app.reports, 1);
	assert_int_equal(app.closed, 0);
	peer_icmp(&p, 3, 3, 0, p.iss); /* hard: the end, and no report besides */
	assert_int_equal(app.reports, 1);
	assert_int_equal(app.closed, 1);
	peer_fini(&p);
}

static void rfc1191_6_4_a_path_mtu_is_no_error_to_report(void **state)
{
	struct peer p;

	(void)state;
	with_text_in_flight(&p);
	peer_icmp(&p, 3, 4, 1000, p.iss + 1);
	assert_int_equal(app.reports, 0);
	peer_fini(&p);
}

static void rfc9293_must_47_shld_9_r1_is_reported_once(void **state)
{
	struct peer p;

	(void)state;
	with_text_in_flight(&p);
	peer_advance(&p, 3500 * MS); /* two retransmissions: at 1 and 3 s */
	assert_int_equal(app.reports, 0);
	peer_advance(&p, 40 * SECOND); /* at 7, 15 and 31 s */
	assert_int_equal(app.reports, 1);
	assert_int_equal(app.last, STREAM_SOFT_R1);
	peer_ack(&p, p.iss + 101); /* it goes on, and R1 may be passed again */
	peer_write(&p, 100);
	peer_ack(&p, p.iss + 201);
	peer_write(&p, 100);
	peer_advance(&p, 400 * SECOND);
	assert_int_equal(app.reports, 2);
	assert_int_equal(app.closed, 1);
	while (peer_pending(&p) > 0)
		peer_any(&p);
	peer_fini(&p);
}

static void rfc9293_must_22_r1_of_a_syn_is_reported(void **state)
{
	struct peer p;

	(void)state;
	app = (typeof(app)){ .reports = 0 };
	peer_init(&p, NULL);
	p.handler = &handler;
	peer_syn_sent(&p);
	peer_advance(&p, 10 * SECOND);
	assert_int_equal(app.reports, 1);
	assert_int_equal(app.last, STREAM_SOFT_R1);
	assert_int_equal(app.closed, 0);
	peer_fini(&p);
}

static void rfc9293_shld_20_reports_can_be_turned_off(void **state)
{
	struct peer p;

	(void)state;
	with_text_in_flight(&p);
	tcp_set_error_reports(p.stream, false);
	peer_icmp(&p, 3, 1, 0, p.iss + 1);
	peer_advance(&p, 20 * SECOND);
	assert_int_equal(app.reports, 0);
	assert_true(peer_info(&p).r1_passed);
	assert_int_equal(peer_info(&p).soft_error, ICMP_HOST_UNREACHABLE); /* who asks may know */
	tcp_set_error_reports(p.stream, true);
	peer_icmp(&p, 3, 1, 0, p.iss + 1);
	assert_int_equal(app.reports, 1);
	peer_fini(&p);
}

static void rfc9293_must_47_the_application_may_abort_when_told(void **state)
{
	struct peer p;

	(void)state;
	with_text_in_flight(&p);
	app.abort = true;
	peer_icmp(&p, 3, 1, 0, p.iss + 1);
	peer_expect(&p, SEG(.flags = R | A));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);

	with_text_in_flight(&p);
	app.abort = true;
	peer_advance(&p, 10 * SECOND); /* at R1: no third retransmission */
	peer_expect(&p, SEG(.flags = P | A, .len = 100));
	peer_expect(&p, SEG(.flags = P | A, .len = 100));
	peer_expect(&p, SEG(.flags = R | A));
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

/* ---- R1: advice to the layers below ---- */

static unsigned polls;

static void count_polls(void *context, const struct trace_event *event)
{
	(void)context;
	if (event->note != NULL && strcmp(event->note, "ARP request (unicast poll)") == 0)
		polls++;
}

static void rfc9293_must_20_at_r1_the_neighbour_is_doubted(void **state)
{
	struct observer o = { .kinds = TRACE_FRAME_OUT, .on_event = count_polls };
	struct peer p;

	(void)state;
	with_text_in_flight(&p);
	peer_ack(&p, p.iss + 101); /* progress: the neighbour is reachable */
	polls = 0;
	stack_observe(p.stack, &o);
	peer_write(&p, 100);
	peer_advance(&p, 1500 * MS); /* RTO is 200 ms here: retransmissions at 0.2, 0.6 and 1.4 s */
	assert_true(peer_info(&p).r1_passed);
	assert_int_equal(polls, 1);
	peer_advance(&p, 6 * SECOND); /* and 3.0, 6.2 s: "reaches or exceeds" */
	assert_int_equal(polls, 3);
	while (peer_pending(&p) > 0)
		peer_any(&p);
	peer_ack(&p, p.iss + 201);
	peer_write(&p, 100);
	peer_advance(&p, 500 * MS); /* below R1 nothing is doubted */
	assert_int_equal(polls, 3);
	stack_unobserve(p.stack, &o);
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_must_47_shld_25_icmp_errors_are_reported),
		cmocka_unit_test(rfc9293_must_47_an_active_open_hears_of_them),
		cmocka_unit_test(rfc1191_6_4_a_path_mtu_is_no_error_to_report),
		cmocka_unit_test(rfc9293_must_47_shld_9_r1_is_reported_once),
		cmocka_unit_test(rfc9293_must_22_r1_of_a_syn_is_reported),
		cmocka_unit_test(rfc9293_shld_20_reports_can_be_turned_off),
		cmocka_unit_test(rfc9293_must_47_the_application_may_abort_when_told),
		cmocka_unit_test(rfc9293_must_20_at_r1_the_neighbour_is_doubted),
	};

	return cmocka_run_group_tests_name("conformance: reports", tests, NULL, NULL);
}
