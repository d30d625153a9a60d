/* Content codings, and the weights that Accept-Encoding gives them. */
#include "http/http_encoding.h"

#include "http/http_text.h"

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

/* HTTP_CODINGS for one that is not known. */
static unsigned find_coding(struct bytes name)
{
	unsigned i = 0;

	while (i < HTTP_CODINGS && !http_text_is(name, codings[i].name))
		i++;
	return i == HTTP_CODINGS && http_text_is(name, "x-gzip") ? HTTP_CODING_GZIP : i;
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
	struct bytes name = http_text_trim(http_text_take(&element, ';'));
	uint16_t weight = 1000;
	unsigned coding;

	element = http_text_trim(element);
	if (name.len == 0 || (element.len > 0 && !http_text_weight(element, &weight)))
		return;
	if (http_text_is(name, "*")) {
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
			take_element(&said, http_text_trim(http_text_take(&value, ',')));
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
