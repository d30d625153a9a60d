/*
 * Names that hosts are served under: one name, "a.example", or with "*." in front all names below one,
 * "*.example", which covers b.example and c.b.example, and not example itself. The
 * case of letters does not matter.
 */
#ifndef BASE_HOST_NAME_H
#define BASE_HOST_NAME_H

#include <stdbool.h>

#include "base/bytes.h"

/* How well the name is covered by any of these patterns (NULL-terminated): 0 not at all, and of several lists
 * that cover it the one that does best is meant. A name of its own is better than all that are below another,
 * and of those the longest is best. */
size_t host_name_match(const char *const *patterns, struct bytes name);

/* For a search among such lists: whether the name is covered by these better than *best says, which begins at
 * 0, and then tells how well. */
bool host_name_beats(const char *const *patterns, struct bytes name, size_t *best);

#endif
