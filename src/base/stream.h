/*
 * A stream: an ordered, reliable, two-way flow of bytes, as HTTP and WebSocket see what is
 * below them. A TCP connection is a stream; TLS is a stream over a stream. So nothing
 * above knows whether a site is encrypted.
 *
 * Ownership: a stream belongs to the layer that made it and stays valid until on_closed() returns or
 * the upper layer lets go of it (stream_close, stream_abort). After either the upper layer must not
 * touch it, and hears no more from it. Inside a callback the upper layer may call anything here,
 * stream_close and stream_abort included.
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/span.h"

struct stream;

/* Why a stream ended (RFC 9293 section 3.9.1: MUST-12, normal close against abort). */
enum stream_end {
	STREAM_END_NORMAL,      /* both sides sent FIN and all was acknowledged */
	STREAM_END_RESET,       /* the peer sent RST */
	STREAM_END_REFUSED,     /* RST in answer to our SYN */
	STREAM_END_TIMEOUT,     /* retransmission or user timeout, or keep-alive unanswered */
	STREAM_END_UNREACHABLE, /* ICMP said so before the connection was up */
	STREAM_END_ERROR,       /* the layer itself failed (TLS alert, no memory, …) */
};

/* What went wrong, or seems to, without ending the stream (RFC 9293 section 3.9.1.8). */
enum stream_soft_error {
	STREAM_SOFT_NET_UNREACHABLE, /* these six: an ICMP error says so */
	STREAM_SOFT_HOST_UNREACHABLE,
	STREAM_SOFT_PROTOCOL_UNREACHABLE,
	STREAM_SOFT_PORT_UNREACHABLE,
	STREAM_SOFT_TIME_EXCEEDED,
	STREAM_SOFT_PARAMETER_PROBLEM,
	STREAM_SOFT_R1, /* the peer answers to none of three retransmissions */
};

/* What the layer above implements. Any member but on_closed may be NULL. */
struct stream_handler {
	/* An active open reached ESTABLISHED (TLS: handshake done). */
	void (*on_open)(struct stream *s);
	/* In-order data. Returns how many bytes it took (0 to data.len). What it did not take stays with the
	 * stream, narrows the window, and comes again, longer perhaps, after stream_resume(). data is valid
	 * during the call only. */
	size_t (*on_receive)(struct stream *s, struct bytes data);
	/* stream_room() has become at least half of the send buffer again after it had been too small. */
	void (*on_writable)(struct stream *s);
	/* Everything sent so far has been acknowledged by the peer. */
	void (*on_drained)(struct stream *s);
	/* The peer's FIN: no more data will come after what is still held; sending goes on. */
	void (*on_end)(struct stream *s);
	/* The peer marked data that has not been taken yet as urgent, or moved the mark on. The data itself
	 * comes in its place, by on_receive() (RFC 6093 section 6). */
	void (*on_urgent)(struct stream *s);
	/* A soft error: the stream goes on. tcp_set_error_reports() turns these off. */
	void (*on_soft_error)(struct stream *s, enum stream_soft_error what);
	/* The stream is gone. The last call for it. */
	void (*on_closed)(struct stream *s, enum stream_end why);
};

/* Facts for logs, access rules and metrics. */
struct stream_info {
	struct ip_addr local, remote;
	uint16_t local_port, remote_port;
	uint64_t id;                 /* of the connection below: no other of the same stack has it; from 1 */
	uint32_t srtt_us;            /* 0: no sample yet */
	uint32_t retransmissions;    /* segments sent again */
	uint32_t peer_room;          /* bytes beyond those in flight that the peer has said it takes */
	uint64_t bytes_received, bytes_acked;
	const char *tls_version;     /* NULL: not encrypted */
	const char *tls_cipher;
	bool tls_resumed;            /* by a ticket or session of an earlier connection */
};

enum stream_send_flags {
	STREAM_MORE = 1,   /* more follows at once: a last partial segment may wait for it */
	STREAM_URGENT = 2, /* all queued up to here is urgent (RFC 9293 section 3.8.5): for old protocols
			only */
};

struct stream_ops {
	int (*send)(struct stream *s, const struct span *spans, size_t count, unsigned flags);
	size_t (*room)(const struct stream *s);
	void (*resume)(struct stream *s);
	void (*shutdown)(struct stream *s);
	void (*close)(struct stream *s);
	void (*abort)(struct stream *s);
	void (*info)(const struct stream *s, struct stream_info *out);
	int (*set_congestion)(struct stream *s, const char *name); /* may be NULL */
};

/* First member of every kind of stream. */
struct stream {
	const struct stream_ops *ops;
	const struct stream_handler *handler; /* set by the layer above, may be changed by it at any time */
	void *user;                           /* the layer above's own */
};

/*
 * Queues spans for sending. On success (0) the stream takes over one reference of each span's owner; on
 * failure the caller keeps them: -EPIPE after shutdown or when the peer is gone, -ENOMEM when a pool is at
 * its limit, -ENOBUFS when stream_room() is 0. One call may exceed the room once; a well-behaved caller
 * checks first.
 */
static inline int stream_send(struct stream *s, const struct span *spans, size_t count, unsigned flags)
{
	return s->ops->send(s, spans, count, flags);
}

/* Bytes that the send buffer still takes. */
static inline size_t stream_room(const struct stream *s)
{
	return s->ops->room(s);
}

/* Offers what on_receive() left behind once more, at once if there is any. */
static inline void stream_resume(struct stream *s)
{
	s->ops->resume(s);
}

/* No more will be sent: FIN after the queued data. Receiving goes on (half-close). */
static inline void stream_shutdown(struct stream *s)
{
	s->ops->shutdown(s);
}

/* Lets go: queued data and FIN are still delivered by the layer below; unread or later data is answered
 * by RST. */
static inline void stream_close(struct stream *s)
{
	s->ops->close(s);
}

/* Lets go at once, with RST; queued data is thrown away. */
static inline void stream_abort(struct stream *s)
{
	s->ops->abort(s);
}

/* Congestion control by its name, from now on; NULL: the one that the stream began with. 0, or -EINVAL: there
 * is none of that name here, or -ENOMEM. */
static inline int stream_set_congestion(struct stream *s, const char *name)
{
	return s->ops->set_congestion != NULL ? s->ops->set_congestion(s, name) : -EINVAL;
}

static inline void stream_info(const struct stream *s, struct stream_info *out)
{
	s->ops->info(s, out);
}

#endif
