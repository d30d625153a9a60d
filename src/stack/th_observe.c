/* The public interface of libtaphouse: counters, and what an observer sees. */
#include "stack/th_internal.h"

#include <errno.h>
#include <stdlib.h>

void th_counters(const struct th_stack *stack, void (*each)(void *context, const char *name, uint64_t value),
		 void *context)
{
	const struct tcp_counters *tcp = tcp_counters(stack->stack->tcp);
	const struct ip_stats *ip = &stack->stack->ip.stats;
	const uint64_t *drops = stack->stack->world.drops;

#define X(field, name) each(context, name, tcp->field);
	TCP_COUNTERS(X)
#undef X
#define X(field, name) each(context, "Ip" name, ip->field);
	IP_COUNTERS(X)
#undef X
#define X(field, name) each(context, "Icmp" name, ip->field);
	ICMP_COUNTERS(X)
#undef X
#define X(id, name, text)            \
	if (DROP_##id != DROP_NONE) \
		each(context, "drop_" name, drops[DROP_##id]);
	DROP_REASONS(X)
#undef X
}

struct th_observer {
	struct observer internal;
	struct th_stack *stack;
	void (*on_event)(void *context, const struct th_trace_event *event);
	void *context;
	uint8_t packet[]; /* a frame on its way out, in one piece */
};

#define BIT(kind) __builtin_ctz(kind)

/* By the number of the internal kind's bit: two of one number would not compile without a warning. */
static const struct kind {
	enum th_trace_kind kind;
	const char *name;
} kinds[] = {
	[BIT(TRACE_FRAME_IN)] = { TH_TRACE_PACKET_IN, "packet_in" },
	[BIT(TRACE_FRAME_OUT)] = { TH_TRACE_PACKET_OUT, "packet_out" },
	[BIT(TRACE_TCP_STATE)] = { TH_TRACE_STATE, "state" },
	[BIT(TRACE_TCP_RTT)] = { TH_TRACE_RTT, "rtt" },
	[BIT(TRACE_TCP_CWND)] = { TH_TRACE_CWND, "cwnd" },
	[BIT(TRACE_TCP_RTO)] = { TH_TRACE_RTO, "rto" },
	[BIT(TRACE_TCP_WINDOW)] = { TH_TRACE_WINDOW, "window" },
	[BIT(TRACE_TCP_RECOVERY)] = { TH_TRACE_RECOVERY, "recovery" },
	[BIT(TRACE_TCP_MTU)] = { TH_TRACE_MTU, "mtu" },
	[BIT(TRACE_TCP_URGENT)] = { TH_TRACE_URGENT, "urgent" },
	[BIT(TRACE_TCP_SOFT_ERROR)] = { TH_TRACE_SOFT_ERROR, "soft_error" },
	[BIT(TRACE_TCP_SSTHRESH)] = { TH_TRACE_SSTHRESH, "ssthresh" },
};

static unsigned internal_kinds(unsigned wanted)
{
	unsigned internal = 0;

	for (unsigned bit = 0; bit < ARRAY_LENGTH(kinds); bit++)
		if ((wanted & (unsigned)kinds[bit].kind) != 0)
			internal |= 1u << bit;
	return internal;
}

static void add_packet(struct th_observer *o, const struct trace_event *e, struct th_trace_event *out)
{
	if (e->rx != NULL) {
		out->packet = e->rx->data;
		out->len = e->rx->len;
	} else if (e->tx != NULL) {
		out->len = tx_flatten(e->tx, o->packet);
		out->packet = o->packet;
	}
}

static void on_event(void *context, const struct trace_event *e)
{
	struct th_observer *o = context;
	const struct kind *kind = &kinds[BIT(e->kind)]; /* no other was asked for */
	char remote[IP_ADDR_TEXT];
	struct tcp_info info;
	struct th_trace_event event = {
		.kind = kind->kind,
		.name = kind->name,
		.now_us = e->now_us,
		.drop = e->drop != DROP_NONE ? drop_reason_name(e->drop) : NULL,
		.note = e->note,
		.old_value = e->old_value,
		.new_value = e->new_value,
	};

	if (e->conn != NULL) {
		tcp_conn_info(e->conn, &info);
		event.conn = th_conn_of(e->conn);
		event.remote = ip_addr_format(&info.remote, remote);
		event.local_port = info.local_port;
		event.remote_port = info.remote_port;
	}
	if (kind->kind == TH_TRACE_STATE) /* the note says it all; the numbers are our own */
		event.old_value = event.new_value = 0;
	add_packet(o, e, &event);
	o->on_event(o->context, &event);
}

int th_observe(struct th_stack *stack, unsigned wanted,
	       void (*callback)(void *context, const struct th_trace_event *event), void *context,
	       struct th_observer **out)
{
	struct th_observer *o = malloc(sizeof *o + ETH_HEADER_LEN + stack->stack->link.caps.mtu);

	if (o == NULL)
		return -ENOMEM;
	o->internal = (struct observer){ .kinds = internal_kinds(wanted),
					 .on_event = on_event,
					 .context = o };
	o->stack = stack;
	o->on_event = callback;
	o->context = context;
	stack_observe(stack->stack, &o->internal);
	*out = o;
	return 0;
}

void th_unobserve(struct th_observer *observer)
{
	if (observer == NULL)
		return;
	stack_unobserve(observer->stack->stack, &observer->internal);
	free(observer);
}
