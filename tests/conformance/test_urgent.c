/*
 * The urgent mechanism (RFC 9293 section 3.8.5, RFC 6093): the mark that the peer sets, the mark that we set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/peer.h"

static struct {
	unsigned told, closed;
	uint32_t unread;   /* when told last */
	size_t take;       /* what on_receive() takes of each offer */
	uint64_t received;
	bool close, abort; /* in on_urgent() */
	struct peer *peer;
} app;

static void on_urgent(struct stream *s)
{
	struct tcp_info info;

	tcp_conn_info(tcp_conn_of_stream(s), &info);
	app.told++;
	app.unread = info.urgent_unread;
	if (app.abort)
		stream_abort(s);
	else if (app.close)
		stream_close(s);
}

static size_t on_receive(struct stream *s, struct bytes data)
{
	size_t n = data.len < app.take ? data.len : app.take;

	(void)s;
	app.received += n;
	return n;
}

static void on_closed(struct stream *s, enum stream_end why)
{
	(void)why;
	((struct peer *)s->user)->stream = NULL;
	app.closed++;
}

static const struct stream_handler handler = { .on_receive = on_receive,
					       .on_urgent = on_urgent,
					       .on_closed = on_closed };

static void begin(struct peer *p)
{
	app = (typeof(app)){ .take = SIZE_MAX, .peer = p };
	peer_init(p, NULL);
	p->handler = &handler;
	peer_established(p, NULL);
}

/* Text at the peer's next octet, with URG; the pointer counts from its first octet. */
static void send_urgent(struct peer *p, uint32_t len, uint16_t pointer)
{
	peer_inject(p, SEG(.flags = A | U, .seq = p->snd, .ack = peer_info(p).snd_nxt, .len = len,
			   .urgent = pointer));
	p->snd += len;
}

static void rfc9293_must_32_told_when_urgent_data_first_appears(void **state)
{
	struct peer p;

	(void)state;
	begin(&p);
	send_urgent(&p, 10, 4);
	assert_int_equal(app.told, 1);
	assert_int_equal(app.unread, 4);
	assert_int_equal(app.received, 10); /* in line: RFC 6093 section 6 */
	assert_int_equal(tcp_counters(p.stack->tcp)->urgent_in, 1);
	peer_fini(&p);
}

static void rfc9293_must_32_told_again_only_when_the_pointer_moves_on(void **state)
{
	struct peer p;

	(void)state;
	begin(&p);
	app.take = 0;
	send_urgent(&p, 10, 30);
	assert_int_equal(app.told, 1);
	send_urgent(&p, 10, 20); /* the same place, seen from 10 octets later */
	assert_int_equal(app.told, 1);
	send_urgent(&p, 10, 5); /* back */
	assert_int_equal(app.told, 1);
	assert_int_equal(peer_info(&p).urgent_unread, 30);
	send_urgent(&p, 10, 11); /* on */
	assert_int_equal(app.told, 2);
	assert_int_equal(app.unread, 41);
	peer_fini(&p);
}

/* Told before the data: that is the point of it. */
static void rfc9293_must_32_told_of_data_that_is_still_to_come(void **state)
{
	struct peer p;

	(void)state;
	begin(&p);
	send_urgent(&p, 0, 1000);
	assert_int_equal(app.told, 1);
	assert_int_equal(app.unread, 1000);
	assert_int_equal(app.received, 0);
	peer_send(&p, 999);
	assert_int_equal(peer_info(&p).urgent_unread, 1);
	peer_send(&p, 1);
	assert_int_equal(peer_info(&p).urgent_unread, 0);
	assert_int_equal(app.told, 1);
	peer_fini(&p);
}

static void rfc9293_must_33_how_much_is_still_unread(void **state)
{
	struct peer p;
	uint8_t buf[100];

	(void)state;
	begin(&p);
	app.take = 0;
	assert_int_equal(peer_info(&p).urgent_unread, 0);
	send_urgent(&p, 100, 60);
	assert_int_equal(peer_info(&p).urgent_unread, 60);
	assert_int_equal(tcp_recv(p.stream, buf, 59), 59);
	assert_int_equal(peer_info(&p).urgent_unread, 1);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1)); /* a FIN is no octet to read */
	assert_int_equal(peer_info(&p).urgent_unread, 1);
	assert_int_equal(tcp_recv(p.stream, buf, 1), 1);
	assert_int_equal(peer_info(&p).urgent_unread, 0);
	peer_fini(&p);
}

static void rfc9293_must_31_received_urgent_data_of_any_length(void **state)
{
	struct peer p;
	uint64_t sent = 0;

	(void)state;
	begin(&p);
	for (unsigned i = 0; i < 200; i++) { /* the pointer stays 65535 ahead all the time */
		send_urgent(&p, 1000, 65535);
		sent += 1000;
	}
	assert_int_equal(app.told, 200);
	assert_int_equal(app.received, sent);
	assert_int_equal(peer_info(&p).urgent_unread, 64535);
	peer_fini(&p);
}

static void rfc9293_must_62_the_received_pointer_names_the_octet_after(void **state)
{
	struct peer p;

	(void)state;
	begin(&p);
	send_urgent(&p, 10, 0); /* an end that lies before the first octet: nothing is urgent */
	assert_int_equal(app.told, 0);
	app.take = 0;
	send_urgent(&p, 10, 1); /* one octet */
	assert_int_equal(app.told, 1);
	assert_int_equal(app.unread, 1);
	peer_fini(&p);
}

static void rfc9293_must_66_urg_is_processed_at_zero_window(void **state)
{
	struct peer p;

	(void)state;
	begin(&p);
	app.take = 0;
	for (unsigned i = 0; i < 5000 && peer_info(&p).rcv_wnd > 0; i++)
		peer_send(&p, peer_info(&p).rcv_wnd < 1000 ? peer_info(&p).rcv_wnd : 1000);
	assert_int_equal(peer_info(&p).rcv_wnd, 0);
	send_urgent(&p, 0, 5);
	assert_int_equal(app.told, 1);
	send_urgent(&p, 1, 6); /* with text that finds no room */
	assert_int_equal(app.told, 2);
	assert_int_equal(peer_info(&p).rcv_nxt, p.snd - 1);
	while (p.out_count > 0)
		peer_any(&p);
	peer_fini(&p);
}

/* An old mark must not seem to lie ahead when the numbers have gone half around. */
static void rfc9293_3_4_a_mark_that_was_read_is_forgotten(void **state)
{
	struct peer p;

	(void)state;
	begin(&p);
	send_urgent(&p, 10, 10);
	assert_int_equal(app.told, 1);
	peer_send(&p, 1);
	for (uint64_t sent = 0; sent < 1ull << 31; sent += 20000) {
		peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .len = 20000));
		p.snd += 20000;
		while (p.out_count > 0)
			peer_any(&p);
	}
	assert_int_equal(peer_info(&p).urgent_unread, 0);
	send_urgent(&p, 10, 10);
	assert_int_equal(app.told, 2);
	assert_int_equal(app.unread, 10);
	peer_fini(&p);
}

static void rfc9293_3_10_7_4_urg_after_the_peers_fin_is_ignored(void **state)
{
	struct peer p;

	(void)state;
	begin(&p);
	peer_inject(&p, SEG(.flags = F | A, .seq = p.snd, .ack = p.iss + 1));
	p.snd++;
	send_urgent(&p, 0, 100);
	assert_int_equal(app.told, 0);
	peer_fini(&p);
}

static void rfc9293_must_32_a_mark_from_before_the_accept(void **state)
{
	struct peer p;

	(void)state;
	app = (typeof(app)){ .take = SIZE_MAX };
	peer_init(&p, NULL);
	p.accept = false;
	p.handler = &handler;
	peer_established(&p, NULL);
	send_urgent(&p, 10, 10);
	assert_int_equal(app.told, 0);
	p.stream = tcp_accept(p.listener);
	p.stream->handler = &handler;
	p.stream->user = &p;
	stream_resume(p.stream);
	assert_int_equal(app.told, 1);
	assert_int_equal(app.unread, 10);
	assert_int_equal(app.received, 10);
	stream_resume(p.stream);
	assert_int_equal(app.told, 1);
	peer_fini(&p);
}

static void rfc9293_must_32_the_application_may_let_go_when_told(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct peer p;

		begin(&p);
		app.abort = i == 0;
		app.close = i == 1;
		peer_inject(&p, SEG(.flags = A | U, .seq = p.snd, .ack = p.iss + 1, .len = 10, .urgent = 4));
		assert_int_equal(app.told, 1);
		assert_int_equal(app.received, 0);
		peer_expect(&p, SEG(.flags = R | A, .seq = p.iss + 1));
		assert_int_equal(peer_state(&p), TCP_CLOSED);
		peer_fini(&p);
	}
}

/* ---- what we send ---- */

static void write_urgent(struct peer *p, uint32_t len)
{
	static const uint8_t text[400000];
	struct span span = { text, len, NULL };

	assert_true(len <= sizeof text);
	assert_int_equal(stream_send(p->stream, &span, 1, STREAM_URGENT), 0);
	peer_flush(p);
}

static void rfc9293_must_62_the_sent_pointer_names_the_octet_after(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	begin(&p);
	write_urgent(&p, 10);
	got = peer_expect(&p, SEG(.flags = U | P | A, .seq = p.iss + 1, .len = 10));
	assert_int_equal(got.urgent, 10);
	peer_ack(&p, p.iss + 11);
	assert_int_equal(tcp_counters(p.stack->tcp)->urgent_out, 1);
	peer_fini(&p);
}

static void rfc9293_must_30_all_segments_up_to_the_mark_say_so(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	begin(&p);
	tcp_set_nodelay(p.stream, true);
	write_urgent(&p, 4000);
	for (uint32_t at = 0; at < 4000; at += got.len) {
		got = peer_any(&p);
		assert_int_equal(got.flags & U, U);
		assert_int_equal(got.seq, p.iss + 1 + at);
		assert_int_equal(got.urgent, 4000 - at);
	}
	peer_write(&p, 100); /* past the mark */
	got = peer_expect(&p, SEG(.flags = P | A, .len = 100));
	assert_int_equal(got.urgent, 0);
	peer_ack(&p, p.iss + 4101);
	peer_send(&p, 1); /* the mark was acknowledged: no acknowledgement of ours names it any more */
	peer_advance(&p, 100000);
	peer_expect(&p, SEG(.flags = A, .seq = p.iss + 4101));
	peer_fini(&p);
}

static void rfc9293_must_30_a_retransmission_says_so_again(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	begin(&p);
	write_urgent(&p, 10);
	peer_any(&p);
	peer_write(&p, 20); /* held back by Nagle */
	peer_advance(&p, 1000000);
	got = peer_expect(&p, SEG(.flags = U | P | A, .seq = p.iss + 1, .len = 10));
	assert_int_equal(got.urgent, 10);
	peer_fini(&p);
}

static void rfc9293_must_31_sent_urgent_data_of_any_length(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	begin(&p);
	write_urgent(&p, 200000);
	for (uint32_t at = 0; at < 200000; at += got.len) {
		uint32_t left = 200000 - at;

		got = peer_any(&p);
		assert_int_equal(got.seq, p.iss + 1 + at);
		assert_int_equal(got.flags & U, U);
		assert_int_equal(got.urgent, left < 65535 ? left : 65535);
		peer_ack(&p, got.seq + got.len);
	}
	peer_fini(&p);
}

static void rfc9293_3_8_5_the_mark_goes_out_though_the_window_is_closed(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	begin(&p);
	peer_inject(&p, SEG(.flags = A, .seq = p.snd, .ack = p.iss + 1, .zero_win = true));
	write_urgent(&p, 10);
	got = peer_expect(&p, SEG(.flags = U | A, .seq = p.iss + 1));
	assert_int_equal(got.urgent, 10);
	peer_expect_nothing(&p);
	peer_advance(&p, 2000000); /* and with each probe */
	got = peer_any(&p);
	assert_int_equal(got.flags & U, U);
	assert_int_equal(got.urgent, 10);
	while (p.out_count > 0)
		peer_any(&p);
	peer_fini(&p);
}

static void rfc9293_3_8_5_a_mark_from_before_the_connection_is_open(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	app = (typeof(app)){ .take = SIZE_MAX };
	peer_init(&p, NULL);
	p.handler = &handler;
	peer_syn_sent(&p);
	write_urgent(&p, 10);
	peer_inject(&p, SEG(.flags = S | A, .seq = 1000, .ack = p.iss + 1, .mss = 1460));
	got = peer_expect(&p, SEG(.flags = U | P | A, .seq = p.iss + 1, .len = 10));
	assert_int_equal(got.urgent, 10);
	peer_fini(&p);
}

static void may_segment(struct stack_config *c)
{
	c->caps.gso_max = 65535;
	c->caps.tx_checksum = 1;
}

/* The device would copy the pointer into each segment that it cuts. */
static void rfc9293_must_62_a_device_does_not_cut_urgent_segments(void **state)
{
	struct peer p;
	struct seg got;

	(void)state;
	app = (typeof(app)){ .take = SIZE_MAX };
	peer_init(&p, may_segment);
	p.handler = &handler;
	peer_established(&p, NULL);
	tcp_set_nodelay(p.stream, true);
	peer_write(&p, 5000);
	got = peer_any(&p);
	assert_true(got.len > 1460);
	while (p.out_count > 0)
		peer_any(&p);
	peer_ack(&p, p.iss + 5001);
	write_urgent(&p, 5000);
	for (uint32_t at = 0; at < 4380; at += 1460) {
		got = peer_any(&p);
		assert_int_equal(got.len, 1460);
		assert_int_equal(got.urgent, 5000 - at);
	}
	while (p.out_count > 0)
		peer_any(&p);
	peer_fini(&p);
}

static void rfc9293_3_4_a_mark_that_was_acknowledged_is_forgotten(void **state)
{
	struct peer p;

	(void)state;
	app = (typeof(app)){ .take = SIZE_MAX };
	peer_init(&p, may_segment);
	p.handler = &handler;
	peer_established(&p, NULL);
	tcp_set_nodelay(p.stream, true);
	write_urgent(&p, 10);
	for (uint64_t sent = 0; sent < (1ull << 31) + 100000; sent += 60000) {
		peer_write(&p, 60000);
		while (p.out_count > 0) {
			struct seg got = peer_any(&p);

			assert_int_equal(got.flags & U, got.seq == p.iss + 1 ? U : 0);
			peer_ack(&p, got.seq + got.len);
		}
	}
	peer_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_must_32_told_when_urgent_data_first_appears),
		cmocka_unit_test(rfc9293_must_32_told_again_only_when_the_pointer_moves_on),
		cmocka_unit_test(rfc9293_must_32_told_of_data_that_is_still_to_come),
		cmocka_unit_test(rfc9293_must_33_how_much_is_still_unread),
		cmocka_unit_test(rfc9293_must_31_received_urgent_data_of_any_length),
		cmocka_unit_test(rfc9293_must_62_the_received_pointer_names_the_octet_after),
		cmocka_unit_test(rfc9293_must_66_urg_is_processed_at_zero_window),
		cmocka_unit_test(rfc9293_3_4_a_mark_that_was_read_is_forgotten),
		cmocka_unit_test(rfc9293_3_10_7_4_urg_after_the_peers_fin_is_ignored),
		cmocka_unit_test(rfc9293_must_32_a_mark_from_before_the_accept),
		cmocka_unit_test(rfc9293_must_32_the_application_may_let_go_when_told),
		cmocka_unit_test(rfc9293_must_62_the_sent_pointer_names_the_octet_after),
		cmocka_unit_test(rfc9293_must_30_all_segments_up_to_the_mark_say_so),
		cmocka_unit_test(rfc9293_must_30_a_retransmission_says_so_again),
		cmocka_unit_test(rfc9293_must_31_sent_urgent_data_of_any_length),
		cmocka_unit_test(rfc9293_3_8_5_the_mark_goes_out_though_the_window_is_closed),
		cmocka_unit_test(rfc9293_3_8_5_a_mark_from_before_the_connection_is_open),
		cmocka_unit_test(rfc9293_must_62_a_device_does_not_cut_urgent_segments),
		cmocka_unit_test(rfc9293_3_4_a_mark_that_was_acknowledged_is_forgotten),
	};

	return cmocka_run_group_tests_name("conformance: urgent data", tests, NULL, NULL);
}
