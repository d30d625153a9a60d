/*
 * The public interface of libtaphouse: listeners and connections in the manner of non-blocking sockets. A
 * connection leaves received data with TCP (its handler takes nothing), so the window shows the peer what the
 * caller has not read; th_recv() pulls it.
 */
#include "stack/th_internal.h"

#include <errno.h>
#include <stdlib.h>

static void on_open(struct stream *s)
{
	((struct th_conn *)s->user)->open = true;
}

static void on_end(struct stream *s)
{
	((struct th_conn *)s->user)->ended = true;
}

static void on_closed(struct stream *s, enum stream_end why)
{
	struct th_conn *c = s->user;

	c->stream = NULL;
	c->why = why;
}

static const struct stream_handler handler = { .on_open = on_open, .on_end = on_end, .on_closed = on_closed };

int th_listen(struct th_stack *stack, const char *address, uint16_t port, struct th_listener **out)
{
	static const struct tcp_listener_handler nobody; /* th_accept() asks */
	struct ip_addr addr = { { 0 } };
	struct th_listener *l;
	int error;

	if (port == 0 || (address != NULL && !ip_addr_parse(address, &addr)))
		return -EINVAL;
	l = malloc(sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	error = tcp_listen(stack->stack->tcp, &addr, port, &nobody, NULL, &l->tcp);
	if (error != 0) {
		free(l);
		return error;
	}
	*out = l;
	return 0;
}

void th_listener_close(struct th_listener *listener)
{
	if (listener == NULL)
		return;
	tcp_listener_close(listener->tcp);
	free(listener);
}

int th_accept(struct th_listener *listener, struct th_conn **out)
{
	struct th_conn *c = calloc(1, sizeof *c);

	if (c == NULL)
		return -ENOMEM;
	c->stream = tcp_accept(listener->tcp);
	if (c->stream == NULL) {
		free(c);
		return -EAGAIN;
	}
	c->open = true;
	c->stream->handler = &handler;
	c->stream->user = c;
	stream_resume(c->stream); /* tells of an end that came before */
	*out = c;
	return 0;
}

int th_connect(struct th_stack *stack, const char *address, uint16_t port, struct th_conn **out)
{
	struct ip_addr local = { { 0 } }, remote;
	struct th_conn *c;
	int error;

	if (!ip_addr_parse(address, &remote))
		return -EINVAL;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		return -ENOMEM;
	error = tcp_connect(stack->stack->tcp, &local, 0, &remote, port, &handler, c, &c->stream);
	if (error != 0) {
		free(c);
		return error;
	}
	*out = c;
	return 0;
}

/* How it ended, as an errno. */
static int error_of(const struct th_conn *c)
{
	switch (c->why) {
	case STREAM_END_NORMAL:
		return 0;
	case STREAM_END_RESET:
		return -ECONNRESET;
	case STREAM_END_REFUSED:
		return -ECONNREFUSED;
	case STREAM_END_TIMEOUT:
		return -ETIMEDOUT;
	case STREAM_END_UNREACHABLE:
		return -EHOSTUNREACH;
	case STREAM_END_ERROR:
		break;
	}
	return -ECONNABORTED;
}

struct sent_block {
	struct span_owner owner;
	uint8_t data[];
};

static void free_block(struct span_owner *o)
{
	free(CONTAINER_OF(o, struct sent_block, owner));
}

ssize_t th_send(struct th_conn *conn, const void *data, size_t len)
{
	struct sent_block *b;
	struct span span;
	size_t room;
	int error;

	if (conn->stream == NULL)
		return error_of(conn) != 0 ? error_of(conn) : -EPIPE;
	room = stream_room(conn->stream);
	if (room == 0)
		return -EAGAIN;
	if (len > room)
		len = room;
	b = malloc(sizeof *b + len);
	if (b == NULL)
		return -ENOMEM;
	span_owner_init(&b->owner, free_block);
	memcpy(b->data, data, len);
	span = (struct span){ b->data, len, &b->owner };
	error = stream_send(conn->stream, &span, 1, 0);
	if (error != 0) {
		free(b);
		return error == -ENOBUFS ? -EAGAIN : error;
	}
	return (ssize_t)len;
}

ssize_t th_recv(struct th_conn *conn, void *buf, size_t len)
{
	size_t n;

	if (conn->stream == NULL)
		return error_of(conn);
	n = tcp_recv(conn->stream, buf, len); /* may be the last there was, and end the connection */
	if (n > 0)
		return (ssize_t)n;
	return conn->ended || len == 0 ? 0 : -EAGAIN;
}

void th_shutdown(struct th_conn *conn)
{
	if (conn->stream != NULL)
		stream_shutdown(conn->stream);
}

void th_close(struct th_conn *conn)
{
	if (conn == NULL)
		return;
	if (conn->stream != NULL)
		stream_close(conn->stream);
	free(conn);
}

void th_abort(struct th_conn *conn)
{
	if (conn == NULL)
		return;
	if (conn->stream != NULL)
		stream_abort(conn->stream);
	free(conn);
}

unsigned th_events(const struct th_conn *conn)
{
	struct tcp_info info;
	unsigned events = conn->open ? TH_OPEN : 0;

	if (conn->stream == NULL)
		return events | TH_READABLE | TH_CLOSED;
	tcp_conn_info(tcp_conn_of_stream(conn->stream), &info);
	if (info.unread > 0 || conn->ended)
		events |= TH_READABLE;
	if (stream_room(conn->stream) > 0)
		events |= TH_WRITABLE;
	return events;
}

void th_set_nodelay(struct th_conn *conn, int nodelay)
{
	if (conn->stream != NULL)
		tcp_set_nodelay(conn->stream, nodelay != 0);
}

void th_set_keepalive(struct th_conn *conn, int on)
{
	if (conn->stream != NULL)
		tcp_set_keepalive(conn->stream, on != 0);
}

void th_set_user_timeout(struct th_conn *conn, uint64_t us)
{
	if (conn->stream != NULL)
		tcp_set_user_timeout(conn->stream, us);
}

int th_info(const struct th_conn *conn, struct th_info *out)
{
	struct tcp_info i;

	if (conn->stream == NULL)
		return -ENOTCONN;
	tcp_conn_info(tcp_conn_of_stream(conn->stream), &i);
	*out = (struct th_info){
		.state = tcp_state_name(i.state),
		.local_port = i.local_port,
		.remote_port = i.remote_port,
		.mss = i.mss,
		.cwnd = i.cwnd,
		.ssthresh = i.ssthresh,
		.snd_wnd = i.snd_wnd,
		.rcv_wnd = i.rcv_wnd,
		.in_flight = i.in_flight,
		.unsent = i.unsent,
		.unread = i.unread,
		.srtt_us = i.srtt_us,
		.rttvar_us = i.rttvar_us,
		.rto_us = i.rto_us,
		.bytes_acked = i.bytes_acked,
		.bytes_received = i.bytes_received,
		.segs_in = i.segs_in,
		.segs_out = i.segs_out,
		.retransmissions = i.retransmissions,
	};
	ip_addr_format(&i.local, out->local);
	ip_addr_format(&i.remote, out->remote);
	return 0;
}
