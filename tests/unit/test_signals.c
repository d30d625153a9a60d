/* Signals: each as the event that it stands for, in memory until it is taken. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/signals.h"

static void test_each_signal_is_its_event(void **state)
{
	static const struct {
		int number;
		enum signal_event event;
	} all[] = {
		{ SIGTERM, SIGNAL_STOP },
		{ SIGINT, SIGNAL_STOP },
		{ SIGHUP, SIGNAL_RELOAD },
		{ SIGUSR1, SIGNAL_REOPEN },
	};
	struct signals s;
	struct failure why;

	(void)state;
	assert_int_equal(signals_open(&s, &why), 0);
	assert_int_equal(signals_take(&s), SIGNAL_NONE);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		assert_int_equal(raise(all[i].number), 0);
		assert_int_equal(signals_take(&s), all[i].event);
		assert_int_equal(signals_take(&s), SIGNAL_NONE);
	}
	signals_close(&s);
}

static void test_writing_to_a_closed_pipe_kills_nobody(void **state)
{
	struct signals s;
	struct failure why;
	int ends[2];

	(void)state;
	assert_int_equal(signals_open(&s, &why), 0);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1);
	close(ends[1]);
	signals_close(&s);
}

static void test_a_file_that_may_not_grow_kills_nobody(void **state)
{
	char path[] = "/tmp/taphouse-test-XXXXXX";
	struct rlimit before, limit;
	struct signals s;
	struct failure why;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(signals_open(&s, &why), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	close(fd);
	unlink(path);
	signals_close(&s);
}

/* The process is on its way out: a signal now must not change its exit status. */
static void test_signals_stay_blocked_after_close(void **state)
{
	struct signals s;
	struct failure why;

	(void)state;
	assert_int_equal(signals_open(&s, &why), 0);
	signals_close(&s);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(signals_open(&s, &why), 0);
	assert_int_equal(signals_take(&s), SIGNAL_STOP);
	signals_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_signal_is_its_event),
		cmocka_unit_test(test_writing_to_a_closed_pipe_kills_nobody),
		cmocka_unit_test(test_a_file_that_may_not_grow_kills_nobody),
		cmocka_unit_test(test_signals_stay_blocked_after_close),
	};

	return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
