/* The table of status codes. */
#include "http/http_status.h"

#include <assert.h>

static const struct http_status table[HTTP_STATUS_COUNT] = {
#define X(code, reason, sentence)                                                             \
	{ code, reason, sentence, "HTTP/1.1 " #code " " reason "\r\n",                        \
	  sizeof("HTTP/1.1 " #code " " reason "\r\n") - 1 },
	HTTP_STATUSES(X)
#undef X
};

const struct http_status *http_status_all(void)
{
	return table;
}

const struct http_status *http_status_find(unsigned code)
{
	switch (code) {
#define X(number, reason, sentence) \
	case number:                \
		return &table[HTTP_STATUS_INDEX_##number];
		HTTP_STATUSES(X)
#undef X
	default:
		return NULL;
	}
}

const struct http_status *http_status_get(unsigned code)
{
	const struct http_status *s = http_status_find(code);

	assert(s != NULL);
	return s != NULL ? s : &table[HTTP_STATUS_INDEX_500];
}

bool http_status_has_page(unsigned code)
{
	const struct http_status *s = http_status_find(code);

	return s != NULL && s->sentence != NULL;
}
