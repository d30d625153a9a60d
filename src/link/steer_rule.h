/*
 * Which of several workers a frame is for. All frames of a flow (addresses and ports, of TCP or UDP) have one
 * owner, whose stack knows the connection; in mode STEER_ADDRESS all of one peer have. It is the same
 * whichever queue of the device a frame came by, and the same in the kernel (link/steer_program.h).
 *
 * The hash is keyed, so that peers cannot choose whose they are, and so load one worker alone. It has but
 * what the kernel's programs can do: it is no secret's guardian.
 */
#ifndef LINK_STEER_RULE_H
#define LINK_STEER_RULE_H

#include <stdint.h>

#include "base/bytes.h"

enum {
	STEER_QUEUES = 32, /* most of one device */
	STEER_ALL = -1,    /* the owner of what every worker must see: ARP */
	STEER_SHIFT = 15,
};

#define STEER_END_FACTOR_1 0x85ebca6bu
#define STEER_END_FACTOR_2 0xc2b2ae35u

enum steer_mode { STEER_FLOW, STEER_ADDRESS };

struct steer_rule {
	enum steer_mode mode;
	uint32_t queues;
	uint32_t start, factor; /* the key */
};

/* queues: 1 to STEER_QUEUES. The same key gives the same owners. */
struct steer_rule steer_rule_make(enum steer_mode mode, unsigned queues, uint64_t key);

/*
 * The owner of a received frame, from its Ethernet header on, or STEER_ALL. Fragments are those of the owner
 * of the address that they come from, who puts them together and asks again for the whole; ICMP errors those
 * of the owner of the flow that they quote. What else is of no flow is worker 0's, and so is IPv6, which no
 * stack takes; with STEER_ADDRESS all of IPv4 is the owner's of its address.
 */
int steer_owner(const struct steer_rule *r, struct bytes frame);

/* Of an IPv4 packet. */
int steer_owner_of_packet(const struct steer_rule *r, struct bytes packet);

/* The hash goes on with one word more. */
static inline uint32_t steer_mix(const struct steer_rule *r, uint32_t hash, uint32_t word)
{
	hash = (hash ^ word) * r->factor;
	return hash ^ hash >> STEER_SHIFT;
}

/* After the last word: MurmurHash3's end (Appleby), by which each bit of the words has its say in the high
 * bits, which choose. Without it ports that follow one another would fall to a few workers. */
static inline uint32_t steer_end(uint32_t hash)
{
	hash = (hash ^ hash >> 16) * STEER_END_FACTOR_1;
	hash = (hash ^ hash >> 13) * STEER_END_FACTOR_2;
	return hash ^ hash >> 16;
}

#endif
