/*
 * The bad wire. A frame that comes in, from either side, is first given its fate by the random source, then
 * copied into its path's queue with the time at which it leaves: a heap, the earliest first, of at most
 * `queue` frames. So what is decided depends on the seed and on the frames alone, and only when it happens
 * depends on the time.
 *
 * The order of events is that of a real path: loss, duplication, corruption; then the bottleneck (rate,
 * tail drop), then the long line behind it (delay, jitter, and reordering as the absence of delay).
 * A frame that none of these holds passes at once and takes no place in the queue.
 */
#include "link/impair.h"

#include <errno.h>
#include <stdlib.h>

#include "base/pool.h"
#include "base/random.h"
#include "base/timer.h"
#include "link/ethernet.h"
#include "link/gso.h"

enum {
	VLAN_TAG_LEN = 4, /* not counted in an MTU */
	REORDER_HOLD_US = 1000,
	RX_ROUNDS = 8, /* most batches taken from the inner device in one recv() */
	PASSING_MAX = 4096, /* most frames in passing, as a batch of super-frames cut makes them */
};

struct entry {
	uint64_t release_us;
	uint64_t order; /* of entering: first in, first out among those of one time */
	uint32_t len;
	bool passes; /* had no time to wait: does not count as queued */
	uint8_t data[];
};

struct path {
	struct impair_path spec;
	struct impair_counters counters;
	struct random random;    /* its own: what passes one way does not change decisions about the other */
	uint64_t order;          /* next entry's */
	uint64_t free_at_ns;     /* when the bottleneck has sent all it has taken */
	struct entry **heap;     /* room for spec.queue and PASSING_MAX */
	uint32_t n_heap, n_passing; /* in the heap; of these, in passing */
};

struct impair {
	struct device device;
	struct device *inner;
	struct path rx, tx;
	struct pool entries;
	struct entry *lent[DEVICE_BATCH]; /* what the last recv() handed out */
	int n_lent;
	uint32_t room;    /* longest frame that can pass */
	uint8_t *scratch; /* a frame of that length being finished, cut or flattened */
	struct rx_frame in[DEVICE_BATCH];
	struct tx_frame out[DEVICE_BATCH];
};

static struct impair *impair_of(struct device *d)
{
	return CONTAINER_OF(d, struct impair, device);
}

static bool is_before(const struct entry *a, const struct entry *b)
{
	return a->release_us != b->release_us ? a->release_us < b->release_us : a->order < b->order;
}

static void heap_push(struct path *p, struct entry *e)
{
	uint32_t i = p->n_heap++;

	for (; i > 0 && is_before(e, p->heap[(i - 1) / 2]); i = (i - 1) / 2)
		p->heap[i] = p->heap[(i - 1) / 2];
	p->heap[i] = e;
}

/* The earliest; there must be one. */
static struct entry *heap_pop(struct path *p)
{
	struct entry *top = p->heap[0], *last = p->heap[--p->n_heap];
	uint32_t i = 0;

	for (uint32_t child; (child = 2 * i + 1) < p->n_heap; i = child) {
		if (child + 1 < p->n_heap && is_before(p->heap[child + 1], p->heap[child]))
			child++;
		if (!is_before(p->heap[child], last))
			break;
		p->heap[i] = p->heap[child];
	}
	p->heap[i] = last;
	p->n_passing -= top->passes;
	return top;
}

static uint64_t next_release(const struct path *p)
{
	return p->n_heap > 0 ? p->heap[0]->release_us : TIMER_NEVER;
}

/* When the last bit of a frame that comes now will have left the bottleneck. */
static uint64_t bottleneck_ns(const struct path *p, uint32_t len, uint64_t now_us)
{
	uint64_t begin_ns = now_us * 1000;

	if (p->spec.rate_bps == 0)
		return begin_ns;
	if (begin_ns < p->free_at_ns)
		begin_ns = p->free_at_ns;
	return begin_ns + (uint64_t)len * 8 * 1000000000 / p->spec.rate_bps;
}

/* How long one copy is on the line. */
static uint64_t draw_delay(struct path *p)
{
	bool is_delayed = p->spec.delay_us > 0 || p->spec.jitter_us > 0;
	uint64_t span = 2 * p->spec.jitter_us, delay = p->spec.delay_us;

	if (p->spec.jitter_us > 0) {
		delay += random_below(&p->random, (uint32_t)span + 1);
		delay = delay > p->spec.jitter_us ? delay - p->spec.jitter_us : 0;
	}
	if (!random_chance(&p->random, p->spec.reorder_ppm))
		return delay;
	p->counters.reordered++;
	return is_delayed ? 0 : REORDER_HOLD_US;
}

/* The bit of the frame to invert, or -1. */
static int64_t draw_corruption(struct path *p, uint32_t len)
{
	if (!random_chance(&p->random, p->spec.corrupt_ppm) || len <= ETH_HEADER_LEN)
		return -1;
	p->counters.corrupted++;
	return ETH_HEADER_LEN * 8 + (int64_t)random_below(&p->random, (len - ETH_HEADER_LEN) * 8);
}

/* An entry for a frame that waits, or passes; NULL, and counted, at the limit. */
static struct entry *take_entry(struct impair *m, struct path *p, bool passes)
{
	bool has_room = passes ? p->n_passing < PASSING_MAX : p->n_heap - p->n_passing < p->spec.queue;
	struct entry *e = has_room ? pool_take(&m->entries) : NULL;

	if (e == NULL) {
		p->counters.queue_full++;
		return NULL;
	}
	e->order = p->order++;
	e->passes = passes;
	p->n_passing += passes;
	return e;
}

/* All that is random is drawn before the queue is looked at, whose length is a matter of time. */
static bool enter_copy(struct impair *m, struct path *p, const uint8_t *data, uint32_t len, uint64_t now_us)
{
	int64_t bit = draw_corruption(p, len);
	uint64_t delay_us = draw_delay(p);
	uint64_t sent_ns = bottleneck_ns(p, len, now_us);
	uint64_t release_us = (sent_ns + 999) / 1000 + delay_us;
	struct entry *e = take_entry(m, p, release_us <= now_us);

	if (e == NULL)
		return false;
	e->release_us = release_us;
	e->len = len;
	memcpy(e->data, data, len);
	if (bit >= 0)
		e->data[bit / 8] ^= (uint8_t)(1U << bit % 8);
	p->free_at_ns = sent_ns;
	heap_push(p, e);
	return true;
}

/* False if the queue took no copy of the frame. A lost frame counts as taken: nobody knows yet. */
static bool enter(struct impair *m, struct path *p, const uint8_t *data, uint32_t len, uint64_t now_us)
{
	bool is_duplicated, taken;

	p->counters.frames++;
	if (random_chance(&p->random, p->spec.loss_ppm)) {
		p->counters.lost++;
		return true;
	}
	is_duplicated = random_chance(&p->random, p->spec.duplicate_ppm);
	taken = enter_copy(m, p, data, len, now_us);
	if (is_duplicated) {
		p->counters.duplicated++;
		taken |= enter_copy(m, p, data, len, now_us);
	}
	return taken;
}

static bool enter_cut(struct impair *m, const struct rx_frame *f, uint64_t now_us)
{
	struct gso_cut cut;
	uint32_t len;

	if (!gso_cut_begin(&cut, f) || gso_cut_size(&cut) > m->room)
		return false;
	while ((len = gso_cut_next(&cut, m->scratch)) > 0)
		enter(m, &m->rx, m->scratch, len, now_us);
	return true;
}

static bool enter_received(struct impair *m, const struct rx_frame *f, uint64_t now_us)
{
	if (f->gso != GSO_NONE)
		return enter_cut(m, f, now_us);
	if (f->len > m->room || (f->flags & RX_TRUNCATED))
		return false;
	memcpy(m->scratch, f->data, f->len);
	if (f->flags & RX_CHECKSUM_PARTIAL)
		frame_finish_checksum(m->scratch, f->len, f->checksum_start, f->checksum_offset);
	enter(m, &m->rx, m->scratch, f->len, now_us);
	return true;
}

/* Fills the receiving path, until something is due or the inner device has nothing more. While something is
 * due nothing is taken: what waits in the inner device does not use up our queue. */
static int pull(struct impair *m, uint64_t now_us)
{
	int n = 1;

	for (int round = 0; round < RX_ROUNDS && n > 0 && next_release(&m->rx) > now_us; round++) {
		n = m->inner->ops->recv(m->inner, m->in, DEVICE_BATCH, now_us);
		for (int i = 0; i < n; i++)
			if (!enter_received(m, &m->in[i], now_us))
				m->rx.counters.unusable++;
	}
	return n < 0 ? n : 0;
}

/* Hands what is due to the inner device. 0, or a negative errno when that is gone. */
static int push_due(struct impair *m, uint64_t now_us)
{
	struct entry *sent[DEVICE_BATCH];
	int n, err = 0;

	while (err >= 0 && next_release(&m->tx) <= now_us) {
		for (n = 0; n < DEVICE_BATCH && next_release(&m->tx) <= now_us; n++) {
			sent[n] = heap_pop(&m->tx);
			tx_wrap(&m->out[n], sent[n]->data, sent[n]->len);
		}
		err = m->inner->ops->send(m->inner, m->out, n, now_us);
		while (n > 0)
			pool_give(&m->entries, sent[--n]);
	}
	return err < 0 ? err : 0;
}

static void update_stats(struct impair *m)
{
	struct device_stats *s = &m->device.stats;
	const struct device_stats *inner = &m->inner->stats;
	const struct impair_counters *rx = &m->rx.counters, *tx = &m->tx.counters;

	s->rx_calls = inner->rx_calls;
	s->tx_calls = inner->tx_calls;
	s->rx_dropped = inner->rx_dropped + rx->lost + rx->queue_full + rx->unusable;
	s->tx_dropped = inner->tx_dropped + tx->queue_full + tx->unusable;
}

static void take_back(struct impair *m)
{
	while (m->n_lent > 0)
		pool_give(&m->entries, m->lent[--m->n_lent]);
}

/* Hands out what is due; without a word about checksums, which a bit may have been flipped under. */
static int deliver(struct impair *m, struct rx_frame *frames, int max, uint64_t now_us)
{
	while (m->n_lent < max && next_release(&m->rx) <= now_us) {
		struct entry *e = heap_pop(&m->rx);

		frames[m->n_lent] = (struct rx_frame){ .data = e->data, .len = e->len };
		m->lent[m->n_lent++] = e;
		m->device.stats.rx_frames++;
		m->device.stats.rx_bytes += e->len;
	}
	return m->n_lent;
}

static int impair_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct impair *m = impair_of(d);
	int err, pushed;

	take_back(m);
	err = pull(m, now_us);
	pushed = push_due(m, now_us);
	update_stats(m);
	if (err < 0 || pushed < 0)
		return err < 0 ? err : pushed;
	return deliver(m, frames, max < DEVICE_BATCH ? max : DEVICE_BATCH, now_us);
}

static bool enter_sent(struct impair *m, const struct tx_frame *f, uint64_t now_us)
{
	assert(f->gso == GSO_NONE && !(f->flags & TX_CHECKSUM_PARTIAL));
	if (tx_len(f) > m->room) {
		m->tx.counters.unusable++;
		return false;
	}
	return enter(m, &m->tx, m->scratch, tx_flatten(f, m->scratch), now_us);
}

static int impair_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	struct impair *m = impair_of(d);
	int taken = 0, err = push_due(m, now_us);

	for (int i = 0; i < count; i++) {
		if (!enter_sent(m, &frames[i], now_us))
			continue;
		taken++;
		d->stats.tx_frames++;
		d->stats.tx_bytes += tx_len(&frames[i]);
	}
	if (err == 0)
		err = push_due(m, now_us);
	update_stats(m);
	return err < 0 ? err : taken;
}

static int impair_fd(const struct device *d)
{
	const struct device *inner = ((const struct impair *)d)->inner;

	return inner->ops->fd(inner);
}

static uint64_t impair_deadline(const struct device *d)
{
	const struct impair *m = (const struct impair *)d;
	uint64_t earliest = m->inner->ops->deadline(m->inner);

	if (next_release(&m->rx) < earliest)
		earliest = next_release(&m->rx);
	if (next_release(&m->tx) < earliest)
		earliest = next_release(&m->tx);
	return earliest;
}

static void path_fini(struct impair *m, struct path *p)
{
	while (p->n_heap > 0)
		pool_give(&m->entries, heap_pop(p));
	free(p->heap);
}

static void impair_free(struct impair *m)
{
	take_back(m);
	path_fini(m, &m->rx);
	path_fini(m, &m->tx);
	pool_fini(&m->entries);
	free(m->scratch);
	free(m);
}

static void impair_close(struct device *d)
{
	struct impair *m = impair_of(d);

	m->inner->ops->close(m->inner);
	impair_free(m);
}

static const struct device_ops impair_ops = {
	.name = "impair",
	.recv = impair_recv,
	.send = impair_send,
	.fd = impair_fd,
	.deadline = impair_deadline,
	.close = impair_close,
};

static bool path_init(struct path *p, const struct impair_path *spec, uint64_t seed)
{
	assert(spec->jitter_us < UINT32_MAX / 2);
	p->spec = *spec;
	if (p->spec.queue == 0)
		p->spec.queue = IMPAIR_QUEUE_DEFAULT;
	random_init(&p->random, seed);
	p->heap = calloc((size_t)p->spec.queue + PASSING_MAX, sizeof(struct entry *));
	return p->heap != NULL;
}

int impair_open(const struct impair_spec *spec, struct device *inner, struct device **out)
{
	struct impair *m = calloc(1, sizeof *m);
	bool ok;

	if (m == NULL)
		return -ENOMEM;
	m->device.ops = &impair_ops;
	m->device.caps = inner->caps;
	m->device.caps.gso_max = 0;
	m->device.caps.tx_checksum = 0;
	m->inner = inner;
	m->room = ETH_HEADER_LEN + VLAN_TAG_LEN + inner->caps.mtu;
	m->scratch = malloc(m->room);
	ok = path_init(&m->rx, &spec->rx, 2 * spec->seed);
	ok &= path_init(&m->tx, &spec->tx, 2 * spec->seed + 1);
	pool_init(&m->entries, "impair", sizeof(struct entry) + m->room,
		  (size_t)m->rx.spec.queue + m->tx.spec.queue + 2 * PASSING_MAX + DEVICE_BATCH);
	if (!ok || m->scratch == NULL) {
		impair_free(m);
		return -ENOMEM;
	}
	*out = &m->device;
	return 0;
}

const struct impair_counters *impair_rx_counters(const struct device *d)
{
	assert(d->ops == &impair_ops);
	return &((const struct impair *)d)->rx.counters;
}

const struct impair_counters *impair_tx_counters(const struct device *d)
{
	assert(d->ops == &impair_ops);
	return &((const struct impair *)d)->tx.counters;
}
