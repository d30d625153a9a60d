/*
 * The error log: one line a fact, level first, RFC 3339 time, then room and text:
 *   warning 2026-11-22T21:14:03.125Z arp: 10.77.0.2 is also claimed by 02:00:00:00:00:07
 * A log is an object, not a global: every stack and worker is given one. Bytes below 0x20 and
 * 0x7f in the text are written as \xNN, so that a peer cannot forge a line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>

/* Longest line, newline included; a longer one is cut and ends in "...". */
enum { LOG_LINE_MAX = 1024 };

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

struct log {
	enum log_level level; /* less important lines are not even formatted; to be changed by
			       * log_set_level() where several threads write */
	/* Takes one finished line, newline included. */
	void (*write)(void *context, const char *line, size_t len);
	void *context;
};

/* Writes to the file descriptor that context points at (int *): each line one write(2). */
void log_write_to_fd(void *context, const char *line, size_t len);

void log_set_level(struct log *log, enum log_level level);

/* log may be NULL: nothing is logged. room is the part of the system that speaks ("arp", "tcp", "http", …).
 * errno is kept. */
void log_line(const struct log *log, enum log_level level, const char *room, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* "error", "warning", …; and back: -1 if there is no such level. */
const char *log_level_name(enum log_level level);
int log_level_parse(const char *name);

#endif
