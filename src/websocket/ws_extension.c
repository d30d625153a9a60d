/* Offers: extension-list of RFC 6455 section 9.1, then the four parameters of RFC 7692 section 7.1. */
#include "websocket/ws_extension.h"

#include <stdio.h>

#include "base/ascii.h"
#include "http/http_text.h"

/* ---- words ---- */

static bool take_token(struct bytes *text, struct bytes *out)
{
	size_t len = 0;

	http_text_skip_blanks(text);
	while (len < text->len && http_text_is_token_char((char)text->data[len]))
		len++;
	bytes_take(text, len, out);
	return len > 0;
}

/* A quoted value is a token too once it is unquoted, so there are no escapes in it. */
static bool take_value(struct bytes *text, struct bytes *out)
{
	uint8_t quote = 0;

	http_text_skip_blanks(text);
	if (text->len == 0 || text->data[0] != '"')
		return take_token(text, out);
	bytes_skip(text, 1);
	return text->len > 0 && http_text_is_token_char((char)text->data[0]) && take_token(text, out) &&
	       bytes_take_u8(text, &quote) && quote == '"';
}

static bool take_char(struct bytes *text, char c)
{
	http_text_skip_blanks(text);
	if (text->len == 0 || text->data[0] != c)
		return false;
	bytes_skip(text, 1);
	return true;
}

/* ---- parameters ---- */

struct offer {
	bool refused; /* unknown, twice, or with a value that it may not have */
	bool server_no_takeover, client_no_takeover, has_server_bits, has_client_bits;
	uint8_t server_bits, client_bits;
};

/* "8" to "15", without leading zeros. */
static bool read_bits(struct bytes value, uint8_t *out)
{
	unsigned bits = 0;

	if (value.len == 0 || value.len > 2 || value.data[0] == '0')
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (!ascii_is_digit(value.data[i]))
			return false;
		bits = 10 * bits + value.data[i] - '0';
	}
	*out = (uint8_t)bits;
	return bits >= WS_WINDOW_BITS_MIN && bits <= WS_WINDOW_BITS_MAX;
}

static bool set_once(bool *flag)
{
	bool first = !*flag;

	*flag = true;
	return first;
}

/* value.data is NULL if there is none. False: the offer is refused for it. */
static bool take_parameter(struct offer *o, struct bytes name, struct bytes value)
{
	if (http_text_is(name, "server_no_context_takeover"))
		return value.data == NULL && set_once(&o->server_no_takeover);
	if (http_text_is(name, "client_no_context_takeover"))
		return value.data == NULL && set_once(&o->client_no_takeover);
	if (http_text_is(name, "server_max_window_bits"))
		return set_once(&o->has_server_bits) && read_bits(value, &o->server_bits);
	if (http_text_is(name, "client_max_window_bits"))
		return set_once(&o->has_client_bits) &&
		       (value.data == NULL || read_bits(value, &o->client_bits));
	return false;
}

/* ---- offers ---- */

static bool take_offer(struct bytes *text, struct bytes *name, struct offer *o)
{
	*o = (struct offer){ .server_bits = WS_WINDOW_BITS_MAX, .client_bits = WS_WINDOW_BITS_MAX };
	if (!take_token(text, name))
		return false;
	while (take_char(text, ';')) {
		struct bytes parameter, value = { 0 };

		if (!take_token(text, &parameter) || (take_char(text, '=') && !take_value(text, &value)))
			return false;
		if (!take_parameter(o, parameter, value))
			o->refused = true;
	}
	return true;
}

/* Without client_max_window_bits in its offer the client cannot be held to a window: then its messages
 * stand each by itself, so that no window of 32 KiB need be kept for it. */
static void agree(const struct offer *o, bool takeover, uint8_t window_bits, struct ws_deflate_params *p)
{
	*p = (struct ws_deflate_params){
		.agreed = true,
		.server_no_takeover = o->server_no_takeover || !takeover,
		.client_no_takeover = o->client_no_takeover || !takeover ||
				      (!o->has_client_bits && window_bits < WS_WINDOW_BITS_MAX),
		.server_bits = o->server_bits < window_bits ? o->server_bits : window_bits,
		.client_bits = WS_WINDOW_BITS_MAX,
		.tell_server_bits = o->has_server_bits,
		.tell_client_bits = o->has_client_bits,
	};
	if (o->has_client_bits)
		p->client_bits = o->client_bits < window_bits ? o->client_bits : window_bits;
}

bool ws_extension_negotiate(struct bytes value, enum ws_compression compression, uint8_t window_bits,
			    struct ws_deflate_params *p)
{
	struct bytes name;
	struct offer o;

	do {
		http_text_skip_blanks(&value);
		if (value.len == 0 || value.data[0] == ',')
			continue; /* empty elements are allowed: RFC 9110 section 5.6.1 */
		if (!take_offer(&value, &name, &o))
			return false;
		if (!p->agreed && !o.refused && compression != WS_COMPRESSION_OFF &&
		    http_text_is(name, "permessage-deflate"))
			agree(&o, compression == WS_COMPRESSION_TAKEOVER, window_bits, p);
	} while (take_char(&value, ','));
	http_text_skip_blanks(&value);
	return value.len == 0;
}

void ws_extension_format(const struct ws_deflate_params *p, char out[static WS_EXTENSION_ANSWER])
{
	int len = snprintf(out, WS_EXTENSION_ANSWER, "permessage-deflate%s%s",
			   p->server_no_takeover ? "; server_no_context_takeover" : "",
			   p->client_no_takeover ? "; client_no_context_takeover" : "");

	if (p->tell_server_bits)
		len += snprintf(out + len, WS_EXTENSION_ANSWER - (size_t)len, "; server_max_window_bits=%u",
				p->server_bits);
	if (p->tell_client_bits)
		snprintf(out + len, WS_EXTENSION_ANSWER - (size_t)len, "; client_max_window_bits=%u",
			 p->client_bits);
}
