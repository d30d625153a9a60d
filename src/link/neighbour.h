/*
 * Neighbours: which MAC address an IP address on this link has, and whether it still answers (RFC 4861
 * section 7.3, which IPv4 shares here: RFC 1122 section 2.3.2 leaves the method open). How a neighbour is
 * asked is the table's `solicit`: ARP for IPv4; IPv6 will ask by NDP from the network layer. All else is one
 * for both.
 */
#ifndef LINK_NEIGHBOUR_H
#define LINK_NEIGHBOUR_H

#include "base/list.h"
#include "base/pool.h"
#include "link/link.h"

enum neighbour_state {
	NEIGHBOUR_FREE,       /* no entry */
	NEIGHBOUR_INCOMPLETE, /* asked for; frames wait */
	NEIGHBOUR_REACHABLE,  /* known to answer within the last reachable time */
	NEIGHBOUR_STALE,      /* known, but not lately confirmed; nobody cares until somebody sends */
	NEIGHBOUR_DELAY,      /* sent to while stale: upper layers get a moment to confirm */
	NEIGHBOUR_PROBE,      /* being asked, by unicast; still used */
};

enum {
	NEIGHBOUR_INDEX_BITS = 10,
	NEIGHBOUR_MAX = 1 << NEIGHBOUR_INDEX_BITS, /* entries */
	NEIGHBOUR_MAX_INCOMPLETE = NEIGHBOUR_MAX / 4,
	NEIGHBOUR_MAX_PENDING = 4,        /* frames that wait for one neighbour */
	NEIGHBOUR_MAX_PENDING_ALL = 256,  /* frames that wait for any, or are being sent after waiting */
	/* RFC 4861 section 10 */
	NEIGHBOUR_MAX_SOLICIT = 3,        /* MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT */
	NEIGHBOUR_RETRANS_US = 1000000,   /* RETRANS_TIMER; RFC 1122 section 2.3.2.1: one a second at most */
	NEIGHBOUR_DELAY_US = 5 * 1000000, /* DELAY_FIRST_PROBE_TIME */
	NEIGHBOUR_REACHABLE_US = 30 * 1000000, /* REACHABLE_TIME; each entry's is 0.5 to 1.5 times that */
	NEIGHBOUR_STALE_US = 600 * 1000000,    /* a stale entry that nobody used for so long is forgotten */
	NEIGHBOUR_IN_USE_US = 30 * 1000000,    /* an entry sent to within this time is never recycled */
};

struct neighbour;

/* Asks for n's MAC: everybody (INCOMPLETE), or by unicast n itself (PROBE). */
typedef void neighbour_solicit_fn(struct link *l, const struct neighbour *n);

struct neighbour {
	struct neighbour_table *table;
	struct list bucket;   /* in the table's hash bucket */
	struct list order;    /* in one of the table's lists */
	struct list pending;  /* frames that wait, oldest first */
	struct timer timer;   /* what happens next in this state */
	struct ip_addr addr;
	struct mac_addr mac;  /* unknown while INCOMPLETE */
	uint8_t state;        /* enum neighbour_state */
	uint8_t solicits;     /* sent in this state */
	uint8_t n_pending;
	bool was_used;        /* we sent to it, or wanted to */
	uint32_t generation;  /* of hints: changes when the entry is recycled */
	uint32_t reachable_us; /* this entry's reachable time */
	uint64_t confirmed_at_us;
	uint64_t used_at_us;   /* to the second */
};

struct neighbour_table {
	struct link *link;
	neighbour_solicit_fn *solicit;
	struct neighbour *entries; /* NEIGHBOUR_MAX */
	struct list buckets[NEIGHBOUR_MAX];
	struct list unused;     /* FREE entries */
	struct list incomplete; /* these three: most lately used, or learnt, first */
	struct list learnt;     /* resolved and never sent to */
	struct list used;       /* resolved and sent to */
	unsigned n_incomplete;
	unsigned n_entries;     /* not FREE */
	struct pool pending;    /* copies of frames that wait */
};

/* 0 and *out, or -ENOMEM. */
int neighbour_table_new(struct link *l, neighbour_solicit_fn *solicit, struct neighbour_table **out);
/* The link's tx ring must have been emptied (link_tx_done). Frames that wait go without being counted. t
 * may be NULL. */
void neighbour_table_free(struct neighbour_table *t);

/* NULL if there is no entry. */
struct neighbour *neighbour_find(struct neighbour_table *t, const struct ip_addr *addr);

/* The entry to send to addr through, marked as used, by the hint that neighbour_get() gave; NULL: that is no
 * good any more. */
struct neighbour *neighbour_hinted(struct neighbour_table *t, const struct ip_addr *addr, uint32_t hint);

/* The entry to send to addr through, made INCOMPLETE if there is none, marked as used. NULL when the table
 * is full. hint may be NULL. */
struct neighbour *neighbour_get(struct neighbour_table *t, const struct ip_addr *addr, uint32_t *hint);

/* Where to send, or NULL while that is not known. */
const struct mac_addr *neighbour_mac(const struct neighbour *n);

/* Keeps a copy of f, which has no Ethernet header yet, until n is resolved, and sees that n is asked for.
 * The slot is free again. */
enum drop_reason neighbour_hold(struct neighbour *n, const struct tx_frame *f, uint16_t ethertype);

/* addr says, or by its packets shows, that its MAC is mac. is_answer: this is what an answer to our
 * question looks like. False if there is no entry. */
bool neighbour_update(struct neighbour_table *t, const struct ip_addr *addr, const struct mac_addr *mac,
		      bool is_answer);

/* Makes an entry, STALE, for somebody who is not in the table. False, and counted, when the table is full. */
bool neighbour_add(struct neighbour_table *t, const struct ip_addr *addr, const struct mac_addr *mac);

/* An upper layer made progress with the neighbour that the hint stands for (RFC 4861 section 7.3.1). */
void neighbour_confirm(struct neighbour_table *t, uint32_t hint);

/* An upper layer has reason to think that this neighbour is gone: it is asked, unless it was confirmed within
 * the last second, so that many who doubt ask no more often than one. */
void neighbour_doubt(struct neighbour_table *t, uint32_t hint);

#endif
