/*
 * Every discard has a name and a counter: one list for the whole stack. The trace, the
 * metrics, the pcapng comments and the tests use these names.
 */
#ifndef BASE_DROP_H
#define BASE_DROP_H

/* X(identifier, "name in metrics", "what a person reads") */
#define DROP_REASONS(X)                                                                          \
	X(NONE, "none", "accepted")                                                              \
	/* link */                                                                               \
	X(ETH_SHORT, "eth_short", "frame shorter than an Ethernet header")                       \
	X(ETH_NOT_OURS, "eth_not_ours", "frame for another MAC address")                         \
	X(ETH_SOURCE, "eth_source", "multicast or own source MAC address")                       \
	X(ETH_UNKNOWN_TYPE, "eth_unknown_type", "EtherType not spoken here")                     \
	X(ETH_TRUNCATED, "eth_truncated", "frame was larger than the receive buffer")            \
	X(ARP_MALFORMED, "arp_malformed", "ARP packet of wrong form")                            \
	X(ARP_NOT_OURS, "arp_not_ours", "ARP packet that does not concern us")                   \
	X(NEIGHBOUR_PENDING_FULL, "neighbour_pending_full", "too many packets wait for one neighbour")   \
	X(NEIGHBOUR_TABLE_FULL, "neighbour_table_full", "neighbour table is full")               \
	X(NEIGHBOUR_UNREACHABLE, "neighbour_unreachable", "neighbour did not answer")            \
	X(TX_RING_FULL, "tx_ring_full", "no room for another frame to send")                     \
	X(WIRE, "wire", "lost or damaged on the impaired wire")                                  \
	/* ip */                                                                                 \
	X(IP_SHORT, "ip_short", "packet shorter than its header says")                           \
	X(IP_VERSION, "ip_version", "wrong IP version")                                          \
	X(IP_HEADER_LENGTH, "ip_header_length", "IP header length out of range")                 \
	X(IP_CHECKSUM, "ip_checksum", "IP header checksum is wrong")                             \
	X(IP_SOURCE, "ip_source", "source address that nobody may have")                         \
	X(IP_NOT_OURS, "ip_not_ours", "packet for another address")                              \
	X(IP_OPTIONS, "ip_options", "malformed IP options")                                      \
	X(IP_UNKNOWN_PROTOCOL, "ip_unknown_protocol", "transport protocol not spoken here")      \
	X(IP_NO_ROUTE, "ip_no_route", "no route to the destination")                             \
	X(IP_TOO_BIG, "ip_too_big", "packet larger than the path takes")                         \
	X(FRAGMENT_OVERLAP, "fragment_overlap", "overlapping fragments (RFC 5722)")              \
	X(FRAGMENT_MALFORMED, "fragment_malformed", "fragment of impossible offset or length")   \
	X(FRAGMENT_LIMIT, "fragment_limit", "too many or too large fragmented packets")          \
	X(FRAGMENT_TIMEOUT, "fragment_timeout", "reassembly took too long")                      \
	X(ICMP_MALFORMED, "icmp_malformed", "ICMP message of wrong form")                        \
	X(ICMP_CHECKSUM, "icmp_checksum", "ICMP checksum is wrong")                              \
	X(ICMP_RATE, "icmp_rate", "ICMP answer held back by the rate limit")                     \
	X(ICMP_UNKNOWN_TYPE, "icmp_unknown_type", "ICMP type not acted on")                      \
	X(ICMP_NO_CONNECTION, "icmp_no_connection", "ICMP error about no connection of ours")    \
	X(ICMP_BLIND, "icmp_blind", "ICMP error outside the window in flight (RFC 5927)")        \
	X(ICMP_SOURCE_QUENCH, "icmp_source_quench", "ICMP source quench (RFC 6633)")             \
	/* udp */                                                                                \
	X(UDP_NO_PORT, "udp_no_port", "no UDP port open")                                        \
	/* tcp */                                                                                \
	X(TCP_SHORT, "tcp_short", "segment shorter than its header says")                        \
	X(TCP_CHECKSUM, "tcp_checksum", "TCP checksum is wrong")                                 \
	X(TCP_BAD_OPTION, "tcp_bad_option", "TCP option of illegal length")                      \
	X(TCP_BROADCAST, "tcp_broadcast", "segment to or from a broadcast or multicast address") \
	X(TCP_NO_CONNECTION, "tcp_no_connection", "no connection and no listener")               \
	X(TCP_BAD_FLAGS, "tcp_bad_flags", "flags that make no sense in this state")              \
	X(TCP_PAWS, "tcp_paws", "timestamp older than the last (PAWS)")                          \
	X(TCP_NO_TIMESTAMP, "tcp_no_timestamp", "segment without the timestamp agreed on (RFC 7323)")    \
	X(TCP_OUT_OF_WINDOW, "tcp_out_of_window", "sequence number outside the window")          \
	X(TCP_CHALLENGE, "tcp_challenge", "RST or SYN answered by a challenge ACK (RFC 5961)")   \
	X(TCP_RESET, "tcp_reset", "valid RST: the connection is gone")                           \
	X(TCP_BAD_ACK, "tcp_bad_ack", "acknowledgement of something not sent")                   \
	X(TCP_OLD_ACK, "tcp_old_ack", "acknowledgement too old (RFC 5961)")                      \
	X(TCP_NO_ACK, "tcp_no_ack", "segment without ACK in a synchronised state")               \
	X(TCP_DUPLICATE, "tcp_duplicate", "data that had arrived before")                        \
	X(TCP_OUT_OF_ORDER_LIMIT, "tcp_out_of_order_limit", "out-of-order data beyond the limit") \
	X(TCP_RECEIVE_FULL, "tcp_receive_full", "receive buffer is full")                        \
	X(TCP_AFTER_CLOSE, "tcp_after_close", "data after the application closed")               \
	X(TCP_SYN_QUEUE_FULL, "tcp_syn_queue_full", "SYN queue is full")                         \
	X(TCP_BAD_COOKIE, "tcp_bad_cookie", "acknowledgement without a good SYN cookie")         \
	X(TCP_ACCEPT_QUEUE_FULL, "tcp_accept_queue_full", "accept queue is full")                \
	X(TCP_CONNECTION_LIMIT, "tcp_connection_limit", "too many connections")                  \
	X(TCP_TIME_WAIT, "tcp_time_wait", "segment for a connection in TIME-WAIT")               \
	X(TCP_TIME_WAIT_RST, "tcp_time_wait_rst", "RST in TIME-WAIT ignored (RFC 1337)")         \
	X(NO_MEMORY, "no_memory", "a pool is at its limit")

enum drop_reason {
#define X(id, name, text) DROP_##id,
	DROP_REASONS(X)
#undef X
	DROP_REASON_COUNT
};

/* The name in metrics ("tcp_paws"), and the sentence for people. */
const char *drop_reason_name(enum drop_reason reason);
const char *drop_reason_text(enum drop_reason reason);

#endif
