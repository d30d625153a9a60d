/* The checks, in the order of RFC 6455 section 4.2.1; then what the client may choose from. */
#include "websocket/ws_handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "base/ascii.h"
#include "http/http_origin.h"
#include "http/http_text.h"

enum { KEY_TEXT = 24, KEY_DIGITS = 22 }; /* 16 bytes in base64: 22 digits and two equals signs */

const char ws_handshake_versions[] =
	"Connection: Upgrade\r\n"
	"Upgrade: websocket\r\n"
	"Sec-WebSocket-Version: 13\r\n";

/* ---- fields ---- */

/* The next field of this name (lower case) from number *i on, which moves behind it. */
static bool next_value(const struct http_call *call, const char *name, uint32_t *i, struct bytes *value)
{
	struct bytes found;

	while (http_call_field(call, (*i)++, &found, value))
		if (http_text_is(found, name)) {
			*value = http_text_trim(*value);
			return true;
		}
	return false;
}

/* The value of the field, if it came once. */
static bool only_value(const struct http_call *call, const char *name, struct bytes *value)
{
	struct bytes second;
	uint32_t i = 0;

	return next_value(call, name, &i, value) && !next_value(call, name, &i, &second);
}

static bool lists(const struct http_call *call, const char *name, const char *element)
{
	struct bytes value;

	for (uint32_t i = 0; next_value(call, name, &i, &value);)
		if (http_text_lists(value, element))
			return true;
	return false;
}

static bool is_text(struct bytes value, const char *text)
{
	return value.len == strlen(text) && memcmp(value.data, text, value.len) == 0;
}

/* ---- the checks ---- */

static bool is_upgrade(const struct http_call *call)
{
	const struct http_request_line *line = &call->request->line;

	return line->method == HTTP_METHOD_GET && line->minor >= 1 && call->body_len == 0 &&
	       lists(call, "upgrade", "websocket") && lists(call, "connection", "upgrade");
}

static bool has_version(const struct http_call *call)
{
	struct bytes value;

	return only_value(call, "sec-websocket-version", &value) && is_text(value, "13");
}

static bool is_base64_digit(uint8_t c)
{
	return ascii_is_alphanumeric(c) || c == '+' || c == '/';
}

/* 16 bytes: of the last digit two bits count, and the other four are zero. */
static bool is_key(struct bytes key)
{
	if (key.len != KEY_TEXT || memcmp(key.data + KEY_DIGITS, "==", 2) != 0)
		return false;
	for (size_t i = 0; i < KEY_DIGITS; i++)
		if (!is_base64_digit(key.data[i]))
			return false;
	return memchr("AQgw", key.data[KEY_DIGITS - 1], 4) != NULL;
}

bool ws_handshake_accept(struct bytes key, char out[static WS_ACCEPT_TEXT + 1])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[KEY_TEXT + sizeof guid - 1];
	unsigned char digest[SHA_DIGEST_LENGTH];

	if (key.len != KEY_TEXT)
		return false;
	memcpy(text, key.data, KEY_TEXT);
	memcpy(text + KEY_TEXT, guid, sizeof guid - 1);
	if (EVP_Digest(text, sizeof text, digest, NULL, EVP_sha1(), NULL) != 1)
		return false;
	EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest);
	return true;
}

/* ---- the origin: a page of another site must not use its visitor's credentials here (section 10.2) ---- */

static bool admits_origin(const struct http_call *call, const struct ws_handshake_rules *rules)
{
	const char *const *o = rules->origins;
	struct bytes origin;
	uint32_t i = 0;

	if (!next_value(call, "origin", &i, &origin))
		return true; /* no page's script sends it */
	if (!only_value(call, "origin", &origin))
		return false;
	if (o == NULL || *o == NULL)
		return http_origin_is_own(origin, call->target->authority, rules->is_encrypted);
	for (; *o != NULL; o++)
		if (strcmp(*o, "*") == 0 || http_text_is_same(origin, bytes_of(*o, strlen(*o))))
			return true;
	return false;
}

/* ---- what is chosen ---- */

static const char *find_protocol(struct bytes name, const char *const *protocols)
{
	for (; protocols != NULL && *protocols != NULL; protocols++)
		if (is_text(name, *protocols))
			return *protocols;
	return NULL;
}

/* The first that the client names and the server speaks; none at all is an answer too. */
static const char *choose_protocol(const struct http_call *call, const char *const *protocols)
{
	const char *found = NULL;
	struct bytes value;

	for (uint32_t i = 0; found == NULL && next_value(call, "sec-websocket-protocol", &i, &value);)
		while (found == NULL && value.len > 0)
			found = find_protocol(http_text_trim(http_text_take(&value, ',')), protocols);
	return found;
}

static bool negotiate(const struct http_call *call, const struct ws_handshake_rules *rules,
		      struct ws_deflate_params *p)
{
	struct bytes value;

	for (uint32_t i = 0; next_value(call, "sec-websocket-extensions", &i, &value);)
		if (!ws_extension_negotiate(value, rules->compression, rules->window_bits, p))
			return false;
	return true;
}

unsigned ws_handshake_check(const struct http_call *call, const struct ws_handshake_rules *rules,
			    struct ws_handshake *out)
{
	struct bytes key;

	*out = (struct ws_handshake){ .protocol = NULL };
	if (!is_upgrade(call))
		return 400;
	if (!has_version(call))
		return 426;
	if (!only_value(call, "sec-websocket-key", &key) || !is_key(key))
		return 400;
	if (!admits_origin(call, rules))
		return 403;
	if (!negotiate(call, rules, &out->deflate))
		return 400;
	out->protocol = choose_protocol(call, rules->protocols);
	return ws_handshake_accept(key, out->accept) ? 0 : 500;
}

size_t ws_handshake_format(const struct ws_handshake *h, char out[static WS_HANDSHAKE_ANSWER])
{
	char extension[WS_EXTENSION_ANSWER] = "";
	int len;

	if (h->deflate.agreed)
		ws_extension_format(&h->deflate, extension);
	len = snprintf(out, WS_HANDSHAKE_ANSWER,
		       "Upgrade: websocket\r\n"
		       "Connection: Upgrade\r\n"
		       "Sec-WebSocket-Accept: %s\r\n%s%s%s%s%s%s",
		       h->accept, h->deflate.agreed ? "Sec-WebSocket-Extensions: " : "", extension,
		       h->deflate.agreed ? "\r\n" : "", h->protocol != NULL ? "Sec-WebSocket-Protocol: " : "",
		       h->protocol != NULL ? h->protocol : "", h->protocol != NULL ? "\r\n" : "");
	return len > 0 && len < WS_HANDSHAKE_ANSWER ? (size_t)len : 0;
}
