/* Text that comes from outside, on its way into a page: nothing of it can be markup. */
#include "server/html.h"

static const char *escape_of(uint8_t c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\0':
		return "\xef\xbf\xbd"; /* U+FFFD; HTML has no NUL */
	default:
		return NULL;
	}
}

static void add(struct document *d, const uint8_t *data, size_t len)
{
	if (len > 0)
		document_add(d, data, len);
}

void html_text(struct document *d, struct bytes text)
{
	size_t plain = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *escape = escape_of(text.data[i]);

		if (escape == NULL)
			continue;
		add(d, text.data + plain, i - plain);
		document_add_text(d, escape);
		plain = i + 1;
	}
	add(d, text.data + plain, text.len - plain);
}
