/* The public interface of libtaphouse (taphouse/taphouse.h): the stack, frames and time. */
#include "stack/th_internal.h"

#include <errno.h>
#include <stdlib.h>

#ifndef TH_VERSION
#define TH_VERSION "0.0.0"
#endif

const char *th_version(void)
{
	return TH_VERSION;
}

static bool is_valid(const struct th_stack_config *c)
{
	return c->mtu == 0 || (c->mtu >= 576 && c->mtu <= 65535);
}

static void translate(const struct th_stack_config *c, struct stack_config *out)
{
	stack_config_default(out);
	out->caps.mtu = c->mtu != 0 ? c->mtu : 1500;
	memcpy(out->mac.b, c->mac, sizeof out->mac.b);
	out->seed = c->seed;
	if (c->send_buffer != 0)
		out->tcp.send_buffer = c->send_buffer;
	if (c->receive_buffer != 0)
		out->tcp.receive_buffer = c->receive_buffer;
	if (c->msl_us != 0)
		out->tcp.msl_us = c->msl_us;
}

int th_stack_new(const struct th_stack_config *config, uint64_t now_us, struct th_stack **out)
{
	static const struct th_stack_config defaults;
	struct stack_config internal;
	struct th_stack *s;
	struct failure why;
	int error;

	if (config == NULL)
		config = &defaults;
	if (!is_valid(config))
		return -EINVAL;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	translate(config, &internal);
	error = stack_new(&internal, now_us, &s->stack, &why);
	if (error != 0) {
		free(s);
		return error;
	}
	*out = s;
	return 0;
}

void th_stack_free(struct th_stack *stack)
{
	if (stack == NULL)
		return;
	stack_free(stack->stack);
	free(stack);
}

int th_stack_add_address(struct th_stack *stack, const char *cidr)
{
	struct ip_prefix p;

	return ip_prefix_parse(cidr, &p) ? ip_add_address(&stack->stack->ip, &p) : -EINVAL;
}

int th_stack_add_route(struct th_stack *stack, const char *cidr, const char *gateway)
{
	struct ip_prefix p;
	struct ip_addr g;

	if (!ip_prefix_parse(cidr, &p) || !ip_addr_parse(gateway, &g))
		return -EINVAL;
	return ip_add_route(&stack->stack->ip, &p, &g);
}

/* What a poll gave out and nobody fetched is lost, as on a wire: input makes the frames invalid. */
static void drop_batch(struct th_stack *s)
{
	s->next = s->count = 0;
}

void th_stack_input(struct th_stack *stack, const void *frame, size_t len, uint64_t now_us)
{
	struct rx_frame rx = { .data = frame, .len = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len };

	drop_batch(stack);
	stack_input(stack->stack, &rx, 1, now_us);
}

ssize_t th_stack_output(struct th_stack *stack, void *buf, size_t size, uint64_t now_us)
{
	const struct tx_frame *f;

	if (stack->next == stack->count) {
		stack->next = 0;
		stack->count = stack_poll(stack->stack, now_us, &stack->frames);
		if (stack->count == 0)
			return 0;
	}
	f = &stack->frames[stack->next++];
	if (tx_len(f) > size)
		return -ENOBUFS;
	return (ssize_t)tx_flatten(f, buf);
}

uint64_t th_stack_deadline(const struct th_stack *stack)
{
	return stack->next < stack->count ? stack->stack->world.now_us : stack_deadline(stack->stack);
}
