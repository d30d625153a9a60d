/*
 * The time of day for Date fields (RFC 9110 section 6.6.1), written at most once a second. All responses of a
 * second share one block of text.
 */
#ifndef HTTP_HTTP_CLOCK_H
#define HTTP_HTTP_CLOCK_H

#include <stdbool.h>

#include "base/pool.h"
#include "base/span.h"
#include "base/world.h"

struct http_clock;

/* "HTTP/1.1 200 OK\r\nServer: taphouse\r\nDate: …\r\n": the beginning of nearly every response. */
struct http_date_block {
	struct span_owner owner;
	struct http_clock *clock;
	size_t len;
	char text[96];
};

struct http_clock {
	const struct world *world;
	uint64_t (*wall_us)(void *context); /* microseconds since 1970; NULL: the system's */
	void *context;
	bool server_header;
	struct span_owner *keeper;
	struct pool blocks;
	struct http_date_block *current;
	int64_t wall_s;    /* what current says */
	uint64_t until_us; /* world time until which it is right */
};

/* 0 or -ENOMEM. Each block holds a reference of keeper. */
int http_clock_init(struct http_clock *c, const struct world *w, uint64_t (*wall_us)(void *), void *context,
		    bool server_header, struct span_owner *keeper);

/* Lets go of the current block. */
void http_clock_close(struct http_clock *c);

/* After the last block is back. */
void http_clock_fini(struct http_clock *c);

/* The current block; the caller takes a reference for each span that points at it. */
struct http_date_block *http_clock_block(struct http_clock *c);

/* Seconds since 1970, as the current Date says. */
int64_t http_clock_wall_s(struct http_clock *c);

#endif
