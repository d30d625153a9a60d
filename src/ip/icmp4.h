/* ICMP for IPv4 (RFC 792, RFC 1122 section 3.2.2). */
#ifndef IP_ICMP4_H
#define IP_ICMP4_H

#include "ip/ip.h"

/* A message for us, whole: answers echo requests, hands errors up. */
enum ip_verdict icmp4_input(struct ip *ip, const struct ip_packet *packet, struct icmp_error *error,
			    enum drop_reason *reason);

/* icmp_send_unreachable() for IPv4. */
void icmp4_send_unreachable(struct ip *ip, const struct ip_packet *packet, enum icmp_error_kind kind);

/* Fragment reassembly time exceeded; first is the first fragment, where RFC 1122 section 3.2.2 allows it. */
void icmp4_send_time_exceeded(struct ip *ip, const struct ip_packet *first);

#endif
