/*
 * Connections to applications. Errors of writing are not told at once: an application that has answered
 * without reading everything may close, and its answer is to be read first. System calls: socket, connect,
 * getsockopt, getpeername, recvfrom, read, sendmsg, close.
 */
#include "server/fastcgi_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { LEAST_ROOM = 1024 }; /* so that records do not become small and many */

/* ---- waiting ---- */

/* What cannot be written yet is waited for; what comes as well, while it is asked for. */
static void wait_for_events(struct fastcgi_conn *c)
{
	bool writes = !c->is_connected || (!fastcgi_conn_is_flushed(c) && !c->is_unwritable);
	uint32_t events = (c->is_awaited ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);

	if (events == c->events || c->is_hung_up)
		return;
	c->events = events;
	poller_change(c->poller, &c->watch, events);
}

/* What is told unasked, and again and again, is told once. */
static void hang_up(struct fastcgi_conn *c)
{
	poller_remove(c->poller, &c->watch);
	c->is_hung_up = true;
}

static void on_ready(struct poll_watch *w, uint32_t events)
{
	struct fastcgi_conn *c = CONTAINER_OF(w, struct fastcgi_conn, watch);

	if (events & (EPOLLHUP | EPOLLERR))
		hang_up(c);
	else if (!c->is_awaited && !(events & EPOLLOUT)) {
		wait_for_events(c); /* it has to wait until somebody asks */
		return;
	}
	c->on_event(c);
}

/* ---- life ---- */

int fastcgi_conn_open(struct poller *p, const struct fastcgi_address *to, struct fastcgi_conn **out)
{
	int fd = socket(to->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r = 0;
	struct fastcgi_conn *c;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to->storage, to->len) < 0)
		r = -errno;
	c = r == 0 || r == -EINPROGRESS ? calloc(1, sizeof *c) : NULL;
	if (c == NULL) {
		close(fd);
		return r == 0 || r == -EINPROGRESS ? -ENOMEM : r;
	}
	c->watch = (struct poll_watch){ .fd = fd, .on_ready = on_ready };
	c->poller = p;
	c->is_connected = r == 0;
	c->events = EPOLLOUT;
	list_init(&c->node);
	r = poller_add(p, &c->watch, c->events);
	if (r < 0) {
		close(fd);
		free(c);
		return r;
	}
	*out = c;
	return 0;
}

void fastcgi_conn_close(struct fastcgi_conn *c)
{
	if (!c->is_hung_up)
		poller_remove(c->poller, &c->watch);
	close(c->watch.fd);
	free(c);
}

int fastcgi_conn_check(struct fastcgi_conn *c)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(int), peer_len = sizeof peer;
	int error = 0;

	if (getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error == 0 && getpeername(c->watch.fd, (struct sockaddr *)&peer, &peer_len) < 0)
		return c->is_hung_up ? -ECONNREFUSED : 1;
	c->is_connected = error == 0;
	return -error;
}

bool fastcgi_conn_is_alive(const struct fastcgi_conn *c)
{
	char byte;

	return !c->is_hung_up && recv(c->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void fastcgi_conn_begin(struct fastcgi_conn *c, struct bytes first)
{
	c->first = first;
	c->is_reused = c->is_proven;
	c->has_answered = c->has_ended = false;
	c->out_at = c->out_len = c->in_at = c->in_len = 0;
	c->is_awaited = true;
	wait_for_events(c);
}

/* ---- out ---- */

bool fastcgi_conn_is_flushed(const struct fastcgi_conn *c)
{
	return c->first.len == 0 && c->out_at == c->out_len;
}

size_t fastcgi_conn_room(const struct fastcgi_conn *c)
{
	size_t used = c->out_len + 2 * FASTCGI_HEADER; /* the record's header, and that of the last one */

	return used + LEAST_ROOM <= FASTCGI_BUFFER ? FASTCGI_BUFFER - used : 0;
}

void fastcgi_conn_add(struct fastcgi_conn *c, struct bytes data)
{
	fastcgi_put_header(c->out + c->out_len, FASTCGI_STDIN, data.len);
	if (data.len > 0)
		memcpy(c->out + c->out_len + FASTCGI_HEADER, data.data, data.len);
	c->out_len += FASTCGI_HEADER + data.len;
}

static void drop_output(struct fastcgi_conn *c)
{
	c->first.len = 0;
	c->out_at = c->out_len = 0;
}

/* So many bytes have left. */
static void advance(struct fastcgi_conn *c, size_t n)
{
	size_t of_first = n < c->first.len ? n : c->first.len;

	bytes_skip(&c->first, of_first);
	c->out_at += n - of_first;
	if (c->out_at == c->out_len)
		c->out_at = c->out_len = 0;
}

void fastcgi_conn_flush(struct fastcgi_conn *c)
{
	while (c->is_connected && !c->is_unwritable && !fastcgi_conn_is_flushed(c)) {
		struct iovec parts[] = {
			{ .iov_base = (void *)(uintptr_t)c->first.data, .iov_len = c->first.len },
			{ .iov_base = c->out + c->out_at, .iov_len = c->out_len - c->out_at },
		};
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = ARRAY_LENGTH(parts) };
		ssize_t n = sendmsg(c->watch.fd, &message, MSG_NOSIGNAL);

		if (n >= 0)
			advance(c, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			c->is_unwritable = true;
	}
	if (c->is_unwritable)
		drop_output(c);
	wait_for_events(c);
}

/* ---- in ---- */

/* Reads into the rest of the buffer, of which there is some. */
static enum fastcgi_read fill(struct fastcgi_conn *c)
{
	ssize_t n;

	do
		n = read(c->watch.fd, c->in + c->in_len, sizeof c->in - c->in_len);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		c->in_len += (size_t)n;
		c->has_answered = c->is_proven = true;
		return FASTCGI_READ_EVENT;
	}
	return n < 0 && errno == EAGAIN && !c->is_hung_up ? FASTCGI_READ_NOTHING : FASTCGI_READ_BROKEN;
}

static struct bytes unread(const struct fastcgi_conn *c)
{
	return bytes_of(c->in + c->in_at, c->in_len - c->in_at);
}

static enum fastcgi_event next_event(struct fastcgi_conn *c, size_t most, struct bytes *content)
{
	struct bytes data = unread(c);
	enum fastcgi_event event = fastcgi_read(&c->reader, &data, most, content);

	c->in_at = c->in_len - data.len;
	c->has_ended |= event == FASTCGI_END;
	return event;
}

enum fastcgi_read fastcgi_conn_read(struct fastcgi_conn *c, size_t most, enum fastcgi_event *event,
				    struct bytes *content)
{
	enum fastcgi_read result = FASTCGI_READ_EVENT;

	*event = FASTCGI_MORE;
	while (*event == FASTCGI_MORE && result == FASTCGI_READ_EVENT) {
		if (c->in_at == c->in_len) {
			c->in_at = c->in_len = 0;
			result = fill(c);
		}
		if (result == FASTCGI_READ_EVENT)
			*event = next_event(c, most, content);
	}
	c->is_awaited = result == FASTCGI_READ_NOTHING;
	if (c->is_awaited)
		wait_for_events(c);
	return *event == FASTCGI_BAD ? FASTCGI_READ_BROKEN : result;
}

void fastcgi_conn_unread(struct fastcgi_conn *c, size_t n)
{
	c->in_at -= n;
	c->reader.left = (uint16_t)(c->reader.left + n);
}

void fastcgi_conn_look_ahead(struct fastcgi_conn *c)
{
	enum fastcgi_read result = FASTCGI_READ_EVENT;

	memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
	c->in_len -= c->in_at;
	c->in_at = 0;
	while (result == FASTCGI_READ_EVENT && c->in_len < sizeof c->in)
		result = fill(c);
	c->is_awaited = result == FASTCGI_READ_NOTHING;
	wait_for_events(c);
}

bool fastcgi_conn_holds_end(const struct fastcgi_conn *c)
{
	struct fastcgi_reader reader = c->reader;
	struct bytes data = unread(c), content;
	enum fastcgi_event event;

	do
		event = fastcgi_read(&reader, &data, SIZE_MAX, &content);
	while (event == FASTCGI_OUTPUT || event == FASTCGI_ERRORS);
	return event == FASTCGI_END;
}

bool fastcgi_conn_is_clean(const struct fastcgi_conn *c)
{
	return c->has_ended && c->is_connected && !c->is_hung_up && !c->is_unwritable &&
	       fastcgi_conn_is_flushed(c) && c->in_at == c->in_len && fastcgi_is_between(&c->reader);
}
