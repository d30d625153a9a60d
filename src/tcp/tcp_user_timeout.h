/* The user timeout option (tcp_user_timeout.c; RFC 5482). */
#ifndef TCP_TCP_USER_TIMEOUT_H
#define TCP_TCP_USER_TIMEOUT_H

#include <stdbool.h>
#include <stdint.h>

struct tcp;
struct tcp_conn;
struct tcp_in;
struct tcp_options;

struct tcp_user_timeout {
	uint64_t us;             /* USER_TIMEOUT: what holds (R2, RFC 9293 section 3.8.3) */
	uint32_t advertised_s;   /* ADV_UTO: what we tell the peer */
	bool fixed;              /* the application chose it: not CHANGEABLE by the peer */
	bool due;                /* the peer is to be told with the next segment that has room */
};

void tcp_user_timeout_init(struct tcp_conn *c);
void tcp_user_timeout_choose(struct tcp_conn *c, uint64_t us); /* by the application */
void tcp_user_timeout_received(struct tcp_conn *c, const struct tcp_in *in);
/* Adds the option to a SYN or SYN-ACK. */
void tcp_user_timeout_offer(const struct tcp *tcp, uint64_t us, struct tcp_options *o);
/* Adds it to another segment if it is due and finds room beside `spare` bytes
 * less text than a full one has. */
void tcp_user_timeout_add(struct tcp_conn *c, uint32_t spare, struct tcp_options *o);

#endif
