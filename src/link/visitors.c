/*
 * Wires of their own: two lines (impair_line.h) for each address that has one. A wire that is over takes no
 * more frames, and goes when the last that is on its way has left it.
 */
#include "link/visitors.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/minmax.h"
#include "base/pool.h"
#include "base/timer.h"
#include "link/ethernet.h"
#include "link/impair_line.h"
#include "link/impair_tell.h"
#include "link/singles.h"

struct wire {
	struct ip_prefix of;
	struct impair_line rx, tx;
	struct drop_next next;
	uint64_t expires_us;
	uint64_t dropped;
	bool is_over;
};

struct visitors {
	struct device device;
	struct device *inner;
	struct frame_teller teller;
	struct frame_teller *below; /* the inner device's; NULL: it tells nothing */
	struct world *world;              /* whose observers are told; NULL: nobody is */
	unsigned n_wires;
	struct wire *wires[VISITORS_MAX];
	struct visitors_counters counters;
	uint64_t seed;                    /* the next wire's */
	struct pool entries;
	struct impair_lent lent; /* by the last recv() */
	uint32_t room;    /* longest frame on a wire */
	uint8_t *scratch; /* one of that length */
	uint8_t *whole;   /* a super-frame to be sent, flattened */
	struct rx_frame in[DEVICE_BATCH];
};

static struct visitors *visitors_of(struct device *d)
{
	return CONTAINER_OF(d, struct visitors, device);
}

/* ---- the table ---- */

static struct wire *find(const struct visitors *v, const struct ip_prefix *of)
{
	for (unsigned i = 0; i < v->n_wires; i++) {
		const struct ip_prefix *p = &v->wires[i]->of;

		if (p->bits == of->bits && ip_addr_equal(&p->addr, &of->addr))
			return v->wires[i];
	}
	return NULL;
}

/* The wire on which a frame of these headers goes, or NULL. */
static struct wire *wire_of(const struct visitors *v, const void *head, size_t len, bool is_rx)
{
	struct frame_ends ends;

	if (!frame_ends_parse(bytes_of(head, len), &ends))
		return NULL;
	for (unsigned i = 0; i < v->n_wires; i++) {
		struct wire *w = v->wires[i];

		if (!w->is_over && ip_prefix_contains(&w->of, is_rx ? &ends.src : &ends.dst))
			return w;
	}
	return NULL;
}

static struct wire *wire_of_sent(const struct visitors *v, const struct tx_frame *f)
{
	return wire_of(v, tx_head(f), tx_head_len(f), false);
}

static void wire_free(struct wire *w)
{
	impair_line_fini(&w->rx);
	impair_line_fini(&w->tx);
	free(w);
}

/* Those whose time is over take nothing more; those that are empty then go. */
static void clear_away(struct visitors *v, uint64_t now_us)
{
	for (unsigned i = v->n_wires; i-- > 0;) {
		struct wire *w = v->wires[i];

		w->is_over |= now_us >= w->expires_us;
		if (!w->is_over || w->rx.n_heap > 0 || w->tx.n_heap > 0)
			continue;
		wire_free(w);
		v->wires[i] = v->wires[--v->n_wires];
	}
}

static struct wire *wire_new(struct visitors *v, const struct ip_prefix *of)
{
	const struct impair_path path = { .queue = VISITORS_QUEUE };
	uint64_t seed = v->world != NULL ? random_u64(&v->world->random) : 2 * v->seed++;
	struct wire *w = calloc(1, sizeof *w);
	int error;

	if (w == NULL)
		return NULL;
	w->of = *of;
	error = impair_line_init(&w->rx, &path, seed, &v->entries);
	if (impair_line_init(&w->tx, &path, seed + 1, &v->entries) < 0 || error < 0) {
		wire_free(w);
		return NULL;
	}
	v->wires[v->n_wires++] = w;
	return w;
}

static void set_path(struct impair_path *to, const struct impair_path *path)
{
	*to = *path;
	if (path->queue == 0 || path->queue > VISITORS_QUEUE)
		to->queue = VISITORS_QUEUE;
}

int visitors_set(struct device *d, const struct ip_prefix *of, const struct visitor_wire *wire)
{
	struct visitors *v = visitors_of(d);
	struct wire *w = find(v, of);
	bool is_full = w == NULL && v->n_wires == VISITORS_MAX;

	if (w == NULL && !is_full)
		w = wire_new(v, of);
	if (w == NULL) {
		v->counters.refused++;
		return is_full ? -ENOSPC : -ENOMEM;
	}
	set_path(&w->rx.spec, &wire->rx);
	set_path(&w->tx.spec, &wire->tx);
	w->next = wire->next;
	w->expires_us = wire->expires_us;
	w->is_over = false;
	return 0;
}

void visitors_clear(struct device *d, const struct ip_prefix *of)
{
	struct wire *w = find(visitors_of(d), of);

	if (w != NULL)
		w->is_over = true;
}

bool visitors_find(const struct device *d, const struct ip_prefix *of, struct visitor_wire *wire,
		   struct visitor_counters *counters)
{
	const struct wire *w = find((const struct visitors *)d, of);

	if (w == NULL || w->is_over)
		return false;
	*wire = (struct visitor_wire){
		.rx = w->rx.spec, .tx = w->tx.spec, .next = w->next, .expires_us = w->expires_us,
	};
	if (counters != NULL)
		*counters = (struct visitor_counters){
			.rx = w->rx.counters, .tx = w->tx.counters, .dropped = w->dropped,
		};
	return true;
}

bool visitors_pretend(struct device *d, const struct ip_prefix *of, const uint8_t *frame, uint32_t len,
		      uint64_t now_us)
{
	struct visitors *v = visitors_of(d);
	struct wire *w = find(v, of);
	struct impair_fates fates;

	if (w == NULL || w->is_over || len > v->room)
		return false;
	fates = impair_line_enter(&w->rx, frame, len, now_us);
	return impair_was_taken(&fates);
}

/* ---- frames ---- */

static void count(struct visitors_way *way, const struct impair_fates *fates)
{
	for (unsigned i = 0; i < fates->n; i++) {
		way->lost += fates->of[i] == IMPAIR_LOST;
		way->corrupted += fates->of[i] == IMPAIR_DAMAGED;
		way->queue_full += fates->of[i] == IMPAIR_FULL;
	}
}

/* The single frame in scratch. */
static struct impair_fates enter(struct visitors *v, struct wire *w, struct impair_line *l, uint32_t len,
				 uint64_t now_us)
{
	struct impair_fates fates = { .n = 1, .of = { IMPAIR_LOST } };
	bool is_rx = l == &w->rx;
	struct frame_ends ends;

	if (w->next.left > 0 && frame_ends_parse(bytes_of(v->scratch, len), &ends) &&
	    drop_next_takes(&w->next, &ends, is_rx)) {
		w->dropped++;
		v->counters.dropped++;
		return fates;
	}
	fates = impair_line_enter(l, v->scratch, len, now_us);
	count(is_rx ? &v->counters.rx : &v->counters.tx, &fates);
	return fates;
}

static void enter_received(struct visitors *v, struct wire *w, const struct rx_frame *f, uint64_t now_us)
{
	struct singles singles;
	uint32_t len;

	if (!singles_begin(&singles, f, v->room)) {
		w->rx.counters.unusable++;
		return;
	}
	while ((len = singles_next(&singles, v->scratch)) > 0) {
		struct impair_fates fates = enter(v, w, &w->rx, len, now_us);

		impair_tell_in(v->world, v->scratch, len, &fates);
	}
}

/* False if none of it was taken. */
static bool enter_sent(struct visitors *v, struct wire *w, const struct tx_frame *f, uint64_t now_us)
{
	const struct rx_frame whole = singles_of_tx(f, v->whole);
	struct singles singles;
	bool taken = false;
	uint32_t len;

	if (!singles_begin(&singles, &whole, v->room)) {
		w->tx.counters.unusable++;
		return false;
	}
	while ((len = singles_next(&singles, v->scratch)) > 0) {
		struct impair_fates fates = enter(v, w, &w->tx, len, now_us);

		impair_tell_out(v->world, f, v->scratch, len, &fates);
		taken |= impair_was_taken(&fates);
	}
	return taken;
}

static int push_due(struct visitors *v, uint64_t now_us)
{
	int err = 0;

	for (unsigned i = 0; i < v->n_wires && err == 0; i++)
		err = impair_line_send(&v->wires[i]->tx, v->inner, TX_TOLD, now_us);
	return err;
}

/* Hands out what is due, until there are max. Returns how many there are then. */
static int deliver(struct visitors *v, struct rx_frame *frames, int n, int max, uint64_t now_us)
{
	for (unsigned i = 0; i < v->n_wires; i++)
		n = impair_line_lend(&v->wires[i]->rx, &v->lent, frames, n, max, now_us);
	return n;
}

/* Takes a batch of the inner device's: what is nobody's is handed out as it is. Returns how many there are
 * then, or a negative errno when the device is gone. */
static int pull(struct visitors *v, struct rx_frame *frames, int n, int max, uint64_t now_us)
{
	int got = v->inner->ops->recv(v->inner, v->in, max - n, now_us);

	for (int i = 0; i < got; i++) {
		struct wire *w = wire_of(v, v->in[i].data, v->in[i].len, true);

		if (w == NULL)
			frames[n++] = v->in[i];
		else
			enter_received(v, w, &v->in[i], now_us);
	}
	return got < 0 ? got : n;
}

/* What is due has half of the room, so that neither keeps the other waiting. */
static int recv_by_wire(struct visitors *v, struct rx_frame *frames, int max, uint64_t now_us)
{
	int n, err = push_due(v, now_us);

	clear_away(v, now_us);
	n = deliver(v, frames, 0, max / 2, now_us);
	n = pull(v, frames, n, max, now_us);
	if (n < 0 || err < 0)
		return n < 0 ? n : err;
	return deliver(v, frames, n, max, now_us);
}

static int visitors_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct visitors *v = visitors_of(d);

	if (LIKELY(v->n_wires == 0))
		return v->inner->ops->recv(v->inner, frames, max, now_us);
	impair_lent_take_back(&v->lent, &v->entries);
	return recv_by_wire(v, frames, max < DEVICE_BATCH ? max : DEVICE_BATCH, now_us);
}

/* How many of the frames from the first on are nobody's. */
static int run_of_others(const struct visitors *v, const struct tx_frame *frames, int count)
{
	int n = 0;

	while (n < count && wire_of_sent(v, &frames[n]) == NULL)
		n++;
	return n;
}

static int send_by_wire(struct visitors *v, struct tx_frame *frames, int count, uint64_t now_us)
{
	int i = 0, taken = 0, err = push_due(v, now_us);

	while (i < count && err >= 0) {
		int n = run_of_others(v, &frames[i], count - i);

		err = n > 0 ? v->inner->ops->send(v->inner, &frames[i], n, now_us) : 0;
		taken += err > 0 ? err : 0;
		i += n;
		if (i < count)
			taken += enter_sent(v, wire_of_sent(v, &frames[i]), &frames[i], now_us);
		i++;
	}
	if (err >= 0)
		err = push_due(v, now_us);
	return err < 0 ? err : taken;
}

static int visitors_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	struct visitors *v = visitors_of(d);

	if (LIKELY(v->n_wires == 0))
		return v->inner->ops->send(v->inner, frames, count, now_us);
	return send_by_wire(v, frames, count, now_us);
}

static int visitors_fd(const struct device *d)
{
	const struct device *inner = ((const struct visitors *)d)->inner;

	return inner->ops->fd(inner);
}

static uint64_t visitors_deadline(const struct device *d)
{
	const struct visitors *v = (const struct visitors *)d;
	uint64_t earliest = v->inner->ops->deadline(v->inner);

	for (unsigned i = 0; i < v->n_wires; i++) {
		const struct wire *w = v->wires[i];

		earliest = min_u64(earliest, min_u64(impair_line_next(&w->rx), impair_line_next(&w->tx)));
		if (!w->is_over)
			earliest = min_u64(earliest, w->expires_us);
	}
	return earliest;
}

static bool visitors_may_sleep(struct device *d)
{
	return device_may_sleep(visitors_of(d)->inner);
}

/* ---- from beginning to end ---- */

static void visitors_free(struct visitors *v)
{
	impair_lent_take_back(&v->lent, &v->entries);
	while (v->n_wires > 0)
		wire_free(v->wires[--v->n_wires]);
	pool_fini(&v->entries);
	free(v->scratch);
	free(v->whole);
	free(v);
}

static void visitors_close(struct device *d)
{
	struct visitors *v = visitors_of(d);

	v->inner->ops->close(v->inner);
	visitors_free(v);
}

static const struct device_ops visitors_ops = {
	.name = "visitors",
	.recv = visitors_recv,
	.send = visitors_send,
	.fd = visitors_fd,
	.deadline = visitors_deadline,
	.may_sleep = visitors_may_sleep,
	.close = visitors_close,
};

static bool takes(struct frame_teller *t, const struct tx_frame *frame)
{
	const struct visitors *v = CONTAINER_OF(t, struct visitors, teller);

	if (v->n_wires > 0 && wire_of_sent(v, frame) != NULL)
		return true;
	return v->below != NULL && v->below->takes(v->below, frame);
}

int visitors_open(struct device *inner, struct device **out)
{
	struct visitors *v = calloc(1, sizeof *v);

	if (v == NULL)
		return -ENOMEM;
	v->device.ops = &visitors_ops;
	v->device.caps = inner->caps;
	v->inner = inner;
	v->room = IMPAIR_HEADERS + inner->caps.mtu;
	v->scratch = malloc(v->room);
	v->whole = malloc(ETH_HEADER_LEN + max_u32(inner->caps.gso_max, inner->caps.mtu));
	pool_init(&v->entries, "visitors", sizeof(struct impair_entry) + v->room, VISITORS_FRAMES);
	if (v->scratch == NULL || v->whole == NULL) {
		visitors_free(v);
		return -ENOMEM;
	}
	*out = &v->device;
	return 0;
}

void visitors_tell(struct device *d, struct world *w)
{
	struct visitors *v = visitors_of(d);

	assert(d->ops == &visitors_ops);
	v->teller.takes = takes;
	v->below = w->teller;
	v->world = w;
	w->teller = &v->teller;
}

const struct visitors_counters *visitors_counters(const struct device *d)
{
	assert(d->ops == &visitors_ops);
	return &((const struct visitors *)d)->counters;
}
