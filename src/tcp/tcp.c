/*
 * The instance, and the life of a connection block: made, opened, seen through the stream interface, ended,
 * buried.
 *
 * A connection ends in the middle of anything (a callback may abort it), so a dead block is kept until the
 * next segment or output round begins; whoever was at work with it looks at CONN_DEAD after each callback.
 */
#include "tcp/tcp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/minmax.h"
#include "tcp/tcp_conn.h"

enum { SECOND = 1000000, MAX_LISTENERS = 256 };

void tcp_config_default(struct tcp_config *c)
{
	*c = (struct tcp_config){
		.congestion = "cubic",
		.max_connections = 1 << 17,
		.syn_backlog = 4096,
		.accept_backlog = 1024,
		.max_time_wait = 1 << 16,
		.synack_retries = 5,
		.syn_cookies = TCP_SYN_COOKIES_AUTO,
		.fast_open_backlog = 256,
		.fast_open_key_lifetime_us = 86400ull * SECOND,
		.syn_timeout_us = 180ull * SECOND,
		.msl_us = 30ull * SECOND,
		.user_timeout_us = 100ull * SECOND,
		.user_timeout_max_us = 3600ull * SECOND,
		.fin_wait_2_timeout_us = 60ull * SECOND,
		.max_orphans = 8192,
		.orphan_timeout_us = 60ull * SECOND,
		.delayed_ack_us = 40000,
		.keepalive_idle_us = 7200ull * SECOND,
		.keepalive_interval_us = 75ull * SECOND,
		.keepalive_probes = 9,
		.send_buffer = 1 << 20,
		.send_buffer_max = 8 << 20,
		.receive_buffer = 256 << 10,
		.receive_buffer_max = 6 << 20,
		.memory = 256ull << 20,
		/* RFC 6298 (2.4) wants 1 s at least, for clocks and delayed ACKs of its time; all large
		 * stacks have 200 ms. */
		.min_rto_us = 200000,
		.max_rto_us = 60u * SECOND,
		.initial_rto_us = SECOND,
		.ttl = 64,
		.timestamps = true,
		.window_scaling = true,
		.sack = true,
		.frto = true,
		.pacing = true,
		.ecn = TCP_ECN_ACCEPT,
		.mtu_probing = TCP_MTU_PROBING_BLACK_HOLE,
	};
}

uint16_t tcp_initial_receive_window(const struct tcp *tcp)
{
	return (uint16_t)min_u32(tcp->config.receive_buffer, UINT16_MAX);
}

uint8_t tcp_receive_wscale(const struct tcp *tcp)
{
	uint32_t largest = max_u32(tcp->config.receive_buffer, tcp->config.receive_buffer_max);
	uint32_t bits = 32u - (uint32_t)__builtin_clz(largest | 1);

	return (uint8_t)min_u32(bits > 16 ? bits - 16 : 0, TCP_MAX_WSCALE);
}

static void init_pools(struct tcp *tcp)
{
	const struct tcp_config *c = &tcp->config;

	pool_init(&tcp->conn_pool, "tcp_connection", sizeof(struct tcp_conn), c->max_connections);
	pool_init(&tcp->busy_pool, "tcp_busy", sizeof(struct tcp_busy), c->max_connections);
	pool_init(&tcp->listener_pool, "tcp_listener", sizeof(struct tcp_listener), MAX_LISTENERS);
	/* Busy connections only: some thousand segments and pieces each would be a fair share at a few
	 * thousand connections. */
	pool_init(&tcp->segment_pool, "tcp_segment", sizeof(struct tcp_segment), 1 << 20);
	pool_init(&tcp->piece_pool, "tcp_send_piece", sizeof(struct send_piece), 1 << 20);
	pool_init(&tcp->chunk_pool, "tcp_receive_chunk", TCP_CHUNK_SIZE,
		  (size_t)(c->memory / TCP_CHUNK_SIZE));
	/* A range has a chunk at least. */
	pool_init(&tcp->range_pool, "tcp_receive_range", sizeof(struct rx_range),
		  tcp->chunk_pool.limit);
}

int tcp_new(const struct tcp_config *config, struct world *w, struct ip *ip, struct tcp **out)
{
	const struct tcp_cc_ops *cc = tcp_cc_find(config->congestion);
	struct tcp *tcp;

	if (cc == NULL)
		return -EINVAL;
	tcp = calloc(1, sizeof *tcp);
	if (tcp == NULL)
		return -ENOMEM;
	tcp->config = *config;
	tcp->world = w;
	tcp->ip = ip;
	tcp->cc = cc;
	tcp->id_step = 1;
	tcp->isn_key = (struct hash_key){ random_u64(&w->random), random_u64(&w->random) };
	tcp->next_ephemeral = (uint16_t)random_u32(&w->random);
	tcp->cookie_key = (struct hash_key){ random_u64(&w->random), random_u64(&w->random) };
	tcp->fast_open_key = (struct hash_key){ random_u64(&w->random), random_u64(&w->random) };
	list_init(&tcp->listeners);
	list_init(&tcp->output);
	list_init(&tcp->lingering);
	list_init(&tcp->busy);
	list_init(&tcp->graveyard);
	timer_init(&tcp->busy_timer, tcp_busy_timer_fire);
	timer_init(&tcp->syn_timer, tcp_syn_timer_fire);
	timer_init(&tcp->timewait_timer, tcp_timewait_timer_fire);
	init_pools(tcp);
	if (tcp_tables_new(tcp) != 0) {
		tcp_tables_free(tcp);
		free(tcp);
		return -ENOMEM;
	}
	*out = tcp;
	return 0;
}

/* ---- the stream interface ---- */

struct tcp_conn *tcp_conn_of(struct stream *s)
{
	return CONTAINER_OF(s, struct tcp_conn, stream);
}

static size_t conn_room(const struct stream *s)
{
	return tcp_send_room(tcp_conn_of_stream(s));
}

static bool can_queue(const struct tcp_conn *c)
{
	return in_state(c, TCP_SYN_SENT | TCP_SYN_RECEIVED | TCP_CAN_SEND_TEXT) &&
	       (c->flags & CONN_SHUTDOWN) == 0;
}

static int conn_send(struct stream *s, const struct span *spans, size_t count, unsigned flags)
{
	struct tcp_conn *c = tcp_conn_of(s);
	int error;

	if (!can_queue(c))
		return -EPIPE;
	if (!tcp_wake(c))
		return -ENOMEM;
	if (conn_room(s) == 0) {
		c->flags |= CONN_WANTS_WRITABLE;
		return -ENOBUFS;
	}
	error = tcp_send_queue(c, spans, count);
	if (error != 0) {
		world_drop(c->tcp->world, DROP_NO_MEMORY);
		return error;
	}
	if (c->busy->queued > tcp_send_buffer(c) / 2)
		c->flags |= CONN_WANTS_WRITABLE;
	/* STREAM_MORE needs nothing: segments are made when all input is processed, and share what
	 * follows. */
	if ((flags & STREAM_URGENT) != 0)
		tcp_urgent_queued(c);
	tcp_want_output(c);
	return 0;
}

static void conn_resume(struct stream *s)
{
	struct tcp_conn *c = tcp_conn_of(s);

	if (c->busy == NULL)
		return;
	if (c->busy->urgent.receiving)
		tcp_tell_urgent(c); /* it came before the connection was accepted */
	if (!is_dead(c))
		tcp_receive_resume(c);
	if ((c->flags & (CONN_DEAD | CONN_FIN_RECEIVED)) == CONN_FIN_RECEIVED)
		tcp_tell_end(c); /* it came before the connection was accepted */
}

/* One that rests, and has no memory to wake by, owes its FIN until it has: tcp_busy_renew(). */
static void queue_fin(struct tcp_conn *c)
{
	c->flags |= CONN_SHUTDOWN;
	if (tcp_wake(c))
		tcp_want_output(c);
	else
		tcp_timers_no_memory(c);
}

static void conn_shutdown(struct stream *s)
{
	queue_fin(tcp_conn_of(s));
}

static void detach(struct tcp_conn *c)
{
	c->flags |= CONN_DETACHED;
	c->tcp->orphans++;
	c->stream.handler = NULL;
	c->stream.user = NULL;
}

static void conn_abort(struct stream *s)
{
	struct tcp_conn *c = tcp_conn_of(s);

	detach(c);
	if (!tcp_wake(c)) {
		tcp_conn_end(c, STREAM_END_ERROR);
		return;
	}
	/* RFC 9293 section 3.10.5: in CLOSING, LAST-ACK and TIME-WAIT both sides have said all, and no reset
	 * is sent. */
	if ((c->flags & CONN_TABLED) != 0 && !in_state(c, TCP_CLOSING | TCP_LAST_ACK | TCP_TIME_WAIT))
		tcp_send_rst(c);
	tcp_conn_end(c, STREAM_END_RESET);
}

static void conn_close(struct stream *s)
{
	struct tcp_conn *c = tcp_conn_of(s);

	detach(c);
	if ((c->flags & CONN_TABLED) == 0 || in_state(c, TCP_SYN_SENT)) {
		tcp_conn_end(c, STREAM_END_NORMAL);
		return;
	}
	/* Data that nobody read: the peer must learn that it was lost (RFC 9293 SHLD-3, RFC 2525 section
	 * 2.17). */
	if (c->busy != NULL && c->busy->received_bytes > 0) {
		c->tcp->counters.abort_on_close++;
		tcp_send_rst(c);
		tcp_conn_end(c, STREAM_END_RESET);
		return;
	}
	/* Nobody waits for these any more, and their peers need not hurry: their number has a limit. */
	if (c->tcp->orphans > c->tcp->config.max_orphans) {
		c->tcp->counters.abort_on_memory++;
		if (tcp_wake(c))
			tcp_send_rst(c);
		tcp_conn_end(c, STREAM_END_RESET);
		return;
	}
	queue_fin(c);
	if (in_state(c, TCP_FIN_WAIT_2))
		tcp_timers_state_entered(c);
}

/* The part of the peer's window that is not used yet. */
static uint32_t peer_room(const struct tcp_conn *c)
{
	uint32_t in_flight = seq_len(c->snd_nxt, c->snd_una);

	return c->snd_wnd > in_flight ? c->snd_wnd - in_flight : 0;
}

static void conn_info(const struct stream *s, struct stream_info *out)
{
	const struct tcp_conn *c = tcp_conn_of_stream(s);

	*out = (struct stream_info){
		.local = c->local,
		.remote = c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.id = c->id,
		.srtt_us = c->srtt_us,
		.retransmissions = c->retransmissions,
		.peer_room = peer_room(c),
		.bytes_received = c->bytes_received,
		.bytes_acked = c->bytes_acked,
	};
}

static const struct stream_ops conn_ops = {
	.send = conn_send,
	.room = conn_room,
	.resume = conn_resume,
	.shutdown = conn_shutdown,
	.close = conn_close,
	.abort = conn_abort,
	.info = conn_info,
	.set_congestion = tcp_set_congestion,
};

/* ---- life and death ---- */

int tcp_local_index(const struct tcp *tcp, const struct ip_addr *local)
{
	for (unsigned i = 0; i < tcp->ip->n_addresses; i++)
		if (ip_addr_equal(&tcp->ip->addresses[i].addr, local))
			return (int)i;
	return -1;
}

struct tcp_conn *tcp_conn_new(struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
			      const struct ip_addr *remote, uint16_t remote_port)
{
	struct tcp_conn *c = pool_take(&tcp->conn_pool);

	if (c == NULL)
		return NULL;
	*c = (struct tcp_conn){
		.stream = { .ops = &conn_ops },
		.tcp = tcp,
		.id = tcp->last_id += tcp->id_step,
		.local = *local,
		.remote = *remote,
		.local_port = local_port,
		.remote_port = remote_port,
		.state = TCP_CLOSED,
		.peer_mss = ip_addr_is_4(remote) ? TCP_DEFAULT_MSS_4 : TCP_DEFAULT_MSS_6,
		.rcv_mss = TCP_DEFAULT_MSS_4,
		.rcv_buffer = tcp->config.receive_buffer,
		.ts_offset = tcp_timestamp_offset(tcp, local, remote),
		.ttl = tcp->config.ttl,
		.tos = tcp->config.tos & TCP_TOS_DSCP,
		.last_received_us = tcp_now(tcp),
		.first_cc = tcp_cc_number(tcp->cc),
	};
	if (!tcp_busy_new(c)) {
		pool_give(&tcp->conn_pool, c);
		return NULL;
	}
	list_init(&c->output);
	tcp_timers_init(c);
	tcp_rtt_init(c);
	c->hash = (uint32_t)tcp_hash(tcp, local, local_port, remote, remote_port);
	tcp_table_add(c);
	return c;
}

static void free_queues(struct tcp_conn *c)
{
	tcp_listener_forget(c);
	tcp_send_free(c);
	tcp_receive_free(c);
}

void tcp_conn_end(struct tcp_conn *c, enum stream_end why)
{
	const struct stream_handler *h = c->stream.handler;
	bool tell = (c->flags & (CONN_ACCEPTED | CONN_DETACHED)) == CONN_ACCEPTED && h != NULL;

	if (is_dead(c))
		return;
	if ((c->flags & CONN_FAST_OPEN) != 0 && in_state(c, TCP_SYN_RECEIVED))
		tcp_fast_open_over(c, why == STREAM_END_REFUSED);
	if (in_state(c, TCP_TIME_WAIT))
		tcp_hand_over(c);
	else if (!in_state(c, TCP_CLOSED))
		tcp_enter(c, TCP_CLOSED);
	tcp_table_remove(c);
	tcp_timers_stop(c);
	if (c->busy != NULL)
		free_queues(c);
	c->flags |= CONN_DEAD;
	if ((c->flags & CONN_DETACHED) != 0)
		c->tcp->orphans--;
	list_remove(&c->output);
	list_append(&c->tcp->graveyard, &c->output);
	if (tell)
		h->on_closed(&c->stream, why);
}

void tcp_conn_finish(struct tcp_conn *c)
{
	bool held = c->busy->received_bytes > 0 && (c->flags & CONN_DETACHED) == 0;

	if (!held) {
		tcp_conn_end(c, STREAM_END_NORMAL);
		return;
	}
	if ((c->flags & CONN_TABLED) == 0)
		return;
	/* On the wire it is over. The block stays for the sake of what the layer above has still to read. */
	tcp_table_remove(c);
	tcp_timers_stop(c);
	list_remove(&c->output);
	list_append(&c->tcp->lingering, &c->output);
}

void tcp_bury_all(struct tcp *tcp)
{
	struct list *n;

	while ((n = list_first(&tcp->graveyard)) != NULL) {
		struct tcp_conn *c = LIST_ENTRY(n, struct tcp_conn, output);

		list_remove(n);
		tcp_busy_free(c);
		pool_give(&tcp->conn_pool, c);
	}
}

static void end_all(struct tcp *tcp)
{
	for (uint32_t i = 0; i < tcp->n_buckets; i++)
		while (tcp->conns[i] != NULL)
			tcp_conn_end(tcp->conns[i], STREAM_END_ERROR);
}

static void forget_all(const struct tcp *tcp, struct tcp_records *r, struct tcp_record_queue *q)
{
	struct tcp_record *record;

	while ((record = tcp_record_first(r, q)) != NULL)
		tcp_record_forget(r, q, record, tcp_record_hash(tcp, record));
}

static void free_records(struct tcp *tcp)
{
	struct list *n;

	for (unsigned i = 0; i < TCP_SYN_STAGES; i++)
		forget_all(tcp, &tcp->syns, &tcp->syn_stages[i]);
	forget_all(tcp, &tcp->timewaits, &tcp->timewait_queue);
	while ((n = list_first(&tcp->listeners)) != NULL) {
		list_remove(n);
		pool_give(&tcp->listener_pool, LIST_ENTRY(n, struct tcp_listener, node));
	}
}

void tcp_free(struct tcp *tcp)
{
	if (tcp == NULL)
		return;
	end_all(tcp);
	while (!list_is_empty(&tcp->lingering))
		tcp_conn_end(LIST_ENTRY(list_first(&tcp->lingering), struct tcp_conn, output),
			     STREAM_END_ERROR);
	tcp_bury_all(tcp);
	free_records(tcp);
	timer_cancel(&tcp->world->timers, &tcp->busy_timer);
	timer_cancel(&tcp->world->timers, &tcp->syn_timer);
	timer_cancel(&tcp->world->timers, &tcp->timewait_timer);
	pool_fini(&tcp->conn_pool);
	pool_fini(&tcp->busy_pool);
	pool_fini(&tcp->listener_pool);
	pool_fini(&tcp->segment_pool);
	pool_fini(&tcp->piece_pool);
	pool_fini(&tcp->chunk_pool);
	pool_fini(&tcp->range_pool);
	tcp_tables_free(tcp);
	free(tcp);
}

/* ---- active open ---- */

static int choose_ends(struct tcp *tcp, struct ip_addr *local, uint16_t *port, const struct ip_addr *remote,
		       uint16_t remote_port)
{
	struct ip_addr source;
	uint64_t hash;

	if (ip_is_invalid_peer(tcp->ip, remote) || remote_port == 0) /* MUST-46 */
		return -EINVAL;
	if (!ip_source_for(tcp->ip, remote, &source))
		return -EHOSTUNREACH;
	if (ip_addr_is_any(local)) /* MUST-44 */
		*local = source;
	else if (!ip_is_ours(tcp->ip, local))
		return -EADDRNOTAVAIL;
	if (*port == 0)
		*port = tcp_ephemeral_port(tcp, local, remote, remote_port);
	if (*port == 0)
		return -EADDRNOTAVAIL;
	hash = tcp_hash(tcp, local, *port, remote, remote_port);
	if (tcp_table_find(tcp, hash, local, *port, remote, remote_port) != NULL ||
	    tcp_timewait_has(tcp, hash, local, *port, remote, remote_port))
		return -EADDRINUSE;
	return 0;
}

static int send_first_syn(struct tcp_conn *c)
{
	struct tcp *tcp = c->tcp;
	struct tcp_segment *syn;

	c->iss = tcp_isn(tcp, &c->local, c->local_port, &c->remote, c->remote_port);
	c->snd_una = c->snd_nxt = c->recover = c->iss;
	if (tcp->config.window_scaling) {
		c->flags |= CONN_WSCALE;
		c->rcv_wscale = tcp_receive_wscale(tcp);
	}
	if (tcp->config.timestamps)
		c->flags |= CONN_TIMESTAMPS;
	if (tcp->config.sack)
		c->flags |= CONN_SACK;
	tcp_mtu_init(c);
	tcp_init_congestion(c);
	/* The window of the SYN: rcv.nxt is 0 until the peer's SYN tells where its numbers begin. */
	c->rcv_adv = seq_of(tcp_initial_receive_window(tcp));
	tcp_enter(c, TCP_SYN_SENT);
	syn = tcp_segment_new(c, 0, SEG_SYN);
	if (syn == NULL)
		return -ENOMEM;
	tcp_segment_lost(c, syn); /* the next output round sends it */
	tcp_timers_data_sent(c, syn);
	tcp_want_output(c);
	return 0;
}

int tcp_connect(struct tcp *tcp, const struct ip_addr *local, uint16_t local_port,
		const struct ip_addr *remote, uint16_t remote_port, const struct stream_handler *handler,
		void *user, struct stream **out)
{
	struct ip_addr source = *local;
	struct tcp_conn *c;
	int error = choose_ends(tcp, &source, &local_port, remote, remote_port);

	if (error != 0)
		return error;
	c = tcp_conn_new(tcp, &source, local_port, remote, remote_port);
	if (c == NULL)
		return -ENOMEM;
	error = send_first_syn(c);
	if (error != 0) {
		tcp_conn_end(c, STREAM_END_ERROR);
		return error;
	}
	c->flags |= CONN_ACCEPTED;
	c->stream.handler = handler;
	c->stream.user = user;
	tcp->counters.active_opens++;
	*out = &c->stream;
	return 0;
}

/* ---- what it looks like from outside ---- */

enum tcp_state tcp_conn_state(const struct tcp_conn *c, uint64_t *id)
{
	*id = c->id;
	return c->state;
}

void tcp_conn_name(const struct tcp_conn *c, struct tcp_name *out)
{
	*out = (struct tcp_name){
		.id = c->id,
		.local = c->local,
		.remote = c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.state = c->state,
	};
}

/* Of a connection that rests. */
static struct tcp_busy remembered(const struct tcp_conn *c)
{
	return (struct tcp_busy){
		.cc = { .ops = c->rested.cc, .cwnd = c->rested.cwnd, .ssthresh = c->rested.ssthresh },
		.rate = { .delivered = c->bytes_acked, .lost = c->rested.lost },
		.user_timeout = { .us = c->tcp->config.user_timeout_us },
	};
}

void tcp_conn_info(const struct tcp_conn *c, struct tcp_info *out)
{
	const struct tcp_busy *b = c->busy;
	struct tcp_busy rested;

	if (b == NULL) {
		rested = remembered(c);
		b = &rested;
	}
	*out = (struct tcp_info){
		.id = c->id,
		.state = c->state,
		.local = c->local,
		.remote = c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.mss = c->mss,
		.cwnd = b->cc.cwnd,
		.ssthresh = b->cc.ssthresh,
		.snd_wnd = c->snd_wnd,
		.rcv_wnd = seq_len(c->rcv_adv, c->rcv_nxt),
		.in_flight = c->busy != NULL ? tcp_in_flight(c) : 0,
		.lost = b->lost_bytes,
		.sacked = b->sacked_bytes,
		.unsent = b->unsent,
		.unread = b->received_bytes,
		.urgent_unread = c->busy != NULL ? tcp_urgent_unread(c) : 0,
		.srtt_us = c->srtt_us,
		.rttvar_us = c->rttvar_us,
		.rto_us = c->rto_us,
		.min_rtt_us = c->min_rtt_us,
		.pacing_rate = b->cc.pacing_rate,
		.delivery_rate = b->rate.last,
		.snd_wscale = c->snd_wscale,
		.rcv_wscale = c->rcv_wscale,
		.timestamps = (c->flags & CONN_TIMESTAMPS) != 0,
		.window_scaling = (c->flags & CONN_WSCALE) != 0,
		.sack = (c->flags & CONN_SACK) != 0,
		.ecn = (c->ecn.flags & ECN_AGREED) != 0,
		.in_recovery = is_recovering(c),
		.reordering_seen = b->rack.reordering_seen,
		.iss = c->iss.n,
		.irs = c->irs.n,
		.snd_una = c->snd_una.n,
		.snd_nxt = c->snd_nxt.n,
		.rcv_nxt = c->rcv_nxt.n,
		.bytes_acked = c->bytes_acked,
		.bytes_received = c->bytes_received,
		.bytes_delivered = b->rate.delivered,
		.bytes_lost = b->rate.lost,
		.segs_in = c->segs_in,
		.segs_out = c->segs_out,
		.retransmissions = c->retransmissions,
		.dscp = c->tos >> 2,
		.ttl = c->ttl,
		.received_dscp = c->rcv_tos >> 2,
		.user_timeout_us = b->user_timeout.us,
		.r1_passed = (c->flags & CONN_R1_PASSED) != 0,
		.soft_error = (int)c->soft_error - 1,
		.congestion = b->cc.ops->name,
	};
}

void tcp_usage(const struct tcp *tcp, struct tcp_usage *out)
{
	*out = (struct tcp_usage){
		.connections = (uint32_t)tcp->conn_pool.in_use,
		.half_open = (uint32_t)tcp->syns.pool.in_use,
		.accept_queued = tcp->accept_queued,
		.orphans = tcp->orphans,
		.time_wait = (uint32_t)tcp->timewaits.pool.in_use,
	};
}

void tcp_each_pool(const struct tcp *tcp, pool_visit_fn *visit, void *context)
{
	const struct pool *const pools[] = {
		&tcp->conn_pool,     &tcp->busy_pool,    &tcp->syns.pool,  &tcp->timewaits.pool,
		&tcp->listener_pool, &tcp->segment_pool, &tcp->piece_pool, &tcp->chunk_pool,
		&tcp->range_pool,
	};

	for (size_t i = 0; i < ARRAY_LENGTH(pools); i++)
		visit(context, pools[i]);
}

const struct tcp_counters *tcp_counters(const struct tcp *tcp)
{
	return &tcp->counters;
}

void tcp_number_from(struct tcp *tcp, unsigned first, unsigned step)
{
	tcp->last_id = (uint64_t)first + 1 - step;
	tcp->id_step = step;
}

void tcp_share_fast_open(struct tcp *tcp, const struct hash_key *key)
{
	tcp->fast_open_key = *key;
}

const struct tcp_times *tcp_times(const struct tcp *tcp)
{
	return &tcp->times;
}
