/*
 * From the body of a submitted form to one line of JSON:
 * {"time":"2026-11-22T21:14:03.125Z","client":"192.0.2.1","fields":{"name":"Ann","tag":["a","b"]}}
 * A name that comes more than once has its values in an array. A JSON body stands as it is under "fields".
 */
#ifndef SERVER_FORM_LINE_H
#define SERVER_FORM_LINE_H

#include "base/bytes.h"
#include "server/document.h"

enum {
	FORM_FIELDS = 256,  /* most fields of a form */
	FORM_EXPANSION = 8, /* the line is at most so many times as long as the body, and FORM_ENVELOPE */
	FORM_ENVELOPE = 1 << 16,
};

struct form_submission {
	struct bytes content_type;
	char *body; /* decoded in place */
	size_t len;
	const char *client;
	uint64_t wall_us;
	const char *honeypot; /* the name of a field that people leave empty; "": there is none */
};

/* A body of this type can be read. */
bool form_reads(struct bytes content_type);

/* Writes the line with its line feed; *trapped: the honeypot was filled in. 0, or the status that refuses it:
 * 400 if it is malformed or empty, 413 if it has too many fields, 415 for another type, or a file. */
unsigned form_write_line(struct document *d, const struct form_submission *s, bool *trapped);

#endif
