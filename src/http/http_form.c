/* Queries and bodies of forms: split, then decoded. */
#include "http/http_form.h"

#include "http/http_text.h"

bool http_form_take(struct bytes *text, struct bytes *name, struct bytes *value)
{
	while (text->len > 0) {
		struct bytes pair = http_text_take(text, '&');

		if (pair.len == 0)
			continue;
		*name = http_text_take(&pair, '=');
		*value = pair;
		return true;
	}
	return false;
}

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t http_form_decode(struct bytes raw, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < raw.len; i++) {
		uint8_t c = raw.data[i];
		int high = c == '%' && i + 2 < raw.len ? digit_of(raw.data[i + 1]) : -1;
		int low = high >= 0 ? digit_of(raw.data[i + 2]) : -1;

		if (low >= 0) {
			c = (uint8_t)(high << 4 | low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		out[n++] = (char)c;
	}
	return n;
}
