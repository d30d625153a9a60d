/* The list of an Accept field: media ranges with weights. Parameters other than q are not looked at. */
#include "http/http_accept.h"

#include <stdbool.h>
#include <string.h>

#include "http/http_fields.h"

enum { WEIGHT_ONE = 1000 };

static struct bytes trim(struct bytes text)
{
	while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
		bytes_skip(&text, 1);
	while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* Takes what stands before the next separator off the text, and the separator. */
static struct bytes take_part(struct bytes *text, char separator)
{
	const uint8_t *end = memchr(text->data, separator, text->len);
	struct bytes part = bytes_of(text->data, end != NULL ? (size_t)(end - text->data) : text->len);

	bytes_skip(text, end != NULL ? part.len + 1 : part.len);
	return trim(part);
}

/* "0.25", with three decimals at most (RFC 9110 section 12.4.2). What is no weight counts as 1. */
static unsigned parse_weight(struct bytes text)
{
	unsigned weight, unit = WEIGHT_ONE;

	if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1'))
		return WEIGHT_ONE;
	if (text.len > 1 && text.data[1] != '.')
		return WEIGHT_ONE;
	weight = (unsigned)(text.data[0] - '0') * unit;
	for (size_t i = 2; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return WEIGHT_ONE;
		unit /= 10;
		weight += (unsigned)(text.data[i] - '0') * unit;
	}
	return weight < WEIGHT_ONE ? weight : WEIGHT_ONE;
}

/* The weight among the parameters of a range. */
static unsigned weight_of(struct bytes parameters)
{
	while (parameters.len > 0) {
		struct bytes p = take_part(&parameters, ';');

		if (p.len >= 2 && (p.data[0] | 0x20) == 'q' && p.data[1] == '=')
			return parse_weight(bytes_of(p.data + 2, p.len - 2));
	}
	return WEIGHT_ONE;
}

/* How closely the range describes the type: 3 by its name, 2 as one of its kind, 1 as anything, 0 not. */
static unsigned closeness(struct bytes range, const char *type)
{
	const char *text = (const char *)range.data;
	size_t kind = strcspn(type, "/") + 1;

	if (http_text_is(text, range.len, type))
		return 3;
	if (range.len == 3 && memcmp(text, "*/*", 3) == 0)
		return 1;
	if (range.len != kind + 1 || text[kind] != '*')
		return 0;
	return strncasecmp(text, type, kind) == 0 ? 2 : 0;
}

unsigned http_accept_quality(struct bytes accept, const char *type)
{
	unsigned best = 0, quality = 0;

	if (accept.data == NULL)
		return WEIGHT_ONE;
	while (accept.len > 0) {
		struct bytes parameters = take_part(&accept, ',');
		struct bytes range = parameters.len > 0 ? take_part(&parameters, ';') : parameters;
		unsigned close = range.len > 0 ? closeness(range, type) : 0;

		if (close > best) {
			best = close;
			quality = weight_of(parameters);
		}
	}
	return quality;
}

size_t http_accept_best(struct bytes accept, const char *const *types, size_t n)
{
	unsigned best = 0;
	size_t chosen = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned quality = http_accept_quality(accept, types[i]);

		if (quality > best) {
			best = quality;
			chosen = i;
		}
	}
	return chosen;
}
