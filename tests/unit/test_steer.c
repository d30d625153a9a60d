/*
 * Handing frames over between workers, each of which has one end of a wire as its queue: every frame reaches
 * its owner once, whole and by one copy at most; what happens when a ring is full; who is woken, and when;
 * and two threads that wake each other.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/timer.h"
#include "common/flow_frame.h"
#include "common/kernel_host.h"
#include "link/impair.h"
#include "link/steer.h"
#include "link/visitors.h"
#include "link/wire.h"

enum { MOST = 8, LARGE = 60000 };

struct workers {
	struct steer_rule rule;
	struct steer_group *group;
	struct device *device[MOST]; /* the workers' */
	struct device *far[MOST];    /* the other ends of their queues */
};

static void workers_init(struct workers *w, unsigned n)
{
	const struct wire_config config = { .gso_max = 65535 };
	struct failure why;

	w->rule = steer_rule_make(STEER_FLOW, n, 0x0123456789abcdef);
	assert_int_equal(steer_group_new(&w->rule, &w->group, &why), 0);
	for (unsigned i = 0; i < n; i++) {
		struct device *queue;

		assert_int_equal(wire_open(&config, &queue, &w->far[i]), 0);
		assert_int_equal(steer_open(w->group, i, queue, &w->device[i]), 0);
		assert_int_equal(w->device[i]->caps.queue, i);
	}
}

static void workers_fini(struct workers *w)
{
	for (unsigned i = 0; i < w->rule.queues; i++) {
		w->device[i]->ops->close(w->device[i]);
		w->far[i]->ops->close(w->far[i]);
	}
	steer_group_free(w->group);
}

/* A frame comes by this worker's queue. */
static void arrive(struct workers *w, unsigned queue, struct bytes frame)
{
	struct tx_frame f;

	tx_wrap(&f, frame.data, (uint32_t)frame.len);
	assert_int_equal(w->far[queue]->ops->send(w->far[queue], &f, 1, 0), 1);
}

static int receive(struct workers *w, unsigned worker, struct rx_frame *frames, int max)
{
	return w->device[worker]->ops->recv(w->device[worker], frames, max, 0);
}

/* A frame comes by queue 0 and is looked at there. */
static void hand_one(struct workers *w, const uint8_t *frame)
{
	struct rx_frame f[DEVICE_BATCH];

	arrive(w, 0, bytes_of(frame, FLOW_FRAME));
	receive(w, 0, f, DEVICE_BATCH);
}

static struct steer_stats stats_of(const struct workers *w, unsigned worker)
{
	struct steer_stats s;

	steer_stats(w->group, worker, &s);
	return s;
}

/* The first flow from number *n on that is this worker's. */
static struct flow flow_of(const struct workers *w, int owner, unsigned *n)
{
	for (;; ++*n) {
		struct flow f = flow_number(*n);
		uint8_t room[FLOW_FRAME];

		if (steer_owner(&w->rule, flow_frame(&f, 0, room)) == owner)
			return f;
	}
}

static struct bytes frame_for(const struct workers *w, int owner, uint8_t room[static FLOW_FRAME])
{
	unsigned n = 0;
	struct flow f = flow_of(w, owner, &n);

	return flow_frame(&f, 0, room);
}

static void arp_frame(uint8_t out[static FLOW_FRAME])
{
	memset(out, 0, FLOW_FRAME);
	memset(out, 0xff, 6);
	store_be16(out + 12, 0x0806);
}

/* ---- who gets what ---- */

static unsigned count_flows(struct workers *w, unsigned worker, unsigned *number)
{
	struct rx_frame f[DEVICE_BATCH];
	unsigned count = 0;
	int n;

	while ((n = receive(w, worker, f, DEVICE_BATCH)) > 0)
		for (int i = 0; i < n; i++, count++) {
			struct bytes frame = bytes_of(f[i].data, f[i].len);

			assert_int_equal(steer_owner(&w->rule, frame), worker);
			assert_int_equal(frame.len, FLOW_FRAME);
			*number += load_be32(f[i].data + 50);
		}
	assert_int_equal(n, 0);
	return count;
}

/* By the queues in turn, so that most come to the wrong one. */
static void every_frame_reaches_its_owner(void **state)
{
	enum { FRAMES = 2000 };

	(void)state;
	for (unsigned n = 1; n <= MOST; n++) {
		unsigned count = 0, sum = 0;
		uint64_t handed = 0, taken = 0;
		struct workers w;

		workers_init(&w, n);
		for (unsigned i = 0; i < FRAMES; i++) {
			struct flow f = flow_number(i);
			uint8_t room[FLOW_FRAME];

			flow_frame(&f, 0, room);
			store_be32(room + 50, i);
			arrive(&w, i % n, bytes_of(room, sizeof room));
			if (i % 100 == 99)
				for (unsigned k = 0; k < 2 * n; k++)
					count += count_flows(&w, k % n, &sum);
		}
		assert_int_equal(count, FRAMES);
		assert_int_equal(sum, FRAMES * (FRAMES - 1) / 2);
		for (unsigned k = 0; k < n; k++) {
			handed += stats_of(&w, k).handed_over;
			taken += stats_of(&w, k).taken_over;
			assert_int_equal(stats_of(&w, k).dropped, 0);
		}
		assert_int_equal(handed, taken);
		assert_true(n == 1 ? handed == 0 : handed > FRAMES / 3);
		workers_fini(&w);
	}
}

static void arp_reaches_all(void **state)
{
	struct rx_frame f[DEVICE_BATCH];
	uint8_t room[FLOW_FRAME];
	struct workers w;

	(void)state;
	workers_init(&w, 3);
	arp_frame(room);
	arrive(&w, 1, bytes_of(room, sizeof room));
	assert_int_equal(receive(&w, 1, f, DEVICE_BATCH), 1);
	for (unsigned i = 0; i < 3; i++) {
		if (i != 1)
			assert_int_equal(receive(&w, i, f, DEVICE_BATCH), 1);
		assert_int_equal(f[0].len, FLOW_FRAME);
		assert_memory_equal(f[0].data, room, FLOW_FRAME);
		assert_int_equal(receive(&w, i, f, DEVICE_BATCH), 0);
	}
	workers_fini(&w);
}

static void an_error_reaches_whom_it_concerns(void **state)
{
	struct rx_frame f[DEVICE_BATCH];
	uint8_t room[FLOW_ERROR];
	struct workers w;
	unsigned n = 0;

	(void)state;
	workers_init(&w, 4);
	for (unsigned owner = 0; owner < 4; owner++) {
		struct flow flow = flow_of(&w, (int)owner, &n);

		arrive(&w, 0, flow_error(&flow, 3, room));
		assert_int_equal(receive(&w, 0, f, DEVICE_BATCH), owner == 0 ? 1 : 0);
		if (owner != 0)
			assert_int_equal(receive(&w, owner, f, DEVICE_BATCH), 1);
		assert_memory_equal(f[0].data, room, FLOW_ERROR);
	}
	workers_fini(&w);
}

/* What the device says of a frame goes with it: a merged one, its checksum left unfinished. */
static void a_super_frame_stays_one(void **state)
{
	static uint8_t payload[LARGE];
	uint8_t room[FLOW_FRAME];
	struct rx_frame f[DEVICE_BATCH];
	struct workers w;
	struct tx_frame t;

	(void)state;
	workers_init(&w, 2);
	frame_for(&w, 1, room);
	memset(payload, 7, sizeof payload);
	tx_wrap(&t, room, sizeof room);
	tx_add_payload(&t, payload, sizeof payload);
	t.gso = GSO_TCP4;
	t.gso_size = 1460;
	t.flags = TX_CHECKSUM_PARTIAL;
	t.checksum_start = 34;
	t.checksum_offset = 16;
	assert_int_equal(w.far[0]->ops->send(w.far[0], &t, 1, 0), 1);
	assert_int_equal(receive(&w, 0, f, DEVICE_BATCH), 0);
	assert_int_equal(receive(&w, 1, f, DEVICE_BATCH), 1);
	assert_int_equal(f[0].len, FLOW_FRAME + LARGE);
	assert_memory_equal(f[0].data, room, FLOW_FRAME);
	assert_memory_equal(f[0].data + FLOW_FRAME, payload, LARGE);
	assert_int_equal(f[0].gso, GSO_TCP4);
	assert_int_equal(f[0].gso_size, 1460);
	assert_int_equal(f[0].flags, RX_CHECKSUM_VALID | RX_CHECKSUM_PARTIAL);
	assert_int_equal(f[0].checksum_start, 34);
	assert_int_equal(f[0].checksum_offset, 16);
	assert_int_equal((uintptr_t)(f[0].data + 14) % 16, 0);
	workers_fini(&w);
}

static void a_packet_of_fragments_is_passed_on(void **state)
{
	uint8_t mine[FLOW_FRAME], others[FLOW_FRAME];
	struct rx_frame f[DEVICE_BATCH];
	struct workers w;

	(void)state;
	workers_init(&w, 2);
	frame_for(&w, 0, mine);
	frame_for(&w, 1, others);
	assert_false(steer_pass_on(w.device[0], mine, bytes_of(mine + 14, FLOW_FRAME - 14)));
	assert_true(steer_pass_on(w.device[0], mine, bytes_of(others + 14, FLOW_FRAME - 14)));
	assert_int_equal(receive(&w, 1, f, DEVICE_BATCH), 1);
	assert_int_equal(f[0].len, FLOW_FRAME);
	assert_memory_equal(f[0].data, mine, 14);
	assert_memory_equal(f[0].data + 14, others + 14, FLOW_FRAME - 14);
	assert_int_equal(f[0].flags, 0);
	assert_int_equal(receive(&w, 0, f, DEVICE_BATCH), 0);
	workers_fini(&w);
}

static void frames_stay_until_the_next_recv(void **state)
{
	struct rx_frame first[DEVICE_BATCH];
	uint8_t room[FLOW_FRAME];
	struct workers w;

	(void)state;
	workers_init(&w, 2);
	frame_for(&w, 1, room);
	hand_one(&w, room);
	assert_int_equal(receive(&w, 1, first, DEVICE_BATCH), 1);
	for (unsigned i = 0; i < 2 * STEER_RING / FLOW_FRAME; i++)
		hand_one(&w, room);
	assert_memory_equal(first[0].data, room, FLOW_FRAME);
	assert_true(stats_of(&w, 0).dropped > 0);
	workers_fini(&w);
}

/* ---- bounds ---- */

static void fill(struct workers *w, const uint8_t *frame)
{
	for (unsigned i = 0; i < 2 * STEER_RING / FLOW_FRAME; i++)
		hand_one(w, frame);
}

static unsigned drain(struct workers *w, unsigned worker)
{
	struct rx_frame f[DEVICE_BATCH];
	unsigned count = 0;
	int n;

	while ((n = receive(w, worker, f, DEVICE_BATCH)) > 0)
		count += (unsigned)n;
	return count;
}

static void what_a_full_ring_does_not_take_is_counted(void **state)
{
	uint8_t room[FLOW_FRAME];
	struct workers w;

	(void)state;
	workers_init(&w, 2);
	frame_for(&w, 1, room);
	fill(&w, room);
	assert_int_equal(stats_of(&w, 0).handed_over + stats_of(&w, 0).dropped,
			 2 * STEER_RING / FLOW_FRAME);
	assert_true(stats_of(&w, 0).dropped > 0);
	assert_int_equal(drain(&w, 1), stats_of(&w, 0).handed_over);
	hand_one(&w, room);
	assert_int_equal(drain(&w, 1), 1);
	workers_fini(&w);
}

/* A flood of it leaves room for what is handed over. */
static void arp_takes_half_of_a_ring(void **state)
{
	uint8_t arp[FLOW_FRAME], room[FLOW_FRAME];
	struct workers w;
	uint64_t dropped;

	(void)state;
	workers_init(&w, 2);
	arp_frame(arp);
	fill(&w, arp);
	dropped = stats_of(&w, 0).dropped;
	assert_true(dropped > STEER_RING / FLOW_FRAME);
	frame_for(&w, 1, room);
	for (unsigned i = 0; i < 500; i++)
		hand_one(&w, room);
	assert_int_equal(stats_of(&w, 0).dropped, dropped);
	workers_fini(&w);
}

static void both_rings_and_queue_have_their_share_of_a_turn(void **state)
{
	struct rx_frame f[DEVICE_BATCH];
	uint8_t room[FLOW_FRAME];
	struct workers w;

	(void)state;
	workers_init(&w, 2);
	frame_for(&w, 1, room);
	for (unsigned i = 0; i < 2 * DEVICE_BATCH; i++) {
		hand_one(&w, room);
		arrive(&w, 1, bytes_of(room, sizeof room));
	}
	assert_int_equal(receive(&w, 1, f, DEVICE_BATCH), DEVICE_BATCH);
	assert_int_equal(stats_of(&w, 1).taken_over, DEVICE_BATCH / 2);
	workers_fini(&w);
}

/* ---- waking ---- */

static bool is_ready(const struct device *d)
{
	struct pollfd p = { .fd = d->ops->fd(d), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void only_who_sleeps_is_woken(void **state)
{
	struct device *d;
	uint8_t room[FLOW_FRAME];
	struct workers w;

	(void)state;
	workers_init(&w, 2);
	d = w.device[1];
	frame_for(&w, 1, room);
	assert_int_equal(d->ops->deadline(d), TIMER_NEVER);
	hand_one(&w, room);
	assert_false(is_ready(d));
	assert_int_equal(d->ops->deadline(d), 0);
	assert_false(device_may_sleep(d));
	assert_int_equal(drain(&w, 1), 1);
	assert_true(device_may_sleep(d));
	assert_false(is_ready(d));
	hand_one(&w, room);
	assert_true(is_ready(d));
	hand_one(&w, room); /* who is being woken is not woken again */
	assert_int_equal(drain(&w, 1), 2);
	assert_false(is_ready(d));
	hand_one(&w, room);
	assert_false(is_ready(d));
	workers_fini(&w);
}

static bool hold;     /* the next write() of an eventfd */
static int held = -1; /* it is of this one */

ssize_t write(int fd, const void *data, size_t len)
{
	if (!hold)
		return syscall(SYS_write, fd, data, len);
	hold = false;
	held = fd;
	return (ssize_t)len;
}

static void write_held(void)
{
	const uint64_t one = 1;

	assert_int_equal(write(held, &one, sizeof one), sizeof one);
}

/* Who wakes may itself be held up between saying so and doing so, while another wakes us. */
static void a_late_wake_up_is_the_last_of_its_kind(void **state)
{
	uint8_t room[FLOW_FRAME];
	struct workers w;
	struct device *d;

	(void)state;
	workers_init(&w, 2);
	d = w.device[1];
	frame_for(&w, 1, room);
	assert_true(device_may_sleep(d));
	hold = true;
	hand_one(&w, room);
	assert_false(hold);
	assert_int_equal(drain(&w, 1), 1);
	assert_true(device_may_sleep(d));
	hand_one(&w, room);
	assert_int_equal(drain(&w, 1), 1);
	write_held();
	assert_true(device_may_sleep(d));
	assert_true(is_ready(d));
	assert_int_equal(drain(&w, 1), 0);
	assert_true(device_may_sleep(d));
	assert_false(is_ready(d));
	workers_fini(&w);
}

static void who_sleeps_on_a_bad_wire_is_woken_too(void **state)
{
	const struct impair_spec spec = { .rx.queue = 10, .tx.queue = 10 };
	uint8_t room[FLOW_FRAME];
	struct workers w;

	(void)state;
	workers_init(&w, 2);
	assert_int_equal(impair_open(&spec, w.device[1], &w.device[1]), 0);
	assert_int_equal(visitors_open(w.device[1], &w.device[1]), 0);
	frame_for(&w, 1, room);
	assert_true(device_may_sleep(w.device[1]));
	hand_one(&w, room);
	assert_true(is_ready(w.device[1]));
	assert_false(device_may_sleep(w.device[1]));
	assert_int_equal(drain(&w, 1), 1);
	workers_fini(&w);
}

enum { BALLS = 20000 };

struct player {
	struct workers *w;
	unsigned self;
	uint8_t frame[FLOW_FRAME]; /* the other's */
};

/* Sleeps until frames come. */
static int wait_for_frames(struct device *d, struct rx_frame *f)
{
	struct pollfd p = { .fd = d->ops->fd(d), .events = POLLIN };
	int n;

	while ((n = d->ops->recv(d, f, DEVICE_BATCH, 0)) == 0)
		if (device_may_sleep(d) && poll(&p, 1, 5000) != 1)
			return 0;
	return n;
}

/* One ball goes to and fro: each waits for it, and gives it back. False: it was lost. */
static bool play(struct player *p)
{
	struct device *d = p->w->device[p->self];
	struct rx_frame f[DEVICE_BATCH];

	for (unsigned i = 0; i < BALLS; i++) {
		if (wait_for_frames(d, f) != 1 || f[0].len != FLOW_FRAME)
			return false;
		if (!steer_pass_on(d, p->frame, bytes_of(p->frame + 14, FLOW_FRAME - 14)))
			return false;
	}
	return true;
}

static void *play_on_a_thread(void *player)
{
	return play(player) ? player : NULL;
}

static void two_threads_wake_each_other(void **state)
{
	struct player a, b;
	struct workers w;
	pthread_t thread;
	void *played;

	(void)state;
	workers_init(&w, 2);
	a = (struct player){ .w = &w, .self = 0 };
	b = (struct player){ .w = &w, .self = 1 };
	frame_for(&w, 1, a.frame);
	frame_for(&w, 0, b.frame);
	hand_one(&w, a.frame);
	assert_int_equal(pthread_create(&thread, NULL, play_on_a_thread, &b), 0);
	assert_true(play(&a));
	assert_int_equal(pthread_join(thread, &played), 0);
	assert_non_null(played);
	assert_int_equal(stats_of(&w, 0).taken_over, BALLS);
	assert_int_equal(stats_of(&w, 1).handed_over, BALLS);
	workers_fini(&w);
}

static void closing_leaves_nothing_open(void **state)
{
	unsigned files = kernel_host_open_files();
	uint8_t room[FLOW_FRAME];
	struct workers w;

	(void)state;
	workers_init(&w, 2);
	frame_for(&w, 1, room);
	hand_one(&w, room);
	w.device[1]->ops->close(w.device[1]);
	hand_one(&w, room); /* nobody takes it any more */
	w.device[0]->ops->close(w.device[0]);
	for (unsigned i = 0; i < 2; i++)
		w.far[i]->ops->close(w.far[i]);
	steer_group_free(w.group);
	assert_int_equal(kernel_host_open_files(), files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_reaches_its_owner),
		cmocka_unit_test(arp_reaches_all),
		cmocka_unit_test(an_error_reaches_whom_it_concerns),
		cmocka_unit_test(a_super_frame_stays_one),
		cmocka_unit_test(a_packet_of_fragments_is_passed_on),
		cmocka_unit_test(frames_stay_until_the_next_recv),
		cmocka_unit_test(what_a_full_ring_does_not_take_is_counted),
		cmocka_unit_test(arp_takes_half_of_a_ring),
		cmocka_unit_test(both_rings_and_queue_have_their_share_of_a_turn),
		cmocka_unit_test(only_who_sleeps_is_woken),
		cmocka_unit_test(a_late_wake_up_is_the_last_of_its_kind),
		cmocka_unit_test(who_sleeps_on_a_bad_wire_is_woken_too),
		cmocka_unit_test(two_threads_wake_each_other),
		cmocka_unit_test(closing_leaves_nothing_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
