/* The event loop, on a device that the test plays: when it sleeps, what wakes it, what it does before. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "server/loop.h"

/* A device that has no frames, or is gone; its descriptor is a pipe's end. */
struct quiet_device {
	struct device device;
	int fd;
	int result; /* of recv() */
	uint64_t deadline_us;
	bool is_awake;  /* it may not sleep */
	unsigned asked; /* whether it may */
};

static struct quiet_device *quiet_of(struct device *d)
{
	return (struct quiet_device *)d;
}

static int quiet_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	(void)max;
	(void)now_us;
	frames[0] = (struct rx_frame){ .data = (const uint8_t *)"" }; /* too short to be anyone's */
	return quiet_of(d)->result;
}

static int quiet_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	(void)d;
	(void)frames;
	(void)now_us;
	return count;
}

static int quiet_fd(const struct device *d)
{
	return ((const struct quiet_device *)d)->fd;
}

static uint64_t quiet_deadline(const struct device *d)
{
	return ((const struct quiet_device *)d)->deadline_us;
}

static bool quiet_may_sleep(struct device *d)
{
	quiet_of(d)->asked++;
	return !quiet_of(d)->is_awake;
}

static void quiet_close(struct device *d)
{
	(void)d;
}

static const struct device_ops quiet_ops = {
	.name = "quiet",
	.recv = quiet_recv,
	.send = quiet_send,
	.fd = quiet_fd,
	.deadline = quiet_deadline,
	.may_sleep = quiet_may_sleep,
	.close = quiet_close,
};

struct set_up {
	struct quiet_device device;
	int pipe[2];
	struct host host;
	struct signals signals;
	struct poller poller;
	int watched[2]; /* a pipe */
	struct poll_watch watch;
	unsigned told;
	uint64_t told_at_us; /* the world's time then */
	struct loop loop;
	unsigned idle_calls;
};

static void on_ready(struct poll_watch *w, uint32_t events)
{
	struct set_up *s = CONTAINER_OF(w, struct set_up, watch);
	char c;

	(void)events;
	assert_int_equal(read(w->fd, &c, 1), 1);
	s->told++;
	s->told_at_us = s->host.stack->world.now_us;
}

static void on_idle(void *context)
{
	((struct set_up *)context)->idle_calls++;
}

static int make(void **state)
{
	static struct set_up s;
	struct stack_config c;
	struct failure why;

	s = (struct set_up){ .device = { .device = { .ops = &quiet_ops, .caps = { .mtu = 1500 } } } };
	assert_int_equal(pipe(s.pipe), 0);
	s.device.fd = s.pipe[0];
	s.device.deadline_us = TIMER_NEVER;
	s.host.device = &s.device.device;
	stack_config_default(&c);
	c.caps = s.device.device.caps;
	c.seed = 1;
	c.tcp.max_connections = 16;
	assert_int_equal(stack_new(&c, clock_now_us(), &s.host.stack, &why), 0);
	assert_int_equal(signals_open(&s.signals, &why), 0);
	assert_int_equal(poller_open(&s.poller, &why), 0);
	assert_int_equal(pipe(s.watched), 0);
	s.watch = (struct poll_watch){ .fd = s.watched[0], .on_ready = on_ready };
	assert_int_equal(poller_add(&s.poller, &s.watch, EPOLLIN), 0);
	loop_init(&s.loop, &s.host, &s.signals, &s.poller, on_idle, &s);
	*state = &s;
	return 0;
}

static int unmake(void **state)
{
	struct set_up *s = *state;

	host_close(&s->host);
	poller_remove(&s->poller, &s->watch);
	poller_close(&s->poller);
	close(s->watched[0]);
	close(s->watched[1]);
	signals_close(&s->signals);
	close(s->pipe[0]);
	close(s->pipe[1]);
	return 0;
}

/* One step; returns how long it took. */
static uint64_t step(struct set_up *s, uint64_t deadline_us, enum signal_event expected)
{
	uint64_t before = clock_now_us();
	enum signal_event signal;

	assert_int_equal(loop_step(&s->loop, deadline_us, &signal), 0);
	assert_int_equal(signal, expected);
	return clock_now_us() - before;
}

static void test_sleeps_until_the_callers_deadline(void **state)
{
	struct set_up *s = *state;

	assert_true(step(s, clock_now_us() + 30000, SIGNAL_NONE) >= 29000);
	assert_true(s->idle_calls >= 1); /* buffers were written out before */
	step(s, clock_now_us() - 1, SIGNAL_NONE); /* in the past: must not underflow */
}

static void test_sleeps_until_the_devices_deadline(void **state)
{
	struct set_up *s = *state;

	s->device.deadline_us = clock_now_us() + 30000;
	assert_true(step(s, TIMER_NEVER, SIGNAL_NONE) >= 29000);
}

static void test_does_not_sleep_while_frames_wait(void **state)
{
	struct set_up *s = *state;

	assert_int_equal(write(s->pipe[1], "x", 1), 1);
	step(s, TIMER_NEVER, SIGNAL_NONE); /* would never end */
}

/* It is asked before sleeping, and only then. */
static void test_does_not_sleep_if_the_device_may_not(void **state)
{
	struct set_up *s = *state;

	s->device.is_awake = true;
	step(s, TIMER_NEVER, SIGNAL_NONE); /* would never end */
	assert_int_equal(s->device.asked, 1);
	s->device.result = 1;
	step(s, TIMER_NEVER, SIGNAL_NONE);
	s->device.result = 0;
	s->loop.polling.until_us = TIMER_NEVER;
	step(s, TIMER_NEVER, SIGNAL_NONE);
	assert_int_equal(s->device.asked, 1);
}

static void test_signal_wakes_and_is_told(void **state)
{
	struct set_up *s = *state;

	step(s, clock_now_us(), SIGNAL_NONE);
	raise(SIGTERM);
	s->loop.look_at_us = TIMER_NEVER;  /* it is asleep when the signal comes */
	step(s, TIMER_NEVER, SIGNAL_NONE); /* would never end if the signal did not wake it */
	step(s, TIMER_NEVER, SIGNAL_STOP);
}

static void test_descriptor_wakes_and_is_told_at_the_right_time(void **state)
{
	struct set_up *s = *state;
	uint64_t before;

	step(s, clock_now_us() + 5000, SIGNAL_NONE);
	assert_int_equal(write(s->watched[1], "x", 1), 1);
	before = clock_now_us();
	s->loop.look_at_us = TIMER_NEVER;  /* it is asleep when the byte comes */
	step(s, TIMER_NEVER, SIGNAL_NONE); /* would never end if that did not wake it */
	assert_int_equal(s->told, 0);
	step(s, TIMER_NEVER, SIGNAL_NONE);
	assert_int_equal(s->told, 1);
	assert_true(s->told_at_us >= before); /* not the time when it went to sleep */
}

static void test_does_not_sleep_on_what_was_told(void **state)
{
	struct set_up *s = *state;

	assert_int_equal(write(s->watched[1], "x", 1), 1);
	step(s, TIMER_NEVER, SIGNAL_NONE); /* would never end: what was done has to be sent first */
	assert_int_equal(s->told, 1);
}

static void test_busy_loop_looks_at_once_for_what_is_awaited(void **state)
{
	struct set_up *s = *state;

	s->loop.polling.until_us = TIMER_NEVER;
	s->loop.look_at_us = TIMER_NEVER;
	assert_int_equal(write(s->watched[1], "x", 1), 1);
	step(s, TIMER_NEVER, SIGNAL_NONE);
	assert_int_equal(s->told, 0);
	s->poller.awaited = 1;
	step(s, TIMER_NEVER, SIGNAL_NONE);
	assert_int_equal(s->told, 1);
}

static void test_polls_for_a_moment_after_work(void **state)
{
	struct set_up *s = *state;
	unsigned before = s->idle_calls;

	s->loop.idle_call_us = TIMER_NEVER;
	s->device.result = 1;
	step(s, TIMER_NEVER, SIGNAL_NONE);
	s->device.result = 0;
	step(s, TIMER_NEVER, SIGNAL_NONE); /* would never end if it slept */
	assert_int_equal(s->idle_calls, before);
	while (clock_now_us() < s->loop.polling.until_us)
		;
	assert_true(step(s, clock_now_us() + 30000, SIGNAL_NONE) >= 29000);
}

static void test_does_not_poll_when_frames_are_rare(void **state)
{
	struct set_up *s = *state;

	for (int i = 0; i < 10; i++) {
		s->device.result = 1;
		step(s, TIMER_NEVER, SIGNAL_NONE);
		s->device.result = 0;
		for (uint64_t end_us = clock_now_us() + 1000; clock_now_us() < end_us;)
			step(s, end_us, SIGNAL_NONE);
	}
	s->device.result = 1;
	step(s, TIMER_NEVER, SIGNAL_NONE);
	s->device.result = 0;
	assert_true(step(s, clock_now_us() + 30000, SIGNAL_NONE) >= 29000);
}

static void test_busy_loop_still_writes_out_its_buffers(void **state)
{
	struct set_up *s = *state;

	s->loop.polling.until_us = TIMER_NEVER;
	step(s, TIMER_NEVER, SIGNAL_NONE);
	assert_int_equal(s->idle_calls, 1);
	step(s, TIMER_NEVER, SIGNAL_NONE);
	assert_int_equal(s->idle_calls, 1); /* not each time */
}

static void test_lost_device_is_told(void **state)
{
	struct set_up *s = *state;
	enum signal_event signal;

	s->device.result = -ENODEV;
	assert_int_equal(loop_step(&s->loop, TIMER_NEVER, &signal), -ENODEV);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOOP(test_sleeps_until_the_callers_deadline),
		WITH_LOOP(test_sleeps_until_the_devices_deadline),
		WITH_LOOP(test_does_not_sleep_while_frames_wait),
		WITH_LOOP(test_does_not_sleep_if_the_device_may_not),
		WITH_LOOP(test_signal_wakes_and_is_told),
		WITH_LOOP(test_descriptor_wakes_and_is_told_at_the_right_time),
		WITH_LOOP(test_does_not_sleep_on_what_was_told),
		WITH_LOOP(test_busy_loop_looks_at_once_for_what_is_awaited),
		WITH_LOOP(test_polls_for_a_moment_after_work),
		WITH_LOOP(test_does_not_poll_when_frames_are_rare),
		WITH_LOOP(test_busy_loop_still_writes_out_its_buffers),
		WITH_LOOP(test_lost_device_is_told),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
