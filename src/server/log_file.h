/*
 * A log that lines are appended to: buffered, so that a busy loop writes many at once, and patient: a full
 * disk, a closed pipe or a reader that stands still costs lines, which are counted, and never the loop.
 */
#ifndef SERVER_LOG_FILE_H
#define SERVER_LOG_FILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"
#include "base/log.h"

enum { LOG_FILE_BUFFER = 1 << 17 };

struct log_file;

/* Whose turn it is, of several that write to one file: a line that one has begun is ended before another
 * writes. Each call takes the lock once, for as long as its writing takes. */
struct log_turn {
	pthread_mutex_t lock;
	const struct log_file *torn; /* who has begun a line; NULL: nobody */
};

void log_turn_init(struct log_turn *t);
void log_turn_fini(struct log_turn *t);

struct log_file {
	const char *path;      /* "-": standard output */
	int fd;
	bool may_block;        /* not a regular file: written to only as far as poll(2) allows */
	uint64_t lines;        /* added, in all */
	bool is_torn;          /* what was written last does not end a line */
	bool losing;           /* lines were lost since the last that was written */
	uint64_t lost;         /* lines lost, in all */
	uint64_t lost_before;  /* of them before this trouble began */
	const struct log *log; /* told when lines begin to be lost and when they no longer are */
	struct log_turn *turn; /* NULL: nobody else writes to it */
	char *buffer;          /* LOG_FILE_BUFFER bytes */
	size_t used;
};

/* path and log must outlive *f. 0, or negative errno and *why. */
int log_file_open(struct log_file *f, const char *path, const struct log *log, struct failure *why);
/* For a descriptor that is open already, and is closed with *f; name is what it is called. Nobody is told of
 * lines that are lost, but they are counted. It must not be opened anew. */
int log_file_open_fd(struct log_file *f, int fd, const char *name, struct failure *why);
void log_file_close(struct log_file *f);

/* Room for a line of up to size bytes, or NULL: it is lost. Then log_file_commit() with its real length. */
char *log_file_reserve(struct log_file *f, size_t size);
void log_file_commit(struct log_file *f, size_t len);

/* Writes out what is buffered, as far as that is possible without waiting. */
void log_file_flush(struct log_file *f);

/* Opens the path anew (the old file was renamed). On failure the old one is kept: negative errno and *why. */
int log_file_reopen(struct log_file *f, struct failure *why);

#endif
