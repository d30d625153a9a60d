/*
 * TCP segmentation of a whole frame. Each segment gets the headers of the super-frame with what differs:
 * lengths, the IPv4 identification (counting up), the sequence number, CWR only on the first, FIN and PSH
 * only on the last (RFC 9293 section 3.8; RFC 3168 section 6.1.2 for CWR), and finished checksums.
 */
#include "link/gso.h"

#include <string.h>

#include "base/checksum.h"
#include "base/ip4_fields.h"
#include "link/ethernet.h"

enum {
	IP6_HEADER_LEN = 40,
	TCP_HEADER_MIN = 20,
	TCP_FIN = 0x01,
	TCP_PSH = 0x08,
	TCP_CWR = 0x80,
};

/* Length of the IP header, 0 if it is none of TCP in one piece. */
static uint32_t ip_header_len(const struct rx_frame *f)
{
	const uint8_t *ip = f->data + ETH_HEADER_LEN;
	uint32_t room = f->len - ETH_HEADER_LEN;

	if (f->gso == GSO_TCP4 && room >= IP4_HEADER_LEN && ip4_version(ip) == 4 &&
	    ip4_protocol(ip) == IP_PROTO_TCP)
		return ip4_header_len(ip);
	if (f->gso == GSO_TCP6 && room >= IP6_HEADER_LEN && ip[0] >> 4 == 6 && ip[6] == IP_PROTO_TCP)
		return IP6_HEADER_LEN;
	return 0;
}

bool gso_cut_begin(struct gso_cut *c, const struct rx_frame *frame)
{
	uint32_t ip_len;

	*c = (struct gso_cut){ .frame = frame, .ip = ETH_HEADER_LEN };
	if (frame->len < ETH_HEADER_LEN || frame->gso_size == 0)
		return false;
	ip_len = ip_header_len(frame);
	c->tcp = c->ip + ip_len;
	if (ip_len < IP4_HEADER_LEN || c->tcp + TCP_HEADER_MIN > frame->len)
		return false;
	c->payload = c->tcp + (frame->data[c->tcp + 12] >> 4) * 4U;
	return c->payload >= c->tcp + TCP_HEADER_MIN && c->payload < frame->len;
}

uint32_t gso_cut_size(const struct gso_cut *c)
{
	return c->payload + c->frame->gso_size;
}

static void fix_ip(const struct gso_cut *c, uint8_t *frame, uint32_t len)
{
	uint8_t *ip = frame + c->ip;
	uint16_t sum;

	if (c->frame->gso == GSO_TCP6) {
		store_be16(ip + 4, (uint16_t)(len - c->ip - IP6_HEADER_LEN));
		return;
	}
	store_be16(ip + 2, (uint16_t)(len - c->ip));
	store_be16(ip + 4, (uint16_t)(load_be16(ip + 4) + c->index));
	memset(ip + 10, 0, 2);
	sum = checksum_finish(checksum_add(0, ip, c->tcp - c->ip));
	memcpy(ip + 10, &sum, sizeof sum);
}

/* RFC 9293 section 3.1, RFC 8200 section 8.1. */
static uint32_t pseudo_header(const struct gso_cut *c, const uint8_t *frame, uint32_t len)
{
	const uint8_t *ip = frame + c->ip;
	uint32_t sum = c->frame->gso == GSO_TCP4 ? checksum_add(0, ip + 12, 8) : checksum_add(0, ip + 8, 32);

	return checksum_add_be32(checksum_add_be16(sum, IP_PROTO_TCP), len - c->tcp);
}

static void fix_tcp(const struct gso_cut *c, uint8_t *frame, uint32_t len, bool is_last)
{
	uint8_t *tcp = frame + c->tcp;
	uint16_t sum;

	store_be32(tcp + 4, load_be32(tcp + 4) + c->next);
	if (c->index > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	if (!is_last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	memset(tcp + 16, 0, 2);
	sum = checksum_finish(checksum_add(pseudo_header(c, frame, len), tcp, len - c->tcp));
	memcpy(tcp + 16, &sum, sizeof sum);
}

uint32_t gso_cut_next(struct gso_cut *c, uint8_t *out)
{
	uint32_t left = c->frame->len - c->payload - c->next;
	uint32_t n = left < c->frame->gso_size ? left : c->frame->gso_size;
	uint32_t len = c->payload + n;

	if (n == 0)
		return 0;
	memcpy(out, c->frame->data, c->payload);
	memcpy(out + c->payload, c->frame->data + c->payload + c->next, n);
	fix_ip(c, out, len);
	fix_tcp(c, out, len, n == left);
	c->next += n;
	c->index++;
	return len;
}
