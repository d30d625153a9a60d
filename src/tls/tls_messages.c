/* Handshake messages after the handshake: byte by byte, as there are few. */
#include "tls/tls_messages.h"

#include <openssl/ssl.h>

#include "base/minmax.h"

/* The header is here. */
static int begin_message(struct tls_messages *m, bool takes_tickets)
{
	uint32_t len = load_be32(m->head) & 0xffffff;

	switch (m->head[0]) {
	case SSL3_MT_KEY_UPDATE:
		return len == 1 ? 0 : SSL_AD_DECODE_ERROR;
	case SSL3_MT_NEWSESSION_TICKET:
		m->skip = len;
		m->have = 0;
		return takes_tickets ? 0 : SSL_AD_UNEXPECTED_MESSAGE;
	default:
		return SSL_AD_UNEXPECTED_MESSAGE;
	}
}

/* Nothing may stand behind it in its record: that would be protected by the keys that have just ended. */
static int finish_key_update(struct tls_messages *m, struct bytes behind, enum tls_key_update *update)
{
	uint8_t request = m->head[TLS_MESSAGE_HEADER];

	m->have = 0;
	if (request > SSL_KEY_UPDATE_REQUESTED)
		return SSL_AD_ILLEGAL_PARAMETER;
	*update = request == SSL_KEY_UPDATE_REQUESTED ? TLS_KEY_UPDATE_OURS_TOO : TLS_KEY_UPDATE_PEERS;
	return behind.len == 0 ? 0 : SSL_AD_UNEXPECTED_MESSAGE;
}

static void skip(struct tls_messages *m, struct bytes *text)
{
	uint32_t n = (uint32_t)min_u64(m->skip, text->len);

	m->skip -= n;
	bytes_skip(text, n);
}

int tls_messages_take(struct tls_messages *m, bool takes_tickets, struct bytes text,
		      enum tls_key_update *update)
{
	int alert = text.len > 0 ? 0 : SSL_AD_UNEXPECTED_MESSAGE; /* RFC 8446 section 5.1 */

	*update = TLS_KEY_UPDATE_NONE;
	while (alert == 0 && text.len > 0) {
		if (m->skip > 0) {
			skip(m, &text);
			continue;
		}
		bytes_take_u8(&text, &m->head[m->have++]);
		if (m->have == TLS_MESSAGE_HEADER)
			alert = begin_message(m, takes_tickets);
		else if (m->have > TLS_MESSAGE_HEADER)
			alert = finish_key_update(m, text, update);
	}
	return alert;
}
