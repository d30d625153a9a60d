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

static void tell_alert(const struct tls_stream *s, bool is_ours, const uint8_t *alert)
{
	char note[64];

	snprintf(note, sizeof note, "TLS alert: %s", SSL_alert_desc_string_long(alert[1]));
	tell(s, is_ours, note);
}

static void on_message(int writing, int version, int type, const void *data, size_t len, SSL *ssl,
		       void *context)
{
	const struct tls_stream *s = context;
	const uint8_t *bytes = data;
	char note[64];

	(void)version;
	(void)ssl;
	if (type == SSL3_RT_ALERT && len == 2) {
		tell_alert(s, writing != 0, bytes);
	} else if (type == SSL3_RT_HANDSHAKE && len > 0) {
		snprintf(note, sizeof note, "TLS %s",
			 is_hello_retry_request(bytes, len) ? "HelloRetryRequest" : message_name(bytes[0]));
		tell(s, writing != 0, note);
	}
}

void tls_trace(struct tls_stream *s)
{
	if (!world_is_observed(s->tls->world, TRACE_LAYER))
		return;
	SSL_set_msg_callback(s->ssl, on_message);
	SSL_set_msg_callback_arg(s->ssl, s);
}
