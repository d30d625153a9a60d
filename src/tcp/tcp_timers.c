/*
 * The timers of a connection. Callers report events; only this file knows deadlines. A connection has six,
 * and one timer of the wheel, which is moved only when a deadline comes before it: most deadlines move away
 * again and again, and cost nothing.
 *
 *   retransmit_at   retransmission (RFC 6298) while something is in flight; window probe (RFC 9293 section
 *                   3.8.6.1) while the peer's window holds everything back
 *   probe_at        tail loss probe (RFC 8985 section 7), before the retransmission
 *   reorder_at      RACK's reordering window: what has not arrived by then is lost (section 6.2)
 *   pace_at         the next paced segment may go
 *   delayed_ack_at  RFC 9293 section 3.8.6.3
 *   idle_at         keep-alive (section 3.8.4); in FIN-WAIT-2 the limit on waiting for the peer's FIN
 */
#include "base/minmax.h"
#include "tcp/tcp_conn.h"

enum {
	MAX_BACKOFF = 16,
	NO_MEMORY_US = 1000000, /* until it is asked for again */
};

static uint64_t earliest_busy(const struct tcp_busy *b)
{
	uint64_t at = min_u64(b->retransmit_at, b->delayed_ack_at);

	return min_u64(min_u64(at, b->pace_at), min_u64(b->probe_at, b->reorder_at));
}

static uint64_t earliest(const struct tcp_conn *c)
{
	return c->busy != NULL ? min_u64(earliest_busy(c->busy), c->idle_at) : c->idle_at;
}

static void arm_at(struct tcp_conn *c, uint64_t at)
{
	if (at != TIMER_NEVER && (!timer_is_set(&c->timer) || at < c->timer.deadline_us))
		timer_set(&c->tcp->world->timers, &c->timer, at);
}

static void arm(struct tcp_conn *c)
{
	arm_at(c, earliest(c));
}

#ifdef TH_CHECKS
bool tcp_timers_run(const struct tcp_conn *c)
{
	uint64_t at = earliest(c);

	return at == TIMER_NEVER || (timer_is_set(&c->timer) && c->timer.deadline_us <= at);
}
#endif

/* The timeout with its back-off (RFC 6298 (5.5)). */
static uint64_t rto(const struct tcp_conn *c)
{
	uint64_t us = (uint64_t)c->rto_us << c->backoff;
	return min_u64(us, c->tcp->config.max_rto_us);
}

static void back_off(struct tcp_conn *c)
{
	if (c->backoff < MAX_BACKOFF)
		c->backoff++;
	c->busy->retransmit_at = tcp_now(c->tcp) + rto(c);
	tcp_tell(c, TRACE_TCP_RTO, NULL, 0, rto(c));
}

static void time_out(struct tcp_conn *c)
{
	c->tcp->counters.abort_on_timeout++;
	tcp_send_rst(c);
	tcp_conn_end(c, STREAM_END_TIMEOUT);
}

/* The second threshold, R2 (RFC 9293 section 3.8.3); a SYN has its own (MUST-23). */
static uint64_t limit(const struct tcp_conn *c)
{
	return in_state(c, TCP_SYN_SENT | TCP_SYN_RECEIVED) ? c->tcp->config.syn_timeout_us
							    : c->busy->user_timeout.us;
}

static bool waits_to_send(const struct tcp_conn *c)
{
	return c->busy->unsent > 0 || (c->flags & (CONN_SHUTDOWN | CONN_FIN_SENT)) == CONN_SHUTDOWN;
}

static bool window_closed(const struct tcp_conn *c)
{
	return in_state(c, TCP_SYNCHRONISED) && (c->snd_wnd == 0 || list_is_empty(&c->busy->flight));
}

/* Nobody is left who could end it for keeping its window closed. */
static bool is_stuck_orphan(const struct tcp_conn *c)
{
	return (c->flags & CONN_DETACHED) != 0 && c->snd_wnd == 0 &&
	       tcp_now(c->tcp) - c->busy->stuck_since_us >= c->tcp->config.orphan_timeout_us;
}

static void end_orphan(struct tcp_conn *c)
{
	c->tcp->counters.abort_on_linger++;
	tcp_send_rst(c);
	tcp_conn_end(c, STREAM_END_TIMEOUT);
}

/* A peer that answers probes may keep its window closed for ever (MUST-37): only silence counts, as long as
 * the layer above holds the connection and may end it. */
static void probe_due(struct tcp_conn *c)
{
	uint64_t silent_since = max_u64(c->busy->stuck_since_us, c->last_received_us);

	if (tcp_now(c->tcp) - silent_since >= limit(c)) {
		time_out(c);
		return;
	}
	if (is_stuck_orphan(c)) {
		end_orphan(c);
		return;
	}
	back_off(c);
	/* Not from here: its frame refers to the send queue, and what else is due now may end the
	 * connection. */
	c->flags |= CONN_PROBE_DUE;
	tcp_want_output(c);
}

/* The SYN-ACK of a block (Fast Open) has the limit of a record's. No reset: the peer may be somebody whose
 * address was used by another. */
static bool gives_up_syn_ack(struct tcp_conn *c)
{
	struct tcp *tcp = c->tcp;

	if ((c->flags & CONN_PASSIVE) == 0 || !in_state(c, TCP_SYN_RECEIVED))
		return false;
	if (c->timeouts < tcp->config.synack_retries) {
		tcp->counters.synack_retrans++;
		return false;
	}
	tcp->counters.synack_timeouts++;
	tcp->counters.attempt_fails++;
	tcp_conn_end(c, STREAM_END_TIMEOUT);
	return true;
}

static void retransmission_due(struct tcp_conn *c)
{
	if (gives_up_syn_ack(c))
		return;
	if (tcp_now(c->tcp) - c->busy->stuck_since_us >= limit(c)) {
		time_out(c);
		return;
	}
	tcp_on_retransmission_timeout(c);
	back_off(c);
	if (++c->timeouts >= TCP_R1)
		tcp_report_r1(c);
}

static void on_retransmit(struct tcp_conn *c)
{
	c->busy->retransmit_at = TIMER_NEVER;
	if (list_is_empty(&c->busy->flight) && !waits_to_send(c))
		return;
	if (c->busy->stuck_since_us == 0)
		c->busy->stuck_since_us = tcp_now(c->tcp) - rto(c); /* since it was sent */
	if (window_closed(c))
		probe_due(c);
	else
		retransmission_due(c);
}

/* A probe goes only when nothing is outstanding and nothing came for the interval (MUST-26); one unanswered
 * proves nothing (MUST-29). */
static void on_keepalive(struct tcp_conn *c)
{
	const struct tcp_keepalive *k = &c->busy->keepalive;

	if (c->keepalive_sent == 0 && tcp_now(c->tcp) - c->last_received_us < k->idle_us) {
		c->idle_at = c->last_received_us + k->idle_us;
		return;
	}
	if (c->keepalive_sent >= k->probes) {
		time_out(c);
		return;
	}
	c->idle_at = tcp_now(c->tcp) + k->interval_us;
	if (!list_is_empty(&c->busy->flight) || c->busy->unsent > 0)
		return;
	c->keepalive_sent++;
	c->tcp->counters.keepalives++;
	tcp_send_probe(c, "keep-alive probe");
}

/* In the other states something of ours is outstanding, and retransmission tells a dead peer. */
static bool is_kept_alive(const struct tcp_conn *c)
{
	return (c->flags & CONN_KEEPALIVE) != 0 &&
	       in_state(c, TCP_ESTABLISHED | TCP_CLOSE_WAIT | TCP_FIN_WAIT_2);
}

static void on_idle(struct tcp_conn *c)
{
	c->idle_at = TIMER_NEVER;
	if (in_state(c, TCP_FIN_WAIT_2) && (c->flags & CONN_DETACHED) != 0)
		tcp_conn_end(c, STREAM_END_TIMEOUT);
	else if (is_kept_alive(c))
		on_keepalive(c);
}

/* What comes before a retransmission timeout, and may spare it. */
static void fire_early(struct tcp_conn *c, uint64_t now_us)
{
	if (c->busy->pace_at <= now_us) {
		c->busy->pace_at = TIMER_NEVER;
		tcp_want_output(c);
	}
	if (c->busy->reorder_at <= now_us) {
		c->busy->reorder_at = TIMER_NEVER;
		tcp_on_reordering_timeout(c);
	}
	if (c->busy->probe_at <= now_us) {
		c->busy->probe_at = TIMER_NEVER;
		c->busy->rack.probe_due = true;
		/* Whether or not one is sent (RFC 8985 section 7.3). */
		c->busy->retransmit_at = now_us + rto(c);
		tcp_want_output(c);
	}
}

static void fire(struct timer *t, uint64_t now_us)
{
	struct tcp_conn *c = CONTAINER_OF(t, struct tcp_conn, timer);

	/* It was set before the connection came to rest. */
	if (c->busy == NULL && c->idle_at > now_us && (c->flags & CONN_SHUTDOWN) == 0) {
		arm(c);
		return;
	}
	if (!tcp_wake(c)) {
		tcp_timers_no_memory(c);
		return;
	}
	if (c->busy->delayed_ack_at <= now_us) {
		c->busy->delayed_ack_at = TIMER_NEVER;
		c->tcp->counters.delayed_ack_sent++;
		tcp_ack_now(c);
	}
	fire_early(c, now_us);
	if (c->busy->retransmit_at <= now_us)
		on_retransmit(c);
	if (!is_dead(c) && c->idle_at <= now_us)
		on_idle(c);
	if (!is_dead(c))
		arm(c);
	tcp_check(c);
}

void tcp_timers_clear(struct tcp_conn *c)
{
	struct tcp_busy *b = c->busy;

	b->retransmit_at = b->delayed_ack_at = b->probe_at = b->reorder_at = b->pace_at = TIMER_NEVER;
}

bool tcp_timers_are_clear(const struct tcp_conn *c)
{
	return earliest_busy(c->busy) == TIMER_NEVER;
}

void tcp_timers_init(struct tcp_conn *c)
{
	timer_init(&c->timer, fire);
	c->idle_at = TIMER_NEVER;
}

void tcp_timers_stop(struct tcp_conn *c)
{
	c->idle_at = TIMER_NEVER;
	if (c->busy != NULL)
		tcp_timers_clear(c);
	timer_cancel(&c->tcp->world->timers, &c->timer);
}

/* After new data and after each acknowledgement of some (RFC 8985 section 7.2); never behind the
 * retransmission timer. */
static void schedule_probe(struct tcp_conn *c)
{
	uint64_t timeout;

	c->busy->probe_at = TIMER_NEVER;
	if (tcp_rack_probe_timeout(c, &timeout))
		c->busy->probe_at = min_u64(tcp_now(c->tcp) + timeout, c->busy->retransmit_at);
}

void tcp_timers_data_sent(struct tcp_conn *c, const struct tcp_segment *s)
{
	/* RFC 6298 (5.1). The timer is the first segment's: sent again by fast retransmission it has the
	 * whole time once more, or a timeout would meet its acknowledgement. If nothing was in flight, the
	 * time that is set was that of a window probe. */
	if (c->busy->retransmit_at == TIMER_NEVER || list_first(&c->busy->flight) == &s->node)
		c->busy->retransmit_at = tcp_now(c->tcp) + rto(c);
	schedule_probe(c);
	arm(c);
}

void tcp_timers_reordering(struct tcp_conn *c, uint64_t wait_us)
{
	c->busy->reorder_at = TIMER_NEVER;
	if (wait_us == 0)
		return;
	c->busy->reorder_at = tcp_now(c->tcp) + wait_us;
	arm(c);
}

void tcp_timers_paced(struct tcp_conn *c)
{
	c->busy->pace_at = c->busy->paced_until_us;
	arm(c);
}

static void restart(struct tcp_conn *c)
{
	c->timeouts = 0;
	if ((c->flags & CONN_PROBING) == 0) /* an octet taken out of a window probe is no progress */
		c->busy->stuck_since_us = 0;
	c->flags &= ~(unsigned)CONN_R1_PASSED;
	c->busy->retransmit_at = c->busy->probe_at = TIMER_NEVER; /* RFC 6298 (5.2) */
	if (list_is_empty(&c->busy->flight))
		return;
	c->busy->retransmit_at = tcp_now(c->tcp) + rto(c); /* (5.3) */
	schedule_probe(c);
	arm(c);
}

void tcp_timers_acked(struct tcp_conn *c, bool sampled)
{
	/* A back-off lasts until a new sample (RFC 6298 section 5); that of window probes while the window is
	 * closed, even if the peer takes them octet by octet (SHLD-30). */
	if (sampled && c->snd_wnd > 0)
		c->backoff = 0;
	restart(c);
}

void tcp_timers_window_opened(struct tcp_conn *c)
{
	c->backoff = 0; /* the probes' */
	restart(c);
}

void tcp_timers_blocked(struct tcp_conn *c)
{
	if (!waits_to_send(c) || !list_is_empty(&c->busy->flight) || !in_state(c, TCP_CAN_SEND_TEXT) ||
	    c->busy->retransmit_at != TIMER_NEVER)
		return;
	c->busy->retransmit_at = tcp_now(c->tcp) + rto(c); /* the first probe after one RTO (SHLD-29) */
	arm(c);
}

void tcp_timers_no_memory(struct tcp_conn *c)
{
	arm_at(c, tcp_now(c->tcp) + NO_MEMORY_US);
}

void tcp_timers_segment_received(struct tcp_conn *c)
{
	c->last_received_us = tcp_now(c->tcp);
	c->keepalive_sent = 0;
}

void tcp_timers_text_received(struct tcp_conn *c)
{
	/* At least every second full-sized segment at once (SHLD-19), the rest a little later (SHLD-18). */
	if (seq_len(c->rcv_nxt, c->last_ack_sent) >= 2u * c->rcv_mss || c->tcp->config.delayed_ack_us == 0) {
		tcp_ack_now(c);
		return;
	}
	c->tcp->counters.delayed_acks++;
	if (c->busy->delayed_ack_at == TIMER_NEVER) {
		c->busy->delayed_ack_at = tcp_now(c->tcp) + c->tcp->config.delayed_ack_us;
		arm(c);
	}
}

void tcp_timers_ack_sent(struct tcp_conn *c)
{
	c->busy->delayed_ack_at = TIMER_NEVER;
}

void tcp_timers_state_entered(struct tcp_conn *c)
{
	if (in_state(c, TCP_FIN_WAIT_2) && (c->flags & CONN_DETACHED) != 0)
		c->idle_at = tcp_now(c->tcp) + c->tcp->config.fin_wait_2_timeout_us;
	else if (is_kept_alive(c))
		c->idle_at = tcp_now(c->tcp) + c->busy->keepalive.idle_us;
	arm(c);
}
