/* Watched descriptors, by epoll. System calls: epoll_create1 (start), epoll_ctl, epoll_wait, close. */
#include "server/poller.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

int poller_open(struct poller *p, struct failure *why)
{
	*p = (struct poller){ .fd = epoll_create1(EPOLL_CLOEXEC) };
	return p->fd >= 0 ? 0 : failure_set(why, -errno, "cannot wait for descriptors: %s", strerror(errno));
}

void poller_close(struct poller *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

int poller_add(struct poller *p, struct poll_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	return epoll_ctl(p->fd, EPOLL_CTL_ADD, w->fd, &e) == 0 ? 0 : -errno;
}

/* The last two cannot fail for a descriptor that is watched: they take no memory. */

void poller_change(struct poller *p, struct poll_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };
	int r = epoll_ctl(p->fd, EPOLL_CTL_MOD, w->fd, &e);

	assert(r == 0);
	(void)r;
}

void poller_remove(struct poller *p, struct poll_watch *w)
{
	int r = epoll_ctl(p->fd, EPOLL_CTL_DEL, w->fd, NULL);

	assert(r == 0);
	(void)r;
	for (int i = p->next; i < p->n_ready; i++)
		if (p->ready[i].data.ptr == w)
			p->ready[i].data.ptr = NULL;
}

int poller_look(struct poller *p)
{
	int n = epoll_wait(p->fd, p->ready, POLLER_BATCH, 0);

	p->n_ready = n > 0 ? n : 0;
	for (p->next = 0; p->next < p->n_ready;) {
		const struct epoll_event *e = &p->ready[p->next++];
		struct poll_watch *w = e->data.ptr;

		if (w != NULL)
			w->on_ready(w, e->events);
	}
	n = p->n_ready;
	p->n_ready = p->next = 0;
	return n;
}
