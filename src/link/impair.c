/*
 * The bad wire in front of a device: a line (impair_line.h) for each direction, into which go frames cut and
 * finished, so that impairment acts on them as they stand on a wire.
 */
#include "link/impair.h"

#include <errno.h>
#include <stdlib.h>

#include "base/pool.h"
#include "base/timer.h"
#include "link/impair_line.h"
#include "link/impair_tell.h"
#include "link/singles.h"

enum { RX_ROUNDS = 8 /* most batches taken from the inner device in one recv() */ };

struct impair {
	struct device device;
	struct device *inner;
	struct frame_teller teller;
	struct world *world; /* whose observers are told; NULL: nobody is */
	struct impair_line rx, tx;
	struct pool entries;
	struct impair_lent lent; /* by the last recv() */
	uint32_t room;    /* longest frame that can pass */
	uint8_t *scratch; /* a frame of that length being finished, cut or flattened */
	struct rx_frame in[DEVICE_BATCH];
};

static struct impair *impair_of(struct device *d)
{
	return CONTAINER_OF(d, struct impair, device);
}

static bool enter_received(struct impair *m, const struct rx_frame *f, uint64_t now_us)
{
	struct singles singles;
	uint32_t len;

	if (!singles_begin(&singles, f, m->room))
		return false;
	while ((len = singles_next(&singles, m->scratch)) > 0) {
		struct impair_fates fates = impair_line_enter(&m->rx, m->scratch, len, now_us);

		impair_tell_in(m->world, m->scratch, len, &fates);
	}
	return true;
}

/* Fills the receiving line, until something is due or the inner device has nothing more. While something is
 * due nothing is taken: what waits in the inner device does not use up our queue. */
static int pull(struct impair *m, uint64_t now_us)
{
	int n = 1;

	for (int round = 0; round < RX_ROUNDS && n > 0 && impair_line_next(&m->rx) > now_us; round++) {
		n = m->inner->ops->recv(m->inner, m->in, DEVICE_BATCH, now_us);
		for (int i = 0; i < n; i++)
			if (!enter_received(m, &m->in[i], now_us))
				m->rx.counters.unusable++;
	}
	return n < 0 ? n : 0;
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

/* Returns how many frames there are to hand out. */
static int deliver(struct impair *m, struct rx_frame *frames, int max, uint64_t now_us)
{
	int n = impair_line_lend(&m->rx, &m->lent, frames, 0, max, now_us);

	for (int i = 0; i < n; i++)
		m->device.stats.rx_bytes += frames[i].len;
	m->device.stats.rx_frames += (uint64_t)n;
	return n;
}

static int impair_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct impair *m = impair_of(d);
	int err, pushed;

	impair_lent_take_back(&m->lent, &m->entries);
	err = pull(m, now_us);
	pushed = impair_line_send(&m->tx, m->inner, 0, now_us);
	update_stats(m);
	if (err < 0 || pushed < 0)
		return err < 0 ? err : pushed;
	return deliver(m, frames, max < DEVICE_BATCH ? max : DEVICE_BATCH, now_us);
}

static bool enter_sent(struct impair *m, const struct tx_frame *f, uint64_t now_us)
{
	struct impair_fates fates;
	uint32_t len;

	assert(f->gso == GSO_NONE && !(f->flags & TX_CHECKSUM_PARTIAL));
	if (tx_len(f) > m->room) {
		m->tx.counters.unusable++;
		return false;
	}
	len = tx_flatten(f, m->scratch);
	fates = impair_line_enter(&m->tx, m->scratch, len, now_us);
	impair_tell_out(m->world, f, m->scratch, len, &fates);
	return impair_was_taken(&fates);
}

static int impair_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	struct impair *m = impair_of(d);
	int taken = 0, err = impair_line_send(&m->tx, m->inner, 0, now_us);

	for (int i = 0; i < count; i++) {
		if (!enter_sent(m, &frames[i], now_us))
			continue;
		taken++;
		d->stats.tx_frames++;
		d->stats.tx_bytes += tx_len(&frames[i]);
	}
	if (err == 0)
		err = impair_line_send(&m->tx, m->inner, 0, now_us);
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

	if (impair_line_next(&m->rx) < earliest)
		earliest = impair_line_next(&m->rx);
	if (impair_line_next(&m->tx) < earliest)
		earliest = impair_line_next(&m->tx);
	return earliest;
}

static bool impair_may_sleep(struct device *d)
{
	return device_may_sleep(impair_of(d)->inner);
}

static void impair_free(struct impair *m)
{
	impair_lent_take_back(&m->lent, &m->entries);
	impair_line_fini(&m->rx);
	impair_line_fini(&m->tx);
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
	.may_sleep = impair_may_sleep,
	.close = impair_close,
};

int impair_open(const struct impair_spec *spec, struct device *inner, struct device **out)
{
	struct impair *m = calloc(1, sizeof *m);
	int error;

	if (m == NULL)
		return -ENOMEM;
	m->device.ops = &impair_ops;
	m->device.caps = inner->caps;
	m->device.caps.gso_max = 0;
	m->device.caps.tx_checksum = 0;
	m->inner = inner;
	m->room = IMPAIR_HEADERS + inner->caps.mtu;
	m->scratch = malloc(m->room);
	error = impair_line_init(&m->rx, &spec->rx, 2 * spec->seed, &m->entries);
	if (impair_line_init(&m->tx, &spec->tx, 2 * spec->seed + 1, &m->entries) < 0)
		error = -ENOMEM;
	pool_init(&m->entries, "impair", sizeof(struct impair_entry) + m->room,
		  (size_t)m->rx.spec.queue + m->tx.spec.queue + 2 * IMPAIR_PASSING + DEVICE_BATCH);
	if (error < 0 || m->scratch == NULL) {
		impair_free(m);
		return -ENOMEM;
	}
	*out = &m->device;
	return 0;
}

static bool takes_all(struct frame_teller *t, const struct tx_frame *frame)
{
	(void)t;
	(void)frame;
	return true;
}

void impair_tell(struct device *d, struct world *w)
{
	struct impair *m = impair_of(d);

	assert(d->ops == &impair_ops);
	m->teller.takes = takes_all;
	m->world = w;
	w->teller = &m->teller;
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
