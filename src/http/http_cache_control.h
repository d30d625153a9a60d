/* Cache-Control by media type. A rule is "TYPE VALUE", such as "text/html no-cache", with a type such as
 * image/png, image/x-*, or * for all. */
#ifndef HTTP_HTTP_CACHE_CONTROL_H
#define HTTP_HTTP_CACHE_CONTROL_H

#include <stdbool.h>

enum { HTTP_CACHE_CONTROL_MAX = 200 }; /* characters of a rule */

bool http_cache_control_rule_is_valid(const char *rule);

/* The value of the first of these rules (NULL-terminated) that the type,
 * parameters aside, fits; NULL: none. */
const char *http_cache_control_for(char *const *rules, const char *type);

#endif
