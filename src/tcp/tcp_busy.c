/*
 * Rest. Most connections of a server are open and do nothing. One that has nothing in flight, nothing queued,
 * nothing owed to the peer or to the layer above, and has been so for a while, gives back what it needs for
 * moving data, and keeps its block (design rule 4). The first thing that happens to it makes all that anew
 * (tcp_wake()).
 *
 * What it knew of the path goes, but for the round trip, the path's MTU, ssthresh, and the congestion window,
 * which counts for little after a pause (RFC 5681 section 4.1). So a connection that has learnt more, by loss
 * or reordering, or by an algorithm that keeps a model of the path, rests later: when what it learnt is as
 * old as BBR lets a minimum of the round trip become before it measures anew (draft-ietf-ccwg-bbr,
 * MinRTTFilterLen).
 *
 * All that are busy are looked at after LOOK_US each, in turn: a list in that order, a timer for its head, a
 * bounded number at a time.
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

enum {
	REST_US = 500000,     /* none rests sooner */
	LOOK_US = 600000,     /* between two looks at a connection */
	LEARNT_US = 10000000, /* for one that has learnt something of the path */
	GATHER_US = 16000,    /* between two times of looking, so that a turn has several to look at ... */
	PAUSE_US = 1000,      /* ... or so long, if it has left some over ... */
	LOOKS = 128,          /* ... because they were more than this */
};

static void watch(struct tcp_busy *b, uint64_t now_us)
{
	struct tcp *tcp = b->conn->tcp;

	b->look_at_us = now_us + LOOK_US;
	list_append(&tcp->busy, &b->node);
	if (!timer_is_set(&tcp->busy_timer))
		timer_set(&tcp->world->timers, &tcp->busy_timer, b->look_at_us);
}

static void init_lists(struct tcp_busy *b)
{
	list_init(&b->node);
	list_init(&b->accept);
	list_init(&b->flight);
	list_init(&b->outstanding);
	list_init(&b->lost);
	b->last_found = &b->outstanding;
	b->last_lost = &b->lost;
	list_init(&b->received);
	tcp_reorder_init(&b->reorder, &b->conn->tcp->range_pool, &b->conn->tcp->chunk_pool);
}

bool tcp_busy_new(struct tcp_conn *c)
{
	const struct tcp *tcp = c->tcp;
	struct tcp_busy *b = pool_take(&c->tcp->busy_pool);

	if (b == NULL)
		return false;
	memset(b, 0, offsetof(struct tcp_busy, cc.state));
	b->conn = c;
	b->cc.ops = tcp->cc;
	b->keepalive = (struct tcp_keepalive){
		.idle_us = tcp->config.keepalive_idle_us,
		.interval_us = tcp->config.keepalive_interval_us,
		.probes = tcp->config.keepalive_probes,
	};
	init_lists(b);
	c->busy = b;
	tcp_timers_clear(c);
	tcp_user_timeout_init(c);
	watch(b, tcp_now(tcp));
	return true;
}

void tcp_busy_free(struct tcp_conn *c)
{
	if (c->busy == NULL)
		return;
	list_remove(&c->busy->node);
	pool_give(&c->tcp->busy_pool, c->busy);
	c->busy = NULL;
}

bool tcp_busy_renew(struct tcp_conn *c)
{
	struct tcp_busy *b;

	if (!tcp_busy_new(c))
		return false;
	b = c->busy;
	b->cc.ops = c->rested.cc;
	b->rate = (struct tcp_rate){ .delivered = c->bytes_acked, .lost = c->rested.lost };
	b->min_rtt_period_us = c->min_rtt_us;
	tcp_init_congestion(c);
	if (!b->cc.ops->owns_window) {
		b->cc.cwnd = c->rested.cwnd;
		b->cc.ssthresh = b->ssthresh_told = c->rested.ssthresh;
	}
	if ((c->flags & CONN_SHUTDOWN) != 0) /* shut down when there was no memory for it */
		tcp_want_output(c);
	return true;
}

/* ---- coming to rest ---- */

enum {
	UNQUIET = CONN_DETACHED | CONN_ACK_NOW | CONN_SHUTDOWN | CONN_FIN_RECEIVED | CONN_FIN_KNOWN |
		  CONN_RECOVERY | CONN_RTO_RECOVERY | CONN_DELIVERING | CONN_PROBING | CONN_PROBE_DUE,
};

/* Nothing is queued, in flight, held, or owed. */
static bool is_quiet(const struct tcp_conn *c)
{
	const struct tcp_busy *b = c->busy;

	return in_state(c, TCP_ESTABLISHED) && (c->flags & (UNQUIET | CONN_ACCEPTED)) == CONN_ACCEPTED &&
	       !list_is_linked(&c->output) && list_is_empty(&b->flight) && b->queued == 0 &&
	       b->received_bytes == 0 && tcp_reorder_is_empty(&b->reorder) && b->n_duplicates == 0 &&
	       c->dup_acks_owed == 0 && !b->urgent.receiving && !b->urgent.sending &&
	       tcp_timers_are_clear(c);
}

/* What tcp_busy_new() would not make the same. */
static bool has_settings(const struct tcp_conn *c)
{
	const struct tcp_config *config = &c->tcp->config;
	const struct tcp_keepalive *k = &c->busy->keepalive;

	if (c->busy->user_timeout.us != config->user_timeout_us || config->user_timeout_option)
		return true;
	return k->idle_us != config->keepalive_idle_us || k->interval_us != config->keepalive_interval_us ||
	       k->probes != config->keepalive_probes;
}

static bool has_learnt(const struct tcp_conn *c)
{
	const struct tcp_busy *b = c->busy;

	return b->cc.ops->owns_window || b->rack.reordering_seen || b->rate.lost > 0;
}

/* For how long it must have been quiet. */
static uint64_t patience_us(const struct tcp_conn *c)
{
	return max_u64(has_learnt(c) ? LEARNT_US : REST_US, c->rto_us);
}

static bool may_rest(const struct tcp_conn *c, uint64_t now_us)
{
	uint64_t since_us = max_u64(c->last_received_us, c->data_sent_us);

	return is_quiet(c) && !has_settings(c) && now_us - since_us >= patience_us(c);
}

static void rest(struct tcp_conn *c)
{
	const struct tcp_busy *b = c->busy;

	c->rested = (struct tcp_rested){
		.cc = b->cc.ops,
		.cwnd = b->cc.cwnd,
		.ssthresh = b->cc.ssthresh,
		.lost = b->rate.lost,
	};
	tcp_busy_free(c);
}

static struct tcp_busy *first(const struct tcp *tcp)
{
	struct list *n = list_first(&tcp->busy);

	return n != NULL ? LIST_ENTRY(n, struct tcp_busy, node) : NULL;
}

static void look(struct tcp_busy *b, uint64_t now_us)
{
	list_remove(&b->node);
	if (may_rest(b->conn, now_us))
		rest(b->conn);
	else
		watch(b, now_us);
}

void tcp_busy_timer_fire(struct timer *t, uint64_t now_us)
{
	struct tcp *tcp = CONTAINER_OF(t, struct tcp, busy_timer);
	struct tcp_busy *b = first(tcp);

	for (unsigned i = 0; i < LOOKS && b != NULL && b->look_at_us <= now_us; i++) {
		look(b, now_us);
		b = first(tcp);
	}
	if (b == NULL)
		return;
	if (b->look_at_us <= now_us)
		timer_set(&tcp->world->timers, &tcp->busy_timer, now_us + PAUSE_US);
	else
		timer_set(&tcp->world->timers, &tcp->busy_timer, max_u64(b->look_at_us, now_us + GATHER_US));
}
