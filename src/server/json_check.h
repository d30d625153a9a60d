/* Whether a text that somebody sent is JSON: the whole grammar of RFC 8259, and nothing beside it. */
#ifndef SERVER_JSON_CHECK_H
#define SERVER_JSON_CHECK_H

#include <stdbool.h>

#include "base/bytes.h"

enum { JSON_DEPTH = 32 }; /* most values within one another */

/* One object, in UTF-8, with white space around it or not. */
bool json_is_object(struct bytes text);

#endif
