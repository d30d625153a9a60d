/* What may be set on one connection, before it is open and at any time after. */
#include "tcp/tcp_conn.h"

#include <errno.h>

void tcp_set_nodelay(struct stream *s, bool on)
{
	struct tcp_conn *c = tcp_conn_of(s);

	if (on)
		c->flags |= CONN_NODELAY;
	else
		c->flags &= ~(unsigned)CONN_NODELAY;
	tcp_want_output(c);
}

void tcp_set_keepalive(struct stream *s, bool on)
{
	struct tcp_conn *c = tcp_conn_of(s);

	if (on)
		c->flags |= CONN_KEEPALIVE;
	else
		c->flags &= ~(unsigned)CONN_KEEPALIVE;
	c->keepalive_sent = 0;
	tcp_timers_state_entered(c);
}

void tcp_set_user_timeout(struct stream *s, uint64_t us)
{
	tcp_user_timeout_choose(tcp_conn_of(s), us);
}

void tcp_set_dscp(struct stream *s, uint8_t dscp)
{
	tcp_conn_of(s)->tos = (uint8_t)(dscp << 2);
}

void tcp_set_ttl(struct stream *s, uint8_t ttl)
{
	tcp_conn_of(s)->ttl = ttl;
}

void tcp_set_keepalive_times(struct stream *s, const struct tcp_keepalive *times)
{
	struct tcp_conn *c = tcp_conn_of(s);

	if (times->idle_us != 0)
		c->keepalive.idle_us = times->idle_us;
	if (times->interval_us != 0)
		c->keepalive.interval_us = times->interval_us;
	if (times->probes != 0)
		c->keepalive.probes = times->probes;
	c->keepalive_sent = 0;
	tcp_timers_state_entered(c);
}

/* The new algorithm takes the path as the old one found it: as wide as that. */
int tcp_set_congestion(struct stream *s, const char *name)
{
	struct tcp_conn *c = tcp_conn_of(s);
	const struct tcp_cc_ops *ops = tcp_cc_find(name);
	uint32_t cwnd = c->cc.cwnd, ssthresh = c->cc.ssthresh;
	struct tcp_cc_event now = tcp_cc_event(c, NULL);

	if (ops == NULL)
		return -EINVAL;
	if (ops == c->cc.ops)
		return 0;
	c->cc = (struct tcp_cc){ .ops = ops };
	ops->init(&c->cc, &now);
	c->cc.cwnd = cwnd;
	c->cc.ssthresh = ssthresh;
	return 0;
}
