/* Queries and bodies of forms: split, then decoded. */
#include "http/http_form.h"

#include <string.h>

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

bool http_form_find(struct bytes text, const char *name, struct bytes *value)
{
	struct bytes candidate;

	if (text.len > 0 && text.data[0] == '?')
		bytes_skip(&text, 1);
	while (http_form_take(&text, &candidate, value))
		if (candidate.len == strlen(name) && memcmp(candidate.data, name, candidate.len) == 0)
			return true;
	return false;
}

size_t http_form_decode(struct bytes raw, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < raw.len; i++) {
		uint8_t c = raw.data[i];
		int octet = c == '%' && i + 2 < raw.len ? http_text_octet(raw.data[i + 1], raw.data[i + 2])
							: -1;

		if (octet >= 0) {
			c = (uint8_t)octet;
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		out[n++] = (char)c;
	}
	return n;
}
