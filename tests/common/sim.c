/* Two stacks joined by a wire, on virtual time. */
#include "common/sim.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/minmax.h"
#include "link/impair.h"

void sim_config_default(struct sim_config *c)
{
	*c = (struct sim_config){ .seed = 1, .wire = { .delay_us = 1000 } };
	tcp_config_default(&c->tcp);
}

static struct device *impaired(const struct sim_config *config, struct device *inner)
{
	struct impair_spec spec;
	struct failure why;
	struct device *d;

	if (config->impair == NULL)
		return inner;
	if (impair_parse(config->impair, &spec, &why) != 0)
		fail_msg("%s", why.text);
	spec.seed = config->seed;
	assert_int_equal(impair_open(&spec, inner, &d), 0);
	return d;
}

static void host_init(struct sim_host *h, const struct tcp_config *tcp, uint64_t seed, uint32_t address,
		      uint64_t now_us)
{
	struct stack_config sc;
	struct ip_prefix prefix;
	struct failure why;

	stack_config_default(&sc);
	sc.caps = h->device->caps;
	sc.seed = seed;
	sc.tcp = *tcp;
	if (stack_new(&sc, now_us, &h->stack, &why) != 0)
		fail_msg("%s", why.text);
	h->addr = ip_addr_from_4(address);
	prefix = (struct ip_prefix){ h->addr, 96 + 24 };
	assert_int_equal(ip_add_address(&h->stack->ip, &prefix), 0);
}

void sim_init(struct sim *s, const struct sim_config *config)
{
	const struct tcp_config *tcp_b = config->tcp_b != NULL ? config->tcp_b : &config->tcp;

	*s = (struct sim){ .now_us = 1000000 };
	assert_int_equal(wire_open(&config->wire, &s->a.device, &s->b.device), 0);
	s->b.device = impaired(config, s->b.device);
	host_init(&s->a, &config->tcp, 2 * config->seed + 1, 0x0a4d0001, s->now_us);
	host_init(&s->b, tcp_b, 2 * config->seed + 2, 0x0a4d0002, s->now_us);
}

void sim_fini(struct sim *s)
{
	stack_free(s->a.stack);
	stack_free(s->b.stack);
	s->a.device->ops->close(s->a.device);
	s->b.device->ops->close(s->b.device);
}

static bool host_input(struct sim_host *h, uint64_t now_us)
{
	struct rx_frame frames[DEVICE_BATCH];
	int n = h->device->ops->recv(h->device, frames, DEVICE_BATCH, now_us);

	assert_true(n >= 0);
	if (n > 0)
		stack_input(h->stack, frames, n, now_us);
	return n > 0;
}

static bool host_output(struct sim_host *h, uint64_t now_us)
{
	struct tx_frame *frames;
	bool any = false;
	int n;

	while ((n = stack_poll(h->stack, now_us, &frames)) > 0) {
		for (int i = 0; i < n; i++) {
			h->frames_sent++;
			h->bytes_sent += tx_len(&frames[i]);
			h->gso_frames_sent += frames[i].gso != GSO_NONE;
		}
		assert_true(h->device->ops->send(h->device, frames, n, now_us) >= 0);
		any = true;
	}
	return any;
}

static uint64_t host_deadline(const struct sim_host *h)
{
	uint64_t stack = stack_deadline(h->stack), device = h->device->ops->deadline(h->device);
	return stack < device ? stack : device;
}

/* Everything that can be done without time going on. */
static void settle(struct sim *s)
{
	bool busy;

	do {
		busy = host_input(&s->a, s->now_us);
		busy |= host_output(&s->a, s->now_us);
		busy |= host_input(&s->b, s->now_us);
		busy |= host_output(&s->b, s->now_us);
	} while (busy);
}

static uint64_t next_event(const struct sim *s)
{
	uint64_t a = host_deadline(&s->a), b = host_deadline(&s->b);
	return a < b ? a : b;
}

bool sim_step_until(struct sim *s, uint64_t at_us)
{
	uint64_t next;

	settle(s);
	next = min_u64(next_event(s), at_us);
	if (next == TIMER_NEVER)
		return false;
	if (next > s->now_us)
		s->now_us = next;
	else
		s->now_us++; /* a deadline that has come and changed nothing: time goes on all the same */
	settle(s);
	return true;
}

bool sim_step(struct sim *s)
{
	return sim_step_until(s, TIMER_NEVER);
}

bool sim_run(struct sim *s, uint64_t limit_us, bool (*done)(void *context), void *context)
{
	uint64_t end = s->now_us + limit_us;

	settle(s);
	while (done == NULL || !done(context)) {
		if (s->now_us >= end || !sim_step(s))
			return false;
	}
	return true;
}

void sim_pass(struct sim *s, uint64_t us)
{
	uint64_t end = s->now_us + us;

	settle(s);
	while (next_event(s) <= end && s->now_us < end)
		sim_step(s);
	s->now_us = end;
	settle(s);
}

/* splitmix64 of the number of eight bytes: any place can be made on its own. */
static uint64_t pattern_word(uint64_t seed, uint64_t number)
{
	uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void sim_pattern(uint64_t seed, uint64_t position, uint8_t *out, size_t len)
{
	while (len > 0) {
		uint64_t word = htole64(pattern_word(seed, position / 8));
		size_t skip = position % 8, n = min_u64(8 - skip, len);

		if (n == 8)
			memcpy(out, &word, 8);
		else
			memcpy(out, (const uint8_t *)&word + skip, n);
		out += n;
		position += n;
		len -= n;
	}
}
