/* TIME-WAIT, in compact records (tcp_timewait.c; RFC 6191, RFC 1337). */
#ifndef TCP_TCP_TIMEWAIT_H
#define TCP_TCP_TIMEWAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timer.h"
#include "tcp/seq.h"
#include "tcp/tcp_record.h"

struct tcp_conn;
struct tcp_in;

/* What TIME-WAIT needs. */
struct tcp_timewait {
	struct tcp_record record;
	struct seq snd_nxt, rcv_nxt;
	uint32_t ends_ms;         /* world time */
	uint32_t ts_recent;
	uint16_t window;          /* as last advertised */
	bool has_timestamp;
};
_Static_assert(sizeof(struct tcp_timewait) <= TCP_RECORD_SIZE, "64 bytes with its part of the tables");

struct tcp_timewait *tcp_timewait_find(const struct tcp *tcp, uint64_t hash, const struct tcp_in *in);
void tcp_timewait_add(struct tcp_conn *c);
/* True: the segment (a SYN) may open a new connection, the record is gone. */
bool tcp_timewait_input(struct tcp_timewait *tw, struct tcp_in *in, uint64_t hash);
void tcp_timewait_timer_fire(struct timer *t, uint64_t now_us);
bool tcp_timewait_has(const struct tcp *tcp, uint64_t hash, const struct ip_addr *local, uint16_t local_port,
		      const struct ip_addr *remote, uint16_t remote_port);

#endif
