/* The public interface of libtaphouse: two stacks on one wire, in virtual time. */
#include "stack/th_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "link/impair.h"
#include "link/wire.h"

struct th_wire {
	struct th_stack *stacks[2];
	struct device *ends[2];
};

static int open_ends(struct th_wire *w, const struct th_wire_config *c)
{
	struct wire_config wire = { .mtu = w->stacks[0]->stack->link.caps.mtu, .delay_us = c->delay_us };
	struct impair_spec spec;
	struct failure why;
	struct device *impaired;
	int error;

	if (c->impair != NULL && impair_parse(c->impair, &spec, &why) != 0)
		return -EINVAL;
	error = wire_open(&wire, &w->ends[0], &w->ends[1]);
	if (error != 0 || c->impair == NULL)
		return error;
	spec.seed = c->seed;
	error = impair_open(&spec, w->ends[1], &impaired);
	if (error == 0)
		w->ends[1] = impaired;
	return error;
}

int th_wire_new_sized(struct th_stack *a, struct th_stack *b, const struct th_wire_config *given, size_t size,
		      struct th_wire **out)
{
	struct th_wire_config config;
	struct th_wire *w;
	int error;

	if (!th_take(&config, sizeof config, given, size) ||
	    a->stack->link.caps.framing != b->stack->link.caps.framing)
		return -EINVAL;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		return -ENOMEM;
	w->stacks[0] = a;
	w->stacks[1] = b;
	error = open_ends(w, &config);
	if (error != 0) {
		th_wire_free(w);
		return error;
	}
	*out = w;
	return 0;
}

void th_wire_free(struct th_wire *wire)
{
	if (wire == NULL)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (wire->ends[i] != NULL)
			wire->ends[i]->ops->close(wire->ends[i]);
	free(wire);
}

/* What one stack can do now; true if that was anything. */
static bool serve(struct th_wire *w, unsigned side, uint64_t now_us)
{
	struct stack *s = w->stacks[side]->stack;
	struct device *d = w->ends[side];
	struct rx_frame in[DEVICE_BATCH];
	struct tx_frame *tx;
	bool busy = false;
	int n = d->ops->recv(d, in, DEVICE_BATCH, now_us);

	if (n > 0) {
		stack_input(s, in, n, now_us);
		busy = true;
	}
	while ((n = stack_poll(s, now_us, &tx)) > 0) {
		d->ops->send(d, tx, n, now_us);
		busy = true;
	}
	return busy;
}

static uint64_t next_event(const struct th_wire *w)
{
	uint64_t next = TIMER_NEVER;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t stack = stack_deadline(w->stacks[i]->stack);
		uint64_t device = w->ends[i]->ops->deadline(w->ends[i]);
		if (stack < next)
			next = stack;
		if (device < next)
			next = device;
	}
	return next;
}

int th_wire_step(struct th_wire *wire, uint64_t *now_us)
{
	uint64_t next;
	bool busy;

	do {
		busy = serve(wire, 0, *now_us);
		busy |= serve(wire, 1, *now_us);
	} while (busy);
	next = next_event(wire);
	if (next == TIMER_NEVER)
		return 0;
	*now_us = next > *now_us ? next : *now_us + 1;
	return 1;
}
