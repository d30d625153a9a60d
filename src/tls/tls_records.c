/* Contents to records, and records to contents. */
#include "tls/tls_records.h"

#include <stdio.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/minmax.h"
#include "tls/tls_internal.h"

enum { IDLE_MOST = 32 }; /* records in a row without text: more are an attack */

static const struct tls_algorithms *algorithms_of(const struct tls_stream *s)
{
	return &s->tls->algorithms;
}

static bool is_client(const struct tls_stream *s)
{
	return (s->flags & TLS_CLIENT) != 0;
}

/* ---- taken over ---- */

static uint32_t *count_of(struct tls_stream *s, bool is_ours)
{
	return is_ours ? &s->records.sent : &s->records.received;
}

static void take_secret(struct tls_stream *s, bool is_ours, const char *line)
{
	struct tls_protection *p = is_ours ? &s->records.sending : &s->records.receiving;
	bool is_clients = is_ours == is_client(s);

	if (tls_secret_read(&p->secret, line,
			    is_clients ? "CLIENT_TRAFFIC_SECRET_0" : "SERVER_TRAFFIC_SECRET_0"))
		*count_of(s, is_ours) = 0;
}

/* OpenSSL tells a secret in the moment when it begins to use it. */
void tls_records_on_secret(struct tls_stream *s, const char *key_log_line)
{
	take_secret(s, true, key_log_line);
	take_secret(s, false, key_log_line);
}

/* In 1.2 new keys begin behind ChangeCipherSpec. */
void tls_records_on_record(struct tls_stream *s, bool is_ours, uint8_t type)
{
	uint32_t *count = count_of(s, is_ours);

	*count = type == SSL3_RT_CHANGE_CIPHER_SPEC ? 0 : *count + 1;
}

/* Tickets were sent with these keys. */
static bool begin_1_3(struct tls_stream *s, const struct tls_suite *suite)
{
	struct tls_records *r = &s->records;
	struct tls_secret ours = r->sending.secret, peers = r->receiving.secret;
	bool ok = tls_protection_begin_secret(&r->sending, algorithms_of(s), suite, &ours, true, r->sent) &&
		  tls_protection_begin_secret(&r->receiving, algorithms_of(s), suite, &peers, false,
					      r->received);

	OPENSSL_cleanse(&ours, sizeof ours);
	OPENSSL_cleanse(&peers, sizeof peers);
	return ok;
}

/* Each side's Finished was protected by these keys, in as many records as it liked. */
static bool begin_1_2(struct tls_stream *s, const struct tls_suite *suite)
{
	struct tls_records *r = &s->records;
	struct tls_keys client, server;
	bool ok = tls_keys_of_session(algorithms_of(s), suite, s->ssl, &client, &server) &&
		  tls_protection_begin(&r->sending, suite, is_client(s) ? &client : &server, false, true,
				       r->sent) &&
		  tls_protection_begin(&r->receiving, suite, is_client(s) ? &server : &client, false, false,
				       r->received);

	OPENSSL_cleanse(&client, sizeof client);
	OPENSSL_cleanse(&server, sizeof server);
	return ok;
}

/* RFC 6066 section 4: from 512 on, doubled. */
static uint32_t largest_record(const SSL *ssl)
{
	uint8_t code = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));

	return code == TLSEXT_max_fragment_length_DISABLED ? TLS_RECORD_LARGEST : 256u << code;
}

bool tls_records_begin(struct tls_stream *s)
{
	const struct tls_suite *suite = tls_suite_find(algorithms_of(s), SSL_get_current_cipher(s->ssl));
	bool ok = suite != NULL && SSL_has_pending(s->ssl) == 0;

	s->records.size.largest = largest_record(s->ssl);
	if (ok)
		ok = SSL_version(s->ssl) == TLS1_3_VERSION ? begin_1_3(s, suite) : begin_1_2(s, suite);
	ERR_clear_error();
	return ok;
}

void tls_records_end(struct tls_records *r)
{
	tls_protection_end(&r->sending);
	tls_protection_end(&r->receiving);
	tls_input_free(&r->input);
}

/* ---- down ---- */

/* more: bytes of contents that will follow it. False: there is no memory, and the output is as it
 * was; or OpenSSL failed, and it is empty. */
static bool seal(struct tls_stream *s, uint8_t type, struct tls_source *from, size_t len, size_t more)
{
	uint8_t *room = tls_output_reserve(&s->output, &s->tls->buffers, len + TLS_SEALED_MORE, more);
	size_t sealed;

	if (room == NULL)
		return false;
	sealed = tls_protection_seal(&s->records.sending, type, from, len, room);
	if (sealed == 0) {
		tls_output_free(&s->output);
		ERR_clear_error();
		return false;
	}
	tls_output_commit(&s->output, sealed);
	return true;
}

static bool seal_small(struct tls_stream *s, uint8_t type, const uint8_t *data, size_t len)
{
	const struct span span = { .data = data, .len = len };
	struct tls_source from = { .span = &span };

	return seal(s, type, &from, len, 0);
}

/* The peer has asked for it, or the keys have sealed as much as they may (RFC 8446 sections 4.6.3 and
 * 5.5). */
static bool update_keys(struct tls_stream *s)
{
	static const uint8_t message[] = { SSL3_MT_KEY_UPDATE, 0, 0, 1, SSL_KEY_UPDATE_NOT_REQUESTED };

	s->records.owes_key_update = false;
	tls_trace_message(s, true, message, sizeof message);
	return seal_small(s, SSL3_RT_HANDSHAKE, message, sizeof message) &&
	       tls_protection_advance(&s->records.sending, algorithms_of(s));
}

static bool needs_new_keys(const struct tls_records *r)
{
	return r->owes_key_update || (r->sending.sequence >= TLS_PROTECTION_LAST && r->sending.is_1_3);
}

static bool seal_text(struct tls_stream *s, struct tls_source from, size_t left)
{
	struct tls_records *r = &s->records;

	while (left > 0) {
		size_t n = min_u64(left, tls_record_limit(&r->size, s->tls->world->now_us));

		if (UNLIKELY(needs_new_keys(r)) && !update_keys(s))
			return false;
		if (!seal(s, SSL3_RT_APPLICATION_DATA, &from, n, left - n))
			return false;
		tls_record_made(&r->size, n, s->tls->world->now_us);
		left -= n;
	}
	return true;
}

bool tls_records_send(struct tls_stream *s, const struct span *spans, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += spans[i].len;
	if (seal_text(s, (struct tls_source){ .span = spans }, len))
		return true;
	tls_output_free(&s->output);
	return false;
}

void tls_records_send_alert(struct tls_stream *s, uint8_t level, uint8_t description)
{
	const uint8_t alert[] = { level, description };

	if ((s->flags & TLS_SHUT) != 0)
		return;
	tls_trace_alert(s, true, alert);
	seal_small(s, SSL3_RT_ALERT, alert, sizeof alert);
}

/* ---- up ---- */

static enum tls_records_result fail(struct tls_stream *s, int alert)
{
	snprintf(s->why, sizeof s->why, "%s", SSL_alert_desc_string_long(alert));
	tls_records_send_alert(s, SSL3_AL_FATAL, (uint8_t)alert);
	return TLS_RECORDS_BROKEN;
}

/* AWAITED: it needs nothing done. In 1.3 the level says nothing (RFC 8446 section 6). */
static enum tls_records_result take_alert(struct tls_stream *s, struct bytes alert)
{
	bool is_1_3 = s->records.receiving.is_1_3;

	if (alert.len != 2)
		return fail(s, SSL_AD_DECODE_ERROR);
	tls_trace_alert(s, false, alert.data);
	if (alert.data[1] == SSL_AD_CLOSE_NOTIFY)
		return TLS_RECORDS_END;
	if (is_1_3 ? alert.data[1] == SSL_AD_USER_CANCELLED : alert.data[0] == SSL3_AL_WARNING)
		return TLS_RECORDS_AWAITED;
	snprintf(s->why, sizeof s->why, "the peer says: %s", SSL_alert_desc_string_long(alert.data[1]));
	return TLS_RECORDS_BROKEN;
}

/* RFC 5246 section 7.2.2: said once. Nothing comes of what goes on about it. */
static enum tls_records_result refuse_renegotiation(struct tls_stream *s)
{
	if (!s->records.has_refused)
		tls_records_send_alert(s, SSL3_AL_WARNING, SSL_AD_NO_RENEGOTIATION);
	s->records.has_refused = true;
	return TLS_RECORDS_AWAITED;
}

static enum tls_records_result take_messages(struct tls_stream *s, struct bytes text)
{
	struct tls_records *r = &s->records;
	enum tls_key_update update;
	int alert;

	if (!r->receiving.is_1_3)
		return refuse_renegotiation(s);
	tls_trace_message(s, false, text.data, text.len);
	alert = tls_messages_take(&r->messages, is_client(s), text, &update);
	if (alert == 0 && update != TLS_KEY_UPDATE_NONE &&
	    !tls_protection_advance(&r->receiving, algorithms_of(s)))
		alert = SSL_AD_INTERNAL_ERROR;
	r->owes_key_update |= update == TLS_KEY_UPDATE_OURS_TOO;
	return alert == 0 ? TLS_RECORDS_AWAITED : fail(s, alert);
}

/* AWAITED: it brought no text, and others may follow. */
static enum tls_records_result take_contents(struct tls_stream *s, const struct tls_opened *o,
					     struct bytes *text)
{
	struct tls_records *r = &s->records;

	if (o->type != SSL3_RT_HANDSHAKE && !tls_messages_are_whole(&r->messages))
		return fail(s, SSL_AD_UNEXPECTED_MESSAGE);
	if (o->type == SSL3_RT_APPLICATION_DATA && o->text.len > 0) {
		r->idle = 0;
		*text = o->text;
		return TLS_RECORDS_TEXT;
	}
	if (++r->idle > IDLE_MOST)
		return fail(s, SSL_AD_UNEXPECTED_MESSAGE);
	switch (o->type) {
	case SSL3_RT_APPLICATION_DATA:
		return TLS_RECORDS_AWAITED;
	case SSL3_RT_ALERT:
		return take_alert(s, o->text);
	case SSL3_RT_HANDSHAKE:
		return take_messages(s, o->text);
	default:
		return fail(s, SSL_AD_UNEXPECTED_MESSAGE);
	}
}

static enum tls_records_result open_record(struct tls_stream *s, struct bytes record, uint8_t *room,
					   struct bytes *text)
{
	struct tls_records *r = &s->records;
	struct tls_opened opened;
	int alert = tls_protection_open(&r->receiving, record, room, &opened);

	tls_input_drop_record(&r->input);
	if (alert == 0 && opened.text.len > r->size.largest)
		alert = SSL_AD_RECORD_OVERFLOW;
	if (alert != 0) {
		ERR_clear_error();
		return fail(s, alert);
	}
	return take_contents(s, &opened, text);
}

enum tls_records_result tls_records_receive(struct tls_stream *s, uint8_t *room, struct bytes *text)
{
	enum tls_records_result result = TLS_RECORDS_AWAITED;
	struct bytes record;

	while (result == TLS_RECORDS_AWAITED) {
		switch (tls_input_take(&s->records.input, &s->tls->inputs, &s->input, &record)) {
		case TLS_INPUT_RECORD:
			result = open_record(s, record, room, text);
			break;
		case TLS_INPUT_AWAITED:
			return TLS_RECORDS_AWAITED;
		case TLS_INPUT_TOO_LONG:
			return fail(s, SSL_AD_RECORD_OVERFLOW);
		case TLS_INPUT_NO_MEMORY:
			return fail(s, SSL_AD_INTERNAL_ERROR);
		}
	}
	return result;
}

bool tls_records_keep(struct tls_stream *s, struct bytes text)
{
	if (tls_input_keep(&s->records.input, &s->tls->inputs, text))
		return true;
	fail(s, SSL_AD_INTERNAL_ERROR);
	return false;
}
