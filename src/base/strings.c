/* Lists of strings. */
#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

size_t strings_count(const char *const *strings)
{
	size_t n = 0;

	while (strings != NULL && strings[n] != NULL)
		n++;
	return n;
}

void strings_free(char **strings)
{
	for (char **s = strings; s != NULL && *s != NULL; s++)
		free(*s);
	free(strings);
}

char **strings_copy(const char *const *strings)
{
	size_t count = strings_count(strings);
	char **copy = calloc(count + 1, sizeof *copy);

	for (size_t i = 0; copy != NULL && i < count; i++) {
		copy[i] = strdup(strings[i]);
		if (copy[i] == NULL) {
			strings_free(copy);
			return NULL;
		}
	}
	return copy;
}
