/* Errands: run in the loop that they are sent to, done in the one they come from, in order; and at the
 * end. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/errand.h"

enum { MANY = 20000 };

/* A loop, which is a thread's own while that runs. */
struct place {
	struct poller poller;
	struct errands errands;
	pthread_t thread;
	unsigned ran, done;
	bool stopped;
};

struct mine {
	struct errand errand;
	struct place *from, *to;
	unsigned runs, dones; /* each written in one place, and read in the other */
};

static struct place here, there;

static void run(struct errand *e, void *owner)
{
	struct mine *m = CONTAINER_OF(e, struct mine, errand);

	assert_ptr_equal(owner, m->to);
	m->to->ran++;
	m->runs++;
}

static void done(struct errand *e)
{
	struct mine *m = CONTAINER_OF(e, struct mine, errand);

	m->from->done++;
	m->dones++;
}

static void stop(struct errand *e, void *owner)
{
	(void)e;
	((struct place *)owner)->stopped = true;
}

#define ERRAND(a, b) ((struct mine){ .errand = { .run = run, .done = done }, .from = (a), .to = (b) })

static void open_place(struct place *p)
{
	struct failure why;

	*p = (struct place){ .ran = 0 };
	assert_int_equal(poller_open(&p->poller, &why), 0);
	assert_int_equal(errands_open(&p->errands, &p->poller, p, &why), 0);
}

static void close_place(struct place *p)
{
	errands_close(&p->errands);
	poller_close(&p->poller);
}

static int set_up(void **state)
{
	(void)state;
	open_place(&here);
	open_place(&there);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_place(&here);
	close_place(&there);
	return 0;
}

/* A turn of its loop. */
static void turn(struct place *p)
{
	struct pollfd fd = { .fd = p->poller.fd, .events = POLLIN };

	assert_int_equal(poll(&fd, 1, 10000), 1);
	poller_look(&p->poller);
}

static void goes_there_and_comes_back(void **state)
{
	struct mine m = ERRAND(&here, &there);

	(void)state;
	assert_true(errand_send(&m.errand, &here.errands, &there.errands));
	assert_int_equal(m.runs, 0);
	turn(&there);
	assert_int_equal(m.runs, 1);
	assert_int_equal(m.dones, 0);
	turn(&here);
	assert_int_equal(m.dones, 1);
	assert_true(m.errand.ran);
}

static void may_be_sent_to_oneself(void **state)
{
	struct mine m = ERRAND(&here, &here);

	(void)state;
	assert_true(errand_send(&m.errand, &here.errands, &here.errands));
	turn(&here);
	assert_int_equal(m.runs, 1);
	turn(&here);
	assert_int_equal(m.dones, 1);
}

/* Nobody waits for ever: what was not run comes back all the same, and says so. */
static void all_are_done_at_the_end(void **state)
{
	struct mine run_there = ERRAND(&here, &there), left = run_there, late = run_there;

	(void)state;
	assert_true(errand_send(&run_there.errand, &here.errands, &there.errands));
	turn(&there);
	assert_true(errand_send(&left.errand, &here.errands, &there.errands));
	errands_refuse(&here.errands);
	errands_refuse(&there.errands);
	assert_false(errand_send(&late.errand, &here.errands, &there.errands));
	errands_settle(&here.errands);
	errands_settle(&there.errands);
	assert_int_equal(run_there.dones, 1);
	assert_true(run_there.errand.ran);
	assert_int_equal(left.runs, 0);
	assert_int_equal(left.dones, 1);
	assert_false(left.errand.ran);
	assert_int_equal(late.dones, 0);
}

static void *run_place(void *context)
{
	struct place *p = context;

	while (!p->stopped)
		turn(p);
	return NULL;
}

/* Two threads send each other errands as fast as they can: none is lost, and none is run twice. */
static void none_is_lost_between_threads(void **state)
{
	static struct mine many[MANY];
	struct mine last = { .errand = { .run = stop, .done = done }, .from = &here, .to = &there };

	(void)state;
	assert_int_equal(pthread_create(&there.thread, NULL, run_place, &there), 0);
	for (unsigned i = 0; i < MANY; i++) {
		many[i] = ERRAND(&here, &there);
		assert_true(errand_send(&many[i].errand, &here.errands, &there.errands));
		if (i % 100 == 0)
			poller_look(&here.poller);
	}
	while (here.done < MANY)
		turn(&here);
	assert_true(errand_send(&last.errand, &here.errands, &there.errands));
	pthread_join(there.thread, NULL);
	assert_int_equal(there.ran, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(many[i].runs, 1);
		assert_int_equal(many[i].dones, 1);
	}
	turn(&here);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(goes_there_and_comes_back),
		TEST(may_be_sent_to_oneself),
		TEST(all_are_done_at_the_end),
		TEST(none_is_lost_between_threads),
	};

	return cmocka_run_group_tests_name("errand", tests, NULL, NULL);
}
