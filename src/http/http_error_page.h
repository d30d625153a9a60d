/* Error pages of a site's own. A rule is "STATUS… /PATH", such as "500 503 /50x.html". */
#ifndef HTTP_HTTP_ERROR_PAGE_H
#define HTTP_HTTP_ERROR_PAGE_H

#include <stdbool.h>

/* Its path stands as paths are when dots, double slashes and % are resolved. */
bool http_error_page_rule_is_valid(const char *rule);

/* The path of the page for a status, as it stands in rules (NULL-terminated, valid);
 * NULL: the built-in one is meant. */
const char *http_error_page_find(char *const *rules, unsigned status);

#endif
