/*
 * What the application does inside the stack's calls to it: it closes, aborts, shuts down, writes, reads and
 * opens, in each of them. Nothing may be touched that is gone (the address sanitizer watches), nothing told
 * that was let go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/peer.h"

#define SECOND 1000000ull

enum call { ON_OPEN, ON_RECEIVE, ON_WRITABLE, ON_DRAINED, ON_END, ON_URGENT, ON_SOFT_ERROR, ON_CLOSED, CALLS };
enum act { CLOSE, ABORT, SHUTDOWN, SEND, RESUME, PULL, OPEN, LISTENER_CLOSE, ACTS };

static struct {
	struct peer *peer;
	enum call at;
	enum act act;
	size_t take;        /* what on_receive() says that it took; SIZE_MAX: all */
	unsigned calls[CALLS];
	unsigned after_end; /* calls for a stream that was let go */
	bool done, gone;
} app;

static const struct stream_handler actor;

static void ignore(struct stream *s, enum stream_end why)
{
	(void)s;
	(void)why;
}

static const struct stream_handler deaf = { .on_closed = ignore };

static void act(struct stream *s)
{
	static const uint8_t text[100];
	struct span span = { text, sizeof text, NULL };
	struct ip_addr any = { { 0 } };
	struct stream *other;
	uint8_t in[50];

	switch (app.act) {
	case CLOSE:
		app.gone = true;
		stream_close(s);
		break;
	case ABORT:
		app.gone = true;
		stream_abort(s);
		break;
	case SHUTDOWN:
		stream_shutdown(s);
		break;
	case SEND:
		stream_send(s, &span, 1, 0);
		break;
	case RESUME:
		stream_resume(s);
		break;
	case PULL:
		tcp_recv(s, in, sizeof in);
		break;
	case OPEN:
		assert_int_equal(
			tcp_connect(app.peer->stack->tcp, &any, 0, &app.peer->addr, 999, &deaf, NULL, &other),
			0);
		break;
	case LISTENER_CLOSE:
		if (app.peer->listener != NULL)
			tcp_listener_close(app.peer->listener);
		app.peer->listener = NULL;
		break;
	case ACTS:
		break;
	}
}

static void call(struct stream *s, enum call c)
{
	app.calls[c]++;
	if (app.gone)
		app.after_end++;
	if (c != app.at || app.done)
		return;
	app.done = true;
	act(s);
}

static void on_open(struct stream *s)
{
	call(s, ON_OPEN);
}

static size_t on_receive(struct stream *s, struct bytes data)
{
	call(s, ON_RECEIVE);
	return data.len < app.take ? data.len : app.take;
}

static void on_writable(struct stream *s)
{
	call(s, ON_WRITABLE);
}

static void on_drained(struct stream *s)
{
	call(s, ON_DRAINED);
}

static void on_end(struct stream *s)
{
	call(s, ON_END);
}

static void on_urgent(struct stream *s)
{
	call(s, ON_URGENT);
}

static void on_soft_error(struct stream *s, enum stream_soft_error what)
{
	(void)what;
	call(s, ON_SOFT_ERROR);
}

static void on_closed(struct stream *s, enum stream_end why)
{
	(void)why;
	app.gone = app.gone || app.at != ON_CLOSED;
	if (app.at == ON_CLOSED && app.act != OPEN && app.act != LISTENER_CLOSE) {
		app.calls[ON_CLOSED]++; /* the stream is gone: nothing may be done with it */
		return;
	}
	app.gone = false;
	call(s, ON_CLOSED);
	app.gone = true;
}

static const struct stream_handler actor = {
	.on_open = on_open,
	.on_receive = on_receive,
	.on_writable = on_writable,
	.on_drained = on_drained,
	.on_end = on_end,
	.on_urgent = on_urgent,
	.on_soft_error = on_soft_error,
	.on_closed = on_closed,
};

static unsigned drain(struct peer *p)
{
	unsigned n = 0;

	while (peer_pending(p) > 0) {
		peer_any(p);
		n++;
	}
	return n;
}

static bool has_block(const struct peer *p)
{
	return peer_state(p) != TCP_CLOSED && peer_state(p) != TCP_TIME_WAIT;
}

static void text(struct peer *p, uint32_t from, uint32_t len, uint8_t flags)
{
	uint32_t ack = has_block(p) ? peer_info(p).snd_nxt : p->iss + 1;

	peer_inject(p, SEG(.flags = (uint8_t)(A | flags), .seq = p->irs + 1 + from, .ack = ack, .len = len,
			   .urgent = 500));
}

static void write_much(struct peer *p)
{
	static const uint8_t much[600000];
	struct span span = { much, sizeof much, NULL };

	if (!app.gone)
		stream_send(p->stream, &span, 1, 0);
	peer_flush(p);
}

/* A life with everything in it: text in order, out of order and with holes, some of it urgent, a full
 * send buffer, its ACKs, both FINs. */
static void live(struct peer *p)
{
	text(p, 0, 100, 0);
	text(p, 300, 100, U);
	text(p, 200, 100, 0);
	text(p, 100, 100, 0); /* two held chunks become the next */
	write_much(p);
	peer_icmp(p, 3, 1, 0, p->iss + 1);
	for (unsigned i = 0; i < 200 && has_block(p); i++) {
		struct tcp_info info;
		drain(p);
		info = peer_info(p);
		if (info.snd_una == info.snd_nxt && info.unsent == 0)
			break;
		peer_inject(p, SEG(.flags = A, .seq = p->irs + 401, .ack = info.snd_nxt));
	}
	text(p, 400, 50, F);
	if (!app.gone)
		stream_resume(p->stream);
	drain(p);
	if (!app.gone)
		stream_shutdown(p->stream);
	drain(p);
	if (has_block(p))
		peer_inject(p, SEG(.flags = A, .seq = p->irs + 452, .ack = peer_info(p).snd_nxt));
	peer_advance(p, 400 * SECOND);
	drain(p);
}

static void start(struct peer *p, enum call at, enum act what, size_t take)
{
	memset(&app, 0, sizeof app);
	app.peer = p;
	app.at = at;
	app.act = what;
	app.take = take;
	peer_init(p, NULL);
	p->handler = &actor;
}

static void one_life(enum call at, enum act what, size_t take, bool active)
{
	struct peer p;
	struct tcp_usage usage;

	start(&p, at, what, take);
	if (active) {
		peer_syn_sent(&p);
		p.irs = 1000;
		p.snd = 1001;
		peer_inject(&p, SEG(.flags = S | A, .seq = 1000, .ack = p.iss + 1, .mss = 1460));
		drain(&p);
	} else {
		peer_established(&p, NULL);
	}
	if (peer_state(&p) != TCP_CLOSED)
		live(&p);
	peer_advance(&p, 400 * SECOND);
	drain(&p);
	assert_int_equal(app.after_end, 0);
	tcp_usage(p.stack->tcp, &usage);
	if (take == SIZE_MAX && (what == CLOSE || what == ABORT))
		assert_int_equal(usage.connections, 0);
	peer_fini(&p);
}

static void rfc9293_3_9_1_anything_in_any_call(void **state)
{
	static const size_t takes[] = { SIZE_MAX, 0, 30 };

	(void)state;
	for (unsigned at = 0; at < CALLS; at++)
		for (unsigned what = 0; what < ACTS; what++)
			for (unsigned take = 0; take < 3; take++)
				for (unsigned active = 0; active < 2; active++)
					one_life((enum call)at, (enum act)what, takes[take], active == 1);
}

/* Each call does come in such a life: else the test above proves nothing. */
static void rfc9293_3_9_1_every_call_comes(void **state)
{
	struct peer p;

	(void)state;
	start(&p, CALLS, ACTS, SIZE_MAX);
	peer_syn_sent(&p);
	p.irs = 1000;
	peer_inject(&p, SEG(.flags = S | A, .seq = 1000, .ack = p.iss + 1, .mss = 1460));
	live(&p);
	for (unsigned i = 0; i < CALLS; i++)
		assert_true(app.calls[i] > 0);
	assert_int_equal(app.calls[ON_OPEN], 1);
	assert_int_equal(app.calls[ON_END], 1);
	assert_int_equal(app.calls[ON_CLOSED], 1);
	peer_fini(&p);
}

/* ---- close inside on_receive(): what it was shown counts as read ---- */

static void rfc9293_3_6_1_close_inside_on_receive_is_a_normal_close(void **state)
{
	struct peer p;

	(void)state;
	start(&p, ON_RECEIVE, CLOSE, SIZE_MAX);
	peer_established(&p, NULL);
	text(&p, 0, 100, 0);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1, .ack = p.irs + 101));
	peer_fini(&p);
}

static void rfc9293_3_6_1_also_of_what_was_left_behind_before(void **state)
{
	struct peer p;

	(void)state;
	start(&p, CALLS, CLOSE, 0);
	peer_established(&p, NULL);
	text(&p, 0, 100, 0);
	app.at = ON_RECEIVE;
	app.take = SIZE_MAX;
	stream_resume(p.stream);
	peer_expect(&p, SEG(.flags = F | A, .seq = p.iss + 1, .ack = p.irs + 101));
	assert_int_equal(peer_state(&p), TCP_FIN_WAIT_1);
	peer_fini(&p);
}

static void rfc9293_shld_3_but_what_it_was_not_shown_resets(void **state)
{
	struct peer p;

	(void)state;
	start(&p, CALLS, CLOSE, 0); /* more than one chunk is held */
	peer_established(&p, NULL);
	for (uint32_t i = 0; i < 4; i++)
		text(&p, i * 1000, 1000, 0);
	drain(&p);
	app.at = ON_RECEIVE;
	app.take = SIZE_MAX;
	stream_resume(p.stream);
	peer_expect(&p, SEG(.flags = R | A));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);

	start(&p, ON_RECEIVE, CLOSE, SIZE_MAX); /* or comes into order with the segment at hand */
	peer_established(&p, NULL);
	text(&p, 100, 100, 0);
	drain(&p);
	text(&p, 0, 100, 0);
	peer_expect(&p, SEG(.flags = R | A));
	assert_int_equal(peer_state(&p), TCP_CLOSED);
	peer_fini(&p);
}

/* ---- inside on_acceptable() ---- */

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct peer *p = context;
	struct stream *s;

	if (app.act == LISTENER_CLOSE) {
		tcp_listener_close(l);
		return;
	}
	s = tcp_accept(l);
	assert_non_null(s);
	s->handler = &actor;
	p->stream = s;
	act(s);
}

static void rfc9293_3_9_1_anything_inside_on_acceptable(void **state)
{
	(void)state;
	for (unsigned what = 0; what < ACTS; what++) {
		struct peer p;
		struct tcp_listener_handler h = { on_acceptable, &p };
		struct tcp_listener *l;
		struct ip_addr any = { { 0 } };
		struct seg got;

		start(&p, CALLS, (enum act)what, SIZE_MAX);
		assert_int_equal(tcp_listen(p.stack->tcp, &any, 80, &h, NULL, &l), 0);
		peer_inject(&p, SEG(.flags = S, .seq = 1000, .mss = 1460));
		got = peer_expect(&p, SEG(.flags = S | A));
		/* The third ACK has text and FIN with it: there is more to do when the call returns. */
		peer_inject(&p, SEG(.flags = A | F, .seq = 1001, .ack = got.seq + 1, .len = 100));
		drain(&p);
		peer_advance(&p, 400 * SECOND);
		drain(&p);
		assert_int_equal(app.after_end, 0);
		peer_fini(&p);
	}
}

/* ---- one connection's call ends another ---- */

static struct stream *victim;

static size_t kill_victim(struct stream *s, struct bytes data)
{
	(void)s;
	if (victim != NULL)
		stream_abort(victim);
	victim = NULL;
	return data.len;
}

static const struct stream_handler killer = { .on_receive = kill_victim, .on_closed = ignore };

static void rfc9293_3_10_5_a_call_may_end_another_connection(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	peer_init(&p, NULL);
	p.handler = &killer;
	peer_established(&p, NULL);
	p.handler = &deaf;
	peer_inject(&p, SEG(.flags = S, .seq = 5000, .mss = 1460, .src_port = 40001));
	got = peer_expect(&p, SEG(.flags = S | A));
	peer_inject(&p, SEG(.flags = A, .seq = 5001, .ack = got.seq + 1, .src_port = 40001));
	victim = p.stream;
	peer_write(&p, 5000); /* the victim has text in flight, and more waiting */
	drain(&p);
	peer_inject_held(&p, SEG(.flags = A, .seq = 5001, .ack = got.seq + 1, .len = 10, .src_port = 40001));
	peer_inject_held(&p, SEG(.flags = A, .seq = 1001, .ack = p.iss + 1, .len = 10)); /* kills it */
	peer_inject_held(&p, SEG(.flags = A, .seq = 5011, .ack = got.seq + 1, .len = 10, .src_port = 40001));
	peer_flush(&p);
	peer_expect(&p, SEG(.flags = R | A));
	peer_expect(&p, SEG(.flags = R)); /* to the segment that came after */
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_9_1_anything_in_any_call),
		cmocka_unit_test(rfc9293_3_9_1_every_call_comes),
		cmocka_unit_test(rfc9293_3_6_1_close_inside_on_receive_is_a_normal_close),
		cmocka_unit_test(rfc9293_3_6_1_also_of_what_was_left_behind_before),
		cmocka_unit_test(rfc9293_shld_3_but_what_it_was_not_shown_resets),
		cmocka_unit_test(rfc9293_3_9_1_anything_inside_on_acceptable),
		cmocka_unit_test(rfc9293_3_10_5_a_call_may_end_another_connection),
	};

	return cmocka_run_group_tests_name("conformance: calls to the application", tests, NULL, NULL);
}
