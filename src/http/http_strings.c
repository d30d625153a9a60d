/* Lists of texts. */
#include "http/http_strings.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"

void http_strings_free(char **strings)
{
	for (char **s = strings; s != NULL && *s != NULL; s++)
		free(*s);
	free(strings);
}

char **http_strings_copy(const char *const *strings)
{
	size_t count = 0;
	char **copy;

	while (strings != NULL && strings[count] != NULL)
		count++;
	copy = calloc(count + 1, sizeof *copy);
	for (size_t i = 0; copy != NULL && i < count; i++) {
		copy[i] = strdup(strings[i]);
		if (copy[i] == NULL) {
			http_strings_free(copy);
			return NULL;
		}
	}
	return copy;
}

void http_strings_lower(char **strings)
{
	for (; *strings != NULL; strings++)
		for (char *p = *strings; *p != '\0'; p++)
			*p = ascii_to_lower(*p);
}
