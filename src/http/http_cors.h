/*
 * Cross-origin requests (CORS, the Fetch standard): which pages from elsewhere may read what is answered
 * here, and send more than a form could. The browser sees to that; the server only says it. An origin that is
 * not allowed gets the same answer without a word on it.
 *
 * Lines are ready: those that every answer has ("*", or Vary: Origin, since answers differ by origin), and
 * for each origin those of an answer and of a preflight.
 */
#ifndef HTTP_HTTP_CORS_H
#define HTTP_HTTP_CORS_H

#include "base/failure.h"
#include "http/http_lines.h"
#include "http/http_parser.h"

enum { HTTP_CORS_ORIGIN_MAX = 300 }; /* characters: a host name has 253 */

/* As it is told: lists are NULL-terminated, and may be NULL. */
struct http_cors_settings {
	const char *const *origins; /* such as "https://app.example", or "*"; none: nothing is said */
	const char *const *methods; /* beside GET, HEAD and POST, which need no leave */
	const char *const *headers; /* fields of requests */
	const char *const *expose;  /* fields of answers */
	bool credentials;           /* cookies and passwords too */
	uint64_t max_age_s;         /* how long a browser may go without another preflight */
};

struct http_cors_origin {
	char *name; /* NULL: any */
	struct http_lines *answer, *preflight;
};

struct http_cors {
	struct http_cors_origin *origins;
	size_t count;
};

/* As browsers write one: scheme://host, or with a port that is not the scheme's. Or "*". */
bool http_cors_origin_is_valid(const char *origin);

/* The name of a method or a field, or "*". */
bool http_cors_name_is_valid(const char *name);

/* 0, or negative errno and *why, which begins with `whose`; then nothing is held. */
int http_cors_open(struct http_cors *c, const struct http_cors_settings *s, const char *whose,
		   struct failure *why);
void http_cors_close(struct http_cors *c);

/* The line that every answer has, "" if nothing is said; whoever asked. */
const char *http_cors_line(const struct http_cors *c);

/* OPTIONS that asks whether a request may be made. */
bool http_cors_is_preflight(const struct http_cors *c, const struct http_request *r);

/* The lines for this request's origin, which may be empty; NULL: it is not allowed. */
struct http_lines *http_cors_lines(const struct http_cors *c, const struct http_request *r);

#endif
