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
	s->handler = NULL; /* the handle may go before the last frame of it was seen leaving: th_conn_of() */
}

static void on_soft_error(struct stream *s, enum stream_soft_error what)
{
	static const int errors[] = {
		[STREAM_SOFT_NET_UNREACHABLE] = -ENETUNREACH,
		[STREAM_SOFT_HOST_UNREACHABLE] = -EHOSTUNREACH,
		[STREAM_SOFT_PROTOCOL_UNREACHABLE] = -ENOPROTOOPT,
		[STREAM_SOFT_PORT_UNREACHABLE] = -ECONNREFUSED,
		[STREAM_SOFT_TIME_EXCEEDED] = -EHOSTUNREACH,
		[STREAM_SOFT_PARAMETER_PROBLEM] = -EPROTO,
		[STREAM_SOFT_R1] = -ETIMEDOUT,
	};

	((struct th_conn *)s->user)->soft_error = errors[what];
}

static const struct stream_handler handler = {
	.on_open = on_open,
	.on_end = on_end,
	.on_soft_error = on_soft_error,
	.on_closed = on_closed,
};

const struct th_conn *th_conn_of(const struct tcp_conn *c)
{
	const struct stream *s = tcp_stream_of_conn(c);

	return s->handler == &handler ? s->user : NULL;
}

int th_listen(struct th_stack *stack, const char *address, uint16_t port, struct th_listener **out)
{
	return th_listen_sized(stack, address, port, NULL, 0, out);
}

int th_listen_sized(struct th_stack *stack, const char *address, uint16_t port,
		    const struct th_listen_options *given, size_t size, struct th_listener **out)
{
	static const struct tcp_listener_handler nobody; /* th_accept() asks */
	struct th_listen_options options;
	struct tcp_listen_options internal;
	struct ip_addr addr = { { 0 } };
	struct th_listener *l;
	int error;

	if (port == 0 || (address != NULL && !ip_addr_parse(address, &addr)) ||
	    !th_take(&options, sizeof options, given, size))
		return -EINVAL;
	internal = (struct tcp_listen_options){ .congestion = options.congestion,
						.accept_backlog = options.backlog };
	l = malloc(sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	error = tcp_listen(stack->stack->tcp, &addr, port, &nobody, &internal, &l->tcp);
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
	return th_connect_from(stack, NULL, 0, address, port, out);
}

int th_connect_from(struct th_stack *stack, const char *local_address, uint16_t local_port,
		    const char *address, uint16_t port, struct th_conn **out)
{
	struct ip_addr local = { { 0 } }, remote;
	struct th_conn *c;
	int error;

	if (!ip_addr_parse(address, &remote) ||
	    (local_address != NULL && !ip_addr_parse(local_address, &local)))
		return -EINVAL;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		return -ENOMEM;
	error = tcp_connect(stack->stack->tcp, &local, local_port, &remote, port, &handler, c, &c->stream);
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

static ssize_t queue(struct th_conn *conn, const void *data, size_t len, unsigned flags)
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
	if (len > 0)
		memcpy(b->data, data, len);
	span = (struct span){ b->data, len, &b->owner };
	error = stream_send(conn->stream, &span, 1, flags);
	if (error != 0) {
		free(b);
		return error == -ENOBUFS ? -EAGAIN : error;
	}
	return (ssize_t)len;
}

ssize_t th_send(struct th_conn *conn, const void *data, size_t len)
{
	return queue(conn, data, len, 0);
}

ssize_t th_send_urgent(struct th_conn *conn, const void *data, size_t len)
{
	return queue(conn, data, len, STREAM_URGENT);
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

size_t th_urgent(const struct th_conn *conn)
{
	struct tcp_info info;

	if (conn->stream == NULL)
		return 0;
	tcp_conn_info(tcp_conn_of_stream(conn->stream), &info);
	return info.urgent_unread;
}

int th_soft_error(struct th_conn *conn)
{
	int error = conn->soft_error;

	conn->soft_error = 0;
	return error;
}

unsigned th_events(const struct th_conn *conn)
{
	struct tcp_info info;
	unsigned events = (conn->open ? TH_OPEN : 0) | (conn->soft_error != 0 ? TH_SOFT_ERROR : 0);

	if (conn->stream == NULL)
		return events | TH_READABLE | TH_CLOSED;
	tcp_conn_info(tcp_conn_of_stream(conn->stream), &info);
	if (info.unread > 0 || conn->ended)
		events |= TH_READABLE;
	if (info.urgent_unread > 0)
		events |= TH_URGENT;
	if (stream_room(conn->stream) > 0)
		events |= TH_WRITABLE;
	return events;
}
