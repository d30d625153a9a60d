/*
 * The access log, a line a request, in the combined format that nginx and Apache write:
 *   10.77.0.1 - - [22/Nov/2026:21:14:03 +0000] "GET / HTTP/1.1" 200 4096 "-" "curl/8.14.1"
 * What came from the peer is escaped: a byte below 0x20 or from 0x7f on, a quote and a backslash become \xNN,
 * so that no request can forge a line or a field. A field longer than 4 KiB (the method: 64 bytes) is cut,
 * and "..." put behind it.
 */
#ifndef SERVER_ACCESS_LOG_H
#define SERVER_ACCESS_LOG_H

#include <time.h>

#include "http/http.h"
#include "server/log_file.h"

enum { ACCESS_LOG_FIELD = 4096, ACCESS_LOG_METHOD = 64, ACCESS_LOG_TIME = 32 };

struct access_log {
	struct log_file file;
	time_t second;              /* that `when` says */
	char when[ACCESS_LOG_TIME]; /* "22/Nov/2026:21:14:03 +0000" */
};

/* 0, or negative errno and *why. */
int access_log_open(struct access_log *a, const char *path, const struct log *log, struct failure *why);
void access_log_close(struct access_log *a);

/* Adds the request, which ended now. */
void access_log_add(struct access_log *a, const struct http_log_record *record);

/* Room that access_log_format() needs at most for this record. */
size_t access_log_bound(const struct http_log_record *record);
/* Writes the line, with its newline, to out; returns its length. */
size_t access_log_format(const struct http_log_record *record, const char *when, char *out);

#endif
