/*
 * TIME-WAIT (RFC 9293 section 3.6.1) in records of 52 bytes: what is needed to acknowledge a FIN sent again,
 * to refuse old duplicates, and to let a new SYN in (RFC 6191). An RST does not end it (RFC 1337). All
 * records last equally long, so a queue in order of their end needs one timer. At the limit the oldest goes.
 */
#include "tcp/tcp_conn.h"

static uint32_t duration_ms(const struct tcp *tcp)
{
	return (uint32_t)(2 * tcp->config.msl_us / 1000);
}

static struct tcp_timewait *timewait_of(struct tcp_record *record)
{
	return record != NULL ? CONTAINER_OF(record, struct tcp_timewait, record) : NULL;
}

static struct tcp_timewait *first(const struct tcp *tcp)
{
	return timewait_of(tcp_record_first(&tcp->timewaits, &tcp->timewait_queue));
}

/* Sets the timer to the oldest record's end; it is left alone while it is set to an earlier time. */
static void arm(struct tcp *tcp)
{
	const struct tcp_timewait *oldest = first(tcp);
	int32_t left;

	if (oldest == NULL) {
		timer_cancel(&tcp->world->timers, &tcp->timewait_timer);
		return;
	}
	left = (int32_t)(oldest->ends_ms - tcp_now_ms(tcp));
	timer_set(&tcp->world->timers, &tcp->timewait_timer,
		  tcp_now(tcp) + (left > 0 ? (uint64_t)left * 1000 : 0));
}

static void forget(struct tcp *tcp, struct tcp_timewait *tw, uint64_t hash)
{
	tcp_record_forget(&tcp->timewaits, &tcp->timewait_queue, &tw->record, hash);
}

void tcp_timewait_timer_fire(struct timer *t, uint64_t now_us)
{
	struct tcp *tcp = CONTAINER_OF(t, struct tcp, timewait_timer);
	struct tcp_timewait *tw;

	while ((tw = first(tcp)) != NULL && (int32_t)(tw->ends_ms - (uint32_t)(now_us / 1000)) <= 0) {
		tcp_note_state(tcp, TCP_TIME_WAIT, TCP_CLOSED);
		tcp->counters.time_waited++;
		forget(tcp, tw, tcp_record_hash(tcp, &tw->record));
	}
	arm(tcp);
}

static struct tcp_timewait *take_record(struct tcp *tcp)
{
	struct tcp_timewait *tw = pool_take(&tcp->timewaits.pool), *oldest = first(tcp);

	if (tw != NULL || oldest == NULL)
		return tw;
	tcp->counters.time_wait_overflow++;
	forget(tcp, oldest, tcp_record_hash(tcp, &oldest->record));
	return pool_take(&tcp->timewaits.pool);
}

void tcp_timewait_add(struct tcp_conn *c)
{
	struct tcp *tcp = c->tcp;
	struct tcp_timewait *tw = take_record(tcp);

	if (tw == NULL)
		return; /* max_time_wait is 0: the operator wants none */
	*tw = (struct tcp_timewait){
		.record = tcp_record_of(tcp, &c->local, c->local_port, &c->remote, c->remote_port),
		.snd_nxt = c->snd_nxt,
		.rcv_nxt = c->rcv_nxt,
		.ends_ms = tcp_now_ms(tcp) + duration_ms(tcp),
		.ts_recent = c->ts_recent,
		.window = (uint16_t)((seq_len(c->rcv_adv, c->rcv_nxt) >> c->rcv_wscale) & 0xffff),
		.has_timestamp = (c->flags & CONN_TIMESTAMPS) != 0,
	};
	tcp_record_add(&tcp->timewaits, &tcp->timewait_queue, &tw->record, c->hash);
	arm(tcp);
}

struct tcp_timewait *tcp_timewait_find(const struct tcp *tcp, uint64_t hash, const struct tcp_in *in)
{
	return timewait_of(tcp_record_find(tcp, &tcp->timewaits, hash, &in->packet->dst, in->dst_port,
					   &in->packet->src, in->src_port));
}

bool tcp_timewait_has(const struct tcp *tcp, uint64_t hash, const struct ip_addr *local, uint16_t local_port,
		      const struct ip_addr *remote, uint16_t remote_port)
{
	return tcp_record_find(tcp, &tcp->timewaits, hash, local, local_port, remote, remote_port) != NULL;
}

/* RFC 6191 section 2: newer timestamps tell a new SYN from an old one; without them only a higher sequence
 * number does. */
static bool is_new_syn(const struct tcp_timewait *tw, const struct tcp_in *in)
{
	if ((in->flags & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN)
		return false;
	if (tw->has_timestamp && in->options.has_timestamp && in->options.ts_val != tw->ts_recent)
		return (int32_t)(in->options.ts_val - tw->ts_recent) > 0;
	return seq_gt(in->seq, tw->rcv_nxt);
}

static void acknowledge(struct tcp_timewait *tw, const struct tcp_in *in)
{
	struct tcp *tcp = in->tcp;
	struct tcp_reply r = {
		.local = in->packet->dst,
		.remote = in->packet->src,
		.local_port = in->dst_port,
		.remote_port = in->src_port,
		.seq = tw->snd_nxt,
		.ack = tw->rcv_nxt,
		.flags = TH_ACK,
		.window = tw->window,
		.note = "ACK in TIME-WAIT",
	};

	if (tw->has_timestamp) {
		r.options.has_timestamp = true;
		r.options.ts_val = tcp_now_ms(tcp) +
				   tcp_timestamp_offset(tcp, &in->packet->dst, &in->packet->src);
		r.options.ts_ecr = tw->ts_recent;
	}
	tcp_reply(tcp, &r);
}

bool tcp_timewait_input(struct tcp_timewait *tw, struct tcp_in *in, uint64_t hash)
{
	struct tcp *tcp = in->tcp;

	in->reason = DROP_TCP_TIME_WAIT;
	/* Where nobody listens a SYN is an old duplicate, whatever it says. */
	if (is_new_syn(tw, in) && tcp_listener_find(tcp, &in->packet->dst, in->dst_port) != NULL) {
		in->reopens = true;
		in->last_sent = tw->snd_nxt;
		tcp->counters.time_wait_recycled++;
		tcp_note_state(tcp, TCP_TIME_WAIT, TCP_CLOSED);
		forget(tcp, tw, hash);
		arm(tcp);
		return true;
	}
	if ((in->flags & TH_RST) != 0) {
		in->reason = DROP_TCP_TIME_WAIT_RST;
		return false;
	}
	/* Only a FIN sent again, which lies just before rcv.nxt, shows that our ACK was lost: 2MSL starts
	 * anew. */
	if ((in->flags & TH_FIN) != 0 && seq_eq(seq_add(in->seq, in->len), tw->rcv_nxt)) {
		tw->ends_ms = tcp_now_ms(tcp) + duration_ms(tcp);
		tcp_record_move(&tcp->timewaits, &tcp->timewait_queue, &tcp->timewait_queue, &tw->record);
	}
	if (in->len > 0 || !seq_eq(in->seq, tw->rcv_nxt))
		acknowledge(tw, in);
	return false;
}

void tcp_each_time_wait(const struct tcp *tcp, bool (*fn)(void *context, const struct tcp_time_wait *record),
			void *context)
{
	struct tcp_record *r = tcp_record_last(&tcp->timewaits, &tcp->timewait_queue);

	for (; r != NULL; r = tcp_record_previous(&tcp->timewaits, r)) {
		const struct tcp_timewait *tw = timewait_of(r);
		int32_t left_ms = (int32_t)(tw->ends_ms - tcp_now_ms(tcp));
		const struct tcp_time_wait record = {
			.local = *tcp_record_local(tcp, r),
			.remote = r->remote,
			.local_port = r->local_port,
			.remote_port = r->remote_port,
			.expires_us = left_ms > 0 ? (uint64_t)left_ms * 1000 : 0,
		};

		if (!fn(context, &record))
			return;
	}
}
