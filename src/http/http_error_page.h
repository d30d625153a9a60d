/* Error pages of a site's own. A rule is "STATUS… /PATH", such as "500 503 /50x.html". */
#ifndef HTTP_HTTP_ERROR_PAGE_H
#define HTTP_HTTP_ERROR_PAGE_H

#include "http/http_path.h"

bool http_error_page_rule_is_valid(const char *rule);

/* Finds the page for a status in rules (NULL-terminated, valid); false: the built-in one is meant. */
bool http_error_page_find(char *const *rules, unsigned status, struct http_path *out);

#endif
