/*
 * Listening: the SYN queue (half-open connections as records of 52 bytes), the accept queue (established, not
 * yet taken by the layer above), SYN-ACK retransmission with its limit. RFC 9293 sections 3.5 and 3.10.7.2.
 *
 * A SYN makes a record and a SYN-ACK; the third ACK makes the record a connection. Records with equally many
 * retransmissions wait equally long, so one queue for each number of retransmissions, oldest first, needs one
 * timer for all.
 *
 * At the limits: a SYN that finds the SYN queue full is answered by a cookie (tcp_cookie.c) or, if there are
 * to be none, dropped; a third ACK that finds the accept queue full is dropped, and the record goes on as if
 * it had been lost. All are counted.
 */
#include "tcp/tcp_conn.h"

#include <assert.h>
#include <errno.h>

#include "base/minmax.h"

/* So that what is late by as much again is still told from what is not due. */
enum { LONGEST_WAIT_US = INT32_MAX / 2 };

/* False: no such congestion control. */
static bool take_options(struct tcp_listener *l, const struct tcp_listen_options *options)
{
	l->cc = l->tcp->cc;
	l->accept_backlog = l->tcp->config.accept_backlog;
	l->syn_backlog = 0;
	if (options == NULL)
		return true;
	if (options->congestion != NULL)
		l->cc = tcp_cc_find(options->congestion);
	if (options->accept_backlog != 0)
		l->accept_backlog = options->accept_backlog;
	l->syn_backlog = options->syn_backlog;
	return l->cc != NULL;
}

/* The listener on just this address wins over one on all. */
struct tcp_listener *tcp_listener_find(const struct tcp *tcp, const struct ip_addr *addr, uint16_t port)
{
	struct tcp_listener *any = NULL;

	LIST_FOR_EACH(n, &tcp->listeners) {
		struct tcp_listener *l = LIST_ENTRY(n, struct tcp_listener, node);
		if (l->port != port)
			continue;
		if (ip_addr_equal(&l->addr, addr))
			return l;
		if (ip_addr_is_any(&l->addr))
			any = l;
	}
	return any;
}

static struct tcp_syn *syn_of(struct tcp_record *record)
{
	return record != NULL ? CONTAINER_OF(record, struct tcp_syn, record) : NULL;
}

static struct tcp_syn *stage_first(const struct tcp *tcp, unsigned stage)
{
	return syn_of(tcp_record_first(&tcp->syns, &tcp->syn_stages[stage]));
}

static struct tcp_syn *stage_next(const struct tcp *tcp, const struct tcp_syn *syn)
{
	return syn_of(tcp_record_next(&tcp->syns, &syn->record));
}

static struct tcp_listener *listener_of(const struct tcp *tcp, const struct tcp_syn *syn)
{
	return tcp_listener_find(tcp, tcp_record_local(tcp, &syn->record), syn->record.local_port);
}

/* A record counts in the SYN queue of the listener that is found for it. */
static void leave_syn_queue(const struct tcp *tcp, const struct tcp_syn *syn)
{
	struct tcp_listener *l = listener_of(tcp, syn);

	assert(l != NULL && l->syn_queued > 0);
	l->syn_queued--;
}

/* From now on it is found for some that were one's on all addresses: they count in its SYN queue. */
static void take_over_half_open(struct tcp_listener *l)
{
	struct tcp *tcp = l->tcp;

	for (unsigned stage = 0; stage < TCP_SYN_STAGES; stage++)
		for (const struct tcp_syn *syn = stage_first(tcp, stage); syn != NULL;
		     syn = stage_next(tcp, syn)) {
			if (syn->record.local_port != l->port ||
			    !ip_addr_equal(tcp_record_local(tcp, &syn->record), &l->addr))
				continue;
			leave_syn_queue(tcp, syn);
			l->syn_queued++;
		}
}

int tcp_listen(struct tcp *tcp, const struct ip_addr *addr, uint16_t port,
	       const struct tcp_listener_handler *handler, const struct tcp_listen_options *options,
	       struct tcp_listener **out)
{
	struct tcp_listener *l;

	if (!ip_addr_is_any(addr) && !ip_is_ours(tcp->ip, addr))
		return -EADDRNOTAVAIL;
	LIST_FOR_EACH(n, &tcp->listeners) {
		l = LIST_ENTRY(n, struct tcp_listener, node);
		if (l->port == port && ip_addr_equal(&l->addr, addr))
			return -EADDRINUSE;
	}
	l = pool_take(&tcp->listener_pool);
	if (l == NULL)
		return -ENOMEM;
	*l = (struct tcp_listener){ .tcp = tcp, .addr = *addr, .port = port, .handler = *handler };
	if (!take_options(l, options)) {
		pool_give(&tcp->listener_pool, l);
		return -EINVAL;
	}
	list_init(&l->accept_queue);
	take_over_half_open(l);
	list_append(&tcp->listeners, &l->node);
	*out = l;
	return 0;
}

int tcp_listener_change(struct tcp_listener *l, const struct tcp_listener_handler *handler,
			const struct tcp_listen_options *options)
{
	struct tcp_listener before = *l;

	if (!take_options(l, options)) {
		l->cc = before.cc;
		l->accept_backlog = before.accept_backlog;
		l->syn_backlog = before.syn_backlog;
		return -EINVAL;
	}
	l->handler = *handler;
	return 0;
}

uint16_t tcp_listener_port(const struct tcp_listener *l)
{
	return l->port;
}

struct tcp_syn *tcp_syn_find(const struct tcp *tcp, uint64_t hash, const struct ip_addr *local,
			     uint16_t local_port, const struct ip_addr *remote, uint16_t remote_port)
{
	return syn_of(tcp_record_find(tcp, &tcp->syns, hash, local, local_port, remote, remote_port));
}

void tcp_syn_forget(struct tcp *tcp, struct tcp_syn *syn, uint64_t hash)
{
	leave_syn_queue(tcp, syn);
	tcp_record_forget(&tcp->syns, &tcp->syn_stages[syn->retries], &syn->record, hash);
}

static uint16_t our_mss(const struct tcp *tcp, const struct ip_addr *remote)
{
	return (uint16_t)(ip_mtu(tcp->ip, remote) - ip_header_len(remote) - TCP_HEADER_LEN);
}

/* The second step of the handshake. Its window field is never scaled (RFC 7323 section 2.2). */
static struct tcp_reply make_syn_ack(const struct tcp *tcp, const struct tcp_syn *syn)
{
	const struct ip_addr *local = tcp_record_local(tcp, &syn->record), *remote = &syn->record.remote;
	struct tcp_reply r = {
		.local = *local,
		.remote = *remote,
		.local_port = syn->record.local_port,
		.remote_port = syn->record.remote_port,
		.seq = syn->iss,
		.ack = seq_add(syn->irs, 1),
		.flags = TH_SYN | TH_ACK,
		.window = tcp_initial_receive_window(tcp),
		.options = { .has_mss = true, .mss = our_mss(tcp, remote) },
	};

	if (syn->wscale != TCP_NO_WSCALE) {
		r.options.has_wscale = true;
		r.options.wscale = tcp_receive_wscale(tcp);
	}
	r.options.sack_permitted = syn->sack_permitted;
	if (syn->ecn)
		r.flags |= TH_ECE; /* RFC 3168 section 6.1.1 */
	if (syn->has_timestamp) {
		r.options.has_timestamp = true;
		r.options.ts_val = tcp_now_ms(tcp) + tcp_timestamp_offset(tcp, local, remote);
		r.options.ts_ecr = syn->ts_recent;
	}
	tcp_user_timeout_offer(tcp, tcp->config.user_timeout_us, &r.options);
	return r;
}

/* The answer to a SYN that is at hand. */
static void send_syn_ack(const struct tcp_syn *syn, const struct tcp_in *in)
{
	struct tcp_reply r = make_syn_ack(in->tcp, syn);

	tcp_fast_open_offer(in, &r.options);
	tcp_reply(in->tcp, &r);
}

/* The SYN's wish for a Fast Open cookie is forgotten by now: the next connection may have it again. */
static void resend_syn_ack(struct tcp *tcp, const struct tcp_syn *syn)
{
	struct tcp_reply r = make_syn_ack(tcp, syn);

	r.note = "SYN-ACK retransmission";
	tcp_reply(tcp, &r);
}

/* The same, and nothing is kept of it: so it is never sent again. */
static void send_cookie(struct tcp_syn *syn, const struct tcp_in *in)
{
	struct tcp *tcp = in->tcp;
	struct tcp_reply r;

	tcp_cookie_make(tcp, syn);
	r = make_syn_ack(tcp, syn);
	if (syn->has_timestamp)
		r.options.ts_val = tcp_cookie_timestamp(syn, r.options.ts_val);
	tcp_fast_open_offer(in, &r.options);
	r.note = "SYN cookie";
	tcp_reply(tcp, &r);
}

static uint32_t stage_wait_us(const struct tcp *tcp, unsigned stage)
{
	uint64_t us = (uint64_t)tcp->config.initial_rto_us << stage;

	return (uint32_t)min_u64(min_u64(us, tcp->config.max_rto_us), LONGEST_WAIT_US);
}

/* Time until the oldest record of a stage is due, at least 0; false if the stage is empty. */
static bool stage_due_us(const struct tcp *tcp, unsigned stage, uint32_t *wait)
{
	const struct tcp_syn *oldest = stage_first(tcp, stage);
	int32_t left;

	if (oldest == NULL)
		return false;
	left = (int32_t)(oldest->sent_us + stage_wait_us(tcp, stage) - tcp_now_us(tcp));
	*wait = left > 0 ? (uint32_t)left : 0;
	return true;
}

static void arm_syn_timer(struct tcp *tcp)
{
	uint32_t soonest = UINT32_MAX, wait;

	for (unsigned stage = 0; stage < TCP_SYN_STAGES; stage++)
		if (stage_due_us(tcp, stage, &wait) && wait < soonest)
			soonest = wait;
	if (soonest != UINT32_MAX)
		timer_set(&tcp->world->timers, &tcp->syn_timer, tcp_now(tcp) + soonest);
}

/* The third ACK did not come in time: the SYN-ACK goes out again, or, at the limit, the record goes. */
static void syn_due(struct tcp *tcp, struct tcp_syn *syn)
{
	if (syn->retries >= tcp->config.synack_retries || syn->retries + 1 >= TCP_SYN_STAGES) {
		tcp->counters.synack_timeouts++;
		tcp->counters.attempt_fails++;
		tcp_note_state(tcp, TCP_SYN_RECEIVED, TCP_CLOSED);
		tcp_syn_forget(tcp, syn, tcp_record_hash(tcp, &syn->record));
		return;
	}
	tcp_record_move(&tcp->syns, &tcp->syn_stages[syn->retries], &tcp->syn_stages[syn->retries + 1],
			&syn->record);
	syn->retries++;
	syn->sent_us = tcp_now_us(tcp);
	tcp->counters.synack_retrans++;
	tcp->counters.retrans_segs++;
	resend_syn_ack(tcp, syn);
}

void tcp_syn_timer_fire(struct timer *t, uint64_t now_us)
{
	struct tcp *tcp = CONTAINER_OF(t, struct tcp, syn_timer);
	uint32_t wait;

	(void)now_us;
	/* From the last stage down, so that a record moved up is not looked at twice. */
	for (unsigned stage = TCP_SYN_STAGES; stage-- > 0;)
		while (stage_due_us(tcp, stage, &wait) && wait == 0)
			syn_due(tcp, stage_first(tcp, stage));
	arm_syn_timer(tcp);
}

static uint16_t announced_mss(const struct tcp_in *in)
{
	if (!in->options.has_mss) /* MUST-15 */
		return ip_addr_is_4(&in->packet->src) ? TCP_DEFAULT_MSS_4 : TCP_DEFAULT_MSS_6;
	return in->options.mss < TCP_MIN_MSS ? TCP_MIN_MSS : in->options.mss;
}

static struct seq choose_iss(const struct tcp_in *in)
{
	struct seq iss = tcp_isn(in->tcp, &in->packet->dst, in->dst_port, &in->packet->src, in->src_port);

	/* MAY-2 (1): beyond all that the connection before sent; it may have run faster than the clock. */
	if (in->reopens && seq_le(iss, in->last_sent))
		return seq_add(in->last_sent, UINT16_MAX);
	return iss;
}

static unsigned agreed_wscale(const struct tcp_in *in)
{
	return in->options.has_wscale && in->tcp->config.window_scaling ? in->options.wscale : TCP_NO_WSCALE;
}

static struct tcp_syn describe_syn(const struct tcp_in *in)
{
	const struct tcp *tcp = in->tcp;

	return (struct tcp_syn){
		.record = tcp_record_of(tcp, &in->packet->dst, in->dst_port, &in->packet->src, in->src_port),
		.iss = choose_iss(in),
		.irs = in->seq,
		.ts_recent = in->options.ts_val,
		.sent_us = tcp_now_us(tcp),
		.mss = announced_mss(in),
		.wscale = agreed_wscale(in) & 15u,
		.has_timestamp = in->options.has_timestamp && tcp->config.timestamps,
		.sack_permitted = in->options.sack_permitted && tcp->config.sack,
		.ecn = tcp->config.ecn != TCP_ECN_OFF && (in->flags & (TH_ECE | TH_CWR)) == (TH_ECE | TH_CWR),
	};
}

static void keep_syn(struct tcp_listener *l, struct tcp_syn *syn, const struct tcp_in *in, uint64_t hash)
{
	struct tcp *tcp = in->tcp;

	l->syn_queued++;
	tcp_record_add(&tcp->syns, &tcp->syn_stages[0], &syn->record, hash);
	tcp_note_state(tcp, TCP_LISTEN, TCP_SYN_RECEIVED);
	send_syn_ack(syn, in);
	if (!timer_is_set(&tcp->syn_timer) ||
	    tcp->syn_timer.deadline_us > tcp_now(tcp) + stage_wait_us(tcp, 0))
		arm_syn_timer(tcp);
}

static enum drop_reason syn_queue_full(struct tcp_syn *offered, const struct tcp_in *in)
{
	struct tcp *tcp = in->tcp;

	if (tcp->config.syn_cookies == TCP_SYN_COOKIES_NEVER) {
		tcp->counters.syn_queue_full++;
		return world_drop(tcp->world, DROP_TCP_SYN_QUEUE_FULL);
	}
	tcp->counters.syn_queue_cookies++;
	send_cookie(offered, in);
	return DROP_NONE;
}

static bool has_syn_room(const struct tcp_listener *l)
{
	return l->syn_backlog == 0 || l->syn_queued < l->syn_backlog;
}

/* RFC 9293 section 3.10.7.2, third: a SYN. */
static enum drop_reason take_syn(struct tcp_listener *l, struct tcp_in *in, uint64_t hash)
{
	struct tcp *tcp = l->tcp;
	struct tcp_syn offered, *syn;

	tcp->counters.syns_received++;
	if (l->accept_queued >= l->accept_backlog) { /* nobody could be let in: do not begin */
		tcp->counters.listen_overflows++;
		return world_drop(tcp->world, DROP_TCP_ACCEPT_QUEUE_FULL);
	}
	offered = describe_syn(in);
	if (tcp_fast_open(l, &offered, in))
		return DROP_NONE;
	if (tcp->config.syn_cookies == TCP_SYN_COOKIES_ALWAYS) {
		send_cookie(&offered, in);
		return DROP_NONE;
	}
	syn = has_syn_room(l) ? pool_take(&tcp->syns.pool) : NULL;
	if (syn == NULL)
		return syn_queue_full(&offered, in);
	*syn = offered;
	keep_syn(l, syn, in, hash);
	return DROP_NONE;
}

/* On the options that both sides have. */
static void agree(struct tcp_conn *c, const struct tcp_syn *syn)
{
	if (syn->wscale != TCP_NO_WSCALE) {
		c->flags |= CONN_WSCALE;
		c->snd_wscale = syn->wscale;
		c->rcv_wscale = tcp_receive_wscale(c->tcp);
	}
	if (syn->sack_permitted)
		c->flags |= CONN_SACK;
	if (syn->ecn)
		c->ecn.flags = ECN_AGREED;
	if (syn->has_timestamp) {
		c->flags |= CONN_TIMESTAMPS;
		c->ts_recent = syn->ts_recent;
		c->ts_recent_us = tcp_now(c->tcp);
	}
}

struct tcp_conn *tcp_promote(struct tcp_listener *l, const struct tcp_syn *syn, const struct tcp_in *in)
{
	struct tcp *tcp = l->tcp;
	struct tcp_conn *c = tcp_conn_new(tcp, &in->packet->dst, in->dst_port, &in->packet->src,
					  in->src_port);
	uint32_t syn_ack_us = tcp_now_us(tcp) - syn->sent_us;

	if (c == NULL)
		return NULL;
	c->flags |= CONN_PASSIVE;
	c->busy->listener = l;
	c->iss = syn->iss;
	c->recover = syn->iss;
	c->snd_una = c->snd_nxt = seq_add(syn->iss, 1);
	c->irs = syn->irs;
	c->rcv_nxt = c->last_ack_sent = seq_add(syn->irs, 1);
	c->rcv_adv = seq_add(c->rcv_nxt, tcp_initial_receive_window(tcp));
	c->peer_mss = syn->mss;
	agree(c, syn);
	tcp_mtu_init(c);
	c->state = TCP_SYN_RECEIVED; /* where the record stood: observers were told then */
	c->busy->cc.ops = l->cc;
	c->first_cc = tcp_cc_number(l->cc);
	tcp_init_congestion(c);
	if (syn->retries > 0) /* Karn: an acknowledgement of one of several tells nothing */
		tcp_on_syn_lost(c, syn->retries);
	else if (!syn->answered_again && syn_ack_us > 0) /* 0: by a cookie, or with the SYN */
		tcp_rtt_sample(c, syn_ack_us);
	return c;
}

/* "If an incoming segment is not acceptable, an acknowledgment should be sent in reply", and challenge ACKs
 * (RFC 5961). */
static enum drop_reason acknowledge(const struct tcp_syn *syn, const struct tcp_in *in, enum drop_reason why)
{
	struct tcp *tcp = in->tcp;
	struct tcp_reply r = {
		.local = in->packet->dst,
		.remote = in->packet->src,
		.local_port = in->dst_port,
		.remote_port = in->src_port,
		.seq = seq_add(syn->iss, 1),
		.ack = seq_add(syn->irs, 1),
		.flags = TH_ACK,
		.window = tcp_initial_receive_window(tcp),
		.note = "ACK in SYN-RECEIVED",
	};

	if (syn->has_timestamp) {
		r.options.has_timestamp = true;
		r.options.ts_val = tcp_now_ms(tcp) + tcp_timestamp_offset(tcp, &r.local, &r.remote);
		r.options.ts_ecr = syn->ts_recent;
	}
	tcp_reply(tcp, &r);
	return world_drop(tcp->world, why);
}

/* SYN-RECEIVED, in the order of RFC 9293 section 3.10.7.4. DROP_NONE: a third ACK as it should be. */
static enum drop_reason check_segment(struct tcp_syn *syn, struct tcp_in *in, uint64_t hash)
{
	struct tcp *tcp = in->tcp;
	struct seq rcv_nxt = seq_add(syn->irs, 1);

	if ((in->flags & (TH_SYN | TH_ACK | TH_RST)) == TH_SYN && seq_eq(in->seq, syn->irs)) {
		/* The SYN sent again: our answer was lost. The record keeps its place: else a peer could hold
		 * up those behind it. */
		syn->answered_again = 1;
		send_syn_ack(syn, in);
		return world_drop(tcp->world, DROP_TCP_DUPLICATE);
	}
	if (syn->has_timestamp && !in->options.has_timestamp && (in->flags & (TH_RST | TH_SYN)) == 0)
		return world_drop(tcp->world, DROP_TCP_NO_TIMESTAMP);
	if (syn->has_timestamp && in->options.has_timestamp && (in->flags & TH_RST) == 0 &&
	    (int32_t)(in->options.ts_val - syn->ts_recent) < 0)
		return acknowledge(syn, in, DROP_TCP_PAWS);
	if (seq_lt(in->seq, rcv_nxt) || seq_len(in->seq, rcv_nxt) >= tcp_initial_receive_window(tcp))
		return (in->flags & TH_RST) != 0 ? world_drop(tcp->world, DROP_TCP_OUT_OF_WINDOW)
						 : acknowledge(syn, in, DROP_TCP_OUT_OF_WINDOW);
	if ((in->flags & TH_RST) != 0) {
		if (!seq_eq(in->seq, rcv_nxt)) /* RFC 5961 section 3.2 */
			return acknowledge(syn, in, DROP_TCP_CHALLENGE);
		tcp->counters.attempt_fails++;
		tcp_note_state(tcp, TCP_SYN_RECEIVED, TCP_LISTEN);
		tcp_syn_forget(tcp, syn, hash);
		return world_drop(tcp->world, DROP_TCP_RESET);
	}
	if ((in->flags & TH_SYN) != 0)
		return acknowledge(syn, in, DROP_TCP_CHALLENGE);
	if ((in->flags & TH_ACK) == 0)
		return world_drop(tcp->world, DROP_TCP_NO_ACK);
	if (!seq_eq(in->ack, seq_add(syn->iss, 1))) {
		tcp_reply_rst(in);
		return world_drop(tcp->world, DROP_TCP_BAD_ACK);
	}
	return DROP_NONE;
}

/* The third ACK is as it should be: a connection, if there is room for one. */
static enum drop_reason establish(struct tcp_listener *l, struct tcp_syn *syn, const struct tcp_in *in,
				  struct tcp_conn **established)
{
	struct tcp *tcp = l->tcp;

	if (l->accept_queued >= l->accept_backlog) {
		tcp->counters.listen_overflows++;
		return world_drop(tcp->world, DROP_TCP_ACCEPT_QUEUE_FULL);
	}
	*established = tcp_promote(l, syn, in);
	if (*established == NULL)
		return world_drop(tcp->world, DROP_TCP_CONNECTION_LIMIT);
	if (in->text.len > 0)
		tcp->counters.data_on_third_ack++;
	return DROP_NONE;
}

/* From the SYN on: the waits for the retransmissions of the SYN-ACK are known. */
static void count_handshake(struct tcp *tcp, const struct tcp_syn *syn)
{
	uint64_t us = tcp_now_us(tcp) - syn->sent_us;

	for (unsigned stage = 0; stage < syn->retries; stage++)
		us += stage_wait_us(tcp, stage);
	histogram_add(&tcp->times.handshake, us);
}

enum drop_reason tcp_syn_input(struct tcp_syn *syn, struct tcp_in *in, uint64_t hash,
			       struct tcp_conn **established)
{
	struct tcp *tcp = in->tcp;
	struct tcp_listener *l = tcp_listener_find(tcp, &in->packet->dst, in->dst_port);
	enum drop_reason reason = check_segment(syn, in, hash);

	*established = NULL;
	if (reason != DROP_NONE)
		return reason;
	if (l == NULL) /* closed meanwhile; its records went with it */
		return world_drop(tcp->world, DROP_TCP_NO_CONNECTION);
	reason = establish(l, syn, in, established);
	if (reason != DROP_NONE)
		return reason;
	count_handshake(tcp, syn);
	tcp_syn_forget(tcp, syn, hash);
	return DROP_NONE;
}

/* An ACK for nothing that is known here: the third of a handshake by cookie, or a mistake. */
static enum drop_reason take_ack(struct tcp_listener *l, struct tcp_in *in, struct tcp_conn **established)
{
	struct tcp *tcp = l->tcp;
	enum drop_reason reason;
	struct tcp_syn syn;

	if ((in->flags & TH_SYN) != 0 || !tcp_cookies_are_out(tcp)) {
		tcp_reply_rst(in);
		return world_drop(tcp->world, DROP_TCP_NO_CONNECTION);
	}
	if (!tcp_cookie_open(tcp, in, &syn)) {
		tcp->counters.cookies_failed++;
		tcp_reply_rst(in);
		return world_drop(tcp->world, DROP_TCP_BAD_COOKIE);
	}
	tcp->counters.cookies_received++;
	reason = establish(l, &syn, in, established);
	if (reason == DROP_NONE)
		tcp_note_state(tcp, TCP_LISTEN, TCP_SYN_RECEIVED);
	return reason;
}

enum drop_reason tcp_listen_input(struct tcp_listener *l, struct tcp_in *in, uint64_t hash,
				  struct tcp_conn **established)
{
	struct world *w = l->tcp->world;

	*established = NULL;
	if ((in->flags & TH_RST) != 0) /* first */
		return world_drop(w, DROP_TCP_NO_CONNECTION);
	if ((in->flags & TH_ACK) != 0) /* second */
		return take_ack(l, in, established);
	/* SYN with FIN is no way to open a connection; no real stack sends it, scanners do. */
	if ((in->flags & (TH_SYN | TH_FIN)) != TH_SYN)
		return world_drop(w, DROP_TCP_BAD_FLAGS);
	return take_syn(l, in, hash);
}

void tcp_listener_established(struct tcp_conn *c)
{
	struct tcp_listener *l = c->busy->listener;

	list_append(&l->accept_queue, &c->busy->accept);
	l->accept_queued++;
	l->tcp->accept_queued++;
	l->tcp->counters.passive_opens++;
	if (l->handler.on_acceptable != NULL)
		l->handler.on_acceptable(l, l->handler.context);
}

void tcp_listener_forget(struct tcp_conn *c)
{
	if (!list_is_linked(&c->busy->accept))
		return;
	list_remove(&c->busy->accept);
	c->busy->listener->accept_queued--;
	c->tcp->accept_queued--;
	c->busy->listener = NULL;
}

struct stream *tcp_accept(struct tcp_listener *l)
{
	struct list *n = list_first(&l->accept_queue);
	struct tcp_conn *c;

	if (n == NULL)
		return NULL;
	c = LIST_ENTRY(n, struct tcp_busy, accept)->conn;
	tcp_listener_forget(c);
	c->flags |= CONN_ACCEPTED;
	return &c->stream;
}

static void forget_half_open(struct tcp_listener *l)
{
	struct tcp *tcp = l->tcp;

	for (unsigned stage = 0; stage < TCP_SYN_STAGES; stage++)
		for (struct tcp_syn *syn = stage_first(tcp, stage), *next; syn != NULL; syn = next) {
			next = stage_next(tcp, syn);
			if (listener_of(tcp, syn) == l)
				tcp_syn_forget(tcp, syn, tcp_record_hash(tcp, &syn->record));
		}
}

void tcp_listener_close(struct tcp_listener *l)
{
	struct list *n;

	forget_half_open(l);
	while ((n = list_first(&l->accept_queue)) != NULL) {
		struct tcp_conn *c = LIST_ENTRY(n, struct tcp_busy, accept)->conn;
		tcp_send_rst(c);
		tcp_conn_end(c, STREAM_END_RESET);
	}
	list_remove(&l->node);
	pool_give(&l->tcp->listener_pool, l);
}
