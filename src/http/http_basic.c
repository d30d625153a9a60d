/* Basic credentials: scheme, base64 (RFC 4648 section 4), and the first colon. */
#include "http/http_basic.h"

#include <string.h>

#include "base/ascii.h"
#include "http/http_text.h"

static int digit_of(uint8_t c)
{
	if (ascii_is_upper(c))
		return c - 'A';
	if (ascii_is_letter(c))
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static struct bytes without_padding(struct bytes text)
{
	for (int i = 0; i < 2 && text.len > 0 && text.data[text.len - 1] == '='; i++)
		text.len--;
	return text;
}

/* At most HTTP_BASIC_MOST octets into out->text. */
static bool decode(struct bytes text, struct http_basic *out)
{
	uint32_t bits = 0;
	unsigned n = 0;

	text = without_padding(text);
	out->len = 0;
	for (size_t i = 0; i < text.len; i++) {
		int digit = digit_of(text.data[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		n += 6;
		if (n < 8)
			continue;
		n -= 8;
		if (out->len == HTTP_BASIC_MOST)
			return false;
		out->text[out->len++] = (char)(bits >> n);
	}
	return n < 6;
}

/* RFC 7617 section 2: neither has control characters, and the name has no colon. */
static bool split(struct http_basic *b)
{
	char *colon = memchr(b->text, ':', b->len);

	for (size_t i = 0; i < b->len; i++)
		if (ascii_is_control(b->text[i]))
			return false;
	if (colon == NULL)
		return false;
	*colon = '\0';
	b->text[b->len] = '\0';
	b->user = b->text;
	b->password = colon + 1;
	return true;
}

bool http_basic_parse(struct bytes authorization, struct http_basic *out)
{
	struct bytes scheme = http_text_take(&authorization, ' ');
	bool is_basic = http_text_is(scheme, "basic");

	if (is_basic && decode(http_text_trim(authorization), out) && split(out))
		return true;
	http_basic_wipe(out);
	return false;
}

void http_basic_wipe(struct http_basic *b)
{
	explicit_bzero(b, sizeof *b);
}
