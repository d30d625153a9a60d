/* Rules that say which file is the page of which error. */
#include "http/http_error_page.h"

#include <string.h>

#include "base/ascii.h"
#include "http/http_path.h"

/* Reads a status of 4xx or 5xx and the space behind it, and moves *rule on; 0 if there is none. */
static unsigned take_status(const char **rule)
{
	const char *s = *rule;

	if ((s[0] != '4' && s[0] != '5') || !ascii_is_digit(s[1]) || !ascii_is_digit(s[2]) || s[3] != ' ')
		return 0;
	*rule += 4;
	return (unsigned)(s[0] - '0') * 100 + (unsigned)(s[1] - '0') * 10 + (unsigned)(s[2] - '0');
}

bool http_error_page_rule_is_valid(const char *rule)
{
	struct http_path path;
	unsigned statuses = 0;

	while (take_status(&rule) != 0)
		statuses++;
	return statuses > 0 && rule[0] == '/' && http_path_of_file(rule, &path) &&
	       strcmp(path.text, rule + 1) == 0;
}

const char *http_error_page_find(char *const *rules, unsigned status)
{
	for (; *rules != NULL; rules++) {
		const char *rule = *rules;
		bool meant = false;

		for (unsigned listed; (listed = take_status(&rule)) != 0;)
			meant |= listed == status;
		if (meant)
			return rule;
	}
	return NULL;
}
