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

/* Of no bytes there may be no address either, of which nothing may be reckoned. */
static void add(struct document *d, struct bytes text, size_t from, size_t to)
{
	if (to > from)
		document_add(d, text.data + from, to - from);
}

void html_text(struct document *d, struct bytes text)
{
	size_t plain = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *escape = escape_of(text.data[i]);

		if (escape == NULL)
			continue;
		add(d, text, plain, i);
		document_add_text(d, escape);
		plain = i + 1;
	}
	add(d, text, plain, text.len);
}
