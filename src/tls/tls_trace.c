/* Steps of a connection, told to the observers between its segments (base/trace.h). */
#include <stdio.h>
#include <string.h>

#include "tcp/tcp.h"
#include "tls/tls_internal.h"

/* RFC 8446 section 4.1.3: a ServerHello with this random (so it begins) asks for another ClientHello. */
static bool is_hello_retry_request(const uint8_t *message, size_t len)
{
	static const uint8_t mark[] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11 };

	return len >= 6 + sizeof mark && message[0] == SSL3_MT_SERVER_HELLO &&
	       memcmp(message + 6, mark, sizeof mark) == 0;
}

/* RFC 8446 section 4, and RFC 5246 section 7.4 for those of 1.2 alone. */
static const char *message_name(int type)
{
	switch (type) {
	case SSL3_MT_CLIENT_HELLO:
		return "ClientHello";
	case SSL3_MT_SERVER_HELLO:
		return "ServerHello";
	case SSL3_MT_NEWSESSION_TICKET:
		return "NewSessionTicket";
	case SSL3_MT_ENCRYPTED_EXTENSIONS:
		return "EncryptedExtensions";
	case SSL3_MT_CERTIFICATE:
		return "Certificate";
	case SSL3_MT_SERVER_KEY_EXCHANGE:
		return "ServerKeyExchange";
	case SSL3_MT_CERTIFICATE_REQUEST:
		return "CertificateRequest";
	case SSL3_MT_SERVER_DONE:
		return "ServerHelloDone";
	case SSL3_MT_CERTIFICATE_VERIFY:
		return "CertificateVerify";
	case SSL3_MT_CLIENT_KEY_EXCHANGE:
		return "ClientKeyExchange";
	case SSL3_MT_FINISHED:
		return "Finished";
	case SSL3_MT_CERTIFICATE_STATUS:
		return "CertificateStatus";
	case SSL3_MT_KEY_UPDATE:
		return "KeyUpdate";
	default:
		return "handshake message";
	}
}

static void tell(const struct tls_stream *s, bool is_ours, const char *note)
{
	observers_tell(s->tls->world->observer, &(struct trace_event){
							.kind = TRACE_LAYER,
							.now_us = s->tls->world->now_us,
							.conn = tcp_conn_of_stream(s->lower),
							.note = note,
							.new_value = is_ours ? TRACE_OURS : TRACE_PEERS,
						});
}

static bool is_watched(const struct tls_stream *s)
{
	return world_is_observed(s->tls->world, TRACE_LAYER);
}

void tls_trace_alert(const struct tls_stream *s, bool is_ours, const uint8_t alert[static 2])
{
	char note[64];

	if (!is_watched(s))
		return;
	snprintf(note, sizeof note, "TLS alert: %s", SSL_alert_desc_string_long(alert[1]));
	tell(s, is_ours, note);
}

void tls_trace_message(const struct tls_stream *s, bool is_ours, const uint8_t *message, size_t len)
{
	char note[64];

	if (!is_watched(s) || len == 0)
		return;
	snprintf(note, sizeof note, "TLS %s",
		 is_hello_retry_request(message, len) ? "HelloRetryRequest" : message_name(message[0]));
	tell(s, is_ours, note);
}
