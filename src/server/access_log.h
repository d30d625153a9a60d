/* The access log: a line a request (access_line.h), with the time of its end. */
#ifndef SERVER_ACCESS_LOG_H
#define SERVER_ACCESS_LOG_H

#include "server/access_line.h"
#include "server/log_file.h"

enum { ACCESS_LOG_TIME = 40 };

struct access_log {
	struct log_file file;       /* if there is a log at all */
	bool is_open;
	enum access_format format;
	uint64_t instant;           /* that `when` says: its second, or millisecond in JSON */
	char when[ACCESS_LOG_TIME]; /* "22/Nov/2026:21:14:03 +0000", or "2026-11-22T21:14:03.125Z" */
};

/* path "off": there is none, and nothing becomes of what is added. path and log must outlive *a.
 * 0, or negative errno and *why. */
int access_log_open(struct access_log *a, const char *path, enum access_format format, const struct log *log,
		    struct failure *why);
void access_log_close(struct access_log *a);

/* Others write to its file too. turn must outlive *a. */
void access_log_take_turns(struct access_log *a, struct log_turn *turn);

/* Opens what another configuration has beside the one that is open. 0, or negative errno and *why. Then one
 * of the two below is to be called. */
int access_log_prepare(const struct access_log *a, const char *path, enum access_format format,
		       struct access_log *next, struct failure *why);
/* It goes on as next, counting on. */
void access_log_succeed(struct access_log *a, struct access_log *next);
/* next is not used. */
void access_log_discard(const struct access_log *a, struct access_log *next);

/* As log_file_reopen() and log_file_flush(). */
int access_log_reopen(struct access_log *a, struct failure *why);
void access_log_flush(struct access_log *a);

/* Adds the request, which ended now. */
void access_log_add(struct access_log *a, const struct http_log_record *record);

#endif
