/* Names of hosts, compared. */
#include "base/host_name.h"

#include "base/ascii.h"

static size_t match(const char *pattern, struct bytes name)
{
	size_t len = strlen(pattern);

	if (pattern[0] != '*')
		return len == name.len && ascii_is_same(pattern, name.data, len) ? SIZE_MAX : 0;
	if (name.len < len)
		return 0;
	bytes_skip(&name, name.len - (len - 1));
	return ascii_is_same(pattern + 1, name.data, name.len) ? len : 0;
}

size_t host_name_match(const char *const *patterns, struct bytes name)
{
	size_t best = 0;

	for (; patterns != NULL && *patterns != NULL; patterns++) {
		size_t found = match(*patterns, name);

		if (found > best)
			best = found;
	}
	return best;
}

bool host_name_beats(const char *const *patterns, struct bytes name, size_t *best)
{
	size_t found = host_name_match(patterns, name);

	if (found <= *best)
		return false;
	*best = found;
	return true;
}
