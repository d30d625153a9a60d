/*
 * A frame that comes in is first given its fate by the random source, then copied into the queue with the
 * time at which it leaves: a heap, the earliest first, of at most `queue` frames. So what is decided depends
 * on the seed and on the frames alone, and only when it happens depends on the time.
 *
 * The order of events is that of a real path: loss, duplication, corruption; then the bottleneck (rate,
 * tail drop), then the long line behind it (delay, jitter, and reordering as the absence of delay).
 * A frame that none of these holds passes at once and takes no place in the queue.
 */
#include "link/impair_line.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/timer.h"

enum { REORDER_HOLD_US = 1000 };

int impair_line_init(struct impair_line *l, const struct impair_path *spec, uint64_t seed,
		     struct pool *entries)
{
	assert(spec->jitter_us < UINT32_MAX / 2);
	*l = (struct impair_line){ .spec = *spec, .entries = entries };
	if (l->spec.queue == 0)
		l->spec.queue = IMPAIR_QUEUE_DEFAULT;
	random_init(&l->random, seed);
	l->heap = calloc((size_t)l->spec.queue + IMPAIR_PASSING, sizeof(struct impair_entry *));
	return l->heap != NULL ? 0 : -ENOMEM;
}

void impair_line_fini(struct impair_line *l)
{
	while (l->n_heap > 0)
		pool_give(l->entries, impair_line_take(l));
	free(l->heap);
}

/* ---- the queue ---- */

static bool is_before(const struct impair_entry *a, const struct impair_entry *b)
{
	return a->release_us != b->release_us ? a->release_us < b->release_us : a->order < b->order;
}

static void heap_push(struct impair_line *l, struct impair_entry *e)
{
	uint32_t i = l->n_heap++;

	for (; i > 0 && is_before(e, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = e;
}

struct impair_entry *impair_line_take(struct impair_line *l)
{
	struct impair_entry *top = l->heap[0], *last = l->heap[--l->n_heap];
	uint32_t i = 0;

	for (uint32_t child; (child = 2 * i + 1) < l->n_heap; i = child) {
		if (child + 1 < l->n_heap && is_before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!is_before(l->heap[child], last))
			break;
		l->heap[i] = l->heap[child];
	}
	l->heap[i] = last;
	l->n_passing -= top->passes;
	return top;
}

uint64_t impair_line_next(const struct impair_line *l)
{
	return l->n_heap > 0 ? l->heap[0]->release_us : TIMER_NEVER;
}

/* ---- fates ---- */

/* When the last bit of a frame that comes now will have left the bottleneck. */
static uint64_t bottleneck_ns(const struct impair_line *l, uint32_t len, uint64_t now_us)
{
	uint64_t begin_ns = now_us * 1000;

	if (l->spec.rate_bps == 0)
		return begin_ns;
	if (begin_ns < l->free_at_ns)
		begin_ns = l->free_at_ns;
	return begin_ns + (uint64_t)len * 8 * 1000000000 / l->spec.rate_bps;
}

/* How long one copy is on the line. */
static uint64_t draw_delay(struct impair_line *l)
{
	bool is_delayed = l->spec.delay_us > 0 || l->spec.jitter_us > 0;
	uint64_t span = 2 * l->spec.jitter_us, delay = l->spec.delay_us;

	if (l->spec.jitter_us > 0) {
		delay += random_below(&l->random, (uint32_t)span + 1);
		delay = delay > l->spec.jitter_us ? delay - l->spec.jitter_us : 0;
	}
	if (!random_chance(&l->random, l->spec.reorder_ppm))
		return delay;
	l->counters.reordered++;
	return is_delayed ? 0 : REORDER_HOLD_US;
}

/* The bit of the frame to invert, or -1. */
static int64_t draw_corruption(struct impair_line *l, uint32_t len)
{
	if (!random_chance(&l->random, l->spec.corrupt_ppm) || len <= ETH_HEADER_LEN)
		return -1;
	l->counters.corrupted++;
	return ETH_HEADER_LEN * 8 + (int64_t)random_below(&l->random, (len - ETH_HEADER_LEN) * 8);
}

/* An entry for a frame that waits, or passes; NULL, and counted, at the limit. */
static struct impair_entry *take_entry(struct impair_line *l, bool passes)
{
	bool has_room = passes ? l->n_passing < IMPAIR_PASSING : l->n_heap - l->n_passing < l->spec.queue;
	struct impair_entry *e = has_room ? pool_take(l->entries) : NULL;

	if (e == NULL) {
		l->counters.queue_full++;
		return NULL;
	}
	e->order = l->order++;
	e->passes = passes;
	l->n_passing += passes;
	return e;
}

/* All that is random is drawn before the queue is looked at, whose length is a matter of time. */
static enum impair_fate enter_copy(struct impair_line *l, const uint8_t *data, uint32_t len, uint64_t now_us)
{
	int64_t bit = draw_corruption(l, len);
	uint64_t delay_us = draw_delay(l);
	uint64_t sent_ns = bottleneck_ns(l, len, now_us);
	uint64_t release_us = (sent_ns + 999) / 1000 + delay_us;
	struct impair_entry *e = take_entry(l, release_us <= now_us);

	if (e == NULL)
		return IMPAIR_FULL;
	e->release_us = release_us;
	e->len = len;
	memcpy(e->data, data, len);
	if (bit >= 0)
		e->data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	l->free_at_ns = sent_ns;
	heap_push(l, e);
	return bit >= 0 ? IMPAIR_DAMAGED : IMPAIR_ARRIVES;
}

struct impair_fates impair_line_enter(struct impair_line *l, const uint8_t *data, uint32_t len,
				      uint64_t now_us)
{
	struct impair_fates fates = { .n = 1, .of = { IMPAIR_LOST } };

	l->counters.frames++;
	if (random_chance(&l->random, l->spec.loss_ppm)) {
		l->counters.lost++;
		return fates;
	}
	if (random_chance(&l->random, l->spec.duplicate_ppm)) {
		l->counters.duplicated++;
		fates.n = 2;
	}
	for (unsigned i = 0; i < fates.n; i++)
		fates.of[i] = enter_copy(l, data, len, now_us);
	return fates;
}

/* ---- at the end of the line ---- */

int impair_line_send(struct impair_line *l, struct device *to, uint8_t flags, uint64_t now_us)
{
	struct impair_entry *sent[DEVICE_BATCH];
	struct tx_frame frames[DEVICE_BATCH];
	int n, err = 0;

	while (err >= 0 && impair_line_next(l) <= now_us) {
		for (n = 0; n < DEVICE_BATCH && impair_line_next(l) <= now_us; n++) {
			sent[n] = impair_line_take(l);
			tx_wrap(&frames[n], sent[n]->data, sent[n]->len);
			frames[n].flags = flags;
		}
		err = to->ops->send(to, frames, n, now_us);
		while (n > 0)
			pool_give(l->entries, sent[--n]);
	}
	return err < 0 ? err : 0;
}

int impair_line_lend(struct impair_line *l, struct impair_lent *lent, struct rx_frame *frames, int n, int max,
		     uint64_t now_us)
{
	while (n < max && impair_line_next(l) <= now_us) {
		struct impair_entry *e = impair_line_take(l);

		frames[n++] = (struct rx_frame){ .data = e->data, .len = e->len };
		lent->entries[lent->n++] = e;
	}
	return n;
}

void impair_lent_take_back(struct impair_lent *lent, struct pool *entries)
{
	while (lent->n > 0)
		pool_give(entries, lent->entries[--lent->n]);
}
