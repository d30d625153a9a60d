/*
 * Text that arrived out of order (RFC 9293 SHLD-31) and waits for what is missing before it: contiguous
 * ranges, in two orders at once. In the order of sequence numbers they are filled and taken; in the order in
 * which they last grew they are reported to the peer (RFC 2018 section 4), so a report walks nothing.
 *
 * What is held is never given up: nothing that was reported is reneged on. What finds no room is refused.
 */
#ifndef TCP_TCP_REORDER_H
#define TCP_TCP_REORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/tcp_chunk.h"
#include "tcp/tcp_options.h"

/* Most ranges held: the longest search for a segment's place. More holes than this in one window have no
 * honest cause: the congestion window of a path that loses every third segment is far smaller. */
enum { TCP_REORDER_RANGES = 512 };

/* Never empty. */
struct rx_range {
	struct list node;   /* by sequence number */
	struct list recent; /* the one that grew last is the first */
	struct list chunks; /* its bytes, without a gap */
	struct seq left, right;
	bool untold;        /* it grew since it was last reported */
};

struct tcp_reorder {
	struct list ranges, recent;
	struct pool *range_pool, *chunk_pool;
	uint32_t n_ranges, n_chunks, n_untold;
};

void tcp_reorder_init(struct tcp_reorder *q, struct pool *ranges, struct pool *chunks);
void tcp_reorder_free(struct tcp_reorder *q);

static inline bool tcp_reorder_is_empty(const struct tcp_reorder *q)
{
	return list_is_empty(&q->ranges);
}

enum tcp_reorder_result {
	TCP_REORDER_STORED,
	TCP_REORDER_HELD, /* all of it had arrived before */
	TCP_REORDER_FULL, /* not all of it found room */
};

/* Keeps what is new of text (at least a byte), in no more than max_chunks altogether: what arrived first
 * wins. *held becomes the first run of bytes of text that were held already; empty if there is none. */
enum tcp_reorder_result tcp_reorder_store(struct tcp_reorder *q, struct seq seq, struct bytes text,
					  uint32_t max_chunks, struct sack_block *held);

/* The first held bytes that lie before rcv_nxt, which text in order has just covered again; or an empty
 * block. */
struct sack_block tcp_reorder_covered(const struct tcp_reorder *q, struct seq rcv_nxt);

/* Takes the next chunk if it begins at rcv_nxt, which the caller then moves on; what lies before rcv_nxt is
 * freed. NULL: the next byte is missing. The chunk belongs to the caller. */
struct rx_chunk *tcp_reorder_take(struct tcp_reorder *q, struct seq rcv_nxt);

/*
 * Up to max blocks for one acknowledgement: first the range that `first` lies in (NULL, or in none: no
 * matter), then those that grew last. If more are untold than find room the oldest of these go first: the
 * acknowledgements after this one tell the others. Returns the number of blocks.
 */
unsigned tcp_reorder_report(struct tcp_reorder *q, const struct sack_block *first, unsigned max,
			    struct sack_block *out);

/* The invariants; empty unless TH_CHECKS. */
void tcp_reorder_check(const struct tcp_reorder *q, struct seq rcv_nxt);

#endif
