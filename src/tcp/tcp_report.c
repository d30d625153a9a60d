/*
 * What others hear without asking. Observers: each change of a connection that they want to see. The layer
 * above (RFC 9293 section 3.9.1.8, MUST-47): soft errors, after which the connection goes on. And at R1 the
 * layers below: negative advice (section 3.8.3 (b)).
 *
 * Reports are on: they reach only those who have set on_soft_error(), and each can turn them off (SHLD-20).
 */
#include "tcp/tcp_conn.h"

static const char *const names[] = {
	[STREAM_SOFT_NET_UNREACHABLE] = "network unreachable",
	[STREAM_SOFT_HOST_UNREACHABLE] = "host unreachable",
	[STREAM_SOFT_PROTOCOL_UNREACHABLE] = "protocol unreachable",
	[STREAM_SOFT_PORT_UNREACHABLE] = "port unreachable",
	[STREAM_SOFT_TIME_EXCEEDED] = "time exceeded on the way",
	[STREAM_SOFT_PARAMETER_PROBLEM] = "parameter problem",
	[STREAM_SOFT_R1] = "R1: three retransmissions unanswered",
};

void tcp_tell_observers(const struct tcp_conn *c, enum trace_kind kind, const char *note, uint64_t old_value,
			uint64_t new_value)
{
	observers_tell(c->tcp->world->observer, &(struct trace_event){ .kind = kind,
								       .now_us = tcp_now(c->tcp),
								       .conn = c,
								       .note = note,
								       .old_value = old_value,
								       .new_value = new_value });
}

void tcp_set_error_reports(struct stream *s, bool on)
{
	tcp_conn_of(s)->reports_off = !on;
}

/* Afterwards the connection may be gone. */
static void report(struct tcp_conn *c, enum stream_soft_error what)
{
	const struct stream_handler *h = c->stream.handler;

	c->tcp->counters.soft_errors++;
	tcp_tell(c, TRACE_TCP_SOFT_ERROR, names[what], 0, what);
	if ((c->flags & (CONN_ACCEPTED | CONN_DETACHED)) == CONN_ACCEPTED && h != NULL &&
	    h->on_soft_error != NULL && !c->reports_off)
		h->on_soft_error(&c->stream, what);
}

void tcp_report_icmp(struct tcp_conn *c, enum icmp_error_kind kind)
{
	static const enum stream_soft_error errors[] = {
		[ICMP_NET_UNREACHABLE] = STREAM_SOFT_NET_UNREACHABLE,
		[ICMP_HOST_UNREACHABLE] = STREAM_SOFT_HOST_UNREACHABLE,
		[ICMP_PROTOCOL_UNREACHABLE] = STREAM_SOFT_PROTOCOL_UNREACHABLE,
		[ICMP_PORT_UNREACHABLE] = STREAM_SOFT_PORT_UNREACHABLE,
		[ICMP_TIME_EXCEEDED] = STREAM_SOFT_TIME_EXCEEDED,
		[ICMP_PARAMETER_PROBLEM] = STREAM_SOFT_PARAMETER_PROBLEM,
	};

	report(c, errors[kind]);
}

void tcp_report_r1(struct tcp_conn *c)
{
	bool first = (c->flags & CONN_R1_PASSED) == 0;

	c->flags |= CONN_R1_PASSED;
	link_doubt(c->tcp->ip->link, c->neighbour_hint);
	if (first)
		report(c, STREAM_SOFT_R1);
}
