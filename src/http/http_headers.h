/*
 * Header fields of the owner's own. A rule is "NAME: VALUE", or "-NAME" to send none of that name; before
 * it may stand the statuses that it is for, such as "404 5xx Retry-After: 60". Without them it is for all:
 * a field that keeps a browser out of harm's way is needed on error pages as well. Of the rules for one
 * name and status the last one counts. What is for 200 is for 206 and 304 too, which stand for it (RFC
 * 9110 sections 15.3.7 and 15.4.5).
 *
 * Each status has its lines ready, as the tail of a head: X-Content-Type-Options, which is ours unless a rule
 * says otherwise, the rules' fields, and the empty line.
 */
#ifndef HTTP_HTTP_HEADERS_H
#define HTTP_HTTP_HEADERS_H

#include "http/http_lines.h"
#include "http/http_status.h"

enum {
	HTTP_HEADER_RULE_MAX = 1000, /* characters of a rule */
	HTTP_TAILS = HTTP_STATUS_COUNT + 5, /* those of the list, then one for the others of each class */
};

struct http_tails {
	struct http_lines *of[HTTP_TAILS];
};

/* What is wrong with a rule, as the end of a sentence; NULL: nothing. */
const char *http_header_rule_fault(const char *rule);

/* Makes the tails by these rules (NULL-terminated, valid), with these lines in all of them. False:
 * no memory; then nothing is held. */
bool http_tails_open(struct http_tails *t, char *const *rules, const char *lines);
void http_tails_close(struct http_tails *t);

/* Any status from 200 to 599. */
struct http_lines *http_tails_get(const struct http_tails *t, unsigned status);

#endif
