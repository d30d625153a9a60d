/*
 * Selective acknowledgements: those that the peer sends (tcp_sack.c: the scoreboard) and those that we send
 * (tcp_sack_report.c).
 */
#ifndef TCP_TCP_SACK_H
#define TCP_TCP_SACK_H

#include <stdbool.h>

#include "tcp/tcp_options.h"

struct tcp_conn;
struct tcp_delivery;

enum { TCP_DUPLICATES = 4 }; /* most that wait to be reported (RFC 2883) */

/* The scoreboard. */
void tcp_sack_input(struct tcp_conn *c, struct tcp_delivery *d);
void tcp_sack_forget(struct tcp_conn *c); /* the peer broke its word: nothing counts as sacked */

/* What acknowledgements report. */
void tcp_sack_duplicate(struct tcp_conn *c, struct sack_block duplicate); /* it arrived again; or is empty */
/* How many acknowledgements it takes to tell what was not told yet; 0 without SACK. */
unsigned tcp_sack_acks_owed(const struct tcp_conn *c);
/* Puts up to `room` blocks into an acknowledgement's options; they count as told. */
void tcp_sack_report(struct tcp_conn *c, unsigned room, struct tcp_options *o);

#endif
