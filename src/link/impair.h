/*
 * A bad wire in front of a device, both ways: loss, delay, jitter, reordering, duplication, corruption, a
 * rate limit with a bounded queue. Same seed, same decisions.
 *
 * An impaired device offers no offloads: impairment acts on frames as they stand on a wire. What the device
 * behind hands over merged is cut, what it hands over unfinished is finished, first.
 */
#ifndef LINK_IMPAIR_H
#define LINK_IMPAIR_H

#include <stdint.h>

#include "link/device.h"

struct world;

enum { IMPAIR_QUEUE_DEFAULT = 1000, IMPAIR_QUEUE_MAX = 100000 };

/* One direction. Probabilities in parts per million, of each frame. */
struct impair_path {
	uint32_t loss_ppm;
	/* Is not delayed, and so overtakes what is on the way (netem's meaning). Without delay and jitter
	 * there is nothing to overtake: then it is held back for a millisecond. */
	uint32_t reorder_ppm;
	uint32_t duplicate_ppm; /* arrives twice; the fates of the copies differ */
	uint32_t corrupt_ppm;   /* one bit behind the Ethernet header is inverted */
	uint64_t delay_us;
	uint64_t jitter_us;     /* uniform in delay ± jitter, not below 0; close frames may overtake */
	uint64_t rate_bps;      /* bits a second of whole frames, before the delay; 0: no limit */
	/* Frames that may wait for the rate limit and be on the way; more are dropped. 0: the default. */
	uint32_t queue;
};

struct impair_spec {
	struct impair_path rx, tx; /* rx: towards us */
	uint64_t seed;
};

/* What happened to the frames of one direction. */
struct impair_counters {
	uint64_t frames; /* came in */
	uint64_t lost, duplicated, corrupted, reordered;
	uint64_t queue_full; /* copies dropped at the limit of the queue */
	uint64_t unusable;   /* frames longer than an MTU that could not be cut */
};

/* "loss=1%,delay=20ms,jitter=5ms,reorder=2%,duplicate=1%,corrupt=0.1%,rate=50mbit,queue=100,seed=7"; "rx:"
 * or "tx:" before a key limits it to one direction; of two that set the same, the later counts. 0, or
 * -EINVAL and *why naming the key. */
int impair_parse(const char *text, struct impair_spec *out, struct failure *why);

/* Wraps inner, which it owns from then on; on failure it stays the caller's. 0, or -ENOMEM. */
int impair_open(const struct impair_spec *spec, struct device *inner, struct device **out);

/* From now on the world's observers are told what becomes of frames. */
void impair_tell(struct device *d, struct world *w);

/* Of a device that impair_open() made. */
const struct impair_counters *impair_rx_counters(const struct device *d);
const struct impair_counters *impair_tx_counters(const struct device *d);

#endif
