/* Cache-Control by media type: looked up when a file enters the cache. */
#include "http/http_cache_control.h"

#include <string.h>
#include <strings.h>

/* Visible characters and single spaces: it becomes a field value (RFC 9110 section 5.5). */
bool http_cache_control_rule_is_valid(const char *rule)
{
	size_t type_len = strcspn(rule, " "), len = strlen(rule);

	if (type_len == 0 || len > HTTP_CACHE_CONTROL_MAX || rule[type_len] != ' ' ||
	    rule[type_len + 1] == ' ' || rule[type_len + 1] == '\0' || rule[len - 1] == ' ')
		return false;
	for (const char *p = rule; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return (type_len == 1 && rule[0] == '*') || memchr(rule, '/', type_len) != NULL;
}

static bool fits(const char *pattern, size_t len, const char *type)
{
	if (pattern[len - 1] == '*')
		return strncasecmp(pattern, type, len - 1) == 0;
	return strcspn(type, "; ") == len && strncasecmp(pattern, type, len) == 0;
}

const char *http_cache_control_for(char *const *rules, const char *type)
{
	for (; *rules != NULL; rules++) {
		size_t len = strcspn(*rules, " ");

		if (fits(*rules, len, type))
			return *rules + len + 1;
	}
	return NULL;
}
