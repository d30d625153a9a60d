/*
 * The error log's file: lines (base/log.h) go out one by one, at once, from any thread. So its descriptor
 * keeps its number while the log is open: another file is put in its place.
 */
#ifndef SERVER_ERROR_LOG_H
#define SERVER_ERROR_LOG_H

#include "base/failure.h"
#include "base/log.h"

struct error_log {
	const char *path; /* "-": standard error; "off" */
	int fd;
	struct log log;   /* for all who have something to say */
};

/* Everything but the log itself is for one thread. path must outlive *e, which must not move while it is
 * open. 0, or negative errno and *why. */
int error_log_open(struct error_log *e, const char *path, enum log_level level, struct failure *why);
void error_log_close(struct error_log *e);

/* Opens the path anew (the old file was renamed). One that cannot be is told of, and kept as it was. */
void error_log_reopen(struct error_log *e);

/* Opens what another configuration has beside what is open: the descriptor, or negative errno and *why. Then
 * one of the two below is to be called. */
int error_log_prepare(const struct error_log *e, const char *path, struct failure *why);
/* It goes on so. */
void error_log_succeed(struct error_log *e, const char *path, int fd, enum log_level level);
/* What was prepared is not used. */
void error_log_discard(const struct error_log *e, int fd);

#endif
