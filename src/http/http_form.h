/* Names and values as forms and queries have them:
 * application/x-www-form-urlencoded (WHATWG URL, section 5). */
#ifndef HTTP_HTTP_FORM_H
#define HTTP_HTTP_FORM_H

#include <stdbool.h>

#include "base/bytes.h"

/* Takes the next pair off *text, still encoded; value is empty when there is no "=". False: there is none. */
bool http_form_take(struct bytes *text, struct bytes *name, struct bytes *value);

/* The value of the first of this name, still encoded; text may begin with a question mark, or be of length 0.
 * False: there is none. */
bool http_form_find(struct bytes text, const char *name, struct bytes *value);

/* Decodes "+" and "%XX"; a "%" that is followed by something else stays. Returns the length of
 * out, which is at most raw.len. */
size_t http_form_decode(struct bytes raw, char *out);

#endif
