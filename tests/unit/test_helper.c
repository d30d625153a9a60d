/* The helper: jobs run beside the loop and are concluded in it, in order; it stops with jobs under way. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/helper.h"

struct job {
	struct offload_job job;
	pthread_t ran_on;
	sigset_t blocked; /* there */
	unsigned done, order;
	bool ran;
	int *gate; /* a pipe: it ends when a byte can be read; NULL: at once */
	int *sign; /* a pipe: it writes a byte when it has begun; NULL: not */
	struct job *next; /* submitted when this one is done */
	bool next_was_taken;
};

static struct poller poller;
static struct helper helper;
static unsigned concluded;

static void run(struct offload_job *j)
{
	struct job *job = CONTAINER_OF(j, struct job, job);
	char c;

	job->ran_on = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &job->blocked);
	if (job->sign != NULL && write(job->sign[1], "x", 1) != 1)
		return;
	if (job->gate != NULL && read(job->gate[0], &c, 1) != 1)
		return;
}

static void done(struct offload_job *j)
{
	struct job *job = CONTAINER_OF(j, struct job, job);

	job->done++;
	job->order = concluded++;
	job->ran = j->ran;
	if (job->next != NULL)
		job->next_was_taken = offload_submit(&helper.offload, &job->next->job);
}

#define JOB(...) ((struct job){ .job = { .run = run, .done = done }, __VA_ARGS__ })

static int set_up(void **state)
{
	struct failure why;

	(void)state;
	concluded = 0;
	assert_int_equal(poller_open(&poller, &why), 0);
	assert_int_equal(helper_open(&helper, &poller, &why), 0);
	assert_int_equal(helper_start(&helper, &why), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (!helper.is_closed)
		helper_close(&helper);
	assert_int_equal(poller.awaited, 0);
	poller_close(&poller);
	return 0;
}

/* What the loop does, until so many were concluded. */
static void wait_for(unsigned count)
{
	while (concluded < count) {
		struct pollfd fd = { .fd = poller.fd, .events = POLLIN };

		assert_int_equal(poll(&fd, 1, 10000), 1);
		poller_look(&poller);
	}
}

static void submit(struct job *job)
{
	assert_true(offload_submit(&helper.offload, &job->job));
}

static void a_job_runs_elsewhere_and_is_concluded_here(void **state)
{
	struct job job = JOB();

	(void)state;
	submit(&job);
	assert_int_equal(job.done, 0);
	assert_int_equal(poller.awaited, 1);
	wait_for(1);
	assert_int_equal(job.done, 1);
	assert_true(job.ran);
	assert_false(pthread_equal(job.ran_on, pthread_self()));
	assert_int_equal(poller.awaited, 0);
}

static void the_thread_takes_no_signals(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE, SIGALRM };
	struct job job = JOB();

	(void)state;
	submit(&job);
	wait_for(1);
	for (size_t i = 0; i < ARRAY_LENGTH(signals); i++)
		assert_int_equal(sigismember(&job.blocked, signals[i]), 1);
}

static void jobs_are_concluded_in_order(void **state)
{
	struct job jobs[50];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(jobs); i++) {
		jobs[i] = JOB();
		submit(&jobs[i]);
	}
	wait_for(ARRAY_LENGTH(jobs));
	for (size_t i = 0; i < ARRAY_LENGTH(jobs); i++) {
		assert_int_equal(jobs[i].order, i);
		assert_int_equal(jobs[i].done, 1);
	}
}

static void a_job_may_submit_another_when_it_is_done(void **state)
{
	struct job second = JOB(), first = JOB(.next = &second);

	(void)state;
	submit(&first);
	wait_for(2);
	assert_true(first.next_was_taken);
	assert_int_equal(second.order, 1);
}

static void there_is_a_limit(void **state)
{
	static struct job jobs[HELPER_JOBS];
	struct job one_more = JOB();
	int gate[2];

	(void)state;
	assert_int_equal(pipe(gate), 0);
	for (size_t i = 0; i < HELPER_JOBS; i++) {
		jobs[i] = i == 0 ? JOB(.gate = gate) : JOB();
		submit(&jobs[i]);
	}
	assert_false(offload_submit(&helper.offload, &one_more.job));
	assert_int_equal(write(gate[1], "x", 1), 1);
	wait_for(HELPER_JOBS);
	submit(&one_more);
	wait_for(HELPER_JOBS + 1);
	close(gate[0]);
	close(gate[1]);
}

static void closing_ends_the_job_under_way_and_drops_the_rest(void **state)
{
	int gate[2], sign[2];
	struct job never = JOB(), waiting = JOB(), under_way;
	char c;

	(void)state;
	assert_int_equal(pipe(gate), 0);
	assert_int_equal(pipe(sign), 0);
	under_way = JOB(.gate = gate, .sign = sign, .next = &never);
	submit(&under_way);
	submit(&waiting);
	assert_int_equal(read(sign[0], &c, 1), 1);
	assert_int_equal(write(gate[1], "x", 1), 1);
	helper_close(&helper);
	assert_int_equal(under_way.done, 1);
	assert_true(under_way.ran);
	assert_int_equal(waiting.done, 1);
	assert_false(under_way.next_was_taken);
	assert_int_equal(never.done, 0);
	for (int i = 0; i < 2; i++) {
		close(gate[i]);
		close(sign[i]);
	}
}

static void what_was_never_started_is_dropped(void **state)
{
	struct job job = JOB();
	struct helper other;
	struct failure why;

	(void)state;
	assert_int_equal(helper_open(&other, &poller, &why), 0);
	assert_true(offload_submit(&other.offload, &job.job));
	helper_close(&other);
	assert_int_equal(job.done, 1);
	assert_false(job.ran);
}

static void without_a_helper_nothing_is_taken(void **state)
{
	struct job job = JOB();

	(void)state;
	assert_false(offload_submit(NULL, &job.job));
	assert_int_equal(job.done, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_job_runs_elsewhere_and_is_concluded_here),
		TEST(the_thread_takes_no_signals),
		TEST(jobs_are_concluded_in_order),
		TEST(a_job_may_submit_another_when_it_is_done),
		TEST(there_is_a_limit),
		TEST(closing_ends_the_job_under_way_and_drops_the_rest),
		TEST(what_was_never_started_is_dropped),
		TEST(without_a_helper_nothing_is_taken),
	};

	return cmocka_run_group_tests_name("helper", tests, NULL, NULL);
}
