/* The urgent mechanism (tcp_urgent.c; RFC 9293 section 3.8.5). */
#ifndef TCP_TCP_URGENT_H
#define TCP_TCP_URGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/seq.h"

struct tcp_conn;
struct tcp_in;
struct tcp_reply;

/* The marks: each names the octet after the urgent data (MUST-62). */
struct tcp_urgent {
	struct seq rcv_up, snd_up;
	bool receiving, sending;     /* rcv_up is ahead of what was read; snd_up of what was acknowledged */
	bool told;                   /* the layer above knows of rcv_up */
};

void tcp_urgent_received(struct tcp_conn *c, const struct tcp_in *in);
void tcp_tell_urgent(struct tcp_conn *c); /* on_urgent(), once a mark, to whoever has the connection */
uint32_t tcp_urgent_unread(const struct tcp_conn *c);
void tcp_urgent_queued(struct tcp_conn *c); /* all that is in the send queue now is urgent */
bool tcp_urgent_outstanding(const struct tcp_conn *c);
void tcp_urgent_mark(struct tcp_conn *c,
		     struct tcp_reply *r); /* URG and its pointer, if r is before the mark */

#endif
