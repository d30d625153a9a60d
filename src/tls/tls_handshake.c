/*
 * The handshake, and how it is refused: with an alert (RFC 8446 section 6.2), or with a page in clear text
 * if what came is a request in clear text, which a person may have typed. Then the stream lingers, so that
 * this arrives.
 *
 * A handshake costs a server some two hundred times as much as a request. So there is a limit to how many are
 * under way, to how long one takes, and to how many steps are made in one turn of the loop (base/turns.h).
 */
#include <stdio.h>

#include <openssl/err.h>

#include "base/ascii.h"
#include "tls/tls_internal.h"

enum { PATIENCE_US = 1000000 }; /* with a client, when others wait at the limit */

static bool is_client(const struct tls_stream *s)
{
	return (s->flags & TLS_CLIENT) != 0;
}

void tls_handshake_over(struct tls_stream *s)
{
	timer_cancel(&s->tls->world->timers, &s->timer);
	list_remove(&s->turn);
	list_remove(&s->under_way);
	s->tls->usage.handshakes--;
}

/* ---- refused ---- */

static void log_failure(const struct tls_stream *s, const char *text)
{
	char remote[IP_ADDR_TEXT];
	struct stream_info info;

	stream_info(s->lower, &info);
	log_line(s->tls->world->log, LOG_INFO, "tls", "%s port %u: handshake failed: %s",
		 ip_addr_format(&info.remote, remote), info.remote_port, text);
}

static void fail(struct tls_stream *s, enum tls_failure failure, const char *text)
{
	s->tls->usage.failed[failure]++;
	log_failure(s, text);
	snprintf(s->why, sizeof s->why, "%s", text);
	tls_handshake_over(s);
	s->state = TLS_LINGER;
	tls_stream_linger(s);
}

/* Records that we make ourselves, as no keys are there yet. */
static void put_clear(struct tls_stream *s, const void *data, size_t len)
{
	if ((s->flags & TLS_ANSWERED) == 0)
		tls_output_put(&s->output, &s->tls->buffers, data, len);
}

static void refuse_busy(struct tls_stream *s)
{
	static const uint8_t internal_error[] = {
		SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, SSL_AD_INTERNAL_ERROR,
	};

	put_clear(s, internal_error, sizeof internal_error);
	fail(s, TLS_FAILED_TOO_MANY, "too many handshakes are under way");
}

/* RFC 8446 section 6.1: not a failure of the protocol. */
void tls_handshake_timeout(struct tls_stream *s)
{
	static const uint8_t alerts[] = {
		SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_WARNING, SSL_AD_USER_CANCELLED,
		SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY,
	};

	put_clear(s, alerts, sizeof alerts);
	fail(s, TLS_FAILED_TIMEOUT, "it took too long");
}

/* The first byte of a method; a record begins with 22, a message of SSL 2.0 with 128 or more. */
static bool is_clear_text(uint8_t first)
{
	return ascii_is_upper(first);
}

static void refuse_clear_text(struct tls_stream *s)
{
	static const char answer[] =
		"HTTP/1.1 400 Bad Request\r\n"
		"Content-Type: text/html; charset=utf-8\r\n"
		"Connection: close\r\n"
		"\r\n"
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>400 Bad Request</title>\n"
		"<h1>400 Bad Request</h1>\n"
		"<p>This port speaks HTTPS, and a request in plain HTTP came. Write <b>https://</b> "
		"in front of the "
		"address.</p>\n";

	put_clear(s, answer, sizeof answer - 1);
	fail(s, TLS_FAILED_PLAIN_HTTP, "a request in clear text");
}

void tls_handshake_cut_off(struct tls_stream *s)
{
	fail(s, TLS_FAILED_PEER_LEFT, "the peer left in the middle of it");
}

/* OpenSSL has put the alert into the output, if one is due. */
static void fail_by_error(struct tls_stream *s)
{
	long verified = SSL_get_verify_result(s->ssl);
	struct tls_error e;

	tls_error_take(&e);
	if (e.failure == TLS_FAILED_CERTIFICATE && verified != X509_V_OK)
		snprintf(e.text, sizeof e.text, "certificate: %s", X509_verify_cert_error_string(verified));
	fail(s, e.failure, e.text);
}

/* ---- turns ---- */

/* Whether a step may be made in this turn. */
static bool has_turn(struct tls_stream *s)
{
	struct tls *tls = s->tls;
	bool waits = list_is_linked(&s->turn);

	if (turns_has(&tls->turns, &s->turn))
		return true;
	tls->usage.postponed += !waits;
	return false;
}

/* A piece of a message costs next to nothing: who sends them one by one is not to take others' turns. */
static void count_step(struct tls_stream *s, bool has_cost)
{
	if (has_cost && !is_client(s))
		turns_count(&s->tls->turns, 1);
}

void tls_handshake_on_turn(struct list *node)
{
	tls_stream_take_held(LIST_ENTRY(node, struct tls_stream, turn));
}

/* ---- done ---- */

static void count_done(const struct tls_stream *s)
{
	struct tls_usage *usage = &s->tls->usage;

	*(s->is_resumed ? &usage->resumed : &usage->full) += 1;
	histogram_add(s->is_resumed ? &usage->resumed_time : &usage->full_time,
		      s->tls->world->now_us - s->begun_us);
}

static void note_agreement(struct tls_stream *s)
{
	s->version = SSL_get_version(s->ssl);
	s->cipher = SSL_get_cipher_name(s->ssl);
	s->is_resumed = SSL_session_reused(s->ssl) == 1;
}

static void done(struct tls_stream *s)
{
	if (!tls_records_begin(s)) {
		fail(s, TLS_FAILED_INTERNAL, "no keys for the records behind it");
		return;
	}
	note_agreement(s);
	SSL_free(s->ssl);
	s->ssl = NULL;
	tls_handshake_over(s);
	s->state = TLS_OPEN;
	count_done(s);
	tls_stream_flush(s);
	if (tls_stream_is_dead(s))
		return;
	if (!is_client(s))
		s->acceptor->on_accepted(s->acceptor->context, &s->stream);
	else if (s->stream.handler->on_open != NULL)
		s->stream.handler->on_open(&s->stream);
}

void tls_handshake_step(struct tls_stream *s)
{
	int r;

	ERR_clear_error();
	r = SSL_do_handshake(s->ssl);
	if (!tls_output_is_empty(&s->output))
		s->flags |= TLS_ANSWERED;
	count_step(s, r == 1 || !tls_output_is_empty(&s->output));
	if (r == 1)
		done(s);
	else if (SSL_get_error(s->ssl, r) == SSL_ERROR_WANT_READ)
		tls_stream_flush(s);
	else
		fail_by_error(s);
}

void tls_handshake_input(struct tls_stream *s)
{
	if ((s->flags & (TLS_BEGUN | TLS_CLIENT)) == 0 && is_clear_text(s->input.data[0])) {
		refuse_clear_text(s);
		return;
	}
	s->flags |= TLS_BEGUN;
	if (is_client(s) || has_turn(s))
		tls_handshake_step(s);
}

/* It is the client that is waited for, and has been for a while. */
static bool is_late(const struct tls_stream *s)
{
	const struct tls *tls = s->tls;

	return !list_is_linked(&s->turn) && s->timer.deadline_us + PATIENCE_US <=
	       tls->world->now_us + tls->config.handshake_timeout_us;
}

/* Whoever holds all places and says nothing would otherwise keep everybody out until they have timed out. */
static bool make_room(struct tls *tls)
{
	LIST_FOR_EACH(n, &tls->under_way) {
		struct tls_stream *s = LIST_ENTRY(n, struct tls_stream, under_way);

		if (is_late(s)) {
			refuse_busy(s);
			return true;
		}
		if (!list_is_linked(&s->turn))
			return false; /* those behind it came later */
	}
	return false;
}

void tls_handshake_begin(struct tls_stream *s)
{
	struct tls *tls = s->tls;
	bool too_many = tls->usage.handshakes >= tls->config.max_handshakes;
	bool refused = !is_client(s) && too_many && !make_room(tls);

	tls->usage.handshakes++;
	s->begun_us = tls->world->now_us;
	timer_set(&tls->world->timers, &s->timer, tls->world->now_us + tls->config.handshake_timeout_us);
	if (refused)
		refuse_busy(s);
	else if (!is_client(s))
		list_append(&tls->under_way, &s->under_way);
}
