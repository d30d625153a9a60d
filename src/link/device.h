/*
 * A device: a port, of Ethernet as a rule, that hands over and takes frames in batches. Kinds: tap, packet,
 * xdp, wire; decorators (impair, visitors, steer) wrap another device. A device may do I/O and belongs to one
 * worker. Devices stack: a decorator closes what it wraps.
 */
#ifndef LINK_DEVICE_H
#define LINK_DEVICE_H

#include <stdint.h>

#include "base/failure.h"
#include "link/frame.h"

enum { DEVICE_BATCH = 64 }; /* most frames moved in one call */

/* What a frame is. */
enum device_framing {
	FRAMING_ETHERNET, /* Ethernet II, without FCS */
	FRAMING_IP,       /* an IP packet and nothing around it: point to point, without neighbours */
};

struct device_caps {
	enum device_framing framing;
	uint32_t mtu;          /* largest IP packet on the wire */
	uint32_t gso_max;      /* largest IP packet that send() cuts into segments, 0: cannot */
	uint8_t tx_checksum;   /* send() finishes TX_CHECKSUM_PARTIAL */
	uint8_t mac[6];        /* the port's own address if it has one to suggest, else zero */
	uint8_t queue;         /* of several stacks on one port, which; 0 speaks ARP for all (link/steer.h) */
	const char *mode;      /* how frames pass, for people, where that depends; a literal, or NULL */
};

/* Calls: system calls (for wire: batches). rx_dropped: lost before we saw them, as far as the device can
 * tell; tx_dropped: not taken. X(field) */
#define DEVICE_COUNTERS(X) \
	X(rx_frames) X(rx_bytes) X(rx_calls) X(rx_dropped) \
	X(tx_frames) X(tx_bytes) X(tx_calls) X(tx_dropped)

struct device_stats {
#define X(field) uint64_t field;
	DEVICE_COUNTERS(X)
#undef X
};

struct device;

struct device_ops {
	const char *name; /* "tap", "packet", "xdp", … */
	/* Fills up to max frames and returns how many there are, 0 when nothing is waiting, or a negative
	 * errno when the port is gone. The frames stay valid until the next recv(). Never blocks. */
	int (*recv)(struct device *d, struct rx_frame *frames, int max, uint64_t now_us);
	/* Sends count frames in order. What it cannot take it drops and counts; payload is not referenced
	 * after it returns. Returns the number taken, or a negative errno when the port is gone. Never
	 * blocks for long (10 ms at most). */
	int (*send)(struct device *d, struct tx_frame *frames, int count, uint64_t now_us);
	/* File descriptor to wait for with poll(2), or -1. */
	int (*fd)(const struct device *d);
	/* When recv() or send() must be called next though fd() is silent (delayed frames), or
	 * TIMER_NEVER. */
	uint64_t (*deadline)(const struct device *d);
	/* Asked last before waiting for fd(): false: not now, frames have come by another way. From then on
	 * who brings them that way makes fd() readable. NULL: there is no other way. */
	bool (*may_sleep)(struct device *d);
	void (*close)(struct device *d); /* frees d */
};

/* First member of every device. */
struct device {
	const struct device_ops *ops;
	struct device_caps caps;
	struct device_stats stats;
};

static inline bool device_may_sleep(struct device *d)
{
	return d->ops->may_sleep == NULL || d->ops->may_sleep(d);
}

#endif
