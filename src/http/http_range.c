/*
 * Range fields. Section 14.2 lets a server ignore a set of ranges that is broken or made to do harm; this
 * one ignores more than HTTP_RANGES, and joins those that overlap, so that no byte is sent twice.
 */
#include "http/http_range.h"

#include <stdbool.h>

#include "base/ascii.h"
#include "http/http_text.h"

static bool take_char(struct bytes *b, char c)
{
	if (b->len == 0 || b->data[0] != (uint8_t)c)
		return false;
	bytes_skip(b, 1);
	return true;
}

/* 1*DIGIT; what is larger than any file stays at the largest number. */
static bool take_number(struct bytes *b, uint64_t *out)
{
	size_t before = b->len;
	uint8_t c;

	for (*out = 0; b->len > 0 && ascii_is_digit(b->data[0]); bytes_skip(b, 1)) {
		c = b->data[0] - '0';
		*out = *out > (UINT64_MAX - c) / 10 ? UINT64_MAX : *out * 10 + c;
	}
	return b->len < before;
}

/* suffix-range: the last bytes. */
static bool take_suffix(struct bytes *b, uint64_t size, struct http_range *out)
{
	uint64_t wanted;

	if (!take_number(b, &wanted))
		return false;
	out->len = wanted < size ? wanted : size;
	out->first = size - out->len;
	return true;
}

/* range-spec of section 14.1.1. False: malformed. Of one beyond the end len is 0. */
static bool take_range(struct bytes *b, uint64_t size, struct http_range *out)
{
	uint64_t last;

	if (take_char(b, '-'))
		return take_suffix(b, size, out);
	if (!take_number(b, &out->first) || !take_char(b, '-'))
		return false;
	if (!take_number(b, &last))
		last = UINT64_MAX;
	else if (last < out->first)
		return false;
	out->len = 0;
	if (out->first < size)
		out->len = (last < size ? last + 1 : size) - out->first;
	return true;
}

static bool touch(const struct http_range *a, const struct http_range *b)
{
	return a->first <= b->first + b->len && b->first <= a->first + a->len;
}

static struct http_range join(const struct http_range *a, const struct http_range *b)
{
	uint64_t a_end = a->first + a->len, b_end = b->first + b->len;
	uint64_t first = a->first < b->first ? a->first : b->first;

	return (struct http_range){ .first = first, .len = (a_end > b_end ? a_end : b_end) - first };
}

/* Adds a range, which takes up all those that it touches. */
static void add(struct http_ranges *ranges, struct http_range range)
{
	unsigned i = 0;

	while (i < ranges->count) {
		if (!touch(&ranges->items[i], &range)) {
			i++;
			continue;
		}
		range = join(&ranges->items[i], &range);
		ranges->count--;
		for (unsigned k = i; k < ranges->count; k++)
			ranges->items[k] = ranges->items[k + 1];
		i = 0;
	}
	ranges->items[ranges->count++] = range;
}

enum http_range_verdict http_range_parse(struct bytes value, uint64_t size, struct http_ranges *out)
{
	struct http_range range;
	unsigned asked = 0;

	out->count = 0;
	if (size == 0 || !http_text_take_word(&value, "bytes=")) /* of nothing there is no part */
		return HTTP_RANGE_IGNORED;
	for (;;) {
		http_text_skip_blanks(&value);
		if (value.len == 0)
			break;
		if (take_char(&value, ',')) /* section 5.6.1.2: elements of a list may be empty */
			continue;
		if (asked++ == HTTP_RANGES || !take_range(&value, size, &range))
			return HTTP_RANGE_IGNORED;
		http_text_skip_blanks(&value);
		if (value.len > 0 && value.data[0] != ',')
			return HTTP_RANGE_IGNORED;
		if (range.len > 0)
			add(out, range);
	}
	if (asked == 0)
		return HTTP_RANGE_IGNORED;
	return out->count > 0 ? HTTP_RANGE_OK : HTTP_RANGE_UNSATISFIABLE;
}
