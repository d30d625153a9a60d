/* Losses that were none, and taking back what was done about them (tcp_undo.c; RFC 5682, 3522, 3708). */
#ifndef TCP_TCP_UNDO_H
#define TCP_TCP_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/seq.h"

struct tcp_conn;
struct tcp_segment;
struct tcp_delivery;

enum frto_step {
	FRTO_OFF,
	FRTO_TIMED_OUT, /* the timer fired, the first segment goes again */
	FRTO_NEW_DATA,  /* that one is acknowledged: two new segments go, and their answer decides */
};

struct tcp_undo {
	struct seq marker, end;  /* the episode's data: snd.una when it began, and the end of what it sent
				    again; with `armed` */
	uint32_t retransmitted;  /* segments sent again since, of which no duplicate was reported */
	uint32_t stamp;          /* our timestamp clock at the first retransmission, with `stamped` */
	bool armed, stamped;
	struct seq first;        /* of the first segment sent again, with `stamped` ... */
	bool acked;              /* ... and it has been acknowledged: only that acknowledgement can tell */
	uint8_t frto;            /* enum frto_step */
};

void tcp_undo_begin(struct tcp_conn *c);
void tcp_undo_retransmitted(struct tcp_conn *c, const struct tcp_segment *s);
void tcp_undo_forget(struct tcp_conn *c); /* the window shrank for a reason that stands */
/* True if the acknowledgement shows that the last reduction was for nothing; it has been taken back then. */
bool tcp_undo_on_ack(struct tcp_conn *c, const struct tcp_delivery *d);
void tcp_frto_begin(struct tcp_conn *c);

#endif
