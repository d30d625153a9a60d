/* Buffers: malloc within a budget. */
#include "websocket/ws_buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(offsetof(struct ws_buffer, data) == offsetof(struct ws_buffer, header) + WS_HEADER_MAX_SENT,
	       "header and payload are one frame");

enum { FIRST_ROOM = 256 };

static size_t cost(size_t room)
{
	return sizeof(struct ws_buffer) + room;
}

static bool charge(struct ws_budget *budget, size_t bytes)
{
	if (bytes <= budget->limit - budget->in_use) {
		budget->in_use += bytes;
		return true;
	}
	budget->refused++;
	return false;
}

static void release(struct span_owner *owner)
{
	struct ws_buffer *b = CONTAINER_OF(owner, struct ws_buffer, owner);
	struct span_owner *keeper = b->budget->keeper;

	b->budget->in_use -= cost(b->room);
	free(b);
	span_owner_unref(keeper);
}

struct ws_buffer *ws_buffer_new(struct ws_budget *budget, size_t room)
{
	struct ws_buffer *b;

	if (!charge(budget, cost(room)))
		return NULL;
	b = malloc(cost(room));
	if (b == NULL) {
		budget->in_use -= cost(room);
		return NULL;
	}
	span_owner_init(&b->owner, release);
	b->budget = budget;
	span_owner_ref(budget->keeper);
	b->len = 0;
	b->room = room;
	return b;
}

static bool resize(struct ws_buffer **b, size_t room)
{
	struct ws_budget *budget = (*b)->budget;
	size_t more = room - (*b)->room;
	struct ws_buffer *moved;

	if (!charge(budget, more))
		return false;
	moved = realloc(*b, cost(room));
	if (moved == NULL) {
		budget->in_use -= more;
		return false;
	}
	moved->room = room;
	*b = moved;
	return true;
}

bool ws_buffer_grow(struct ws_buffer **b, size_t more, size_t most)
{
	size_t needed = (*b)->len + more, room = 2 * (*b)->room;

	assert((*b)->owner.references == 1 && needed <= most);
	if (needed <= (*b)->room)
		return true;
	if (room < FIRST_ROOM)
		room = FIRST_ROOM;
	if (room < needed)
		room = needed;
	return resize(b, room < most ? room : most);
}

/* Not realloc(), which leaves it where it is: then the rest of the hole is too small for the next message,
 * and each one on its way takes up as much of the heap as it did before it was compressed. */
void ws_buffer_fit(struct ws_buffer **b)
{
	size_t spare = (*b)->room - (*b)->len;
	struct ws_buffer *moved;

	assert((*b)->owner.references == 1);
	if (spare < FIRST_ROOM || spare < (*b)->room / 4)
		return;
	moved = malloc(cost((*b)->len));
	if (moved == NULL)
		return;
	memcpy(moved, *b, cost((*b)->len));
	free(*b);
	moved->budget->in_use -= spare;
	moved->room = moved->len;
	*b = moved;
}

struct span ws_buffer_frame(struct ws_buffer *b, uint8_t first)
{
	size_t size = ws_header_emit_size(b->len);
	uint8_t *at = b->header + sizeof b->header - size;

	ws_header_emit(at, first, b->len);
	return (struct span){ .data = at, .len = size + b->len, .owner = &b->owner };
}
