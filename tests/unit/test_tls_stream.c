/* A TLS connection from handshake to close_notify, over a stream in memory: pieces, partial takes, room,
 * ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "common/tls_fixture.h"
#include "tls/tls_output.h"
#include "tls/tls_record.h"

static struct tls_fixture f;

static int set_up(void **state)
{
	(void)state;
	tls_fixture_init(&f, NULL, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_fixture_fini(&f);
	return 0;
}

static struct tls_usage usage(void)
{
	struct tls_usage u;

	tls_usage(f.tls, &u);
	return u;
}

static void send_text(const void *text, size_t len)
{
	struct span span = { .data = text, .len = len };

	assert_int_equal(stream_send(f.upper, &span, 1, 0), 0);
}

/* The client has got these bytes, and nothing else. */
static void assert_client_reads(const void *text, size_t len)
{
	uint8_t *got = malloc(len + 1);

	assert_non_null(got);
	assert_int_equal(tls_fixture_client_read(&f, got, len + 1), len);
	assert_memory_equal(got, text, len);
	free(got);
}

static void client_writes(const void *text, size_t len)
{
	size_t written;

	assert_int_equal(SSL_write_ex(f.client, text, len, &written), 1);
	assert_int_equal(written, len);
	tls_fixture_to_server(&f);
}

static uint8_t *pattern(size_t len)
{
	uint8_t *p = malloc(len);

	assert_non_null(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + i / 251);
	return p;
}

/* ---- handshakes ---- */

static void a_1_3_handshake_hands_the_stream_up(void **state)
{
	struct stream_info info;

	(void)state;
	assert_int_equal(usage().handshakes, 1);
	tls_fixture_handshake(&f);
	assert_int_equal(f.accepted, 1);
	assert_int_equal(usage().full, 1);
	assert_int_equal(usage().handshakes, 0);
	stream_info(f.upper, &info);
	assert_string_equal(info.tls_version, "TLSv1.3");
	assert_string_equal(info.tls_cipher, SSL_get_cipher_name(f.client));
	assert_false(info.tls_resumed);
	assert_ptr_equal(tls_stream_over(&f.lower.stream), f.upper);
}

static void a_handshake_is_timed_from_the_connection_on(void **state)
{
	(void)state;
	f.world.now_us += 1000000;
	tls_fixture_handshake(&f);
	assert_in_range(usage().full_time.sum_us, 1000000, 1000000 + 1000); /* turns of the loop */
	assert_int_equal(usage().full_time.counts[20 - HISTOGRAM_FIRST], 1);
	assert_int_equal(usage().resumed_time.sum_us, 0);
}

static void a_1_2_handshake_too(void **state)
{
	struct stream_info info;

	(void)state;
	SSL_set_max_proto_version(f.client, TLS1_2_VERSION);
	tls_fixture_handshake(&f);
	stream_info(f.upper, &info);
	assert_string_equal(info.tls_version, "TLSv1.2");
	send_text("hello", 5);
	tls_fixture_to_client(&f);
	assert_client_reads("hello", 5);
}

/* A handshake, and something said both ways, however the client's bytes come. */
static void talk(int version)
{
	tls_fixture_close(&f);
	tls_fixture_open(&f, NULL);
	SSL_set_max_proto_version(f.client, version);
	tls_fixture_handshake(&f);
	client_writes("GET", 3);
	assert_int_equal(f.received_len, 3);
	send_text("answer", 6);
	tls_fixture_to_client(&f);
	assert_client_reads("answer", 6);
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void a_handshake_may_be_cut_at_every_byte(void **state)
{
	enum { LONGER_THAN_A_FLIGHT = 600 };

	(void)state;
	for (size_t v = 0; v < ARRAY_LENGTH(versions); v++)
		for (f.cut = 1; f.cut < LONGER_THAN_A_FLIGHT; f.cut++)
			talk(versions[v]);
}

static void a_handshake_may_come_in_pieces_of_any_size(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_LENGTH(versions); v++)
		for (f.piece = 1; f.piece < 300; f.piece += f.piece < 10 ? 1 : 23)
			talk(versions[v]);
}

static void a_session_is_resumed_by_ticket(void **state)
{
	SSL_SESSION *session;
	struct stream_info info;

	(void)state;
	tls_fixture_handshake(&f);
	session = SSL_get1_session(f.client);
	tls_fixture_close(&f);
	tls_fixture_open(&f, session);
	tls_fixture_handshake(&f);
	assert_int_equal(usage().resumed, 1);
	assert_true(usage().resumed_time.sum_us > 0);
	assert_true(usage().full_time.sum_us > 0);
	assert_int_equal(SSL_session_reused(f.client), 1);
	stream_info(f.upper, &info);
	assert_true(info.tls_resumed);
	SSL_SESSION_free(session);
}

static void a_ticket_lasts_two_changes_of_keys_and_no_more(void **state)
{
	SSL_SESSION *session;

	(void)state;
	tls_fixture_handshake(&f);
	session = SSL_get1_session(f.client);
	for (unsigned changes = 1; changes <= 3; changes++) {
		tls_fixture_close(&f);
		world_advance(&f.world, f.world.now_us + UINT64_C(12) * 3600 * 1000000);
		tls_fixture_open(&f, session);
		tls_fixture_handshake(&f);
		assert_int_equal(SSL_session_reused(f.client), changes <= 2);
	}
	SSL_SESSION_free(session);
}

/* The message of an alert in the client's error queue. */
static void assert_client_got_alert(const char *reason)
{
	ERR_clear_error();
	SSL_do_handshake(f.client);
	assert_string_equal(ERR_reason_error_string(ERR_peek_error()), reason);
	ERR_clear_error();
}

/* Both ways once, without the shuttle's looking at the client's error. */
static void exchange(void)
{
	SSL_do_handshake(f.client);
	ERR_clear_error();
	tls_fixture_to_server(&f);
	tls_fixture_to_client(&f);
}

static void an_old_version_is_refused_with_an_alert(void **state)
{
	(void)state;
	SSL_set_security_level(f.client, 0);
	SSL_set_min_proto_version(f.client, TLS1_VERSION);
	SSL_set_max_proto_version(f.client, TLS1_1_VERSION);
	SSL_set_cipher_list(f.client, "ALL:@SECLEVEL=0");
	exchange();
	assert_client_got_alert("tlsv1 alert protocol version");
	assert_int_equal(usage().failed[TLS_FAILED_VERSION], 1);
	assert_true(f.lower.shut_down);
	assert_false(f.lower.closed);
	fake_stream_end(&f.lower);
	assert_true(f.lower.closed);
	assert_int_equal(usage().connections, 0);
}

static void an_unknown_application_protocol_is_refused_with_an_alert(void **state)
{
	(void)state;
	SSL_set_alpn_protos(f.client, (const unsigned char *)"\x02h3", 3);
	exchange();
	assert_client_got_alert("tlsv1 alert no application protocol");
	assert_int_equal(usage().failed[TLS_FAILED_ALPN], 1);
}

static void http_1_1_is_agreed_upon(void **state)
{
	const unsigned char *name;
	unsigned len;

	(void)state;
	SSL_set_alpn_protos(f.client, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	tls_fixture_handshake(&f);
	SSL_get0_alpn_selected(f.client, &name, &len);
	assert_int_equal(len, 8);
	assert_memory_equal(name, "http/1.1", 8);
}

static void plain_http_is_answered_in_plain_http(void **state)
{
	(void)state;
	fake_stream_feed_text(&f.lower, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(strncmp(f.lower.sent, "HTTP/1.1 400 ", 13), 0);
	assert_non_null(strstr(f.lower.sent, "speaks HTTPS"));
	assert_int_equal(usage().failed[TLS_FAILED_PLAIN_HTTP], 1);
	assert_true(f.lower.shut_down);
	assert_false(f.lower.closed);
	world_advance(&f.world, f.world.now_us + 6000000);
	assert_true(f.lower.closed);
}

static void rubbish_is_refused_with_an_alert(void **state)
{
	(void)state;
	fake_stream_feed(&f.lower, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10);
	assert_true(f.lower.sent_len >= 7);
	assert_int_equal(f.lower.sent[0], SSL3_RT_ALERT);
	assert_int_equal(f.lower.sent[5], SSL3_AL_FATAL);
	assert_int_equal(usage().failed[TLS_FAILED_PROTOCOL], 1);
	fake_stream_feed(&f.lower, "more", 4);
	assert_int_equal(f.lower.input_len, 0);
	fake_stream_end(&f.lower);
}

static void a_handshake_has_ten_seconds(void **state)
{
	(void)state;
	SSL_do_handshake(f.client);
	world_advance(&f.world, f.world.now_us + 9900000);
	assert_int_equal(f.lower.sent_len, 0);
	world_advance(&f.world, f.world.now_us + 200000);
	assert_int_equal(usage().failed[TLS_FAILED_TIMEOUT], 1);
	assert_int_equal(usage().handshakes, 0);
	assert_int_equal(f.lower.sent[0], SSL3_RT_ALERT);
	assert_int_equal(f.lower.sent[6], SSL_AD_USER_CANCELLED);
	assert_true(f.lower.shut_down);
	fake_stream_end(&f.lower);
}

static void a_peer_that_leaves_in_the_handshake_is_counted(void **state)
{
	(void)state;
	SSL_do_handshake(f.client);
	f.piece = 0;
	fake_stream_feed(&f.lower, "\x16\x03\x01", 3);
	fake_stream_end(&f.lower);
	assert_true(f.lower.closed);
	assert_int_equal(usage().failed[TLS_FAILED_PEER_LEFT], 1);
}

/* ---- limits ---- */

static void handshakes_under_way_are_limited(void **state)
{
	struct tls_config config;
	struct fake_stream second;

	(void)state;
	tls_fixture_fini(&f);
	tls_config_default(&config);
	config.max_handshakes = 1;
	tls_fixture_init(&f, &config, NULL);
	fake_stream_init(&second, 4096);
	tls_accept(f.tls, f.context, &second.stream, &f.acceptor);
	assert_int_equal(usage().failed[TLS_FAILED_TOO_MANY], 1);
	assert_int_equal(second.sent_len, 7);
	assert_int_equal(second.sent[6], SSL_AD_INTERNAL_ERROR);
	assert_true(second.shut_down);
	fake_stream_end(&second);
	assert_true(second.closed);
	fake_stream_fini(&second);
	tls_fixture_handshake(&f);
}

/* Who says nothing keeps a place for a second, and then only as long as nobody else wants it. */
static void a_late_handshake_makes_room(void **state)
{
	struct tls_config config;
	struct fake_stream early, next;

	(void)state;
	tls_fixture_fini(&f);
	tls_config_default(&config);
	config.max_handshakes = 1;
	tls_fixture_init(&f, &config, NULL);
	fake_stream_init(&early, 4096);
	fake_stream_init(&next, 4096);
	world_advance(&f.world, f.world.now_us + 999999);
	tls_accept(f.tls, f.context, &early.stream, &f.acceptor);
	assert_true(early.shut_down);
	assert_false(f.lower.shut_down);
	world_advance(&f.world, f.world.now_us + 1);
	tls_accept(f.tls, f.context, &next.stream, &f.acceptor);
	assert_true(f.lower.shut_down);
	assert_int_equal(f.lower.sent[6], SSL_AD_INTERNAL_ERROR);
	assert_false(next.shut_down);
	assert_int_equal(usage().failed[TLS_FAILED_TOO_MANY], 2);
	assert_int_equal(usage().handshakes, 1);
	fake_stream_end(&f.lower);
	fake_stream_fini(&early);
	fake_stream_fini(&next);
}

static void steps_of_handshakes_are_limited_in_a_turn(void **state)
{
	struct tls_config config;
	struct fake_stream second;
	char *hello;
	long len;

	(void)state;
	tls_fixture_fini(&f);
	tls_config_default(&config);
	config.handshakes_per_turn = 1;
	tls_fixture_init(&f, &config, NULL);
	fake_stream_init(&second, 1 << 16);
	tls_accept(f.tls, f.context, &second.stream, &f.acceptor);
	SSL_do_handshake(f.client);
	len = BIO_get_mem_data(SSL_get_wbio(f.client), &hello);
	fake_stream_feed(&second, hello, (size_t)len);
	assert_true(second.sent_len > 0);
	fake_stream_feed(&f.lower, hello, (size_t)len);
	assert_int_equal(f.lower.sent_len, 0);
	assert_int_equal(f.lower.input_len, len);
	assert_int_equal(usage().postponed, 1);
	world_advance(&f.world, f.world.now_us + 1000);
	assert_true(f.lower.sent_len > 0);
	assert_int_equal(f.lower.input_len, 0);
	fake_stream_fini(&second);
}

/* Hundreds of ClientHellos in one batch, and behind them a request: it waits for one turn of them, and no more. */
static void an_established_connection_waits_for_one_turn_of_handshakes(void **state)
{
	enum { CLIENTS = 100, PER_TURN = 8 };
	static struct fake_stream clients[CLIENTS];
	SSL *client = SSL_new(f.client_ctx);
	size_t answered;
	char *hello;
	long len;

	(void)state;
	tls_fixture_handshake(&f);
	world_advance(&f.world, f.world.now_us + 1000); /* the next turn of the loop */
	assert_non_null(client);
	SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(client);
	SSL_do_handshake(client);
	len = BIO_get_mem_data(SSL_get_wbio(client), &hello);
	for (size_t i = 0; i < CLIENTS; i++) {
		fake_stream_init(&clients[i], 1 << 16);
		tls_accept(f.tls, f.context, &clients[i].stream, &f.acceptor);
		fake_stream_feed(&clients[i], hello, (size_t)len);
	}
	for (size_t turn = 1; turn <= CLIENTS / PER_TURN; turn++) {
		SSL_write(f.client, "GET", 3);
		f.received_len = 0;
		len = BIO_get_mem_data(SSL_get_wbio(f.client), &hello);
		fake_stream_feed(&f.lower, hello, (size_t)len);
		(void)BIO_reset(SSL_get_wbio(f.client));
		assert_int_equal(f.received_len, 3);
		answered = 0;
		for (size_t i = 0; i < CLIENTS; i++)
			answered += clients[i].sent_len > 0;
		assert_int_equal(answered, turn * PER_TURN);
		world_advance(&f.world, f.world.now_us + 1000);
	}
	for (size_t i = 0; i < CLIENTS; i++)
		fake_stream_fini(&clients[i]);
	SSL_free(client);
	ERR_clear_error();
}

/* Who sends a message byte by byte takes no turns from others. */
static void pieces_of_messages_are_no_steps(void **state)
{
	struct tls_config config;
	char *hello;
	long len;

	(void)state;
	tls_fixture_fini(&f);
	tls_config_default(&config);
	config.handshakes_per_turn = 1;
	tls_fixture_init(&f, &config, NULL);
	SSL_do_handshake(f.client);
	len = BIO_get_mem_data(SSL_get_wbio(f.client), &hello);
	for (long i = 0; i < len; i++)
		fake_stream_feed(&f.lower, hello + i, 1);
	assert_int_equal(usage().postponed, 0);
	assert_true(f.lower.sent_len > 0);
}

/* ---- data ---- */

static void data_goes_both_ways_in_any_pieces(void **state)
{
	enum { LEN = 200000 };
	uint8_t *text = pattern(LEN);

	(void)state;
	tls_fixture_handshake(&f);
	for (size_t piece = 1; piece < 40000; piece = piece * 7 + 1) {
		f.piece = piece;
		f.received_len = 0;
		client_writes(text, LEN);
		assert_int_equal(f.received_len, LEN);
		assert_memory_equal(f.received, text, LEN);
		send_text(text, LEN);
		fake_stream_ack_all(&f.lower);
		tls_fixture_to_client(&f);
		assert_client_reads(text, LEN);
	}
	free(text);
}

/* What lies decrypted in OpenSSL is not forgotten, nor the records behind it in the same piece. */
static void what_is_not_taken_comes_again(void **state)
{
	enum { LEN = 100000 };
	uint8_t *text = pattern(LEN);

	(void)state;
	tls_fixture_handshake(&f);
	f.taking = false;
	client_writes(text, LEN);
	assert_int_equal(f.received_len, 0);
	assert_true(f.lower.input_len > LEN - 2 * 16384); /* below it waits, where the window narrows */
	f.taking = true;
	f.take = 777;
	for (size_t before = 1; f.received_len != before;) {
		before = f.received_len;
		stream_resume(f.upper);
	}
	assert_int_equal(f.received_len, LEN);
	assert_memory_equal(f.received, text, LEN);
	assert_int_equal(f.lower.input_len, 0);
	free(text);
}

static void spans_share_records(void **state)
{
	struct span spans[] = {
		{ .data = (const uint8_t *)"head ", .len = 5 },
		{ .data = (const uint8_t *)"body", .len = 4 },
	};
	size_t before;

	(void)state;
	tls_fixture_handshake(&f);
	before = f.lower.sent_len;
	assert_int_equal(stream_send(f.upper, spans, 2, 0), 0);
	assert_int_equal(f.lower.sent_len - before, 5 + 9 + 1 + 16); /* one record: header, text, type, tag */
	tls_fixture_to_client(&f);
	assert_client_reads("head body", 9);
}

static void released(struct span_owner *o)
{
	(void)o;
}

static void owners_are_released_when_their_bytes_are_encrypted(void **state)
{
	struct span_owner owner;
	struct span span = { .data = (const uint8_t *)"text", .len = 4, .owner = &owner };

	(void)state;
	tls_fixture_handshake(&f);
	span_owner_init(&owner, released);
	span_owner_ref(&owner);
	assert_int_equal(stream_send(f.upper, &span, 1, 0), 0);
	assert_int_equal(owner.references, 1);
	f.lower.send_error = -ENOMEM;
	span_owner_ref(&owner);
	assert_int_equal(stream_send(f.upper, &span, 1, 0), -ENOMEM);
	assert_int_equal(owner.references, 2);
}

/* The lengths of the records that were sent since. */
static size_t record_lengths(size_t from, size_t lengths[static 64])
{
	const uint8_t *sent = (const uint8_t *)f.lower.sent;
	size_t n = 0;

	while (from < f.lower.sent_len) {
		lengths[n] = (size_t)sent[from + 3] << 8 | sent[from + 4];
		from += 5 + lengths[n++];
	}
	assert_int_equal(from, f.lower.sent_len);
	return n;
}

static void records_are_small_first_and_large_in_bulk(void **state)
{
	enum { LEN = 200000 };
	uint8_t *text = pattern(LEN);
	size_t lengths[64], before, n;

	(void)state;
	tls_fixture_handshake(&f);
	for (int round = 0; round < 2; round++) {
		before = f.lower.sent_len;
		send_text(text, LEN);
		fake_stream_ack_all(&f.lower);
		n = record_lengths(before, lengths);
		assert_int_equal(n, 12 + 12);
		for (size_t i = 0; i < 12; i++)
			assert_int_equal(lengths[i], TLS_RECORD_FIRST + 17);
		for (size_t i = 12; i + 1 < n; i++)
			assert_int_equal(lengths[i], TLS_RECORD_LARGEST + 17);
		world_advance(&f.world, f.world.now_us + 1000000); /* a pause: it begins anew */
	}
	free(text);
}

static void room_is_the_lower_streams(void **state)
{
	uint8_t *text = pattern(1 << 20);
	size_t room;

	(void)state;
	tls_fixture_handshake(&f);
	room = stream_room(f.upper);
	assert_in_range(room, 1000000, (1 << 20) - 1);
	send_text(text, room);
	assert_in_range(stream_room(&f.lower.stream), 1, 1 << 20); /* it held what it promised */
	while (stream_room(f.upper) > 0)
		send_text(text, stream_room(f.upper));
	assert_int_equal(stream_send(f.upper, &(struct span){ .data = text, .len = 1 }, 1, 0), -ENOBUFS);
	f.writable = f.drained = 0;
	fake_stream_ack(&f.lower, (1 << 20) / 2 + 20000);
	assert_int_equal(f.writable, 1);
	assert_int_equal(f.drained, 0);
	assert_true(stream_room(f.upper) > 0);
	fake_stream_ack_all(&f.lower);
	assert_int_equal(f.drained, 1);
	free(text);
}

/* More at once than the lower stream has room for: the rest waits, and goes when there is room. */
static void what_exceeds_the_room_waits(void **state)
{
	enum { LEN = 3 << 20 };
	uint8_t *text = pattern(LEN), *got = malloc(LEN);
	size_t n;

	(void)state;
	assert_non_null(got);
	tls_fixture_handshake(&f);
	send_text(text, LEN);
	assert_int_equal(stream_room(f.upper), 0);
	stream_shutdown(f.upper); /* close_notify comes last */
	assert_false(f.lower.shut_down);
	while (fake_stream_in_flight(&f.lower) > 0)
		fake_stream_ack_all(&f.lower);
	assert_true(f.lower.shut_down);
	tls_fixture_to_client(&f);
	n = tls_fixture_client_read(&f, got, LEN);
	assert_int_equal(n, LEN);
	assert_memory_equal(got, text, LEN);
	SSL_read_ex(f.client, got, 1, &n);
	assert_int_equal(SSL_get_shutdown(f.client), SSL_RECEIVED_SHUTDOWN);
	free(text);
	free(got);
}

static void closing_delivers_what_waits(void **state)
{
	enum { LEN = 2 << 20 };
	uint8_t *text = pattern(LEN), *got = malloc(LEN);

	(void)state;
	assert_non_null(got);
	tls_fixture_handshake(&f);
	send_text(text, LEN);
	stream_close(f.upper);
	f.upper = NULL;
	assert_false(f.lower.closed);
	while (!f.lower.closed)
		fake_stream_ack_all(&f.lower);
	tls_fixture_to_client(&f);
	assert_int_equal(tls_fixture_client_read(&f, got, LEN), LEN);
	assert_memory_equal(got, text, LEN);
	free(text);
	free(got);
}

/* A peer that takes nothing more does not keep the records for ever. */
static void what_waits_after_the_close_has_a_limit_in_time(void **state)
{
	uint8_t *text = pattern(2 << 20);

	(void)state;
	tls_fixture_handshake(&f);
	send_text(text, 2 << 20);
	stream_close(f.upper);
	f.upper = NULL;
	world_advance(&f.world, f.world.now_us + 61000000);
	assert_true(f.lower.aborted);
	free(text);
}

/* Where buffers are scarce, who has none in flight still gets some, and who has waits. */
static void scarce_buffers_make_a_connection_wait(void **state)
{
	struct tls_config config;
	uint8_t *text = pattern(1 << 18);

	(void)state;
	tls_fixture_fini(&f);
	tls_config_default(&config);
	config.buffers = 8;
	tls_fixture_init(&f, &config, NULL);
	tls_fixture_handshake(&f);
	send_text(text, 100000);
	assert_int_equal(stream_room(f.upper), 0);
	f.writable = 0;
	fake_stream_ack_all(&f.lower);
	assert_int_equal(f.writable, 1);
	assert_true(stream_room(f.upper) > 0);
	assert_int_equal(stream_send(f.upper, &(struct span){ .data = text, .len = 1 << 18 }, 1, 0), -EIO);
	free(text);
}

/* ---- ends ---- */

static void close_notify_is_an_end(void **state)
{
	(void)state;
	tls_fixture_handshake(&f);
	client_writes("last", 4);
	SSL_shutdown(f.client);
	tls_fixture_to_server(&f);
	assert_int_equal(f.received_len, 4);
	assert_int_equal(f.ended, 1);
	fake_stream_end(&f.lower);
	assert_int_equal(f.ended, 1);
	assert_int_equal(f.closed, 0);
	send_text("answer", 6); /* the other half goes on */
	tls_fixture_to_client(&f);
	assert_client_reads("answer", 6);
	stream_close(f.upper);
	f.upper = NULL;
	assert_true(f.lower.closed);
	assert_int_equal(usage().truncated, 0);
}

static void an_end_without_close_notify_is_an_error(void **state)
{
	(void)state;
	tls_fixture_handshake(&f);
	client_writes("some", 4);
	fake_stream_end(&f.lower);
	assert_int_equal(f.ended, 0);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.why, STREAM_END_ERROR);
	assert_int_equal(usage().truncated, 1);
	assert_true(f.lower.closed);
}

static void an_end_behind_held_data_is_told_when_that_is_taken(void **state)
{
	(void)state;
	tls_fixture_handshake(&f);
	f.taking = false;
	client_writes("some", 4);
	SSL_shutdown(f.client);
	tls_fixture_to_server(&f);
	fake_stream_end(&f.lower);
	assert_int_equal(f.ended + f.closed, 0);
	f.taking = true;
	stream_resume(f.upper);
	assert_int_equal(f.received_len, 4);
	assert_int_equal(f.ended, 1);
	assert_int_equal(f.closed, 0);
}

static void a_record_that_was_changed_ends_it_with_an_alert(void **state)
{
	char *data;
	long len;
	char byte;

	(void)state;
	tls_fixture_handshake(&f);
	SSL_write(f.client, "text", 4);
	len = BIO_get_mem_data(SSL_get_wbio(f.client), &data);
	data[len - 1] ^= 1;
	tls_fixture_to_server(&f);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.why, STREAM_END_ERROR);
	assert_int_equal(f.received_len, 0);
	assert_int_equal(usage().broken, 1);
	tls_fixture_to_client(&f);
	ERR_clear_error();
	assert_true(SSL_read(f.client, &byte, 1) <= 0);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
	assert_true(f.lower.shut_down);
	fake_stream_end(&f.lower);
	assert_true(f.lower.closed);
}

static void renegotiation_is_refused(void **state)
{
	(void)state;
	SSL_set_max_proto_version(f.client, TLS1_2_VERSION);
	tls_fixture_handshake(&f);
	assert_int_equal(SSL_renegotiate(f.client), 1);
	exchange();
	SSL_do_handshake(f.client);
	assert_string_equal(ERR_reason_error_string(ERR_peek_error()), "no renegotiation");
	assert_int_equal(usage().full, 1);
}

static void a_reset_below_is_told_above(void **state)
{
	(void)state;
	tls_fixture_handshake(&f);
	fake_stream_lose(&f.lower, STREAM_END_RESET);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.why, STREAM_END_RESET);
	assert_int_equal(usage().connections, 0);
}

static void an_abort_goes_through(void **state)
{
	(void)state;
	tls_fixture_handshake(&f);
	stream_abort(f.upper);
	f.upper = NULL;
	assert_true(f.lower.aborted);
	assert_int_equal(usage().connections, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_1_3_handshake_hands_the_stream_up),
		TEST(a_handshake_is_timed_from_the_connection_on),
		TEST(a_1_2_handshake_too),
		TEST(a_handshake_may_be_cut_at_every_byte),
		TEST(a_handshake_may_come_in_pieces_of_any_size),
		TEST(a_session_is_resumed_by_ticket),
		TEST(a_ticket_lasts_two_changes_of_keys_and_no_more),
		TEST(an_old_version_is_refused_with_an_alert),
		TEST(an_unknown_application_protocol_is_refused_with_an_alert),
		TEST(http_1_1_is_agreed_upon),
		TEST(plain_http_is_answered_in_plain_http),
		TEST(rubbish_is_refused_with_an_alert),
		TEST(a_handshake_has_ten_seconds),
		TEST(a_peer_that_leaves_in_the_handshake_is_counted),
		TEST(handshakes_under_way_are_limited),
		TEST(a_late_handshake_makes_room),
		TEST(steps_of_handshakes_are_limited_in_a_turn),
		TEST(an_established_connection_waits_for_one_turn_of_handshakes),
		TEST(pieces_of_messages_are_no_steps),
		TEST(data_goes_both_ways_in_any_pieces),
		TEST(what_is_not_taken_comes_again),
		TEST(spans_share_records),
		TEST(owners_are_released_when_their_bytes_are_encrypted),
		TEST(records_are_small_first_and_large_in_bulk),
		TEST(room_is_the_lower_streams),
		TEST(what_exceeds_the_room_waits),
		TEST(closing_delivers_what_waits),
		TEST(what_waits_after_the_close_has_a_limit_in_time),
		TEST(scarce_buffers_make_a_connection_wait),
		TEST(close_notify_is_an_end),
		TEST(an_end_without_close_notify_is_an_error),
		TEST(an_end_behind_held_data_is_told_when_that_is_taken),
		TEST(a_record_that_was_changed_ends_it_with_an_alert),
		TEST(renegotiation_is_refused),
		TEST(a_reset_below_is_told_above),
		TEST(an_abort_goes_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
