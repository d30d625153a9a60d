/* A configuration file's text: read whole, bounded, comments blanked. */
#include "server/config_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Behind the quoted string that begins at text[i]; len + 1 if it never ends. A backslash keeps what follows
 * from ending it. */
static size_t skip_string(const char *text, size_t len, size_t i)
{
	char quote = text[i];

	for (i++; i < len && text[i] != quote; i++)
		if (text[i] == '\\')
			i++;
	return i < len ? i + 1 : len + 1;
}

static size_t blank_line(char *text, size_t len, size_t i)
{
	while (i < len && text[i] != '\n')
		text[i++] = ' ';
	return i;
}

/* Of the block comment that begins at text[i]; len + 1 if it never ends. */
static size_t blank_block(char *text, size_t len, size_t i)
{
	char *end = memmem(text + i + 2, len - i - 2, "*/", 2);

	if (end == NULL)
		return len + 1;
	for (; text + i < end + 2; i++)
		if (text[i] != '\n')
			text[i] = ' ';
	return i;
}

static unsigned line_of(const char *text, size_t at)
{
	unsigned line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

/* Past one token, as far as it matters here: a comment, a string, or a character. */
static size_t step(char *text, size_t len, size_t i, const char **what)
{
	char next = i + 1 < len ? text[i + 1] : '\0';

	if (text[i] == '"' || text[i] == '\'') {
		*what = "string";
		return skip_string(text, len, i);
	}
	if (text[i] == '/' && next == '*') {
		*what = "comment";
		return blank_block(text, len, i);
	}
	if (text[i] == '#' || (text[i] == '/' && next == '/'))
		return blank_line(text, len, i);
	return i + 1;
}

unsigned config_source_blank(char *text, size_t len, const char **what)
{
	size_t open = 0, depth = 0, next;

	for (size_t i = 0; i < len; i = next) {
		if (text[i] == '{' && depth++ == 0)
			open = i;
		else if (text[i] == '}' && depth > 0)
			depth--;
		next = step(text, len, i, what);
		if (next > len)
			return line_of(text, i);
	}
	*what = "brace";
	return depth > 0 ? line_of(text, open) : 0;
}

static int read_all(int fd, char *text, size_t *len)
{
	size_t have = 0;

	while (have <= CONFIG_SOURCE_MAX) {
		ssize_t n = read(fd, text + have, CONFIG_SOURCE_MAX + 1 - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*len = have;
	return have <= CONFIG_SOURCE_MAX ? 0 : -EFBIG;
}

static int read_file(const char *file, char *text, size_t *len, struct failure *why)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return failure_set(why, -errno, "%s: cannot be opened: %s", file, strerror(errno));
	r = read_all(fd, text, len);
	close(fd);
	if (r < 0)
		return failure_set(why, r, "%s: cannot be read: %s", file, strerror(-r));
	return 0;
}

static int check(const char *file, char *text, size_t len, struct failure *why)
{
	const char *nul = memchr(text, '\0', len), *what;
	unsigned line;

	if (nul != NULL)
		return failure_set(why, -EINVAL, "%s:%u: a NUL byte: this is not a text file", file,
				   line_of(text, (size_t)(nul - text)));
	line = config_source_blank(text, len, &what);
	if (line != 0)
		return failure_set(why, -EINVAL, "%s:%u: this %s never ends", file, line, what);
	return 0;
}

int config_source_read(const char *file, char **out, size_t *len, struct failure *why)
{
	char *text = malloc(CONFIG_SOURCE_MAX + 1);
	int r;

	if (text == NULL)
		return failure_set(why, -ENOMEM, "%s: out of memory", file);
	r = read_file(file, text, len, why);
	if (r == 0) {
		text[*len] = '\0';
		r = check(file, text, *len, why);
	}
	if (r < 0) {
		free(text);
		return r;
	}
	*out = text;
	return 0;
}
