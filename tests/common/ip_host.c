#include "common/ip_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/checksum.h"

static const uint8_t our_mac[6] = { 0x02, 0, 0, 0, 0, 2 };

enum { ARP_REQUEST_TO_US = 1, ARP_REPLY_TO_US = 2 };

/* An ARP packet for us, by which the link learns who sent it, or that he is still there. */
static void introduce(struct ip_host *h, uint32_t ip, uint8_t operation)
{
	/* clang-format off */
	uint8_t frame[60] = {
		0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 1, 0, 0x08, 0x06,      /* Ethernet */
		0, 1, 0x08, 0x00, 6, 4, 0, operation, 0x02, 0, 0, 0, 1, 0, /* operation, sender's MAC */
	};
	/* clang-format on */
	struct rx_frame rx = { .data = frame, .len = sizeof frame };
	struct bytes payload;
	uint16_t type;

	frame[11] = frame[27] = (uint8_t)ip;
	store_be32(frame + 28, ip);
	memcpy(frame + 32, our_mac, 6);
	store_be32(frame + 38, IP_HOST_US);
	assert_int_equal(link_input(&h->link, &rx, &type, &payload), DROP_NONE);
	assert_int_equal(type, 0);
}

/* The request makes an entry where there is none, the reply confirms it. */
static void meet_neighbours(struct ip_host *h)
{
	introduce(h, IP_HOST_GATEWAY, ARP_REQUEST_TO_US);
	introduce(h, IP_HOST_GATEWAY, ARP_REPLY_TO_US);
	introduce(h, IP_HOST_PEER, ARP_REQUEST_TO_US);
	introduce(h, IP_HOST_PEER, ARP_REPLY_TO_US);
}

struct ip_host *ip_host_new(uint32_t mtu)
{
	struct device_caps caps = { .mtu = mtu, .gso_max = 65535, .tx_checksum = 1 };
	struct ip_prefix ours, everything = { .addr = ip_addr_from_4(0), .bits = 96 };
	struct ip_addr gateway = ip_addr_from_4(IP_HOST_GATEWAY);
	struct ip_host *h = calloc(1, sizeof *h);
	struct mac_addr mac;

	assert_non_null(h);
	memcpy(mac.b, our_mac, sizeof mac.b);
	assert_int_equal(world_init(&h->world, IP_HOST_START_US, 1, NULL), 0);
	assert_int_equal(link_init(&h->link, &h->world, &caps, &mac), 0);
	assert_int_equal(ip_init(&h->ip, &h->world, &h->link), 0);
	assert_true(ip_prefix_parse("10.77.0.2/24", &ours));
	assert_int_equal(ip_add_address(&h->ip, &ours), 0);
	assert_int_equal(ip_add_route(&h->ip, &everything, &gateway), 0);
	meet_neighbours(h);
	link_tx_done(&h->link);
	return h;
}

void ip_host_free(struct ip_host *h)
{
	ip_fini(&h->ip);
	link_fini(&h->link);
	free(h->in);
	free(h);
}

void ip4_mend_checksum(uint8_t *packet)
{
	uint16_t sum;

	memset(packet + 10, 0, 2);
	sum = checksum_finish(checksum_add(0, packet, (packet[0] & 15u) * 4));
	memcpy(packet + 10, &sum, sizeof sum);
}

size_t ip4_build(uint8_t *out, const struct ip4_spec *spec)
{
	size_t header_len = 20 + spec->options_len;
	size_t total = header_len + spec->payload_len;

	assert_true(header_len <= 60 && total <= 65535);
	memset(out, 0, 20);
	out[0] = (uint8_t)(0x40 | header_len / 4);
	out[1] = spec->tos;
	store_be16(out + 2, (uint16_t)total);
	store_be16(out + 4, spec->id);
	store_be16(out + 6, spec->field);
	out[8] = spec->ttl != 0 ? spec->ttl : 64;
	out[9] = spec->protocol != 0 ? spec->protocol : IP_PROTO_UDP;
	store_be32(out + 12, spec->src != 0 ? spec->src : (uint32_t)IP_HOST_PEER);
	store_be32(out + 16, spec->dst != 0 ? spec->dst : (uint32_t)IP_HOST_US);
	if (spec->options_len > 0)
		memcpy(out + 20, spec->options, spec->options_len);
	if (spec->payload_len > 0)
		memcpy(out + header_len, spec->payload, spec->payload_len);
	ip4_mend_checksum(out);
	return total;
}

static enum ip_verdict put(struct ip_host *h, const uint8_t *packet, size_t len, uint8_t mac_0)
{
	struct bytes payload;
	uint16_t type;

	free(h->in);
	h->in = malloc(14 + len);
	assert_non_null(h->in);
	memset(h->in, mac_0, 6);
	if (mac_0 != 0xff)
		memcpy(h->in, our_mac, 6);
	memcpy(h->in + 6, (const uint8_t[]){ 0x02, 0, 0, 0, 1, 1, 0x08, 0x00 }, 8);
	if (len > 0)
		memcpy(h->in + 14, packet, len);
	h->frame.data = h->in;
	h->frame.len = (uint32_t)(14 + len);
	assert_int_equal(link_input(&h->link, &h->frame, &type, &payload), DROP_NONE);
	assert_int_equal(type, ETH_TYPE_IPV4);
	return ip_input(&h->ip, type, &h->frame, payload, &h->packet, &h->error, &h->reason);
}

enum ip_verdict ip_host_put(struct ip_host *h, const uint8_t *packet, size_t len)
{
	return put(h, packet, len, our_mac[0]);
}

enum ip_verdict ip_host_put_spec(struct ip_host *h, const struct ip4_spec *spec)
{
	return put(h, h->built, ip4_build(h->built, spec), our_mac[0]);
}

enum ip_verdict ip_host_put_broadcast(struct ip_host *h, const struct ip4_spec *spec)
{
	return put(h, h->built, ip4_build(h->built, spec), 0xff);
}

static bool is_ip(const struct tx_frame *f)
{
	assert_true(tx_head_len(f) >= 14);
	return load_be16(tx_head(f) + 12) == ETH_TYPE_IPV4;
}

unsigned ip_host_n_sent(const struct ip_host *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->link.n_tx; i++)
		n += is_ip(&h->link.tx[i]);
	return n;
}

const struct tx_frame *ip_host_sent_frame(const struct ip_host *h, unsigned i)
{
	for (unsigned at = 0; at < h->link.n_tx; at++)
		if (is_ip(&h->link.tx[at]) && i-- == 0)
			return &h->link.tx[at];
	fail_msg("so many frames were not sent");
	return NULL;
}

struct bytes ip_host_sent(struct ip_host *h, unsigned i)
{
	const struct tx_frame *f = ip_host_sent_frame(h, i);
	uint32_t len;

	assert_true(tx_len(f) <= sizeof h->out);
	len = tx_flatten(f, h->out);
	assert_true(len >= 34);
	return bytes_of(h->out + 14, len - 14);
}

void ip_host_advance(struct ip_host *h, uint64_t us)
{
	const uint64_t step_us = 4000000; /* before the link gives up a neighbour that it asks for */

	do {
		uint64_t now_us = us < step_us ? us : step_us;

		world_advance(&h->world, h->world.now_us + now_us);
		meet_neighbours(h);
		us -= now_us;
	} while (us > 0);
}

void ip_host_clear(struct ip_host *h)
{
	link_tx_done(&h->link);
}

uint64_t ip_host_drops(const struct ip_host *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		n += h->world.drops[i];
	return n;
}
