/* Lists of strings that a configuration hands over: NULL-terminated, as argv
 * is. A list that is NULL has none. */
#ifndef BASE_STRINGS_H
#define BASE_STRINGS_H

#include <stddef.h>

size_t strings_count(const char *const *strings);

/* The list and all that is in it, to be freed by strings_free(). NULL: no memory. */
char **strings_copy(const char *const *strings);
void strings_free(char **strings);

#endif
