/*
 * Several workers on one device: each has a queue of it, and a stack that knows only the flows that are its
 * own (link/steer_rule.h). The kernel steers as far as it can; what comes by another's queue all the same is
 * handed over here: a device that wraps a queue looks at each received frame, and copies what is another's
 * into a ring that the other one reads. ARP is copied to all, as each has neighbours of its own.
 *
 * All that is shared is here, and nothing of it is written while the kernel steers right: the rings, of
 * STEER_RING bytes from each worker to each other, and a descriptor a worker by which it is woken, but only
 * if it sleeps. A frame for which there is no room is dropped and counted; ARP takes half of a ring at most.
 */
#ifndef LINK_STEER_H
#define LINK_STEER_H

#include "base/failure.h"
#include "link/device.h"
#include "link/steer_rule.h"

enum { STEER_RING = 256 * 1024 };

struct steer_group;

/* Frames: to others, from others, and lost because another's ring was full. */
struct steer_stats {
	uint64_t handed_over, taken_over, dropped;
};

/* 0 and *out, or negative errno and *why. */
int steer_group_new(const struct steer_rule *rule, struct steer_group **out, struct failure *why);
/* When all devices of the group are closed. */
void steer_group_free(struct steer_group *g);

/* Of a worker, by any thread. */
void steer_stats(const struct steer_group *g, unsigned queue, struct steer_stats *out);

/*
 * Wraps a worker's queue, which it owns from then on; on failure the queue stays the caller's. 0, or negative
 * errno. The device is its worker's alone. From the moment that its may_sleep()
 * says yes, others wake the worker by fd().
 */
int steer_open(struct steer_group *g, unsigned queue, struct device *inner, struct device **out);

/* It is what steer_open() has made. */
bool steer_is_member(const struct device *d);

/*
 * An IPv4 packet that was put together of fragments: if it is another worker's it is handed over, and the
 * answer is true. ethernet: the header of the frame that the last of them came in.
 */
bool steer_pass_on(struct device *d, const uint8_t *ethernet, struct bytes packet);

#endif
