/* The pages that go with statuses: built once, in one piece of memory, sent by reference. */
#ifndef HTTP_HTTP_PAGES_H
#define HTTP_HTTP_PAGES_H

#include "base/span.h"
#include "http/http_status.h"

/* The body of a page stands behind its fields. */
struct http_page {
	const uint8_t *fields;
	size_t fields_len; /* the empty line is not among them */
	size_t body_len;
};

struct http_pages {
	struct span_owner owner;
	struct span_owner *keeper;
	struct http_page pages[HTTP_STATUS_COUNT];
	char text[];
};

/* NULL: no memory. Holds a reference of keeper as long as it exists; freed when its last reference goes. */
struct http_pages *http_pages_new(struct span_owner *keeper);

/* status must have a page. */
const struct http_page *http_pages_get(const struct http_pages *p, unsigned status);

#endif
