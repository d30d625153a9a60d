/*
 * Errands: a list under a lock, which is held for some instructions only, and an eventfd in the loop's poller
 * that says that it is not empty any more. System calls: eventfd2 (start), read, write, close.
 */
#include "server/errand.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void put(struct errands *m, struct errand *e, bool *is_first)
{
	*is_first = list_is_empty(&m->waiting);
	list_append(&m->waiting, &e->node);
}

static void wake(const struct errands *m)
{
	static const uint64_t one = 1;

	/* It can only fail when the count is full, and then it is readable as it should be. */
	if (write(m->watch.fd, &one, sizeof one) < 0)
		return;
}

/* What goes back is always taken: who sent it has to hear of it. */
static bool deliver(struct errands *to, struct errand *e)
{
	bool is_first = false, is_taken;

	pthread_mutex_lock(&to->lock);
	is_taken = !to->is_closed || e->from == NULL;
	if (is_taken)
		put(to, e, &is_first);
	pthread_mutex_unlock(&to->lock);
	if (is_first)
		wake(to);
	return is_taken;
}

bool errand_send(struct errand *e, struct errands *from, struct errands *to)
{
	e->from = from;
	e->ran = false;
	return deliver(to, e);
}

static void run(struct errands *m, struct errand *e)
{
	struct errands *from = e->from;

	e->run(e, m->owner);
	e->ran = true;
	e->from = NULL;
	deliver(from, e);
}

static void take_all(struct errands *m, struct list *to)
{
	list_init(to);
	pthread_mutex_lock(&m->lock);
	list_splice(to, &m->waiting);
	pthread_mutex_unlock(&m->lock);
}

static struct errand *take_first(struct list *from)
{
	struct list *node = list_first(from);

	if (node == NULL)
		return NULL;
	list_remove(node);
	return LIST_ENTRY(node, struct errand, node);
}

static void on_ready(struct poll_watch *w, uint32_t events)
{
	struct errands *m = CONTAINER_OF(w, struct errands, watch);
	struct list here;
	struct errand *e;
	uint64_t count;

	(void)events;
	if (read(w->fd, &count, sizeof count) < 0)
		return;
	take_all(m, &here);
	while ((e = take_first(&here)) != NULL) {
		if (e->from != NULL)
			run(m, e);
		else
			e->done(e);
	}
}

int errands_open(struct errands *m, struct poller *poller, void *owner, struct failure *why)
{
	int r;

	*m = (struct errands){ .poller = poller, .owner = owner };
	m->watch = (struct poll_watch){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .on_ready = on_ready };
	if (m->watch.fd < 0)
		return failure_set(why, -errno, "cannot open an eventfd: %s", strerror(errno));
	r = poller_add(poller, &m->watch, EPOLLIN);
	if (r < 0) {
		close(m->watch.fd);
		return failure_set(why, r, "cannot wait for an eventfd: %s", strerror(-r));
	}
	list_init(&m->waiting);
	pthread_mutex_init(&m->lock, NULL);
	return 0;
}

void errands_refuse(struct errands *m)
{
	pthread_mutex_lock(&m->lock);
	m->is_closed = true;
	pthread_mutex_unlock(&m->lock);
}

void errands_settle(struct errands *m)
{
	struct list here;
	struct errand *e;

	take_all(m, &here);
	while ((e = take_first(&here)) != NULL)
		e->done(e);
}

void errands_close(struct errands *m)
{
	poller_remove(m->poller, &m->watch);
	close(m->watch.fd);
	pthread_mutex_destroy(&m->lock);
}
