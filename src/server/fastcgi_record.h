/*
 * The records of FastCGI 1.0 (the specification of 1996, sections 3.3 and 5, 8): what we send as
 * bytes, and what comes as events. Data in, data out. There is one request at a time on a
 * connection, and its number is 1.
 */
#ifndef SERVER_FASTCGI_RECORD_H
#define SERVER_FASTCGI_RECORD_H

#include <stdbool.h>

#include "base/bytes.h"

enum fastcgi_type {
	FASTCGI_BEGIN_REQUEST = 1,
	FASTCGI_ABORT_REQUEST = 2,
	FASTCGI_END_REQUEST = 3,
	FASTCGI_PARAMS = 4,
	FASTCGI_STDIN = 5,
	FASTCGI_STDOUT = 6,
	FASTCGI_STDERR = 7,
};

enum fastcgi_protocol_status {
	FASTCGI_REQUEST_COMPLETE = 0,
	FASTCGI_CANT_MPX_CONN = 1,
	FASTCGI_OVERLOADED = 2,
	FASTCGI_UNKNOWN_ROLE = 3,
};

enum {
	FASTCGI_HEADER = 8,          /* bytes of a record's header, and of the bodies with a fixed form */
	FASTCGI_CONTENT_MAX = 65535, /* bytes of content in a record */
	FASTCGI_BEGIN = 2 * FASTCGI_HEADER,
	FASTCGI_LENGTHS_MAX = 8,     /* before a name and its value */
};

/* ---- what is sent ---- */

/* The header of a record with len bytes of content and no padding. len 0 ends a stream. */
void fastcgi_put_header(uint8_t out[static FASTCGI_HEADER], enum fastcgi_type type, size_t len);

/* A whole record: a request to a responder, after which the connection stays. */
void fastcgi_put_begin(uint8_t out[static FASTCGI_BEGIN]);

/* What stands before a parameter's name and value, which follow in one piece. Returns its length. */
size_t fastcgi_put_lengths(uint8_t out[static FASTCGI_LENGTHS_MAX], uint32_t name_len, uint32_t value_len);

/* ---- what comes ---- */

enum fastcgi_event {
	FASTCGI_MORE,   /* all data is taken */
	FASTCGI_OUTPUT, /* a piece of the answer */
	FASTCGI_ERRORS, /* a piece of what is for the error log */
	FASTCGI_END,    /* the request is over; reader->protocol_status says how */
	FASTCGI_BAD,    /* that is not FastCGI, or not in its order: the connection cannot be used any more */
};

struct fastcgi_reader {
	uint8_t header[FASTCGI_HEADER];
	uint8_t end[FASTCGI_HEADER]; /* body of END_REQUEST */
	uint8_t header_len, end_len; /* bytes of these that have come */
	uint8_t padding;             /* bytes still to come behind the content */
	uint16_t left;               /* bytes of content still to come */
	uint8_t protocol_status;
	bool has_ended;
};

/* Takes data up to the next event. Of a piece *content says where it lies in data, and it is `most` bytes at
 * most, 1 at least. Zero is a reader at its beginning; after FASTCGI_END it is
 * there again for the next request. */
enum fastcgi_event fastcgi_read(struct fastcgi_reader *r, struct bytes *data, size_t most,
				struct bytes *content);

/* No record has begun: the application has nothing more to say about the last request. */
static inline bool fastcgi_is_between(const struct fastcgi_reader *r)
{
	return r->header_len == 0 && r->padding == 0;
}

#endif
