/* HTTP dates (RFC 9110 section 5.6.7): the one form that is sent, and the three that must be understood. */
#ifndef HTTP_HTTP_DATE_H
#define HTTP_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_DATE_LEN = 29 };

/* IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT"; no NUL. unix_s is clamped to the years 1970 to 9999. */
void http_date_format(int64_t unix_s, char out[static HTTP_DATE_LEN]);

/* IMF-fixdate, RFC 850 or asctime form, case-sensitive. now_s places the two-digit year of RFC 850. */
bool http_date_parse(const char *text, size_t len, int64_t now_s, int64_t *unix_s);

#endif
