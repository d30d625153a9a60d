/*
 * A stream in memory for tests of the rooms above: what is sent is recorded and stays in flight until
 * the test acknowledges it; the test feeds input in any pieces, limits the room, ends, resets.
 */
#ifndef TESTS_FAKE_STREAM_H
#define TESTS_FAKE_STREAM_H

#include <stdbool.h>

#include "base/stream.h"

enum { FAKE_STREAM_SPANS = 1024 };

struct fake_stream {
	struct stream stream;
	size_t buffer; /* size of the send buffer */
	char *sent;    /* all bytes ever sent, NUL-terminated */
	size_t sent_len, sent_room;
	size_t acked;
	size_t received; /* bytes ever fed */
	struct span spans[FAKE_STREAM_SPANS]; /* in flight, oldest first; a ring */
	size_t first_span, span_count;
	size_t first_offset; /* bytes of the first span that are acknowledged */
	bool was_full;       /* on_writable is owed */
	char *input;         /* fed and not taken */
	size_t input_len, input_room;
	size_t piece; /* most bytes offered at once; 0: all */
	bool offering;
	unsigned calls;                        /* of send */
	unsigned last_flags;                   /* of the last send */
	int send_error;                        /* if not 0: the next sends fail with it */
	bool instant;                          /* all that is sent is acknowledged before send returns */
	bool ended;                            /* the test gave the FIN */
	bool shut_down, closed, aborted, gone; /* gone: on_closed was told */
	bool unread; /* closed while input was held or in on_receive()'s hands: TCP answers with RST */
	const char *congestion;   /* as it was last set; NULL: its own */
	unsigned congestion_calls;
	struct stream_info facts; /* addresses and the peer's room, as the test likes */
};

void fake_stream_init(struct fake_stream *f, size_t buffer);
/* Releases what is in flight; asserts that the upper layer has let go, or gets on_closed. */
void fake_stream_fini(struct fake_stream *f);

/* The upper layer has closed or aborted, or was told that the stream is gone. */
bool fake_stream_is_over(const struct fake_stream *f);

/* Bytes from the peer: offered at once, kept as far as they are not taken. */
void fake_stream_feed(struct fake_stream *f, const void *data, size_t len);
void fake_stream_feed_text(struct fake_stream *f, const char *text);

/* The peer acknowledges up to n bytes of what is in flight. */
void fake_stream_ack(struct fake_stream *f, size_t n);
void fake_stream_ack_all(struct fake_stream *f);

size_t fake_stream_in_flight(const struct fake_stream *f);

/* The peer's FIN; the connection is lost. */
void fake_stream_end(struct fake_stream *f);
void fake_stream_lose(struct fake_stream *f, enum stream_end why);

#endif
