/* The stack: frames up through link, IP and TCP; frames down to the caller. */
#include "stack/stack.h"

#include <errno.h>
#include <stdlib.h>

void stack_config_default(struct stack_config *c)
{
	*c = (struct stack_config){ 0 };
	tcp_config_default(&c->tcp);
}

static bool mac_is_zero(const struct mac_addr *mac)
{
	static const struct mac_addr zero;
	return memcmp(mac, &zero, sizeof zero) == 0;
}

/* Unicast and locally administered (IEEE 802 section 8.2). */
static struct mac_addr random_mac(struct random *r)
{
	struct mac_addr mac;
	uint64_t bits = random_u64(r);

	memcpy(mac.b, &bits, sizeof mac.b);
	mac.b[0] = (uint8_t)((mac.b[0] & 0xfc) | 0x02);
	return mac;
}

int stack_new(const struct stack_config *config, uint64_t now_us, struct stack **out, struct failure *why)
{
	struct stack *s = calloc(1, sizeof *s);
	struct mac_addr mac = config->mac;
	int error;

	if (s == NULL)
		return failure_set(why, -ENOMEM, "no memory for the stack");
	error = world_init(&s->world, now_us, config->seed, config->log);
	if (error != 0) {
		failure_set(why, error, "the system gave no randomness for the stack's secrets");
		goto fail_world;
	}
	if (mac_is_zero(&mac))
		mac = random_mac(&s->world.random);
	error = link_init(&s->link, &s->world, &config->caps, &mac);
	if (error != 0) {
		failure_set(why, error, "no memory for the link");
		goto fail_world;
	}
	error = ip_init(&s->ip, &s->world, &s->link);
	if (error != 0) {
		failure_set(why, error, "no memory for IP");
		goto fail_link;
	}
	error = tcp_new(&config->tcp, &s->world, &s->ip, &s->tcp);
	if (error != 0) {
		if (error == -EINVAL)
			failure_set(why, error, "unknown congestion control '%s': choose bbr, cubic or reno",
				    config->tcp.congestion);
		else
			failure_set(why, error, "no memory for TCP's tables: lower max_connections");
		goto fail_ip;
	}
	*out = s;
	return 0;

fail_ip:
	ip_fini(&s->ip);
fail_link:
	link_fini(&s->link);
fail_world:
	free(s);
	return error;
}

void stack_free(struct stack *s)
{
	if (s == NULL)
		return;
	tcp_free(s->tcp);
	ip_fini(&s->ip);
	link_tx_done(&s->link);
	link_fini(&s->link);
	free(s);
}

/* What the last poll gave out has been sent: its frames are free again. */
static void take_back(struct stack *s)
{
	if (s->given) {
		link_tx_done(&s->link);
		s->given = false;
	}
}

static enum drop_reason deliver(struct stack *s, const struct ip_packet *packet)
{
	if (packet->protocol == IP_PROTO_TCP)
		return tcp_input(s->tcp, packet);
	icmp_send_unreachable(&s->ip, packet, ICMP_PORT_UNREACHABLE);
	return world_drop(&s->world, DROP_UDP_NO_PORT);
}

static enum drop_reason take_frame(struct stack *s, const struct rx_frame *frame)
{
	struct bytes payload;
	uint16_t ethertype;
	struct ip_packet packet;
	struct icmp_error icmp;
	enum drop_reason reason = link_input(&s->link, frame, &ethertype, &payload);

	if (reason != DROP_NONE || ethertype == 0)
		return reason;
	switch (ip_input(&s->ip, ethertype, frame, payload, &packet, &icmp, &reason)) {
	case IP_DELIVER:
		return deliver(s, &packet);
	case IP_ICMP_ERROR:
		if (icmp.protocol == IP_PROTO_TCP)
			return tcp_icmp_error(s->tcp, &icmp);
		return world_drop(&s->world, DROP_ICMP_NO_CONNECTION);
	case IP_DROPPED:
		return reason;
	case IP_DONE:
		break;
	}
	return DROP_NONE;
}

static void move_clock(struct stack *s, uint64_t now_us)
{
	if (now_us > s->world.now_us)
		s->world.now_us = now_us;
}

void stack_input(struct stack *s, const struct rx_frame *frames, int count, uint64_t now_us)
{
	take_back(s);
	/* Timers wait for stack_poll(): an ACK that lies in this batch comes before the timeout that it makes
	 * needless. */
	move_clock(s, now_us);
	for (int i = 0; i < count; i++) {
		enum drop_reason reason = take_frame(s, &frames[i]);
		if (world_is_observed(&s->world, TRACE_FRAME_IN))
			observers_tell(s->world.observer, &(struct trace_event){ .kind = TRACE_FRAME_IN,
										 .now_us = s->world.now_us,
										 .rx = &frames[i],
										 .drop = reason });
	}
}

static void tell_frames_out(const struct stack *s)
{
	struct frame_teller *teller = s->world.teller;

	for (unsigned i = 0; i < s->link.n_tx; i++) {
		const struct tx_frame *f = &s->link.tx[i];

		if (teller == NULL || !teller->takes(teller, f))
			observers_tell(s->world.observer, &(struct trace_event){ .kind = TRACE_FRAME_OUT,
										 .now_us = s->world.now_us,
										 .conn = f->conn,
										 .tx = f,
										 .note = f->note });
	}
}

int stack_poll(struct stack *s, uint64_t now_us, struct tx_frame **frames)
{
	take_back(s);
	world_advance(&s->world, now_us);
	s->more = tcp_output(s->tcp);
	if (world_is_observed(&s->world, TRACE_FRAME_OUT))
		tell_frames_out(s);
	*frames = s->link.tx;
	s->given = s->link.n_tx > 0;
	return (int)s->link.n_tx;
}

uint64_t stack_deadline(const struct stack *s)
{
	/* Frames wait already, or a connection that found the ring full. */
	if (s->more || (s->link.n_tx > 0 && !s->given) || tcp_wants_output(s->tcp))
		return s->world.now_us;
	return timer_wheel_next(&s->world.timers);
}

void stack_observe(struct stack *s, struct observer *o)
{
	world_observe(&s->world, o);
}

void stack_unobserve(struct stack *s, struct observer *o)
{
	world_unobserve(&s->world, o);
}

void stack_each_pool(const struct stack *s, pool_visit_fn *visit, void *context)
{
	link_each_pool(&s->link, visit, context);
	ip_each_pool(&s->ip, visit, context);
	tcp_each_pool(s->tcp, visit, context);
}
