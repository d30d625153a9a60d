/* Cache-Control by media type: looked up when a file enters the cache. */
#include "http/http_cache_control.h"

#include <string.h>

#include "base/ascii.h"
#include "http/http_mime.h"

/* Visible characters and single spaces: it becomes a field value (RFC 9110 section 5.5). */
bool http_cache_control_rule_is_valid(const char *rule)
{
	size_t type_len = strcspn(rule, " "), len = strlen(rule);

	if (type_len == 0 || len > HTTP_CACHE_CONTROL_MAX || rule[type_len] != ' ' ||
	    rule[type_len + 1] == ' ' || rule[type_len + 1] == '\0' || rule[len - 1] == ' ')
		return false;
	for (const char *p = rule; *p != '\0'; p++)
		if (*p != ' ' && !ascii_is_visible(*p))
			return false;
	return http_mime_pattern_is_valid(rule, type_len);
}

const char *http_cache_control_for(char *const *rules, const char *type)
{
	for (; *rules != NULL; rules++) {
		size_t len = strcspn(*rules, " ");

		if (http_mime_fits(*rules, len, type))
			return *rules + len + 1;
	}
	return NULL;
}
