/*
 * Parameters of field values: "; name=value" and "; name=\"value\"" (RFC 9110 section 5.6.6). Within quotes a
 * backslash stands for itself: browsers write "%22" for a quote, and file names of Windows have backslashes.
 */
#ifndef HTTP_HTTP_PARAMETER_H
#define HTTP_HTTP_PARAMETER_H

#include <stdbool.h>

#include "base/bytes.h"

/* The value of the first parameter of this name, in lower case; data NULL: there is none. */
struct bytes http_parameter(struct bytes value, const char *name);

/* The field value up to its parameters. */
struct bytes http_without_parameters(struct bytes value);

/* An extended value, "UTF-8'en'%e2%82%ac" (RFC 8187 section 3.2.1), decoded to at most value.len bytes of
 * out. False: it is none, or in another character set. */
bool http_parameter_decode(struct bytes value, char *out, size_t *len);

#endif
