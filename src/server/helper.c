/*
 * The helper: two lists under one lock. An eventfd in the loop's poller says that the list of finished jobs
 * is not empty any more. The thread takes no signals: they are the loop's. System calls: eventfd2, clone3,
 * mmap, mprotect, munmap (start, stop); futex, read, write, rt_sigprocmask, close.
 */
#include "server/helper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- on the helper's thread ---- */

/* The next job; NULL: it is over. */
static struct offload_job *wait_for_job(struct helper *h)
{
	struct offload_job *job = NULL;

	pthread_mutex_lock(&h->lock);
	while (list_is_empty(&h->waiting) && !h->stopping)
		pthread_cond_wait(&h->has_work, &h->lock);
	if (!h->stopping) {
		job = LIST_ENTRY(list_first(&h->waiting), struct offload_job, node);
		list_remove(&job->node);
	}
	pthread_mutex_unlock(&h->lock);
	return job;
}

static void hand_back(struct helper *h, struct offload_job *job)
{
	static const uint64_t one = 1;
	bool is_first;

	pthread_mutex_lock(&h->lock);
	is_first = list_is_empty(&h->finished);
	list_append(&h->finished, &job->node);
	pthread_mutex_unlock(&h->lock);
	/* It can only fail when the count is full, and then it is readable as it should be. */
	if (is_first && write(h->done_watch.fd, &one, sizeof one) < 0)
		return;
}

static void *work(void *context)
{
	struct helper *h = context;
	struct offload_job *job;

	while ((job = wait_for_job(h)) != NULL) {
		job->run(job);
		job->ran = true;
		hand_back(h, job);
	}
	return NULL;
}

/* ---- on the loop's ---- */

static bool submit(struct offload *o, struct offload_job *job)
{
	struct helper *h = CONTAINER_OF(o, struct helper, offload);

	if (h->is_closed || h->out == HELPER_JOBS)
		return false;
	h->out++;
	h->poller->awaited++;
	job->ran = false;
	pthread_mutex_lock(&h->lock);
	list_append(&h->waiting, &job->node);
	pthread_cond_signal(&h->has_work);
	pthread_mutex_unlock(&h->lock);
	return true;
}

/* Calls done() of all on the list, which is the loop's own by now. */
static void conclude(struct helper *h, struct list *jobs)
{
	struct list *node;

	while ((node = list_first(jobs)) != NULL) {
		struct offload_job *job = LIST_ENTRY(node, struct offload_job, node);

		list_remove(node);
		h->out--;
		h->poller->awaited--;
		job->done(job);
	}
}

static void take_list(struct helper *h, struct list *from, struct list *to)
{
	pthread_mutex_lock(&h->lock);
	list_splice(to, from);
	pthread_mutex_unlock(&h->lock);
}

static void on_ready(struct poll_watch *w, uint32_t events)
{
	struct helper *h = CONTAINER_OF(w, struct helper, done_watch);
	struct list jobs;
	uint64_t count;

	(void)events;
	if (read(w->fd, &count, sizeof count) < 0)
		return;
	list_init(&jobs);
	take_list(h, &h->finished, &jobs);
	conclude(h, &jobs);
}

int helper_open(struct helper *h, struct poller *poller, struct failure *why)
{
	int r;

	*h = (struct helper){ .offload = { .submit = submit }, .poller = poller };
	h->done_watch = (struct poll_watch){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
					     .on_ready = on_ready };
	if (h->done_watch.fd < 0)
		return failure_set(why, -errno, "cannot open an eventfd: %s", strerror(errno));
	r = poller_add(poller, &h->done_watch, EPOLLIN);
	if (r < 0) {
		close(h->done_watch.fd);
		return failure_set(why, r, "cannot wait for an eventfd: %s", strerror(-r));
	}
	list_init(&h->waiting);
	list_init(&h->finished);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->has_work, NULL);
	return 0;
}

int helper_start(struct helper *h, struct failure *why)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&h->thread, NULL, work, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	h->is_running = r == 0;
	return r == 0 ? 0 : failure_set(why, -r, "cannot start a helper thread: %s", strerror(r));
}

static void stop_thread(struct helper *h)
{
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_signal(&h->has_work);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
}

void helper_close(struct helper *h)
{
	if (h->is_running)
		stop_thread(h);
	h->is_closed = true;
	conclude(h, &h->finished);
	conclude(h, &h->waiting);
	poller_remove(h->poller, &h->done_watch);
	close(h->done_watch.fd);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->has_work);
}
