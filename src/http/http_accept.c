/* The list of an Accept field: media ranges with weights. Parameters other than q are not looked at. */
#include "http/http_accept.h"

#include <stdbool.h>
#include <string.h>

#include "http/http_text.h"

enum { WEIGHT_ONE = 1000 };

/* Takes what stands before the next separator off the text. */
static struct bytes take_part(struct bytes *text, char separator)
{
	return http_text_trim(http_text_take(text, separator));
}

/* The weight among the parameters of a range. What is no weight counts as 1. */
static unsigned weight_of(struct bytes parameters)
{
	uint16_t weight;

	while (parameters.len > 0)
		if (http_text_weight(take_part(&parameters, ';'), &weight))
			return weight;
	return WEIGHT_ONE;
}

/* How closely the range describes the type: 3 by its name, 2 as one of its kind, 1 as anything, 0 not. */
static unsigned closeness(struct bytes range, const char *type)
{
	const char *text = (const char *)range.data;
	size_t kind = strcspn(type, "/") + 1;

	if (http_text_is(range, type))
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
		struct bytes range = take_part(&parameters, ';');
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
