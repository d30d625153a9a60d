/*
 * The head of what a CGI application answers (RFC 3875 section 6): bytes in, in any pieces; status, length
 * and the field lines for the client out. Read strictly: what a client could take for the end of a line, or
 * for something about the connection, never goes on (response splitting).
 */
#ifndef SERVER_CGI_HEAD_H
#define SERVER_CGI_HEAD_H

#include <stdbool.h>

#include "base/bytes.h"
#include "http/http.h"

enum { CGI_HEAD_MAX = HTTP_DOCUMENT_FIELDS, CGI_HEAD_FIELDS = 200 };

struct cgi_head {
	unsigned status;    /* 0: not told yet */
	uint64_t length;    /* of the body; HTTP_LENGTH_UNKNOWN */
	bool tells_caching; /* there is a Cache-Control */
	bool redirects;     /* there is a Location */
	uint16_t n_fields;
	size_t line_len, fields_len;
	const char *why;    /* it is bad */
	char line[CGI_HEAD_MAX];   /* that is being read */
	char fields[CGI_HEAD_MAX]; /* for the client: whole lines */
};

enum cgi_head_verdict { CGI_HEAD_MORE, CGI_HEAD_DONE, CGI_HEAD_BAD };

void cgi_head_init(struct cgi_head *h);

/* Takes data up to the end of the head. Not to be called again after DONE or BAD. */
enum cgi_head_verdict cgi_head_read(struct cgi_head *h, struct bytes *data);

#endif
