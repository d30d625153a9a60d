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
	if (c->busy != NULL) /* something may wait */
		tcp_want_output(c);
}

void tcp_set_keepalive(struct stream *s, bool on)
{
	struct tcp_conn *c = tcp_conn_of(s);

	if (!tcp_wake(c))
		return;
	if (on)
		c->flags |= CONN_KEEPALIVE;
	else
		c->flags &= ~(unsigned)CONN_KEEPALIVE;
	c->keepalive_sent = 0;
	tcp_timers_state_entered(c);
}

void tcp_set_user_timeout(struct stream *s, uint64_t us)
{
	struct tcp_conn *c = tcp_conn_of(s);

	if (tcp_wake(c))
		tcp_user_timeout_choose(c, us);
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

	if (!tcp_wake(c))
		return;
	if (times->idle_us != 0)
		c->busy->keepalive.idle_us = times->idle_us;
	if (times->interval_us != 0)
		c->busy->keepalive.interval_us = times->interval_us;
	if (times->probes != 0)
		c->busy->keepalive.probes = times->probes;
	c->keepalive_sent = 0;
	tcp_timers_state_entered(c);
}

/* The new algorithm takes the path as the old one found it: as wide as that. */
int tcp_set_congestion(struct stream *s, const char *name)
{
	struct tcp_conn *c = tcp_conn_of(s);
	const struct tcp_cc_ops *ops = name != NULL ? tcp_cc_find(name) : tcp_cc_of_number(c->first_cc);
	struct tcp_cc_event now;
	struct tcp_cc *cc, before;

	if (ops == NULL)
		return -EINVAL;
	if (!tcp_wake(c))
		return -ENOMEM;
	cc = &c->busy->cc;
	before = *cc;
	if (ops == before.ops)
		return 0;
	now = tcp_cc_event(c, NULL);
	*cc = (struct tcp_cc){ .ops = ops };
	ops->init(cc, &now);
	cc->cwnd = before.cwnd;
	cc->ssthresh = before.ssthresh;
	return 0;
}
