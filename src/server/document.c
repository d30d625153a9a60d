/* Documents: memory that doubles, within two limits. */
#include "server/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { FIRST_ROOM = 16 << 10 };

static void release(struct span_owner *owner)
{
	struct document *d = CONTAINER_OF(owner, struct document, owner);

	d->budget->in_use -= d->room;
	free(d->text);
	free(d);
}

struct document *document_new(struct document_budget *budget, size_t limit)
{
	struct document *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	span_owner_init(&d->owner, release);
	d->budget = budget;
	d->limit = limit;
	return d;
}

static bool resize(struct document *d, size_t room)
{
	char *text;

	if (room > d->room && room - d->room > d->budget->limit - d->budget->in_use)
		return false;
	text = realloc(d->text, room);
	if (text == NULL)
		return false;
	d->budget->in_use += room - d->room;
	d->text = text;
	d->room = room;
	return true;
}

static bool grow(struct document *d, size_t wanted)
{
	size_t room = d->room > 0 ? d->room : FIRST_ROOM;

	while (room < wanted)
		room *= 2;
	return resize(d, room < d->limit ? room : d->limit);
}

void document_add(struct document *d, const void *data, size_t len)
{
	if (d->failed)
		return;
	if (len > document_left(d) || (d->len + len > d->room && !grow(d, d->len + len))) {
		d->failed = true;
		return;
	}
	memcpy(d->text + d->len, data, len);
	d->len += len;
}

void document_add_text(struct document *d, const char *text)
{
	document_add(d, text, strlen(text));
}

void document_add_number(struct document *d, uint64_t n)
{
	char digits[20]; /* of UINT64_MAX */
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	document_add(d, digits + at, sizeof digits - at);
}

void document_add_seconds(struct document *d, uint64_t us)
{
	char fraction[8];

	document_add_number(d, us / 1000000);
	snprintf(fraction, sizeof fraction, ".%06u", (unsigned)(us % 1000000));
	document_add_text(d, fraction);
}

bool document_finish(struct document *d, struct span *out)
{
	if (d->failed || d->len == 0) {
		span_owner_unref(&d->owner);
		return false;
	}
	resize(d, d->len); /* if that fails, what is there stays */
	*out = (struct span){ .data = (const uint8_t *)d->text, .len = d->len, .owner = &d->owner };
	return true;
}
