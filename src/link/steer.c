/*
 * Handing frames over. Of the two that take part in a wake-up, one puts a frame into a ring and then asks
 * whether the other sleeps, and the other says that it sleeps and then looks into its rings: both by an
 * exchange of the same word, so that one of the two sees what the other did.
 *
 * System calls: eventfd2, epoll_create1, epoll_ctl (start); write to wake, read after having been woken;
 * close.
 */
#include "link/steer.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/spsc.h"
#include "link/ethernet.h"
#include "link/vnet.h"

/* In a ring: the frame's description, and then its bytes, so that its IP header is aligned. */
enum { FRAME_AT = 34 };

_Static_assert(sizeof(struct rx_frame) <= FRAME_AT, "it lies in front of the bytes");
_Static_assert(2 * (FRAME_AT + VNET_SLOT_SIZE + SPSC_LINE) <= STEER_RING, "any frame fits into half a ring");

struct member {
	_Alignas(SPSC_LINE) atomic_uint sleeps; /* others exchange it for 0, and then wake the worker */
	int event;
	/* The worker's own, which others read. */
	_Alignas(SPSC_LINE) atomic_uint_fast64_t handed_over;
	atomic_uint_fast64_t taken_over, dropped;
};

struct steer_group {
	struct steer_rule rule;
	struct member members[STEER_QUEUES];
	struct spsc rings[]; /* from the first to each, from the second to each, … */
};

struct steered {
	struct device device; /* first: steered_fd() relies on it */
	struct device *inner;
	struct steer_group *group;
	struct member *me;
	unsigned self;
	unsigned first;   /* whose ring is looked into first */
	uint32_t to_wake; /* bit n: worker n was given something */
	bool said_so;     /* that this worker sleeps */
	uint64_t told;    /* how often others said they would wake it, and its event was not read */
	int poll;         /* readable when inner is, or the event */
};

/* ---- the group ---- */

static struct spsc *ring(struct steer_group *g, unsigned from, unsigned to)
{
	return &g->rings[from * g->rule.queues + to];
}

void steer_group_free(struct steer_group *g)
{
	if (g == NULL)
		return;
	for (unsigned i = 0; i < g->rule.queues; i++) {
		if (g->members[i].event >= 0)
			close(g->members[i].event);
		for (unsigned k = 0; k < g->rule.queues; k++)
			spsc_fini(ring(g, i, k));
	}
	free(g);
}

static int init_member(struct steer_group *g, unsigned i)
{
	g->members[i].event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (g->members[i].event < 0)
		return -errno;
	for (unsigned k = 0; k < g->rule.queues; k++)
		if (k != i && spsc_init(ring(g, i, k), STEER_RING) < 0)
			return -ENOMEM;
	return 0;
}

int steer_group_new(const struct steer_rule *rule, struct steer_group **out, struct failure *why)
{
	size_t size = sizeof(struct steer_group) + rule->queues * rule->queues * sizeof(struct spsc);
	struct steer_group *g = aligned_alloc(SPSC_LINE, size);
	int err = g != NULL ? 0 : -ENOMEM;

	if (g != NULL) {
		memset(g, 0, size);
		g->rule = *rule;
		for (unsigned i = 0; i < rule->queues; i++)
			g->members[i].event = -1;
	}
	for (unsigned i = 0; err == 0 && i < rule->queues; i++)
		err = init_member(g, i);
	if (err == 0) {
		*out = g;
		return 0;
	}
	steer_group_free(g);
	return failure_set(why, err, "cannot make what %u workers share: %s", rule->queues, strerror(-err));
}

/* ---- counters: one thread adds, others may read ---- */

static void count_one(atomic_uint_fast64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static uint64_t read_counter(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void steer_stats(const struct steer_group *g, unsigned queue, struct steer_stats *out)
{
	const struct member *m = &g->members[queue];

	assert(queue < g->rule.queues);
	*out = (struct steer_stats){
		.handed_over = read_counter(&m->handed_over),
		.taken_over = read_counter(&m->taken_over),
		.dropped = read_counter(&m->dropped),
	};
}

/* ---- sleeping and waking ---- */

static struct steered *steered_of(struct device *d)
{
	return CONTAINER_OF(d, struct steered, device);
}

static void wake_others(struct steered *s)
{
	static const uint64_t one = 1;

	for (; s->to_wake != 0; s->to_wake &= s->to_wake - 1) {
		struct member *m = &s->group->members[__builtin_ctz(s->to_wake)];

		if (atomic_exchange_explicit(&m->sleeps, 0, memory_order_acq_rel) != 0 &&
		    write(m->event, &one, sizeof one) < 0)
			continue; /* its counter is full: it is readable already */
	}
}

static bool has_frames(const struct steered *s)
{
	for (unsigned i = 0; i < s->group->rule.queues; i++)
		if (i != s->self && !spsc_is_empty(ring(s->group, i, s->self)))
			return true;
	return false;
}

static void say(struct steered *s, bool that_it_sleeps)
{
	unsigned slept = atomic_exchange_explicit(&s->me->sleeps, that_it_sleeps, memory_order_acq_rel);

	s->told += s->said_so && slept == 0;
	s->said_so = that_it_sleeps;
}

static void get_up(struct steered *s)
{
	uint64_t n;

	if (s->said_so)
		say(s, false);
	/* Who was to wake us may be about to write: then it is read next time. What is never read would keep
	 * us from sleeping. */
	if (s->told > 0 && read(s->me->event, &n, sizeof n) > 0)
		s->told -= n;
}

/* ---- handing over ---- */

/* A record for a frame of len bytes to another worker; NULL: no room, and counted. */
static struct rx_frame *begin(struct steered *s, unsigned to, uint32_t len, size_t spare)
{
	struct rx_frame *f = spsc_reserve(ring(s->group, s->self, to), FRAME_AT + len, spare);

	if (f == NULL)
		count_one(&s->me->dropped);
	return f;
}

static uint8_t *bytes_in(struct rx_frame *record)
{
	return (uint8_t *)record + FRAME_AT;
}

static void finish(struct steered *s, unsigned to)
{
	spsc_commit(ring(s->group, s->self, to));
	count_one(&s->me->handed_over);
	s->to_wake |= 1u << to;
}

static void hand_over(struct steered *s, unsigned to, const struct rx_frame *f, size_t spare)
{
	struct rx_frame *record = begin(s, to, f->len, spare);

	if (record == NULL)
		return;
	*record = *f;
	record->data = bytes_in(record);
	memcpy(bytes_in(record), f->data, f->len);
	finish(s, to);
}

static void tell_all(struct steered *s, const struct rx_frame *f)
{
	for (unsigned i = 0; i < s->group->rule.queues; i++)
		if (i != s->self)
			hand_over(s, i, f, STEER_RING / 2);
}

/* Hands over what is others'. Returns how many are left, which have moved to the front. */
static int keep_own(struct steered *s, struct rx_frame *frames, int n)
{
	int kept = 0;

	for (int i = 0; i < n; i++) {
		int owner = steer_owner(&s->group->rule, bytes_of(frames[i].data, frames[i].len));

		if (UNLIKELY(owner != (int)s->self && owner != STEER_ALL)) {
			hand_over(s, (unsigned)owner, &frames[i], 0);
			continue;
		}
		if (owner == STEER_ALL)
			tell_all(s, &frames[i]);
		if (kept != i)
			frames[kept] = frames[i];
		kept++;
	}
	return kept;
}

bool steer_pass_on(struct device *d, const uint8_t *ethernet, struct bytes packet)
{
	struct steered *s = steered_of(d);
	int owner = steer_owner_of_packet(&s->group->rule, packet);
	uint32_t len = ETH_HEADER_LEN + (uint32_t)packet.len;
	struct rx_frame *record;

	if (owner == (int)s->self)
		return false;
	record = begin(s, (unsigned)owner, len, 0);
	if (record == NULL)
		return true;
	*record = (struct rx_frame){ .data = bytes_in(record), .len = len };
	memcpy(bytes_in(record), ethernet, ETH_HEADER_LEN);
	memcpy(bytes_in(record) + ETH_HEADER_LEN, packet.data, packet.len);
	finish(s, (unsigned)owner);
	wake_others(s);
	return true;
}

/* ---- taking over ---- */

/* Frames of others, from each in turn the first. */
static int take_over(struct steered *s, struct rx_frame *frames, int max)
{
	unsigned n_workers = s->group->rule.queues, from = s->first;
	int n = 0;

	for (unsigned i = 0; i < n_workers; i++, from = from + 1 < n_workers ? from + 1 : 0) {
		struct rx_frame *record;

		while (from != s->self && n < max &&
		       (record = spsc_take(ring(s->group, from, s->self))) != NULL) {
			count_one(&s->me->taken_over);
			frames[n++] = *record;
		}
	}
	s->first = from + 1 < n_workers ? from + 1 : 0;
	return n;
}

static void give_back(struct steered *s)
{
	for (unsigned i = 0; i < s->group->rule.queues; i++)
		if (i != s->self)
			spsc_give_back(ring(s->group, i, s->self));
}

/* ---- the device ---- */

static int steered_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct steered *s = steered_of(d);
	int n, taken;

	get_up(s);
	give_back(s);
	taken = take_over(s, frames, (max + 1) / 2);
	n = s->inner->ops->recv(s->inner, frames + taken, max - taken, now_us);
	d->stats = s->inner->stats;
	if (n < 0)
		return n;
	n = keep_own(s, frames + taken, n);
	wake_others(s);
	return taken + n;
}

static int steered_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	struct device *inner = steered_of(d)->inner;
	int n = inner->ops->send(inner, frames, count, now_us);

	d->stats = inner->stats;
	return n;
}

static int steered_fd(const struct device *d)
{
	return ((const struct steered *)d)->poll;
}

static uint64_t steered_deadline(const struct device *d)
{
	const struct steered *s = (const struct steered *)d;

	return has_frames(s) ? 0 : s->inner->ops->deadline(s->inner);
}

static bool steered_may_sleep(struct device *d)
{
	struct steered *s = steered_of(d);

	say(s, true);
	return !has_frames(s) && device_may_sleep(s->inner);
}

static void steered_close(struct device *d)
{
	struct steered *s = steered_of(d);

	s->inner->ops->close(s->inner);
	close(s->poll);
	free(s);
}

static const struct device_ops steered_ops = {
	.name = "steer",
	.recv = steered_recv,
	.send = steered_send,
	.fd = steered_fd,
	.deadline = steered_deadline,
	.may_sleep = steered_may_sleep,
	.close = steered_close,
};

bool steer_is_member(const struct device *d)
{
	return d->ops == &steered_ops;
}

static int wait_for(int poll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN };

	return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

/* One descriptor for two. A device that has none (a wire) is asked by its deadline. */
static int open_poll(struct steered *s)
{
	int fd = s->inner->ops->fd(s->inner), err;

	s->poll = epoll_create1(EPOLL_CLOEXEC);
	if (s->poll < 0)
		return -errno;
	err = wait_for(s->poll, s->me->event);
	if (err == 0 && fd >= 0)
		err = wait_for(s->poll, fd);
	if (err < 0)
		close(s->poll);
	return err;
}

int steer_open(struct steer_group *g, unsigned queue, struct device *inner, struct device **out)
{
	struct steered *s = calloc(1, sizeof *s);
	int err;

	assert(queue < g->rule.queues && inner->caps.framing == FRAMING_ETHERNET);
	if (s == NULL)
		return -ENOMEM;
	s->device.ops = &steered_ops;
	s->device.caps = inner->caps;
	s->device.caps.queue = (uint8_t)queue;
	s->inner = inner;
	s->group = g;
	s->me = &g->members[queue];
	s->self = queue;
	err = open_poll(s);
	if (err < 0) {
		free(s);
		return err;
	}
	*out = &s->device;
	return 0;
}
