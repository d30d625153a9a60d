/*
 * Files of media types. Text types get charset=utf-8, as ours have it: what people write today. The whole is
 * bounded; so is each type, since it becomes a field value.
 */
#include "http/http_mime_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_text.h"

enum {
	FILE_MAX = 1 << 20,
	TYPE_MAX = 80,
};

static const char charset[] = "; charset=utf-8";

/* The contents as a string, or NULL and *error. */
static char *read_file(const char *path, int *error)
{
	FILE *file = fopen(path, "re");
	char *text = malloc(FILE_MAX + 1);
	size_t len = 0;

	*error = file == NULL ? errno : text == NULL ? ENOMEM : 0;
	if (*error == 0) {
		len = fread(text, 1, FILE_MAX + 1, file);
		*error = ferror(file) ? errno : len > FILE_MAX ? EFBIG : 0;
	}
	if (file != NULL)
		fclose(file);
	if (*error != 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/* token "/" token of RFC 9110 section 8.3.1. */
static bool is_type(const char *text, size_t len)
{
	struct bytes subtype = bytes_of(text, len), kind = http_text_take(&subtype, '/');

	return len <= TYPE_MAX && http_text_is_token(kind) && http_text_is_token(subtype);
}

/* Copies a type to *at, with its charset, and moves *at behind it. */
static const char *put_type(char **at, const char *type, size_t len)
{
	const char *start = *at;

	memcpy(*at, type, len);
	*at += len;
	if (len > 5 && memcmp(type, "text/", 5) == 0) {
		memcpy(*at, charset, sizeof charset - 1);
		*at += sizeof charset - 1;
	}
	*(*at)++ = '\0';
	return start;
}

/* The next word of a line, cut off; NULL at its end. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t\r");
	size_t len = strcspn(word, " \t\r");

	if (len == 0)
		return NULL;
	*line = word + len;
	if (**line != '\0')
		*(*line)++ = '\0';
	return word;
}

static void take_line(struct http_mime_file *f, char *line, char **at)
{
	char *type, *extension;
	const char *kept;

	line[strcspn(line, "#")] = '\0';
	type = next_word(&line);
	extension = type != NULL ? next_word(&line) : NULL;
	if (extension == NULL || !is_type(type, strlen(type)))
		return;
	kept = put_type(at, type, strlen(type));
	for (; extension != NULL; extension = next_word(&line)) {
		struct http_mime *m = &f->types[f->count];

		m->type = kept;
		if (http_mime_set_extension(m, extension, strlen(extension)))
			f->count++;
	}
}

/* Lines stand in memory in their order: of two with one extension the first has the lower address. */
static int compare(const void *left, const void *right)
{
	const struct http_mime *a = left, *b = right;
	int order = strcmp(a->extension, b->extension);

	if (order != 0)
		return order;
	return a->type < b->type ? -1 : a->type > b->type;
}

static void sort(struct http_mime_file *f)
{
	size_t kept = 0;

	qsort(f->types, f->count, sizeof *f->types, compare);
	for (size_t i = 0; i < f->count; i++)
		if (kept == 0 || strcmp(f->types[kept - 1].extension, f->types[i].extension) != 0)
			f->types[kept++] = f->types[i];
	f->count = kept;
}

static size_t count_words(const char *text)
{
	size_t words = 0;

	for (const char *p = text; *(p += strspn(p, " \t\r\n")) != '\0'; p += strcspn(p, " \t\r\n"))
		words++;
	return words;
}

int http_mime_file_load(struct http_mime_file *f, const char *path)
{
	int error;
	char *text = read_file(path, &error), *at, *rest = text;
	size_t words;

	*f = (struct http_mime_file){ 0 };
	if (text == NULL)
		return -error;
	words = count_words(text);
	f->types = calloc(words + 1, sizeof *f->types);
	f->text = malloc(strlen(text) + (words + 1) * sizeof charset);
	if (f->types == NULL || f->text == NULL) {
		free(text);
		http_mime_file_free(f);
		return -ENOMEM;
	}
	at = f->text;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		take_line(f, line, &at);
	free(text);
	sort(f);
	return 0;
}

void http_mime_file_free(struct http_mime_file *f)
{
	free(f->types);
	free(f->text);
	*f = (struct http_mime_file){ 0 };
}
