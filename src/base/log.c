/*
 * The error log's lines. A line is built on the stack, escaped, cut at LOG_LINE_MAX, and
 * handed over whole, so that lines of several writers do not mix.
 * System calls: write, and clock_gettime through base/clock.h.
 */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/bytes.h"
#include "base/clock.h"

#define ELLIPSIS "..."

enum { LINE_END = sizeof ELLIPSIS }; /* room kept for the ellipsis and the newline */

static const char *const level_names[] = {
	[LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
};

struct line {
	char text[LOG_LINE_MAX];
	size_t len;
	bool is_cut; /* there was more than fits */
};

void log_write_to_fd(void *context, const char *line, size_t len)
{
	const int *fd = context;
	ssize_t n;

	/* Any other failure is ignored: there is nobody left to tell. */
	do
		n = write(*fd, line, len);
	while (n < 0 && errno == EINTR);
}

/* Appends the text whole, or not at all if it does not fit. */
static void put(struct line *l, const char *text, size_t len)
{
	if (l->is_cut || len > sizeof l->text - LINE_END - l->len) {
		l->is_cut = true;
		return;
	}
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

static void put_string(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static void put_time(struct line *l, uint64_t wall_us)
{
	char text[CLOCK_TEXT];

	put_string(l, clock_format(wall_us, text));
}

/* How many bytes from p on stand or fall together: a UTF-8 sequence must not be cut in two. */
static size_t unit_length(const char *p)
{
	size_t n = 1;

	if ((uint8_t)*p >= 0xc0)
		while (n < 4 && ((uint8_t)p[n] & 0xc0) == 0x80)
			n++;
	return n;
}

static void put_escaped(struct line *l, const char *text)
{
	char escape[8];

	for (size_t n; *text != '\0'; text += n) {
		n = unit_length(text);
		if (ascii_is_control(*text)) {
			snprintf(escape, sizeof escape, "\\x%02x", (uint8_t)*text);
			put_string(l, escape);
		} else {
			put(l, text, n);
		}
	}
}

__attribute__((format(printf, 2, 0)))
static void put_message(struct line *l, const char *format, va_list args)
{
	char text[LOG_LINE_MAX]; /* what does not fit here does not fit the line either */
	int n = vsnprintf(text, sizeof text, format, args);

	put_escaped(l, n < 0 ? "(message cannot be formatted)" : text);
}

static void end_line(struct line *l)
{
	if (l->is_cut) {
		memcpy(l->text + l->len, ELLIPSIS, strlen(ELLIPSIS));
		l->len += strlen(ELLIPSIS);
	}
	l->text[l->len++] = '\n';
}

void log_set_level(struct log *log, enum log_level level)
{
	__atomic_store_n(&log->level, level, __ATOMIC_RELAXED);
}

void log_line(const struct log *log, enum log_level level, const char *room, const char *format, ...)
{
	struct line l = { .len = 0 };
	int saved_errno = errno; /* callers log first and return -errno afterwards */
	va_list args;

	if (log == NULL || level > __atomic_load_n(&log->level, __ATOMIC_RELAXED))
		return;
	put_string(&l, log_level_name(level));
	put_string(&l, " ");
	put_time(&l, clock_wall_us());
	put_string(&l, " ");
	put_string(&l, room);
	put_string(&l, ": ");
	va_start(args, format);
	put_message(&l, format, args);
	va_end(args);
	end_line(&l);
	log->write(log->context, l.text, l.len);
	errno = saved_errno;
}

const char *log_level_name(enum log_level level)
{
	assert((size_t)level < ARRAY_LENGTH(level_names));
	return level_names[level];
}

int log_level_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(level_names); i++)
		if (strcmp(name, level_names[i]) == 0)
			return (int)i;
	return -1;
}
