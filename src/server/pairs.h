/*
 * The body of a request that sets something: names and values, as a form has them
 * (application/x-www-form-urlencoded), or as one flat object of JSON has them.
 */
#ifndef SERVER_PAIRS_H
#define SERVER_PAIRS_H

#include <stdbool.h>

#include "base/bytes.h"

enum { PAIRS_TEXT = 64 /* room for a name or a value, and its NUL */ };

struct pairs {
	struct bytes rest;
	bool is_json;
	bool failed; /* that was no pair, or one too long */
};

/* False: neither a form nor JSON, by its type; or it is no object. */
bool pairs_begin(struct pairs *p, struct bytes content_type, struct bytes text);

/* The next one, decoded. Of JSON's values strings and numbers are taken, as they stand between their quotes,
 * without escapes. False: there is none, or it failed. */
bool pairs_next(struct pairs *p, char name[static PAIRS_TEXT], char value[static PAIRS_TEXT]);

#endif
