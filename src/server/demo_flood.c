/*
 * A SYN flood (RFC 4987) that can be looked at: frames are put in where those of the device come in, from a
 * network of documentation addresses (RFC 5737) whose wire loses all that is sent to it. In the end each
 * peer that is not there takes its SYN back by RST.
 */
#include <string.h>

#include "base/checksum.h"
#include "base/minmax.h"
#include "http/http_form.h"
#include "http/http_origin.h"
#include "http/http_text.h"
#include "link/ethernet.h"
#include "link/visitors.h"
#include "server/demo.h"
#include "server/json.h"
#include "server/worker.h"

enum {
	TEXT = 256,
	IP_AT = ETH_HEADER_LEN,
	TCP_AT = IP_AT + 20,
	MSS_OPTION = 4,
	FRAME = TCP_AT + 20 + MSS_OPTION,
	SYN = 0x02,
	RST = 0x04,
	FIRST_PORT = 1024,
	HOSTS = 254,
	LEAVING_US = 1000000, /* the wire stays as long behind the last RST */
};

static struct ip_prefix network(void)
{
	return (struct ip_prefix){ .addr = ip_addr_from_4(0xc6336400), .bits = 96 + 24 }; /* 198.51.100.0 */
}

/* ---- segments ---- */

static void write_tcp(const struct demo_flood *f, uint32_t i, uint8_t flags, uint8_t *tcp, uint32_t len)
{
	store_be16(tcp, (uint16_t)(FIRST_PORT + i));
	store_be16(tcp + 2, f->port);
	store_be32(tcp + 4, i + (flags == RST)); /* behind the SYN (RFC 9293 section 3.10.7.4) */
	tcp[12] = (uint8_t)(len / 4 << 4);
	tcp[13] = flags;
	store_be16(tcp + 14, UINT16_MAX);
	if (flags == SYN)
		memcpy(tcp + 20, "\2\4\5\xb4", MSS_OPTION); /* 1460 */
}

/* The SYN of the i-th, or its RST. Returns the length. */
static uint32_t make_frame(const struct demo_flood *f, const struct mac_addr *to, uint32_t i, uint8_t flags,
			   uint8_t out[static FRAME])
{
	const struct ip_addr src = ip_addr_from_4(0xc6336401 + i % HOSTS);
	uint32_t tcp_len = flags == SYN ? 20 + MSS_OPTION : 20;
	uint8_t *ip = out + IP_AT, *tcp = out + TCP_AT;
	uint16_t sum;

	memset(out, 0, FRAME);
	memcpy(out, to->b, sizeof to->b);
	out[6] = 0x02; /* locally administered */
	store_be16(out + 12, ETH_TYPE_IPV4);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(20 + tcp_len));
	ip[8] = 64;
	ip[9] = IP_PROTO_TCP;
	store_be32(ip + 12, ip_addr_to_4(&src));
	store_be32(ip + 16, ip_addr_to_4(&f->address));
	sum = checksum_finish(checksum_add(0, ip, 20));
	memcpy(ip + 10, &sum, sizeof sum);
	write_tcp(f, i, flags, tcp, tcp_len);
	sum = checksum_finish(checksum_add(ip_pseudo_sum(&src, &f->address, IP_PROTO_TCP, tcp_len), tcp,
					   tcp_len));
	memcpy(tcp + 16, &sum, sizeof sum);
	return TCP_AT + tcp_len;
}

static void send_all(struct worker *w, uint8_t flags)
{
	const struct stack *stack = w->host.stack;
	struct ip_prefix from = network();
	uint8_t frame[FRAME];

	for (uint32_t i = 0; i < w->flood.n; i++) {
		uint32_t len = make_frame(&w->flood, &stack->link.mac, i, flags, frame);

		visitors_pretend(w->host.device, &from, frame, len, stack->world.now_us);
	}
}

/* ---- from beginning to end ---- */

static void on_over(struct timer *t, uint64_t now_us)
{
	struct worker *w = CONTAINER_OF(t, struct worker, flood.over);

	(void)now_us;
	send_all(w, RST);
	w->flood.is_under_way = false;
}

void demo_flood_close(struct demo_flood *f, struct timer_wheel *timers)
{
	if (f->is_under_way)
		timer_cancel(timers, &f->over);
}

static unsigned flood(struct worker *w, const struct ip_addr *address, uint16_t port)
{
	struct world *world = &w->host.stack->world;
	const struct visitor_wire wire = {
		.tx.loss_ppm = 1000000,
		.expires_us = world->now_us + DEMO_FLOOD_US + LEAVING_US,
	};
	struct ip_prefix from = network();

	if (w->flood.is_under_way)
		return 409;
	if (visitors_set(w->host.device, &from, &wire) < 0)
		return 503;
	w->flood = (struct demo_flood){
		.is_under_way = true,
		.address = *address,
		.port = port,
		.n = min_u32(config_syn_backlog(w->config, port) + DEMO_FLOOD_MORE, DEMO_FLOOD_MAX),
	};
	timer_init(&w->flood.over, on_over);
	timer_set(&world->timers, &w->flood.over, world->now_us + DEMO_FLOOD_US);
	send_all(w, SYN);
	return 0;
}

/* ---- the request ---- */

/* The first port with a SYN queue of its own; 0: there is none. */
static uint16_t first_port(const struct config *c)
{
	for (unsigned i = 0; i < c->n_sites; i++)
		if (c->sites[i].syn_backlog > 0 && c->sites[i].listen.n > 0)
			return c->sites[i].listen.items[0];
	return 0;
}

/* 0, or the status that refuses it. */
static unsigned find_port(const struct http_call *call, uint16_t *port)
{
	const struct worker *w = call->context;
	struct bytes value;
	uint64_t n;

	*port = first_port(w->config);
	if (*port == 0)
		return 404;
	if (!http_form_find(call->target->query, "port", &value))
		return 0;
	if (!http_text_number(value, &n) || n > UINT16_MAX)
		return 400;
	*port = (uint16_t)n;
	return config_syn_backlog(w->config, *port) > 0 ? 0 : 400;
}

static unsigned begin(struct http_call *call)
{
	if (strcmp(call->path, "flood") != 0)
		return 404;
	if (!http_origin_is_trusted(call))
		return 403;
	return ip_addr_is_4(&call->server) ? 0 : 501; /* there are no such addresses of IPv6 here yet */
}

static unsigned describe(struct worker *w, struct http_document *out)
{
	struct document *d = document_new(&w->documents, TEXT);

	if (d == NULL)
		return 503;
	json_open_object(d, NULL);
	json_number(d, "port", w->flood.port);
	json_text(d, "from", "198.51.100.0/24");
	json_number(d, "syns", w->flood.n);
	json_number(d, "syn_backlog", config_syn_backlog(w->config, w->flood.port));
	json_seconds(d, "for", DEMO_FLOOD_US);
	json_close_object(d);
	document_add_text(d, "\n");
	out->type = "application/json";
	return document_finish(d, &out->body) ? 200 : 503;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	struct worker *w = call->context;
	uint16_t port;
	unsigned status = find_port(call, &port);

	if (status == 0)
		status = flood(w, &call->server, port);
	return status == 0 ? describe(w, out) : status;
}

const struct http_handler demo_flood_handler = {
	.methods = HTTP_METHOD_BIT(POST), .begin = begin, .answer = answer,
};
