/*
 * The user timeout and the option that tells the peer of it (RFC 5482): how long sent data may stay
 * unacknowledged before the connection is given up. A host that will be away for an hour can ask its peer for
 * as much patience. Off unless configured (ENABLED, section 3.1): a peer could make us keep dead connections.
 *
 *   USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT))
 *
 * unless the application has chosen a time itself. The option stands in the SYN and in the first segment
 * after it (section 3.2: a SYN-ACK may be lost, and a half-open record does not remember it), and again when
 * the application chooses another time.
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

enum {
	SECOND_US = 1000000,
	L_LIMIT_S = 100,         /* SHLD-11; section 3.1 */
	VALUE_MAX = 0x7fff,      /* fifteen bits: in seconds, or in minutes */
	OPTION_LEN = 4,
};

static uint32_t seconds(uint64_t us)
{
	return (uint32_t)min_u64(max_u64(us / SECOND_US, 1), VALUE_MAX * 60u);
}

void tcp_user_timeout_init(struct tcp_conn *c)
{
	uint64_t us = c->tcp->config.user_timeout_us;

	c->busy->user_timeout = (struct tcp_user_timeout){
		.us = us,
		.advertised_s = seconds(us),
		.due = c->tcp->config.user_timeout_option,
	};
}

void tcp_user_timeout_choose(struct tcp_conn *c, uint64_t us)
{
	c->busy->user_timeout = (struct tcp_user_timeout){
		.us = us,
		.advertised_s = seconds(us),
		.fixed = true,
		.due = c->tcp->config.user_timeout_option,
	};
}

void tcp_user_timeout_received(struct tcp_conn *c, const struct tcp_in *in)
{
	struct tcp_user_timeout *u = &c->busy->user_timeout;
	uint32_t remote_s = in->options.user_timeout_s;

	/* Section 3.4: zero means nothing. */
	if (remote_s == 0 || !c->tcp->config.user_timeout_option)
		return;
	c->tcp->counters.user_timeouts_received++;
	if (!u->fixed)
		u->us = min_u64(c->tcp->config.user_timeout_max_us,
				(uint64_t)max_u32(max_u32(u->advertised_s, remote_s), L_LIMIT_S) * SECOND_US);
}

void tcp_user_timeout_offer(const struct tcp *tcp, uint64_t us, struct tcp_options *o)
{
	if (tcp->config.user_timeout_option)
		o->user_timeout_s = seconds(us);
}

void tcp_user_timeout_add(struct tcp_conn *c, uint32_t spare, struct tcp_options *o)
{
	if (!c->busy->user_timeout.due || o->n_sack > 0 || spare < OPTION_LEN)
		return;
	o->user_timeout_s = c->busy->user_timeout.advertised_s;
	c->busy->user_timeout.due = false;
}
