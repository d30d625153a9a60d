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

bool th_take(void *to, size_t size, const void *from, size_t given)
{
	const uint8_t *rest = from;

	memset(to, 0, size);
	if (from == NULL)
		return true;
	memcpy(to, from, given < size ? given : size);
	for (size_t i = size; i < given; i++)
		if (rest[i] != 0)
			return false;
	return true;
}

enum { ALL_FEATURES = 2 * TH_MTU_PROBING - 1 };
enum { MIN_BUFFER = 4096, MAX_BUFFER = 1 << 30, MAX_RTO_US = 60 * 1000000, MAX_DELAYED_ACK_US = 500000 };

static bool is_buffer(uint32_t size)
{
	return size == 0 || (size >= MIN_BUFFER && size <= MAX_BUFFER);
}

static bool are_features(uint32_t off, uint32_t on)
{
	return ((off | on) & ~(uint32_t)ALL_FEATURES) == 0 && (off & on) == 0;
}

static bool is_valid(const struct th_stack_config *c)
{
	return (c->mtu == 0 || (c->mtu >= 576 && c->mtu <= 65535)) && is_buffer(c->send_buffer) &&
	       is_buffer(c->receive_buffer) && (unsigned)c->link <= TH_LINK_IP &&
	       are_features(c->off, c->on) && c->min_rto_us <= MAX_RTO_US &&
	       c->initial_rto_us <= MAX_RTO_US && c->delayed_ack_us <= MAX_DELAYED_ACK_US && c->dscp < 64;
}

#define TAKE(to, from) ((to) = (from) != 0 ? (from) : (to))

static void translate_tcp(const struct th_stack_config *c, struct tcp_config *out)
{
	TAKE(out->congestion, c->congestion);
	TAKE(out->max_connections, c->max_connections);
	TAKE(out->syn_backlog, c->syn_backlog);
	TAKE(out->accept_backlog, c->accept_backlog);
	TAKE(out->send_buffer, c->send_buffer);
	TAKE(out->send_buffer_max, c->send_buffer); /* whoever sets it means it */
	TAKE(out->receive_buffer, c->receive_buffer);
	TAKE(out->receive_buffer_max, c->receive_buffer); /* a size that is given is the only one */
	TAKE(out->msl_us, c->msl_us);
	TAKE(out->user_timeout_us, c->user_timeout_us);
	TAKE(out->delayed_ack_us, c->delayed_ack_us);
	TAKE(out->min_rto_us, c->min_rto_us);
	TAKE(out->initial_rto_us, c->initial_rto_us);
	TAKE(out->ttl, c->ttl);
	out->tos = (uint8_t)(c->dscp << 2);
}

static bool has(uint32_t features, enum th_feature feature)
{
	return (features & (uint32_t)feature) != 0;
}

static void translate_features(const struct th_stack_config *c, struct tcp_config *out)
{
	out->timestamps = !has(c->off, TH_TIMESTAMPS);
	out->window_scaling = !has(c->off, TH_WINDOW_SCALING);
	out->sack = !has(c->off, TH_SACK);
	out->pacing = !has(c->off, TH_PACING);
	out->fast_open = has(c->on, TH_FAST_OPEN);
	out->user_timeout_option = has(c->on, TH_USER_TIMEOUT_OPTION);
	if (has(c->off | c->on, TH_ECN))
		out->ecn = has(c->on, TH_ECN) ? TCP_ECN_OFFER : TCP_ECN_OFF;
	if (has(c->off | c->on, TH_MTU_PROBING))
		out->mtu_probing = has(c->on, TH_MTU_PROBING) ? TCP_MTU_PROBING_ON : TCP_MTU_PROBING_OFF;
}

static void translate(const struct th_stack_config *c, struct stack_config *out)
{
	stack_config_default(out);
	out->caps.mtu = c->mtu != 0 ? c->mtu : 1500;
	out->caps.framing = c->link == TH_LINK_IP ? FRAMING_IP : FRAMING_ETHERNET;
	memcpy(out->mac.b, c->mac, sizeof out->mac.b);
	out->seed = c->seed;
	translate_tcp(c, &out->tcp);
	translate_features(c, &out->tcp);
}

int th_stack_new_sized(const struct th_stack_config *given, size_t size, uint64_t now_us,
		       struct th_stack **out)
{
	struct th_stack_config config;
	struct stack_config internal;
	struct th_stack *s;
	struct failure why;
	int error;

	if (!th_take(&config, sizeof config, given, size) || !is_valid(&config))
		return -EINVAL;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	translate(&config, &internal);
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
