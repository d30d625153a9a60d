/* IPv4 (RFC 791, RFC 1122 section 3.2.1). */
#ifndef IP_IP4_H
#define IP_IP4_H

#include "ip/ip.h"

enum { IP4_MIN_MTU = 68, IP4_DEFAULT_TTL = 64 };

/* The directed broadcast address of addr/bits (of 128); any if the prefix has none (RFC 3021). */
struct ip_addr ip4_broadcast_of(const struct ip_addr *addr, uint8_t bits);

/* As ip_input(). */
enum ip_verdict ip4_input(struct ip *ip, const struct rx_frame *frame, struct bytes datagram,
			  struct ip_packet *packet, struct icmp_error *error, enum drop_reason *reason);

/* As ip_output(). */
enum drop_reason ip4_output(struct ip *ip, struct tx_frame *f, const struct ip_send *how);

/* Frames that an IP payload of len bytes takes on this link. */
uint32_t ip4_frames_for(const struct ip *ip, uint32_t len);

#endif
