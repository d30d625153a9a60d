/* Field names: grouped by their length, so that a name is compared with three others at most. */
#include "http/http_fields.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* One bit tells upper from lower case in letters; in no other character of these words does it matter. */
static inline bool same_4(const char *text, const char *lower)
{
	uint32_t a, b;

	memcpy(&a, text, sizeof a);
	memcpy(&b, lower, sizeof b);
	return (a | UINT32_C(0x20202020)) == b;
}

static inline bool same_8(const char *text, const char *lower)
{
	return same_4(text, lower) && same_4(text + 4, lower + 4);
}

/* Four to twenty bytes, in pieces that may overlap: it is called for each field of each request. */
static inline bool same_letters(const char *text, const char *lower, size_t len)
{
	assert(len >= 4 && len <= 20);
	if (len >= 16)
		return same_8(text, lower) && same_8(text + 8, lower + 8) &&
		       same_4(text + len - 4, lower + len - 4);
	if (len >= 8)
		return same_8(text, lower) && same_4(text + len - 8, lower + len - 8) &&
		       same_4(text + len - 4, lower + len - 4);
	return same_4(text, lower) && same_4(text + len - 4, lower + len - 4);
}

enum http_field_id http_field_find(const char *name, size_t len)
{
#define IS(lower) same_letters(name, lower, sizeof lower - 1)
	switch (len) {
	case 4:
		return IS("host") ? HTTP_FIELD_HOST : HTTP_FIELD_OTHER;
	case 5:
		return IS("range") ? HTTP_FIELD_RANGE : HTTP_FIELD_OTHER;
	case 6:
		if (IS("accept"))
			return HTTP_FIELD_ACCEPT;
		if (IS("origin"))
			return HTTP_FIELD_ORIGIN;
		return IS("expect") ? HTTP_FIELD_EXPECT : HTTP_FIELD_OTHER;
	case 7:
		return IS("referer") ? HTTP_FIELD_REFERER : HTTP_FIELD_OTHER;
	case 8:
		if (IS("if-range"))
			return HTTP_FIELD_IF_RANGE;
		return IS("if-match") ? HTTP_FIELD_IF_MATCH : HTTP_FIELD_OTHER;
	case 10:
		if (IS("user-agent"))
			return HTTP_FIELD_USER_AGENT;
		return IS("connection") ? HTTP_FIELD_CONNECTION : HTTP_FIELD_OTHER;
	case 13:
		if (IS("authorization"))
			return HTTP_FIELD_AUTHORIZATION;
		return IS("if-none-match") ? HTTP_FIELD_IF_NONE_MATCH : HTTP_FIELD_OTHER;
	case 14:
		return IS("content-length") ? HTTP_FIELD_CONTENT_LENGTH : HTTP_FIELD_OTHER;
	case 15:
		return IS("accept-encoding") ? HTTP_FIELD_ACCEPT_ENCODING : HTTP_FIELD_OTHER;
	case 17:
		if (IS("transfer-encoding"))
			return HTTP_FIELD_TRANSFER_ENCODING;
		return IS("if-modified-since") ? HTTP_FIELD_IF_MODIFIED_SINCE : HTTP_FIELD_OTHER;
	case 19:
		return IS("if-unmodified-since") ? HTTP_FIELD_IF_UNMODIFIED_SINCE : HTTP_FIELD_OTHER;
	default:
		return HTTP_FIELD_OTHER;
	}
#undef IS
}
