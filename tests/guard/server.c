/* Stack and HTTP joined as src/server/ joins them, with a device's abilities and without the device. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

#include "guard.h"

/* What a TAP with virtio headers does. */
static const struct device_caps tap_caps = { .mtu = 1500, .gso_max = 65535, .tx_checksum = true };

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct guard_server *s = context;
	struct stream *stream;

	while ((stream = tcp_accept(l)) != NULL) {
		tcp_set_nodelay(stream, true);
		http_serve(s->http, stream);
	}
}

static void check(int error, const struct failure *why)
{
	if (error == 0)
		return;
	fprintf(stderr, "guard: %s\n", why->text);
	exit(1);
}

static void add_addresses(struct ip *ip)
{
	struct ip_prefix own = { ip_addr_from_4(GUARD_SERVER), 96 + 24 }, all = { ip_addr_from_4(0), 96 };
	struct ip_addr gateway = ip_addr_from_4(GUARD_GATEWAY);
	struct failure why = { "no room for an address" };

	check(ip_add_address(ip, &own), &why);
	check(ip_add_route(ip, &all, &gateway), &why);
}

static void open_stack(struct guard_server *s, uint32_t connections, uint64_t now_us)
{
	struct stack_config c;
	struct failure why;

	stack_config_default(&c);
	c.caps = tap_caps;
	c.mac = (struct mac_addr){ GUARD_SERVER_MAC };
	c.seed = 1;
	c.tcp.max_connections = c.tcp.syn_backlog = c.tcp.max_time_wait = connections;
	check(stack_new(&c, now_us, &s->stack, &why), &why);
	add_addresses(&s->stack->ip);
}

static void open_recorder(struct guard_server *s)
{
	struct failure why = { "no memory for the recorder" };

	if (!s->is_recorded)
		return;
	s->recorder = recorder_new(s->stack);
	check(s->recorder == NULL, &why);
	recorder_set(s->recorder, true);
}

static uint64_t wall_us(void *context)
{
	const struct guard_server *s = context;

	return UINT64_C(1800000000000000) + s->stack->world.now_us;
}

static void open_http(struct guard_server *s, const char *root, uint32_t connections)
{
	const struct http_site site = { .name = "guard", .root = root };
	const struct http_hooks hooks = { .wall_us = wall_us, .context = s };
	struct http_config c;
	struct failure why;

	http_config_default(&c);
	c.max_connections = c.max_connections_per_address = connections;
	c.keepalive_requests = UINT32_MAX;
	c.keepalive_timeout_us = c.keepalive_time_us;
	c.mime_types = "";
	check(http_server_new(&c, &site, 1, &s->stack->world, &hooks, &s->http, &why), &why);
}

void guard_server_open(struct guard_server *s, const char *root, uint32_t connections, uint64_t now_us)
{
	const struct tcp_listener_handler handler = { .on_acceptable = on_acceptable, .context = s };
	const struct ip_addr any = { { 0 } };
	struct failure why = { "cannot listen" };

	open_stack(s, connections, now_us);
	open_recorder(s);
	open_http(s, root, connections);
	check(tcp_listen(s->stack->tcp, &any, GUARD_PORT, &handler, NULL, &s->listener), &why);
}

void guard_server_close(struct guard_server *s)
{
	http_server_free(s->http);
	recorder_free(s->recorder);
	stack_free(s->stack);
}

__attribute__((noinline)) void guard_server_input(struct guard_server *s, const struct rx_frame *frames,
						  int count, uint64_t now_us)
{
	stack_input(s->stack, frames, count, now_us);
}

__attribute__((noinline)) int guard_server_poll(struct guard_server *s, uint64_t now_us,
						struct tx_frame **frames)
{
	return stack_poll(s->stack, now_us, frames);
}
