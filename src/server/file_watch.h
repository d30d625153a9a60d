/* The files of an HTTP server, watched from the worker's loop: it looks at
 * them when something has happened. */
#ifndef SERVER_FILE_WATCH_H
#define SERVER_FILE_WATCH_H

#include "http/http.h"
#include "server/poller.h"

struct file_watch {
	struct poll_watch watch;
	struct poller *poller;
	struct http_server *server; /* NULL: not watched */
};

/* 0, or negative errno and *why. *f must not move while it is open. */
int file_watch_open(struct file_watch *f, struct poller *poller, struct http_server *server,
		    struct failure *why);

/* Before the server is freed. May be called when it is not open, all zero. */
void file_watch_close(struct file_watch *f);

#endif
