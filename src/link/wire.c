/*
 * The wire. Each end is a device with a queue of frames on their way to it, oldest first: a delay that is the
 * same for all keeps them in order, so the head of the queue is the next to arrive.
 *
 * A frame lies in a buffer of the wire's, taken from one of two pools (a frame of at most an MTU, a
 * super-frame) when it is sent and given back when its receiver asks for more. The ends share the wire; the
 * last one to close frees it.
 */
#include "link/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/pool.h"
#include "base/timer.h"
#include "link/ethernet.h"

enum { DEFAULT_MTU = 1500, DEFAULT_QUEUE = 4096 };

struct packet {
	struct list node;
	struct pool *pool;        /* where it goes back to */
	uint64_t at_us;           /* when it arrives */
	uint32_t len;
	uint16_t gso_size, checksum_start, checksum_offset;
	uint8_t gso, flags;       /* as in struct rx_frame */
	uint8_t data[];
};

struct end {
	struct device device; /* first, so that a device is its end */
	struct wire *wire;
	struct list coming;  /* struct packet, on the way to this end */
	uint32_t n_coming;
	struct list lent;    /* what the last recv() handed out */
	bool is_open;
};

struct wire {
	struct end ends[2];
	struct wire_config config;
	struct pool small, large; /* packets of up to an MTU; super-frames */
};

static const struct device_ops wire_ops;

static struct end *end_of(struct device *d)
{
	return CONTAINER_OF(d, struct end, device);
}

static struct end *other_end(const struct end *e)
{
	return &e->wire->ends[e == &e->wire->ends[0] ? 1 : 0];
}

static void init_end(struct wire *w, struct end *e)
{
	e->device.ops = &wire_ops;
	e->device.caps.mtu = w->config.mtu;
	e->device.caps.gso_max = w->config.gso_max;
	e->device.caps.tx_checksum = w->config.gso_max > 0;
	e->wire = w;
	e->is_open = true;
	list_init(&e->coming);
	list_init(&e->lent);
}

int wire_open(const struct wire_config *config, struct device **a, struct device **b)
{
	struct wire *w = calloc(1, sizeof *w);
	size_t limit;

	if (w == NULL)
		return -ENOMEM;
	w->config = *config;
	if (w->config.mtu == 0)
		w->config.mtu = DEFAULT_MTU;
	if (w->config.queue == 0)
		w->config.queue = DEFAULT_QUEUE;
	/* On the way, and handed out, in both directions. */
	limit = 2 * ((size_t)w->config.queue + DEVICE_BATCH);
	pool_init(&w->small, "wire_small", sizeof(struct packet) + ETH_HEADER_LEN + w->config.mtu, limit);
	pool_init(&w->large, "wire_large", sizeof(struct packet) + ETH_HEADER_LEN + w->config.gso_max, limit);
	for (int i = 0; i < 2; i++)
		init_end(w, &w->ends[i]);
	*a = &w->ends[0].device;
	*b = &w->ends[1].device;
	return 0;
}

static void free_packets(struct list *packets)
{
	LIST_FOR_EACH_SAFE(node, packets) {
		struct packet *p = LIST_ENTRY(node, struct packet, node);

		list_remove(node);
		pool_give(p->pool, p);
	}
}

/* A buffer for a frame that the wire may carry, or NULL. */
static struct packet *take_packet(struct wire *w, const struct tx_frame *f)
{
	uint32_t len = tx_len(f);
	struct pool *pool;
	struct packet *p;

	if (len <= ETH_HEADER_LEN + w->config.mtu)
		pool = &w->small;
	else if (f->gso != GSO_NONE && len <= ETH_HEADER_LEN + w->config.gso_max)
		pool = &w->large;
	else
		return NULL;
	p = pool_take(pool);
	if (p == NULL)
		return NULL;
	list_init(&p->node);
	p->pool = pool;
	return p;
}

/* Copies f as its receiver will see it: a TAP hands on what was left unfinished, a plain port has finished
 * it. */
static void fill_packet(struct packet *p, const struct tx_frame *f, const struct wire_config *config)
{
	bool is_partial = (f->flags & TX_CHECKSUM_PARTIAL) != 0;

	p->len = tx_flatten(f, p->data);
	p->gso = f->gso;
	p->gso_size = f->gso != GSO_NONE ? f->gso_size : 0;
	p->flags = 0;
	p->checksum_start = p->checksum_offset = 0;
	if (is_partial && config->gso_max > 0) {
		p->flags = RX_CHECKSUM_VALID | RX_CHECKSUM_PARTIAL;
		p->checksum_start = f->checksum_start;
		p->checksum_offset = f->checksum_offset;
	} else if (is_partial) {
		frame_finish_checksum(p->data, p->len, f->checksum_start, f->checksum_offset);
	}
}

static bool send_one(struct end *from, const struct tx_frame *f, uint64_t now_us)
{
	struct end *to = other_end(from);
	struct wire *w = from->wire;
	struct packet *p;

	assert(f->gso == GSO_NONE || w->config.gso_max > 0);
	if (!to->is_open || to->n_coming >= w->config.queue)
		return false;
	p = take_packet(w, f);
	if (p == NULL)
		return false;
	fill_packet(p, f, &w->config);
	p->at_us = now_us + w->config.delay_us;
	list_append(&to->coming, &p->node);
	to->n_coming++;
	from->device.stats.tx_frames++;
	from->device.stats.tx_bytes += p->len;
	return true;
}

static int wire_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	int taken = 0;

	for (int i = 0; i < count; i++)
		taken += send_one(end_of(d), &frames[i], now_us);
	d->stats.tx_calls++;
	d->stats.tx_dropped += (unsigned)(count - taken);
	return taken;
}

static void hand_out(struct end *e, struct packet *p, struct rx_frame *out)
{
	list_remove(&p->node);
	e->n_coming--;
	list_append(&e->lent, &p->node);
	*out = (struct rx_frame){
		.data = p->data,
		.len = p->len,
		.gso_size = p->gso_size,
		.gso = p->gso,
		.flags = p->flags,
		.checksum_start = p->checksum_start,
		.checksum_offset = p->checksum_offset,
	};
	e->device.stats.rx_frames++;
	e->device.stats.rx_bytes += p->len;
}

static struct packet *first_coming(const struct end *e)
{
	struct list *node = list_first(&e->coming);

	return node != NULL ? LIST_ENTRY(node, struct packet, node) : NULL;
}

static int wire_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct end *e = end_of(d);
	struct packet *p;
	int n = 0;

	free_packets(&e->lent);
	if (max > DEVICE_BATCH)
		max = DEVICE_BATCH;
	while (n < max && (p = first_coming(e)) != NULL && p->at_us <= now_us)
		hand_out(e, p, &frames[n++]);
	d->stats.rx_calls++;
	return n;
}

static int wire_fd(const struct device *d)
{
	(void)d;
	return -1;
}

static uint64_t wire_deadline(const struct device *d)
{
	const struct packet *p = first_coming((const struct end *)(const void *)d);

	return p != NULL ? p->at_us : TIMER_NEVER;
}

static void wire_close(struct device *d)
{
	struct end *e = end_of(d);
	struct wire *w = e->wire;

	free_packets(&e->coming);
	free_packets(&e->lent);
	e->n_coming = 0;
	e->is_open = false;
	if (other_end(e)->is_open)
		return;
	pool_fini(&w->small);
	pool_fini(&w->large);
	free(w);
}

static const struct device_ops wire_ops = {
	.name = "wire",
	.recv = wire_recv,
	.send = wire_send,
	.fd = wire_fd,
	.deadline = wire_deadline,
	.close = wire_close,
};
