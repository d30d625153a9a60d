/* Lists of texts that a configuration hands over, copied: NULL-terminated, as argv is. */
#ifndef HTTP_HTTP_STRINGS_H
#define HTTP_HTTP_STRINGS_H

/* strings may be NULL, for none. NULL: no memory. */
char **http_strings_copy(const char *const *strings);
void http_strings_free(char **strings);

/* Turns letters of ASCII into their lower case. */
void http_strings_lower(char **strings);

#endif
