/*
 * The wire: two devices in one process joined back to back, without a system call, on the caller's (virtual)
 * time. Frames arrive in order after a fixed delay; put impair around either end for the rest.
 */
#ifndef LINK_WIRE_H
#define LINK_WIRE_H

#include <stdint.h>

#include "link/device.h"

struct wire_config {
	uint32_t mtu;       /* 0: 1500 */
	uint32_t gso_max;   /* 0: frames of an MTU at most; else super-frames of up to so many bytes of IP
			       pass through uncut, checksums unfinished, as over a TAP */
	uint64_t delay_us;  /* one way */
	uint32_t queue;     /* frames on the way, each direction; more are dropped. 0: 4096 */
};

/* Makes both ends. Closing either end leaves the other silent; closing both frees all. 0, or -ENOMEM. */
int wire_open(const struct wire_config *config, struct device **a, struct device **b);

#endif
