/*
 * Records behind the handshake, with OpenSSL as the peer: every cipher suite of both versions, new keys, the
 * limits of what a record may be, alerts and messages that should and should not come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "common/tls_fixture.h"
#include "tls/tls_internal.h"

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

static const struct {
	int version;
	const char *name;
} suites[] = {
	{ TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256" },
	{ TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384" },
	{ TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256" },
	{ TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384" },
	{ TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305" },
};

static void open_suite_again(size_t i, SSL_SESSION *session)
{
	tls_fixture_close(&f);
	tls_fixture_open(&f, session);
	SSL_set_max_proto_version(f.client, suites[i].version);
	if (suites[i].version == TLS1_3_VERSION)
		assert_int_equal(SSL_set_ciphersuites(f.client, suites[i].name), 1);
	else
		assert_int_equal(SSL_set_cipher_list(f.client, suites[i].name), 1);
	tls_fixture_handshake(&f);
	assert_string_equal(SSL_get_cipher_name(f.client), suites[i].name);
}

static void open_suite(size_t i)
{
	open_suite_again(i, NULL);
}

static struct tls_records *records(void)
{
	return &((struct tls_stream *)(void *)f.upper)->records;
}

static void send_spans(const struct span *spans, size_t count)
{
	assert_int_equal(stream_send(f.upper, spans, count, 0), 0);
	fake_stream_ack_all(&f.lower); /* also sees that nothing in flight was changed */
	tls_fixture_to_client(&f);
}

static void send_text(const void *text, size_t len)
{
	send_spans(&(struct span){ .data = text, .len = len }, 1);
}

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
	assert_int_equal(SSL_write(f.client, text, (int)len), (int)len);
	tls_fixture_to_server(&f);
}

static void assert_echo(const char *text)
{
	f.received_len = 0;
	client_writes(text, strlen(text));
	assert_int_equal(f.received_len, strlen(text));
	assert_memory_equal(f.received, text, f.received_len);
	send_text(text, strlen(text));
	assert_client_reads(text, strlen(text));
}

static uint8_t *pattern(size_t len)
{
	uint8_t *p = malloc(len);

	assert_non_null(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + i / 251);
	return p;
}

/* ---- every cipher suite ---- */

static void every_suite_goes_both_ways(void **state)
{
	enum { LEN = 100000 };
	uint8_t *text = pattern(LEN);

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(suites); i++) {
		open_suite(i);
		assert_echo("hello");
		f.received_len = 0;
		client_writes(text, LEN);
		assert_int_equal(f.received_len, LEN);
		assert_memory_equal(f.received, text, LEN);
		send_text(text, LEN);
		assert_client_reads(text, LEN);
	}
	free(text);
}

/* Spans that end anywhere: behind each block of the cipher, in it, and with nothing in them. */
static void spans_of_any_length_share_records(void **state)
{
	enum { SPANS = 40 };
	uint8_t *text = pattern(SPANS * SPANS);
	struct span spans[SPANS];
	size_t total = 0;

	(void)state;
	for (size_t n = 0; n < SPANS; n++) {
		spans[n] = (struct span){ .data = text + total, .len = n };
		total += n;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(suites); i++) {
		open_suite(i);
		send_spans(spans, SPANS);
		assert_client_reads(text, total);
	}
	free(text);
}

static void records_may_be_cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(suites); i++) {
		open_suite(i);
		for (f.cut = 1; f.cut < 100; f.cut++) {
			f.received_len = 0;
			assert_int_equal(SSL_write(f.client, "first", 5), 5);
			assert_int_equal(SSL_write(f.client, "second", 6), 6);
			tls_fixture_to_server(&f);
			assert_int_equal(f.received_len, 11);
			assert_memory_equal(f.received, "firstsecond", 11);
			assert_null(records()->input.partial);
		}
	}
}

static void records_are_counted_past_two_bytes(void **state)
{
	enum { RECORDS = (1 << 16) + 10 };
	static const size_t tried[] = { 0, 3, 5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(tried); i++) {
		open_suite(tried[i]);
		for (size_t n = 0; n < RECORDS; n++) {
			uint8_t byte = (uint8_t)n, got;

			stream_send(f.upper, &(struct span){ .data = &byte, .len = 1 }, 1, 0);
			fake_stream_ack_all(&f.lower);
			tls_fixture_to_client(&f);
			assert_int_equal(SSL_read(f.client, &got, 1), 1);
			assert_int_equal(got, byte);
			f.received_len = 0;
			client_writes(&byte, 1);
			assert_int_equal(f.received_len, 1);
		}
	}
}

static void a_resumed_connection_goes_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(suites); i++) {
		SSL_SESSION *session;

		open_suite(i);
		session = SSL_get1_session(f.client);
		open_suite_again(i, session);
		assert_int_equal(SSL_session_reused(f.client), 1);
		assert_echo("again");
		SSL_SESSION_free(session);
	}
}

/* RFC 6066 section 4. */
static void a_peer_with_little_room_is_sent_small_records(void **state)
{
	enum { LEN = 60000 };
	uint8_t *text = pattern(LEN);
	size_t at;

	(void)state;
	for (uint8_t code = TLSEXT_max_fragment_length_512; code <= TLSEXT_max_fragment_length_4096; code++) {
		tls_fixture_close(&f);
		tls_fixture_open(&f, NULL);
		assert_int_equal(SSL_set_tlsext_max_fragment_length(f.client, code), 1);
		tls_fixture_handshake(&f);
		at = f.lower.sent_len;
		send_text(text, LEN);
		assert_client_reads(text, LEN);
		for (; at < f.lower.sent_len; at += tls_record_length((uint8_t *)f.lower.sent + at))
			assert_in_range(tls_record_length((uint8_t *)f.lower.sent + at), 1,
					(256u << code) + TLS_SEALED_MORE);
	}
	free(text);
}

/* ---- new keys ---- */

static void new_keys_are_taken_and_answered(void **state)
{
	static const int kinds[] = { SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		open_suite(i);
		for (unsigned n = 0; n < 10; n++) {
			assert_int_equal(SSL_key_update(f.client, kinds[n % 2]), 1);
			assert_int_equal(SSL_do_handshake(f.client), 1);
			assert_echo("under new keys");
			if (kinds[n % 2] == SSL_KEY_UPDATE_REQUESTED)
				assert_int_equal(records()->sending.sequence, 1);
		}
	}
}

/* However many times it is asked: once, before the next text (RFC 8446 section 4.6.3). */
static void new_keys_that_are_asked_for_often_are_made_once(void **state)
{
	size_t before;

	(void)state;
	tls_fixture_handshake(&f);
	before = f.lower.sent_len;
	for (unsigned n = 0; n < 20; n++) {
		SSL_key_update(f.client, SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(f.client);
	}
	tls_fixture_to_server(&f);
	assert_int_equal(f.lower.sent_len, before);
	send_text("text", 4);
	assert_int_equal(f.lower.sent_len - before, (5 + 5 + 1 + 16) + (5 + 4 + 1 + 16));
	assert_client_reads("text", 4);
}

static void keys_are_replaced_before_they_are_worn_out(void **state)
{
	struct tls_secret before;

	(void)state;
	tls_fixture_handshake(&f);
	before = records()->sending.secret;
	records()->owes_key_update = true; /* as it comes when so many records are sent */
	assert_echo("text");
	assert_memory_not_equal(before.bytes, records()->sending.secret.bytes, before.len);
	assert_int_equal(records()->sending.sequence, 1);
	records()->sending.sequence = TLS_PROTECTION_LAST;
	assert_int_equal(stream_send(f.upper, &(struct span){ .data = (const uint8_t *)"x", .len = 1 }, 1, 0), 0);
	assert_int_equal(records()->sending.sequence, 1);
}

/* ---- what may not come ---- */

/* A record of the client's own keys, with any type and contents: OpenSSL would not make it. */
static void feed_record(uint8_t type, const void *contents, size_t len)
{
	struct tls_records *r = records();
	struct tls_protection client = { 0 };
	uint8_t record[TLS_BUFFER_LARGE + 100];
	const struct span span = { .data = contents, .len = len };
	struct tls_source from = { .span = &span };
	struct tls_keys keys;

	if (r->receiving.is_1_3) {
		assert_true(tls_protection_begin_secret(&client, &f.tls->algorithms, r->receiving.suite,
							&r->receiving.secret, true, r->receiving.sequence));
	} else {
		struct tls_keys server;

		assert_true(tls_keys_of_session(&f.tls->algorithms, r->receiving.suite, f.client, &keys, &server));
		assert_true(tls_protection_begin(&client, r->receiving.suite, &keys, false, true,
						 r->receiving.sequence));
	}
	len = tls_protection_seal(&client, type, &from, len, record);
	assert_true(len > 0);
	fake_stream_feed(&f.lower, record, len);
	tls_protection_end(&client);
}

/* Both sides' keys of TLS 1.2, as the client has them. */
static void begin_client_1_2(struct tls_protection *p, bool seals, uint64_t sequence)
{
	const struct tls_suite *suite = tls_suite_find(&f.tls->algorithms, SSL_get_current_cipher(f.client));
	struct tls_keys client, server;

	assert_true(tls_keys_of_session(&f.tls->algorithms, suite, f.client, &client, &server));
	assert_true(tls_protection_begin(p, suite, &client, false, seals, sequence));
}

static size_t seal_piece(struct tls_protection *p, uint8_t type, const uint8_t *data, size_t len, uint8_t *out)
{
	const struct span span = { .data = data, .len = len };
	struct tls_source from = { .span = &span };

	return tls_protection_seal(p, type, &from, len, out);
}

/* A Finished of 1.2 may come in several records, and each has a number (RFC 5246 section 6.2.1). */
static void records_of_the_handshake_count(void **state)
{
	enum { FINISHED = 16 };
	uint8_t flight[2000], text[TLS_CIPHERTEXT_MOST], pieces[200];
	struct tls_protection client = { 0 };
	struct tls_opened finished;
	size_t len, n = 0;

	(void)state;
	for (size_t i = 3; i < ARRAY_LENGTH(suites); i++) {
		tls_fixture_close(&f);
		tls_fixture_open(&f, NULL);
		SSL_set_max_proto_version(f.client, TLS1_2_VERSION);
		SSL_set_cipher_list(f.client, suites[i].name);
		SSL_do_handshake(f.client);
		tls_fixture_to_server(&f);
		tls_fixture_to_client(&f);
		SSL_do_handshake(f.client);
		len = (size_t)BIO_read(SSL_get_wbio(f.client), flight, sizeof flight);
		for (n = 0; flight[n] != SSL3_RT_CHANGE_CIPHER_SPEC;)
			n += tls_record_length(flight + n);
		n += tls_record_length(flight + n);
		fake_stream_feed(&f.lower, flight, n);
		begin_client_1_2(&client, false, 0);
		assert_int_equal(tls_protection_open(&client, bytes_of(flight + n, len - n), text, &finished), 0);
		assert_int_equal(finished.text.len, FINISHED);
		tls_protection_end(&client);
		begin_client_1_2(&client, true, 0);
		n = seal_piece(&client, SSL3_RT_HANDSHAKE, text, 1, pieces);
		n += seal_piece(&client, SSL3_RT_HANDSHAKE, text + 1, FINISHED - 1, pieces + n);
		n += seal_piece(&client, SSL3_RT_APPLICATION_DATA, (const uint8_t *)"text", 4, pieces + n);
		fake_stream_feed(&f.lower, pieces, n);
		tls_protection_end(&client);
		assert_int_equal(f.accepted, 1);
		assert_int_equal(f.received_len, 4);
		tls_fixture_to_client(&f);
		assert_int_equal(SSL_do_handshake(f.client), 1);
		send_text("answer", 6);
		assert_client_reads("answer", 6);
	}
}

static struct tls_usage usage(void)
{
	struct tls_usage u;

	tls_usage(f.tls, &u);
	return u;
}

/* The connection is over, and the client is told so. */
static void assert_broken(const char *alert)
{
	char byte;

	assert_int_equal(f.closed, 1);
	assert_int_equal(f.why, STREAM_END_ERROR);
	assert_true(usage().broken > 0);
	tls_fixture_to_client(&f);
	ERR_clear_error();
	assert_true(SSL_read(f.client, &byte, 1) <= 0);
	assert_non_null(strstr(ERR_reason_error_string(ERR_peek_error()), alert));
	fake_stream_end(&f.lower);
	assert_true(f.lower.closed);
}

static void another(int version)
{
	tls_fixture_close(&f);
	tls_fixture_open(&f, NULL);
	SSL_set_max_proto_version(f.client, version);
	tls_fixture_handshake(&f);
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void a_changed_byte_anywhere_is_a_bad_record(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(suites); i++) {
		for (long at = TLS_HEADER;; at++) {
			char *data;
			long len;

			open_suite(i);
			SSL_write(f.client, "text", 4);
			len = BIO_get_mem_data(SSL_get_wbio(f.client), &data);
			if (at == len)
				break;
			data[at] ^= 0x20;
			tls_fixture_to_server(&f);
			assert_int_equal(f.received_len, 0);
			assert_broken("bad record mac");
		}
	}
}

static void a_record_is_good_once(void **state)
{
	char *data, copy[200];
	long len;

	(void)state;
	for (size_t v = 0; v < ARRAY_LENGTH(versions); v++) {
		another(versions[v]);
		SSL_write(f.client, "text", 4);
		len = BIO_get_mem_data(SSL_get_wbio(f.client), &data);
		memcpy(copy, data, (size_t)len);
		tls_fixture_to_server(&f);
		assert_int_equal(f.received_len, 4);
		fake_stream_feed(&f.lower, copy, (size_t)len);
		assert_int_equal(f.received_len, 4);
		assert_broken("bad record mac");
	}
}

static void a_record_that_says_it_is_too_long_is_refused_by_its_header(void **state)
{
	static const uint8_t header[] = { SSL3_RT_APPLICATION_DATA, 3, 3, 0x41, 0x01 };

	(void)state;
	for (size_t v = 0; v < ARRAY_LENGTH(versions); v++) {
		for (size_t piece = 1; piece <= sizeof header; piece++) {
			another(versions[v]);
			f.lower.piece = piece;
			fake_stream_feed(&f.lower, header, sizeof header);
			f.lower.piece = 0;
			assert_broken("record overflow");
		}
	}
}

static void a_record_with_more_than_it_may_have_is_refused(void **state)
{
	uint8_t *text = pattern(TLS_RECORD_LARGEST + 1);

	(void)state;
	for (size_t v = 0; v < ARRAY_LENGTH(versions); v++) {
		another(versions[v]);
		feed_record(SSL3_RT_APPLICATION_DATA, text, TLS_RECORD_LARGEST);
		assert_int_equal(f.received_len, TLS_RECORD_LARGEST);
		feed_record(SSL3_RT_APPLICATION_DATA, text, TLS_RECORD_LARGEST + 1);
		assert_broken("record overflow");
	}
	free(text);
}

static void a_record_too_short_for_its_tag_is_bad(void **state)
{
	static const uint8_t record[] = { SSL3_RT_APPLICATION_DATA, 3, 3, 0, 3, 1, 2, 3 };

	(void)state;
	for (size_t v = 0; v < ARRAY_LENGTH(versions); v++) {
		another(versions[v]);
		fake_stream_feed(&f.lower, record, sizeof record);
		assert_broken("bad record mac");
	}
}

static void padding_is_taken_off(void **state)
{
	static const uint8_t padded[] = { 'a', 'b', SSL3_RT_APPLICATION_DATA, 0, 0, 0, 0 };

	(void)state;
	another(TLS1_3_VERSION);
	/* The last zero is the type that the sealer puts there: it is padding too. */
	feed_record(0, padded, sizeof padded);
	assert_int_equal(f.received_len, 2);
	assert_memory_equal(f.received, "ab", 2);
	feed_record(0, "\0\0", 2);
	assert_broken("unexpected message");
}

/* A kind of record, what is in it, and what comes of it. */
static const struct {
	int version;
	uint8_t type;
	size_t len;
	const char *contents, *alert;
} wrong[] = {
	{ TLS1_3_VERSION, SSL3_RT_CHANGE_CIPHER_SPEC, 1, "\1", "unexpected message" },
	{ TLS1_2_VERSION, SSL3_RT_CHANGE_CIPHER_SPEC, 1, "\1", "unexpected message" },
	{ TLS1_3_VERSION, 77, 1, "x", "unexpected message" },
	{ TLS1_3_VERSION, SSL3_RT_ALERT, 1, "\1", "decode error" },
	{ TLS1_3_VERSION, SSL3_RT_ALERT, 4, "\1\0\1\0", "decode error" },
	{ TLS1_3_VERSION, SSL3_RT_HANDSHAKE, 4, "\1\0\0\0", "unexpected message" },          /* ClientHello */
	{ TLS1_3_VERSION, SSL3_RT_HANDSHAKE, 4, "\4\0\0\0", "unexpected message" },          /* NewSessionTicket */
	{ TLS1_3_VERSION, SSL3_RT_HANDSHAKE, 0, "", "unexpected message" },
	{ TLS1_3_VERSION, SSL3_RT_HANDSHAKE, 4, "\x18\0\0\2", "decode error" },              /* KeyUpdate */
	{ TLS1_3_VERSION, SSL3_RT_HANDSHAKE, 5, "\x18\0\0\1\2", "illegal parameter" },
	{ TLS1_3_VERSION, SSL3_RT_HANDSHAKE, 6, "\x18\0\0\1\0\x18", "unexpected message" },
};

static void what_has_no_place_here_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		another(wrong[i].version);
		feed_record(wrong[i].type, wrong[i].contents, wrong[i].len);
		assert_broken(wrong[i].alert);
	}
}

static void a_record_that_is_not_protected_is_refused(void **state)
{
	static const uint8_t alert[] = { SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, SSL_AD_INTERNAL_ERROR };

	(void)state;
	another(TLS1_3_VERSION);
	fake_stream_feed(&f.lower, alert, sizeof alert);
	assert_broken("unexpected message");
	another(TLS1_2_VERSION);
	fake_stream_feed(&f.lower, alert, sizeof alert);
	assert_broken("bad record mac");
}

/* A message may be cut, but nothing else may come in between (RFC 8446 section 5.1). */
static void a_message_may_be_cut_and_not_be_interrupted(void **state)
{
	(void)state;
	another(TLS1_3_VERSION);
	feed_record(SSL3_RT_HANDSHAKE, "\x18\0", 2);
	feed_record(SSL3_RT_HANDSHAKE, "\0\1\0", 3);
	assert_int_equal(records()->receiving.sequence, 0);
	feed_record(SSL3_RT_APPLICATION_DATA, "text", 4);
	assert_int_equal(f.received_len, 4);
	feed_record(SSL3_RT_HANDSHAKE, "\x18\0", 2);
	feed_record(SSL3_RT_APPLICATION_DATA, "text", 4);
	assert_int_equal(f.received_len, 4);
	assert_int_equal(f.closed, 1);
}

static void records_without_text_are_limited(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_LENGTH(versions); v++) {
		another(versions[v]);
		for (unsigned round = 0; round < 2; round++) {
			for (unsigned n = 0; n < 32; n++)
				feed_record(SSL3_RT_APPLICATION_DATA, "", 0);
			feed_record(SSL3_RT_APPLICATION_DATA, "text", 4);
		}
		assert_int_equal(f.received_len, 8);
		for (unsigned n = 0; n < 33; n++) {
			assert_int_equal(f.closed, 0);
			feed_record(SSL3_RT_APPLICATION_DATA, "", 0);
		}
		assert_broken("unexpected message");
	}
}

/* ---- alerts ---- */

static void a_peers_alert_ends_it_without_an_answer(void **state)
{
	static const uint8_t alert[] = { SSL3_AL_FATAL, SSL_AD_BAD_CERTIFICATE };
	size_t before;

	(void)state;
	for (size_t v = 0; v < ARRAY_LENGTH(versions); v++) {
		another(versions[v]);
		before = f.lower.sent_len;
		feed_record(SSL3_RT_ALERT, alert, sizeof alert);
		assert_int_equal(f.closed, 1);
		assert_int_equal(f.lower.sent_len, before);
		assert_true(f.lower.shut_down);
	}
}

static void warnings_of_1_2_and_cancelling_go_by(void **state)
{
	static const uint8_t warning[] = { SSL3_AL_WARNING, SSL_AD_NO_RENEGOTIATION };
	static const uint8_t cancelled[] = { SSL3_AL_WARNING, SSL_AD_USER_CANCELLED };

	(void)state;
	another(TLS1_2_VERSION);
	feed_record(SSL3_RT_ALERT, warning, sizeof warning);
	feed_record(SSL3_RT_APPLICATION_DATA, "text", 4);
	assert_int_equal(f.received_len, 4);
	another(TLS1_3_VERSION);
	feed_record(SSL3_RT_ALERT, cancelled, sizeof cancelled);
	feed_record(SSL3_RT_APPLICATION_DATA, "text", 4);
	assert_int_equal(f.received_len, 4);
	feed_record(SSL3_RT_ALERT, warning, sizeof warning); /* 1.3 knows no such warnings */
	assert_int_equal(f.closed, 1);
}

/* Asking again and again gets one answer. */
static void renegotiation_is_refused_once(void **state)
{
	size_t before;

	(void)state;
	another(TLS1_2_VERSION);
	before = f.lower.sent_len;
	feed_record(SSL3_RT_HANDSHAKE, "\1\0\0\0", 4);
	assert_int_equal(f.lower.sent_len - before, 5 + 8 + 2 + 16);
	feed_record(SSL3_RT_HANDSHAKE, "\1\0\0\0", 4);
	assert_int_equal(f.lower.sent_len - before, 5 + 8 + 2 + 16);
	feed_record(SSL3_RT_APPLICATION_DATA, "text", 4);
	assert_int_equal(f.received_len, 4);
}

static void close_notify_reaches_openssl_in_every_suite(void **state)
{
	char byte;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(suites); i++) {
		open_suite(i);
		send_text("last", 4);
		stream_shutdown(f.upper);
		tls_fixture_to_client(&f);
		assert_client_reads("last", 4);
		assert_int_equal(SSL_read(f.client, &byte, 1), 0);
		assert_int_equal(SSL_get_error(f.client, 0), SSL_ERROR_ZERO_RETURN);
	}
}

/* close_notify was the last word (RFC 8446 section 6.1). */
static void nothing_is_said_behind_close_notify(void **state)
{
	static const uint8_t hello[] = { SSL3_MT_CLIENT_HELLO, 0, 0, 0 };
	size_t before;

	(void)state;
	another(TLS1_2_VERSION);
	stream_shutdown(f.upper);
	before = f.lower.sent_len;
	feed_record(SSL3_RT_HANDSHAKE, hello, sizeof hello);
	assert_int_equal(f.lower.sent_len, before);
	assert_int_equal(f.closed, 0);
	another(TLS1_3_VERSION);
	stream_shutdown(f.upper);
	before = f.lower.sent_len;
	feed_record(77, "x", 1);
	assert_int_equal(f.closed, 1);
	assert_int_equal(f.lower.sent_len, before);
	assert_false(f.lower.aborted);
}

/* What waits is the text before it, and is worth more. */
static void an_alert_without_memory_leaves_the_rest_as_it_is(void **state)
{
	/* The last record fills up its buffer. */
	enum { EARLY = 12 * TLS_RECORD_FIRST, LEN = EARLY + 80 * TLS_RECORD_LARGEST + 210 };
	const struct span span = { .data = pattern(LEN), .len = LEN };

	(void)state;
	tls_fixture_handshake(&f);
	f.lower.buffer = 100000;
	assert_int_equal(stream_send(f.upper, &span, 1, 0), 0);
	assert_int_equal(stream_room(f.upper), 0);
	f.tls->buffers.small.limit = f.tls->buffers.small.in_use;
	stream_close(f.upper);
	f.upper = NULL;
	fake_stream_ack_all(&f.lower);
	tls_fixture_to_client(&f);
	assert_client_reads(span.data, LEN);
	free((void *)(uintptr_t)span.data);
}

static void a_record_may_be_padded_up_to_the_largest_and_no_more(void **state)
{
	uint8_t *text = calloc(1, TLS_RECORD_LARGEST + 1);

	(void)state;
	assert_non_null(text);
	another(TLS1_3_VERSION);
	text[0] = 'a';
	text[1] = SSL3_RT_APPLICATION_DATA;
	feed_record(0, text, TLS_RECORD_LARGEST);
	assert_int_equal(f.received_len, 1);
	feed_record(0, text, TLS_RECORD_LARGEST + 1);
	assert_broken("record overflow");
	free(text);
}

/* RFC 6066 section 4: what was agreed upon holds for both. */
static void a_peer_keeps_to_the_little_room_that_it_asked_for(void **state)
{
	uint8_t *text = pattern(513);

	(void)state;
	tls_fixture_close(&f);
	tls_fixture_open(&f, NULL);
	SSL_set_tlsext_max_fragment_length(f.client, TLSEXT_max_fragment_length_512);
	tls_fixture_handshake(&f);
	feed_record(SSL3_RT_APPLICATION_DATA, text, 512);
	assert_int_equal(f.received_len, 512);
	feed_record(SSL3_RT_APPLICATION_DATA, text, 513);
	assert_broken("record overflow");
	free(text);
}

static void the_version_of_a_record_is_authenticated(void **state)
{
	(void)state;
	for (size_t v = 0; v < ARRAY_LENGTH(versions); v++) {
		for (size_t at = 1; at <= 2; at++) {
			char *data;

			another(versions[v]);
			SSL_write(f.client, "text", 4);
			BIO_get_mem_data(SSL_get_wbio(f.client), &data);
			data[at] ^= 0x20;
			tls_fixture_to_server(&f);
			assert_int_equal(f.received_len, 0);
			assert_broken("bad record mac");
		}
	}
}

/* What is kept for the layer above is not lost when that lets go in the middle of it. */
static size_t close_at_once(struct stream *s, struct bytes data)
{
	uint8_t last = data.data[data.len - 1];

	stream_close(s);
	assert_int_equal(data.data[data.len - 1], last);
	return data.len;
}

static void the_layer_above_may_close_while_it_is_given_what_was_kept(void **state)
{
	struct stream_handler closing;
	struct stream *s;

	(void)state;
	tls_fixture_handshake(&f);
	s = f.upper;
	f.taking = false;
	client_writes("kept", 4);
	assert_int_equal(records()->input.rest->len, 4);
	closing = *s->handler;
	closing.on_receive = close_at_once;
	s->handler = &closing;
	f.upper = NULL;
	stream_resume(s);
	assert_true(f.lower.closed);
	assert_int_equal(usage().connections, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_suite_goes_both_ways),
		TEST(spans_of_any_length_share_records),
		TEST(records_may_be_cut_at_every_byte),
		TEST(records_are_counted_past_two_bytes),
		TEST(a_resumed_connection_goes_both_ways),
		TEST(a_peer_with_little_room_is_sent_small_records),
		TEST(new_keys_are_taken_and_answered),
		TEST(new_keys_that_are_asked_for_often_are_made_once),
		TEST(keys_are_replaced_before_they_are_worn_out),
		TEST(records_of_the_handshake_count),
		TEST(a_changed_byte_anywhere_is_a_bad_record),
		TEST(a_record_is_good_once),
		TEST(a_record_that_says_it_is_too_long_is_refused_by_its_header),
		TEST(a_record_with_more_than_it_may_have_is_refused),
		TEST(a_record_too_short_for_its_tag_is_bad),
		TEST(padding_is_taken_off),
		TEST(what_has_no_place_here_is_refused),
		TEST(a_record_that_is_not_protected_is_refused),
		TEST(a_message_may_be_cut_and_not_be_interrupted),
		TEST(records_without_text_are_limited),
		TEST(a_peers_alert_ends_it_without_an_answer),
		TEST(warnings_of_1_2_and_cancelling_go_by),
		TEST(renegotiation_is_refused_once),
		TEST(close_notify_reaches_openssl_in_every_suite),
		TEST(nothing_is_said_behind_close_notify),
		TEST(an_alert_without_memory_leaves_the_rest_as_it_is),
		TEST(a_record_may_be_padded_up_to_the_largest_and_no_more),
		TEST(a_peer_keeps_to_the_little_room_that_it_asked_for),
		TEST(the_version_of_a_record_is_authenticated),
		TEST(the_layer_above_may_close_while_it_is_given_what_was_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
