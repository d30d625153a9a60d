/* Ready field lines. */
#include "http/http_lines.h"

#include <stdlib.h>
#include <string.h>

static void release(struct span_owner *owner)
{
	free(owner); /* it is the first member */
}

struct http_lines *http_lines_new(const char *text, size_t len)
{
	struct http_lines *l = malloc(sizeof *l + len);

	if (l == NULL)
		return NULL;
	span_owner_init(&l->owner, release);
	l->len = len;
	memcpy(l->text, text, len);
	return l;
}
