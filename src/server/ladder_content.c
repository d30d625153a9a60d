/* Guesses at text by its first bytes: RFC 9112 sections 3 and 4, RFC 8446 section 5.1. */
#include "server/ladder_content.h"

#include <stdio.h>

#include "base/ascii.h"
#include "http/http_request_line.h"

void ladder_printable(char *out, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	for (; n < len && n < size - 1 && text[n] != '\0'; n++)
		out[n] = text[n] == ' ' || ascii_is_visible(text[n]) ? text[n] : '?';
	out[n] = '\0';
}

static bool begins_with(struct bytes text, const char *word)
{
	size_t len = strlen(word);

	return text.len >= len && memcmp(text.data, word, len) == 0;
}

/* Up to the end of the line, or to `spaces` spaces. */
static size_t words_length(struct bytes text, unsigned spaces)
{
	size_t n = 0;

	while (n < text.len && text.data[n] != '\r' && text.data[n] != '\n' &&
	       (text.data[n] != ' ' || spaces-- > 0))
		n++;
	return n;
}

static bool is_request(struct bytes text)
{
	for (const struct http_method_name *m = http_method_names; m->name != NULL; m++)
		if (begins_with(text, m->name) && text.len > strlen(m->name) &&
		    text.data[strlen(m->name)] == ' ')
			return true;
	return false;
}

static const char *record_name(struct bytes text)
{
	static const char *const names[] = { "TLS ChangeCipherSpec", "TLS alert", "TLS handshake",
					     "TLS data" };

	if (text.len < 3 || text.data[1] != 3 || text.data[0] < 20 || text.data[0] > 23)
		return NULL;
	return names[text.data[0] - 20];
}

static void write_syn(const struct tcp_options *o, char out[static LADDER_CONTENT])
{
	char mss[16] = "", scale[16] = "";

	if (o->has_mss)
		snprintf(mss, sizeof mss, "mss %u", o->mss);
	if (o->has_wscale)
		snprintf(scale, sizeof scale, " scale %u", o->wscale);
	snprintf(out, LADDER_CONTENT, "%s%s%s%s", mss, scale, o->sack_permitted ? " sack" : "",
		 o->has_timestamp ? " ts" : "");
}

void ladder_content(const struct ladder_segment *s, char out[static LADDER_CONTENT])
{
	enum { STATUS = sizeof "HTTP/1.1" };
	const char *record = record_name(s->text);
	struct bytes rest = s->text;

	*out = '\0';
	if ((s->flags & LADDER_SYN) != 0)
		write_syn(&s->options, out);
	else if (s->len == 0)
		return;
	else if (is_request(rest))
		ladder_printable(out, LADDER_CONTENT, (const char *)rest.data, words_length(rest, 1));
	else if (begins_with(rest, "HTTP/1.") && rest.len > STATUS) {
		bytes_skip(&rest, STATUS);
		ladder_printable(out, LADDER_CONTENT, (const char *)rest.data, words_length(rest, 3));
	} else
		snprintf(out, LADDER_CONTENT, "%s", record != NULL ? record : "data");
}
