/* Frames of flows, as they come to us: Ethernet, IPv4 and twenty bytes that begin with the ports. */
#ifndef TESTS_COMMON_FLOW_FRAME_H
#define TESTS_COMMON_FLOW_FRAME_H

#include <stdint.h>

#include "base/bytes.h"

enum { FLOW_TCP = 6, FLOW_UDP = 17, FLOW_ICMP = 1, FLOW_FRAME = 14 + 20 + 20, FLOW_ERROR = 14 + 20 + 8 + 20 + 8 };

struct flow {
	uint32_t remote, local;
	uint16_t remote_port, local_port;
	uint8_t protocol;
};

/* The nth of many: some addresses, each with some ports. */
struct flow flow_number(unsigned n);

/* fragment: the IP header's field of flags and offset. */
struct bytes flow_frame(const struct flow *f, uint16_t fragment, uint8_t out[static FLOW_FRAME]);

/* An ICMP message of this type from somebody else, in which a packet stands that we sent on the flow. */
struct bytes flow_error(const struct flow *f, uint8_t type, uint8_t out[static FLOW_ERROR]);

#endif
