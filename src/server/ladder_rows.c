/* Segments and events, put in order and followed. */
#include "server/ladder_rows.h"

void ladder_rows_init(struct ladder_rows *r, const struct tcp *tcp, uint64_t wall_offset_us,
		      void (*write)(void *context, const struct ladder_row *row), void *context)
{
	r->write = write;
	r->context = context;
	r->tcp = tcp;
	r->wall_offset_us = wall_offset_us;
	r->n_steps = 0;
	ladder_flows_init(&r->flows);
}

static struct ladder_row row_of(const struct ladder_rows *r, enum ladder_event event,
				const struct ladder_flow *flow, uint64_t now_us)
{
	return (struct ladder_row){
		.event = event, .flow = flow, .now_us = now_us, .wall_us = now_us + r->wall_offset_us,
	};
}

/* ---- steps ---- */

static void write_step(const struct ladder_rows *r, const struct ladder_waiting_step *s)
{
	struct ladder_row row = row_of(r, LADDER_STEP, s->flow, s->now_us);

	if (s->flow->number != s->number)
		return;
	if (s->kind == TRACE_TCP_STATE && s->flow->side[!s->flow->ours].reset)
		return; /* the RST has said so */
	row.from = s->from;
	row.note = s->text;
	row.is_trouble = s->kind != TRACE_LAYER;
	r->write(r->context, &row);
}

void ladder_rows_flush(struct ladder_rows *r)
{
	for (unsigned i = 0; i < r->n_steps; i++)
		write_step(r, &r->steps[i]);
	r->n_steps = 0;
}

static void keep_step(struct ladder_rows *r, const struct trace_event *e, struct ladder_flow *flow)
{
	bool is_ours = e->kind != TRACE_LAYER || e->new_value == TRACE_OURS;
	struct ladder_waiting_step *s;

	if (r->n_steps == LADDER_STEPS)
		memmove(&r->steps[0], &r->steps[1], --r->n_steps * sizeof *s);
	s = &r->steps[r->n_steps++];
	*s = (struct ladder_waiting_step){
		.flow = flow,
		.number = flow->number,
		.now_us = e->now_us,
		.from = is_ours ? flow->ours : !flow->ours,
		.kind = e->kind,
	};
	trace_text(e, s->text);
	ladder_printable(s->text, sizeof s->text, s->text, sizeof s->text);
}

/* A connection that ends by no segment's doing. */
static bool is_abrupt(const struct trace_event *e)
{
	return e->new_value == TCP_CLOSED &&
	       (e->old_value & (TCP_LAST_ACK | TCP_CLOSING | TCP_TIME_WAIT)) == 0;
}

void ladder_rows_event(struct ladder_rows *r, const struct trace_event *e, const struct tcp_name *name)
{
	struct ladder_flow *flow = ladder_flow_find(&r->flows, &name->local, name->local_port, &name->remote,
						    name->remote_port);

	if (flow == NULL)
		return;
	flow->connection = name->id;
	if (e->kind == TRACE_TCP_STATE)
		ladder_flow_tell(flow, (enum tcp_state)e->new_value);
	if (e->kind != TRACE_TCP_STATE || is_abrupt(e))
		keep_step(r, e, flow);
}

/* ---- segments ---- */

/* What was said in the handshake is not known of a connection that is seen from the middle. */
static void ask_tcp(const struct ladder_rows *r, struct ladder_flow *flow, const struct ladder_seen *seen)
{
	const struct ladder_segment *s = &seen->segment;
	const struct tcp_conn *c = NULL;
	struct tcp_info info;

	if (r->tcp == NULL || (s->flags & LADDER_SYN) != 0)
		return;
	if (seen->is_out)
		c = tcp_find(r->tcp, &s->src, s->src_port, &s->dst, s->dst_port);
	else
		c = tcp_find(r->tcp, &s->dst, s->dst_port, &s->src, s->src_port);
	if (c == NULL)
		return;
	tcp_conn_info(c, &info);
	if (seen->connection == 0 || seen->connection == info.id)
		ladder_flow_learn(flow, &info, s, seen->is_out);
}

static struct ladder_flow *open_flow(struct ladder_rows *r, const struct ladder_seen *seen)
{
	struct ladder_flow *flow = ladder_flow_of(&r->flows, &seen->segment, seen->is_out, seen->now_us);
	struct ladder_row row;

	if (flow == NULL)
		return NULL;
	if (seen->connection != 0)
		flow->connection = seen->connection;
	if (!flow->is_new)
		return flow;
	ask_tcp(r, flow, seen);
	row = row_of(r, LADDER_OPENED, flow, seen->now_us);
	r->write(r->context, &row);
	return flow;
}

static bool write_segment(struct ladder_rows *r, const struct ladder_seen *seen)
{
	const struct ladder_segment *s = &seen->segment;
	struct ladder_flow *flow = open_flow(r, seen);
	struct ladder_row row;

	if (flow == NULL)
		return false;
	row = row_of(r, LADDER_SEGMENT, flow, seen->now_us);
	ladder_flow_take(flow, s, seen->is_out, seen->drop, seen->own, &row.step);
	row.from = row.step.from;
	row.flags = s->flags;
	row.len = s->len;
	row.isn = s->seq.n;
	row.headers = s->headers;
	row.drop = seen->drop != DROP_TCP_RESET ? seen->drop : DROP_NONE; /* it did what it was for */
	ladder_content(s, row.content);
	row.note = seen->is_out || !row.step.is_again ? seen->note : "sent again, or late";
	row.is_trouble = row.step.is_again || row.note != NULL || seen->drop != DROP_NONE ||
			 (s->flags & LADDER_RST) != 0;
	r->write(r->context, &row);
	return true;
}

bool ladder_rows_segment(struct ladder_rows *r, const struct ladder_seen *seen)
{
	bool is_followed;

	if (seen->is_out)
		ladder_rows_flush(r);
	is_followed = write_segment(r, seen);
	if (!seen->is_out)
		ladder_rows_flush(r);
	return is_followed;
}
