/* Who sees what, how much of it, and how it is written. */
#include "server/watcher.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/json.h"
#include "server/ladder_json.h"

/* What is always kept free for the last words of a batch. */
enum { BATCH_END = 128 };

/* ---- the batch ---- */

static void begin_batch(struct watcher *w)
{
	w->batch = document_in(w->memory, sizeof w->memory);
	w->rows = 0;
}

static void flush(struct watcher *w)
{
	struct document *d = &w->batch;

	if (w->rows == 0 && w->left_out == 0)
		return;
	if (w->rows == 0)
		json_open_array(d, NULL);
	if (w->left_out > 0)
		ladder_json_lost(d, w->left_out);
	json_close_array(d);
	if (w->send(w, bytes_of(d->text, d->len)))
		w->left_out = 0;
	else
		w->left_out += w->rows;
	begin_batch(w);
}

/* Room for a row, if it may have one more. In the middle of TCP's work nothing can be sent. */
static bool take_row(struct watcher *w, bool is_reserved)
{
	if (w->left <= (is_reserved ? 0 : WATCHER_RESERVED))
		return false;
	if (document_left(&w->batch) < LADDER_LINE + BATCH_END) {
		if (!w->is_replaying)
			return false;
		flush(w);
	}
	if (w->rows++ == 0)
		json_open_array(&w->batch, NULL);
	w->left--;
	return true;
}

/* ---- rows ---- */

static struct watched_flow *watched(struct watcher *w, const struct ladder_flow *flow)
{
	struct watched_flow *f = &w->flows[flow - w->ladder.flows.all];

	if (f->number != flow->number)
		*f = (struct watched_flow){ .number = flow->number };
	return f;
}

static bool opens_or_closes(uint8_t flags)
{
	return (flags & (LADDER_SYN | LADDER_FIN | LADDER_RST)) != 0;
}

static void on_row(void *context, const struct ladder_row *row)
{
	struct watcher *w = context;
	struct ladder_row told = *row;

	watched(w, row->flow)->is_changed = true;
	if (!w->request.segments)
		return;
	if (!take_row(w, row->event == LADDER_OPENED || opens_or_closes(row->flags))) {
		w->left_out++;
		return;
	}
	told.is_replayed = w->is_replaying;
	ladder_json(&w->batch, &told);
}

/* What a sample and an end have in common. */
static void write_head(struct watcher *w, const char *event, const struct ladder_flow *flow, uint64_t now_us)
{
	json_open_object(&w->batch, NULL);
	json_text(&w->batch, "event", event);
	json_seconds(&w->batch, "time", now_us + w->ladder.wall_offset_us);
	json_number(&w->batch, "number", flow->number);
	json_number(&w->batch, "connection", flow->connection);
	ladder_json_ends(&w->batch, flow);
}

static void write_closed(struct watcher *w, const struct ladder_flow *flow, struct watched_flow *f)
{
	if (f->closed == 0 || !take_row(w, true))
		return;
	write_head(w, "closed", flow, f->closed_us);
	json_text(&w->batch, "state", tcp_state_name(f->closed));
	if (w->is_replaying)
		json_bool(&w->batch, "replayed", true);
	json_close_object(&w->batch);
	f->closed = 0;
}

static void write_ends(struct watcher *w)
{
	if (!w->has_closed)
		return;
	w->has_closed = false;
	LIST_FOR_EACH(n, &w->ladder.flows.recent) {
		const struct ladder_flow *flow = LIST_ENTRY(n, struct ladder_flow, node);
		struct watched_flow *f = watched(w, flow);

		write_closed(w, flow, f);
		w->has_closed |= f->closed != 0;
	}
}

/* ---- samples ---- */

static void take_numbers(const struct tcp_info *i, uint64_t out[static WATCHER_NUMBERS])
{
	const uint64_t numbers[WATCHER_NUMBERS] = {
		(uint64_t)i->state, i->in_recovery, i->cwnd,    i->ssthresh,    i->in_flight,      i->srtt_us,
		i->rto_us,          i->snd_wnd,     i->rcv_wnd, i->bytes_acked, i->bytes_received,
	};

	memcpy(out, numbers, sizeof numbers);
}

static void write_sample(struct watcher *w, const struct ladder_flow *flow, const struct watched_flow *f,
			 uint64_t now_us)
{
	static const char *const names[WATCHER_NUMBERS] = {
		"state", "in_recovery", "cwnd",    "ssthresh", "in_flight", "srtt",
		"rto",   "snd_wnd",     "rcv_wnd", "acked",    "received",
	};

	write_head(w, "sample", flow, now_us);
	json_text(&w->batch, names[0], tcp_state_name((enum tcp_state)f->sample[0]));
	json_bool(&w->batch, names[1], f->sample[1] != 0);
	for (size_t i = 2; i < WATCHER_NUMBERS; i++)
		json_number(&w->batch, names[i], f->sample[i]);
	json_close_object(&w->batch);
}

static void sample(struct watcher *w, const struct ladder_flow *flow, uint64_t now_us)
{
	const struct ladder_side *ours = &flow->side[flow->ours], *peer = &flow->side[!flow->ours];
	struct watched_flow *f = watched(w, flow);
	uint64_t numbers[WATCHER_NUMBERS];
	const struct tcp_conn *c;
	struct tcp_info info;

	if (!f->is_changed)
		return;
	c = tcp_find(w->ladder.tcp, &ours->addr, ours->port, &peer->addr, peer->port);
	if (c != NULL) {
		tcp_conn_info(c, &info);
		take_numbers(&info, numbers);
		if (memcmp(numbers, f->sample, sizeof numbers) != 0) {
			if (!take_row(w, false))
				return;
			memcpy(f->sample, numbers, sizeof numbers);
			write_sample(w, flow, f, now_us);
		}
	}
	f->is_changed = false;
}

static void write_samples(struct watcher *w, uint64_t now_us)
{
	if (w->request.samples_us == 0 || now_us < w->sample_at_us)
		return;
	w->sample_at_us = now_us + w->request.samples_us;
	LIST_FOR_EACH(n, &w->ladder.flows.recent)
		sample(w, LIST_ENTRY(n, struct ladder_flow, node), now_us);
}

/* ---- what it sees ---- */

/* A segment may be of a connection that has no number yet, or no longer one. */
static bool is_named(struct watched_name *watched, const struct tcp_name *name)
{
	if (watched->connection == name->id) {
		watched->is_known = true;
		watched->name = *name;
	}
	return watched->connection == name->id ||
	       (name->id == 0 && watched->is_known && name->remote_port == watched->name.remote_port &&
		name->local_port == watched->name.local_port &&
		ip_addr_equal(&name->remote, &watched->name.remote));
}

static bool sees(struct watcher *w, const struct tcp_name *name)
{
	bool is_own = ip_addr_equal(&w->client, &name->remote);

	if (!w->everybody && !is_own)
		return false;
	switch (w->request.what) {
	case WATCH_NOTHING:
		break;
	case WATCH_MINE:
		return is_own;
	case WATCH_NAMED:
		for (unsigned i = 0; i < w->request.n; i++)
			if (is_named(&w->names[i], name))
				return true;
		break;
	case WATCH_ALL:
		return true;
	}
	return false;
}

/* Its numbers are there for the last time. */
static void end_flow(struct watcher *w, const struct ladder_flow *flow, const struct recorded *record)
{
	struct watched_flow *f = watched(w, flow);

	f->closed = (enum tcp_state)record->own;
	f->closed_us = record->now_us;
	w->has_closed = true;
	if (!w->is_replaying && w->request.samples_us > 0)
		sample(w, flow, record->now_us);
}

static void record_state(struct watcher *w, const struct recorded *record, const struct tcp_name *name)
{
	const struct ladder_flow *flow = ladder_flow_find(&w->ladder.flows, &name->local, name->local_port,
							  &name->remote, name->remote_port);
	char note[TRACE_TEXT];

	if (flow == NULL)
		return;
	snprintf(note, sizeof note, "%s -> %s", tcp_state_name((enum tcp_state)record->before),
		 tcp_state_name((enum tcp_state)record->own));
	ladder_rows_event(&w->ladder,
			  &(struct trace_event){ .kind = TRACE_TCP_STATE,
						 .now_us = record->now_us,
						 .note = note,
						 .old_value = record->before,
						 .new_value = record->own },
			  name);
	if ((record->own & (TCP_CLOSED | TCP_TIME_WAIT)) != 0)
		end_flow(w, flow, record);
}

/* What is damaged makes no connection. */
static bool is_credible(struct watcher *w, const struct ladder_seen *seen, const struct tcp_name *name)
{
	return seen->drop != DROP_TCP_CHECKSUM ||
	       ladder_flow_find(&w->ladder.flows, &name->local, name->local_port, &name->remote,
				name->remote_port) != NULL;
}

void watcher_record(struct watcher *w, const struct recorded *record)
{
	struct ladder_seen seen;
	struct tcp_name name;

	recorded_name(record, &name);
	if (!sees(w, &name))
		return;
	if (record->kind == RECORDED_STATE)
		record_state(w, record, &name);
	else if (w->left <= WATCHER_RESERVED && !opens_or_closes(recorded_flags(record)))
		w->left_out += w->request.segments;
	else if (recorded_segment(record, &seen) && is_credible(w, &seen, &name) &&
		 !ladder_rows_segment(&w->ladder, &seen))
		w->left_out += w->request.segments;
}

bool watcher_wants_events(const struct watcher *w)
{
	return w->request.segments && w->request.what != WATCH_NOTHING && w->left > WATCHER_RESERVED;
}

void watcher_event(struct watcher *w, const struct trace_event *e, const struct tcp_name *name)
{
	if (w->request.segments)
		ladder_rows_event(&w->ladder, e, name);
}

/* ---- from beginning to end ---- */

/* Numbers of flows go on. */
static void forget_flows(struct watcher *w, const struct tcp *tcp, uint64_t wall_offset_us)
{
	unsigned count = w->ladder.flows.count;

	ladder_rows_init(&w->ladder, tcp, wall_offset_us, on_row, w);
	w->ladder.flows.count = count;
	w->ladder.flows.patience_us = WATCHER_PATIENCE_US;
}

void watcher_init(struct watcher *w, const struct tcp *tcp, uint64_t wall_offset_us)
{
	forget_flows(w, tcp, wall_offset_us);
	begin_batch(w);
	w->left = WATCHER_SAVED;
}

static void replay(void *context, const struct recorded *record)
{
	watcher_record(context, record);
}

/* Which connections have the numbers that are watched. */
static void find_names(void *context, const struct tcp_conn *c)
{
	struct watcher *w = context;
	struct tcp_name name;

	tcp_conn_name(c, &name);
	for (unsigned i = 0; i < w->request.n; i++)
		is_named(&w->names[i], &name);
}

void watcher_begin(struct watcher *w, const struct watch_request *request, struct recorder *recorder)
{
	uint32_t left = w->left;

	w->request = *request;
	for (unsigned i = 0; i < request->n; i++)
		w->names[i] = (struct watched_name){ .connection = request->connections[i] };
	forget_flows(w, w->ladder.tcp, w->ladder.wall_offset_us);
	w->is_replaying = true;
	w->left = WATCHER_REPLAYED;
	recorder_number(recorder);
	recorder_each(recorder, replay, w);
	ladder_rows_flush(&w->ladder);
	write_ends(w);
	w->is_replaying = false;
	w->left = left;
	w->sample_at_us = 0;
	if (request->what == WATCH_NAMED)
		tcp_each(w->ladder.tcp, find_names, w);
}

void watcher_turn(struct watcher *w, uint64_t now_us, uint32_t more)
{
	w->left = w->left + more < WATCHER_SAVED ? w->left + more : WATCHER_SAVED;
	ladder_rows_flush(&w->ladder);
	write_samples(w, now_us);
	write_ends(w);
	flush(w);
}
