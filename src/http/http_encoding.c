/* Content codings, and the weights that Accept-Encoding gives them. */
#include "http/http_encoding.h"

#include <string.h>

static const struct {
	const char *name, *suffix;
} codings[HTTP_CODINGS] = {
	[HTTP_CODING_IDENTITY] = { "identity", "" },
	[HTTP_CODING_BR] = { "br", ".br" },
	[HTTP_CODING_ZSTD] = { "zstd", ".zst" },
	[HTTP_CODING_GZIP] = { "gzip", ".gz" },
};

const char *http_coding_name(enum http_coding coding)
{
	return codings[coding].name;
}

const char *http_coding_suffix(enum http_coding coding)
{
	return codings[coding].suffix;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void trim(struct bytes *b)
{
	while (b->len > 0 && is_blank(b->data[0]))
		bytes_skip(b, 1);
	while (b->len > 0 && is_blank(b->data[b->len - 1]))
		b->len--;
}

/* Takes what stands before the separator, or all if there is none. */
static struct bytes take_until(struct bytes *b, char separator)
{
	const uint8_t *end = b->len > 0 ? memchr(b->data, separator, b->len) : NULL;
	struct bytes head = bytes_of(b->data, end != NULL ? (size_t)(end - b->data) : b->len);

	bytes_skip(b, end != NULL ? head.len + 1 : head.len);
	trim(&head);
	return head;
}

/* weight of section 12.4.2: up to three digits after the point. False: malformed. */
static bool parse_weight(struct bytes text, uint16_t *out)
{
	unsigned value = 0, unit = 1000;

	if (text.len < 3 || text.len > 7 || (text.data[0] | 0x20) != 'q' || text.data[1] != '=')
		return false;
	for (size_t i = 2; i < text.len; i++) {
		if (i == 3 ? text.data[i] != '.' : text.data[i] < '0' || text.data[i] > '9')
			return false;
		if (i == 3)
			continue;
		value += (text.data[i] - '0') * unit;
		unit /= 10;
	}
	*out = (uint16_t)value;
	return value <= 1000;
}

static bool is(struct bytes text, const char *word)
{
	return http_text_is((const char *)text.data, text.len, word);
}

/* HTTP_CODINGS for one that is not known. */
static unsigned find_coding(struct bytes name)
{
	unsigned i = 0;

	while (i < HTTP_CODINGS && !is(name, codings[i].name))
		i++;
	return i == HTTP_CODINGS && is(name, "x-gzip") ? HTTP_CODING_GZIP : i;
}

/* What the field says so far. */
struct said {
	struct http_encoding_weights weights;
	bool named[HTTP_CODINGS];
	bool has_rest; /* "*" */
	uint16_t rest;
};

static void take_element(struct said *s, struct bytes element)
{
	struct bytes name = take_until(&element, ';');
	uint16_t weight = 1000;
	unsigned coding;

	trim(&element);
	if (name.len == 0 || (element.len > 0 && !parse_weight(element, &weight)))
		return;
	if (is(name, "*")) {
		s->has_rest = true;
		s->rest = weight;
		return;
	}
	coding = find_coding(name);
	if (coding == HTTP_CODINGS)
		return;
	s->named[coding] = true;
	s->weights.of[coding] = weight;
}

void http_encoding_weigh(const struct http_request *r, struct http_encoding_weights *out)
{
	struct said said = { 0 };

	for (uint32_t i = r->first[HTTP_FIELD_ACCEPT_ENCODING]; i != 0; i = http_request_next(r, i)) {
		struct bytes value = http_request_value_at(r, i);

		while (value.len > 0)
			take_element(&said, take_until(&value, ','));
	}
	for (int i = 0; i < HTTP_CODINGS; i++)
		if (!said.named[i])
			said.weights.of[i] = said.rest;
	if (!said.named[HTTP_CODING_IDENTITY] && !(said.has_rest && said.rest == 0))
		said.weights.of[HTTP_CODING_IDENTITY] = 1;
	*out = said.weights;
}

bool http_encoding_has_weights(const struct http_request *r)
{
	for (uint32_t i = r->first[HTTP_FIELD_ACCEPT_ENCODING]; i != 0; i = http_request_next(r, i)) {
		struct bytes value = http_request_value_at(r, i);

		if (value.len > 0 && memchr(value.data, ';', value.len) != NULL)
			return true;
	}
	return false;
}
