/* A server without inotify compares its files by time: then there is nothing to watch. */
#include "server/file_watch.h"

#include <string.h>

static void on_ready(struct poll_watch *w, uint32_t events)
{
	(void)events;
	http_look(CONTAINER_OF(w, struct file_watch, watch)->server);
}

int file_watch_open(struct file_watch *f, struct poller *poller, struct http_server *server,
		    struct failure *why)
{
	int r;

	*f = (struct file_watch){ .watch = { .fd = http_look_fd(server), .on_ready = on_ready },
				  .poller = poller };
	if (f->watch.fd < 0)
		return 0;
	r = poller_add(poller, &f->watch, EPOLLIN);
	if (r < 0)
		return failure_set(why, r, "the files of a site cannot be watched: %s", strerror(-r));
	f->server = server;
	return 0;
}

void file_watch_close(struct file_watch *f)
{
	if (f->server != NULL)
		poller_remove(f->poller, &f->watch);
	f->server = NULL;
}
