/*
 * Between whom a frame goes, as its headers say: for those below IP who treat frames by that. Nothing in it
 * was checked: who drops a frame for what it says drops what may be damaged.
 */
#ifndef LINK_FRAME_ENDS_H
#define LINK_FRAME_ENDS_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/bytes.h"

struct frame_ends {
	struct ip_addr src, dst;
	bool is_tcp; /* the first or only piece of a segment, and what follows holds */
	uint16_t src_port, dst_port;
	uint8_t flags; /* RFC 9293 section 3.1 */
	uint32_t text_len;
	uint32_t head_len; /* from the frame's first byte to the end of the TCP header */
};

enum { FRAME_TCP_SYN = 0x02, FRAME_TCP_ACK = 0x10 };

/* head: the frame from its Ethernet header on, all of it or the headers alone. False: it holds no IP. */
bool frame_ends_parse(struct bytes head, struct frame_ends *out);

#endif
