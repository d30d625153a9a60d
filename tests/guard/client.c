/* Clients of raw frames. An answer that is not 200, or a segment out of order, ends the process. */
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "guard.h"
#include "ip/ip.h"
#include "link/arp.h"
#include "link/ethernet.h"
#include "tcp/tcp_options.h"

enum {
	FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16,
	IP_HEADER = 20, TCP_HEADER = 20, IP_AT = ETH_HEADER_LEN, TCP_AT = IP_AT + IP_HEADER,
	PORTS = 32768, FIRST_PORT = 16384, /* of each address */
	WSCALE = 10, /* of Linux, for a window as large as a buffer of 6 MiB allows */
};

#define FIRST_SEQ 1000u

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("guard: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

struct guard_client *guard_client_new(uint32_t count, const char *request, uint64_t now_us)
{
	struct guard_client *c = malloc(sizeof *c);
	struct guard_peer *peers = malloc(count * sizeof *peers);

	if (c == NULL || peers == NULL)
		die("no memory for %u clients", count);
	memset(c, 0, sizeof *c);
	memset(c->frames, 0xff, sizeof c->frames);
	memset(peers, 0xff, count * sizeof *peers);
	c->peers = peers;
	c->count = count;
	c->request = request;
	c->now_us = now_us;
	return c;
}

void guard_client_free(struct guard_client *c)
{
	free(c->peers);
	free(c);
}

/* ---- frames to the server ---- */

/* Room for a frame at the end of the ring. */
static uint8_t *push_frame(struct guard_client *c, uint32_t len)
{
	uint32_t at = (c->first + c->waiting) % GUARD_RING;

	if (c->waiting == GUARD_RING || len > GUARD_FRAME)
		die("too much at once");
	c->waiting++;
	c->lengths[at] = len;
	return c->frames[at];
}

static void put_ethernet(uint8_t *frame, uint16_t type)
{
	static const uint8_t addresses[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	memcpy(frame, addresses, sizeof addresses);
	store_be16(frame + sizeof addresses, type);
}

static void put_ip(uint8_t *ip, uint32_t source, uint16_t len)
{
	uint16_t sum;

	memset(ip, 0, IP_HEADER);
	ip[0] = 0x45;
	store_be16(ip + 2, len);
	ip[6] = 0x40; /* DF */
	ip[8] = 64;
	ip[9] = IP_PROTO_TCP;
	store_be32(ip + 12, source);
	store_be32(ip + 16, GUARD_SERVER);
	sum = checksum_finish(checksum_add(0, ip, IP_HEADER));
	memcpy(ip + 10, &sum, sizeof sum);
}

static unsigned put_options(const struct guard_client *c, const struct guard_peer *p, bool syn, uint8_t *at)
{
	const struct tcp_options o = {
		.has_mss = syn, .mss = 1460,
		.has_wscale = syn, .wscale = WSCALE,
		.sack_permitted = syn,
		.has_timestamp = true, .ts_val = (uint32_t)(c->now_us / 1000), .ts_ecr = p->ts,
	};

	return tcp_options_emit(&o, at);
}

static void put_checksum(const uint8_t *ip, uint8_t *tcp, size_t len)
{
	struct ip_addr source = ip_addr_from_4(load_be32(ip + 12)), server = ip_addr_from_4(GUARD_SERVER);
	uint32_t pseudo = ip_pseudo_sum(&source, &server, IP_PROTO_TCP, (uint32_t)len);
	uint16_t sum = checksum_finish(checksum_add(pseudo, tcp, len));

	memcpy(tcp + 16, &sum, sizeof sum);
}

static void send_segment(struct guard_client *c, uint32_t number, uint8_t flags, const char *text)
{
	struct guard_peer *p = &c->peers[number];
	size_t text_len = strlen(text);
	uint8_t options[TCP_OPTIONS_MAX];
	unsigned options_len = put_options(c, p, (flags & SYN) != 0, options);
	uint16_t len = (uint16_t)(IP_HEADER + TCP_HEADER + options_len + text_len);
	uint8_t *frame = push_frame(c, IP_AT + len), *tcp = frame + TCP_AT;

	put_ethernet(frame, ETH_TYPE_IPV4);
	put_ip(frame + IP_AT, GUARD_CLIENTS + number / PORTS, len);
	memset(tcp, 0, TCP_HEADER);
	store_be16(tcp, (uint16_t)(FIRST_PORT + number % PORTS));
	store_be16(tcp + 2, GUARD_PORT);
	store_be32(tcp + 4, p->snd);
	store_be32(tcp + 8, p->rcv);
	tcp[12] = (uint8_t)((TCP_HEADER + options_len) / 4 << 4);
	tcp[13] = flags;
	store_be16(tcp + 14, (flags & SYN) != 0 ? 64240 : 6000);
	memcpy(tcp + TCP_HEADER, options, options_len);
	memcpy(tcp + TCP_HEADER + options_len, text, text_len);
	if (c->on_device)
		put_checksum(frame + IP_AT, tcp, len - IP_HEADER);
	p->snd += (uint32_t)text_len + ((flags & (SYN | FIN)) != 0);
}

void guard_client_connect(struct guard_client *c, uint32_t peer)
{
	c->peers[peer] = (struct guard_peer){ .snd = FIRST_SEQ, .state = GUARD_NEW };
	send_segment(c, peer, SYN, "");
}

static uint32_t at_once(const struct guard_client *c)
{
	return c->at_once > 0 ? c->at_once : 1;
}

void guard_client_ask(struct guard_client *c, uint32_t peer)
{
	char text[GUARD_FRAME] = "";

	if (strlen(c->request) * at_once(c) >= sizeof text)
		die("more requests than a segment holds");
	for (uint32_t i = 0; i < at_once(c); i++)
		strcat(text, c->request);
	c->peers[peer].state = GUARD_ASKED;
	send_segment(c, peer, PSH | ACK, text);
}

void guard_client_close(struct guard_client *c, uint32_t peer)
{
	c->peers[peer].state = GUARD_CLOSED;
	send_segment(c, peer, FIN | ACK, "");
}

/* ---- frames from the server ---- */

static void answer_arp(struct guard_client *c, struct bytes arp)
{
	struct arp_packet p;

	if (!arp_parse(arp, &p) || p.operation != ARP_REQUEST ||
	    p.target_ip != GUARD_GATEWAY)
		return;
	p = (struct arp_packet){
		.operation = ARP_REPLY,
		.sender_mac = { GUARD_GATEWAY_MAC }, .sender_ip = GUARD_GATEWAY,
		.target_mac = p.sender_mac, .target_ip = p.sender_ip,
	};
	put_ethernet(push_frame(c, ETH_HEADER_LEN + ARP_PACKET_LEN), ETH_TYPE_ARP);
	arp_emit(&p, c->frames[(c->first + c->waiting - 1) % GUARD_RING] + ETH_HEADER_LEN);
}

/* How long the answer is whose head this text begins with: head and body. */
static uint32_t answer_length(struct bytes begun)
{
	char text[1024];
	size_t len = begun.len < sizeof text ? begun.len : sizeof text - 1;
	const char *end, *length;

	memcpy(text, begun.data, len);
	text[len] = '\0';
	end = strstr(text, "\r\n\r\n");
	length = strstr(text, "Content-Length: ");
	if (strncmp(text, "HTTP/1.1 200 ", 13) != 0 || end == NULL || length == NULL || length > end)
		die("not the answer: %.200s", text);
	return (uint32_t)(end + 4 - text) + (uint32_t)strtoul(length + 16, NULL, 10);
}

static void take_text(struct guard_client *c, struct guard_peer *p, struct bytes text)
{
	if (p->state == GUARD_ASKED) {
		p->awaited = answer_length(text) * at_once(c);
		p->state = GUARD_READING;
	}
	if (p->state != GUARD_READING || text.len > p->awaited)
		die("more text than was asked for");
	p->rcv += (uint32_t)text.len;
	p->awaited -= (uint32_t)text.len;
	c->bytes += text.len;
}

/* Tells that the answer is here, or the connection open. The ACK rides on what is sent on it then, if anything
 * is. */
static void tell(struct guard_client *c, uint32_t number, void (*on_event)(struct guard_client *, uint32_t))
{
	uint32_t before = c->peers[number].snd;

	c->peers[number].state = GUARD_OPEN;
	if (on_event != NULL)
		on_event(c, number);
	if (c->peers[number].snd == before)
		send_segment(c, number, ACK, "");
}

static void take_fin(struct guard_client *c, uint32_t number)
{
	struct guard_peer *p = &c->peers[number];

	p->rcv++;
	c->closed++;
	if (p->state == GUARD_CLOSED)
		send_segment(c, number, ACK, "");
	else
		guard_client_close(c, number);
}

static void take_syn(struct guard_client *c, uint32_t number, uint32_t seq)
{
	if (c->only_open)
		return;
	if (c->peers[number].state != GUARD_NEW) { /* again: the third ACK was late */
		send_segment(c, number, ACK, "");
		return;
	}
	c->peers[number].rcv = seq + 1;
	c->opened++;
	tell(c, number, c->on_open);
}

/* Who sends a segment again had no ACK in time, on a machine that does other things, too. */
static void take_repeated(struct guard_client *c, uint32_t number, uint32_t seq)
{
	if (!c->on_device || (int32_t)(seq - c->peers[number].rcv) > 0)
		die("a segment out of order");
	send_segment(c, number, ACK, "");
}

static void take_segment(struct guard_client *c, const uint8_t *frame, uint32_t len)
{
	const uint8_t *ip = frame + IP_AT, *tcp = frame + TCP_AT;
	uint32_t header_len = (tcp[12] >> 4) * 4u, packet_len = load_be16(ip + 2);
	uint32_t number = (load_be32(ip + 16) - GUARD_CLIENTS) * PORTS + (load_be16(tcp + 2) - FIRST_PORT);
	uint32_t seq = load_be32(tcp + 4);
	struct guard_peer *p = &c->peers[number];
	struct tcp_options o;
	struct bytes text;

	if (number >= c->count || (tcp[13] & RST) != 0)
		die("a reset, or a segment for nobody");
	if (header_len < TCP_HEADER || packet_len < IP_HEADER + header_len || IP_AT + packet_len > len)
		die("a segment that is cut short");
	text = bytes_of(tcp + header_len, packet_len - IP_HEADER - header_len);
	if (tcp_options_parse(bytes_of(tcp + TCP_HEADER, header_len - TCP_HEADER), true, &o) &&
	    o.has_timestamp)
		p->ts = o.ts_val;
	if ((tcp[13] & SYN) != 0) {
		take_syn(c, number, seq);
		return;
	}
	if (seq != p->rcv) {
		take_repeated(c, number, seq);
		return;
	}
	if (text.len > 0) {
		take_text(c, p, text);
		if (p->awaited > 0) {
			send_segment(c, number, ACK, "");
		} else {
			c->answers += at_once(c);
			if ((tcp[13] & FIN) == 0)
				tell(c, number, c->on_answer);
		}
	}
	if ((tcp[13] & FIN) != 0)
		take_fin(c, number);
}

/* ---- the wire ---- */

int guard_client_give(struct guard_client *c, struct rx_frame *frames, int max)
{
	int n = 0;

	while (n < max && c->waiting > 0) {
		frames[n++] = (struct rx_frame){ .data = c->frames[c->first], .len = c->lengths[c->first],
						 .flags = c->on_device ? 0 : RX_CHECKSUM_VALID };
		c->first = (c->first + 1) % GUARD_RING;
		c->waiting--;
	}
	return n;
}

void guard_client_take(struct guard_client *c, const uint8_t *frame, uint32_t len)
{
	uint16_t type = load_be16(frame + 12);

	if (type == ETH_TYPE_ARP)
		answer_arp(c, bytes_of(frame + ETH_HEADER_LEN, len - ETH_HEADER_LEN));
	else if (type == ETH_TYPE_IPV4 && len >= TCP_AT + TCP_HEADER && frame[IP_AT + 9] == IP_PROTO_TCP)
		take_segment(c, frame, len);
	else if (!c->on_device)
		die("a frame that is neither ARP nor TCP");
}
