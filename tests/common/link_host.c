#include "common/link_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

const struct mac_addr link_host_mac = { { 0x02, 0, 0, 0, 0, 2 } };
const struct mac_addr link_host_peer_mac = { { 0x02, 0, 0, 0, 0x01, 9 } };

static void keep_line(void *context, const char *line, size_t len)
{
	struct link_host *h = context;

	assert_true(len < sizeof h->log_text);
	memcpy(h->log_text, line, len);
	h->log_text[len] = '\0';
	h->log_lines++;
}

struct link_host *link_host_new(uint32_t mtu, uint64_t seed)
{
	const struct device_caps caps = { .mtu = mtu, .gso_max = 65535, .tx_checksum = 1 };
	struct link_host *h = calloc(1, sizeof *h);

	assert_non_null(h);
	h->log = (struct log){ .level = LOG_DEBUG, .write = keep_line, .context = h };
	assert_int_equal(world_init(&h->world, LINK_HOST_START_US, seed, &h->log), 0);
	assert_int_equal(link_init(&h->link, &h->world, &caps, &link_host_mac), 0);
	return h;
}

void link_host_free(struct link_host *h)
{
	link_fini(&h->link);
	assert_int_equal(h->world.timers.armed, 0);
	free(h->in);
	free(h);
}

void link_host_claim(struct link_host *h)
{
	const struct ip_addr us = ip_addr_from_4(LINK_HOST_US);

	assert_int_equal(link_add_address(&h->link, &us), 0);
	link_tx_done(&h->link);
}

void link_host_advance(struct link_host *h, uint64_t us)
{
	world_advance(&h->world, h->world.now_us + us);
}

enum drop_reason link_host_put(struct link_host *h, const void *frame, size_t len)
{
	struct rx_frame rx = { .len = (uint32_t)len };

	free(h->in);
	h->in = malloc(len > 0 ? len : 1);
	assert_non_null(h->in);
	if (len > 0)
		memcpy(h->in, frame, len);
	rx.data = h->in;
	return link_input(&h->link, &rx, &h->ethertype, &h->payload);
}

struct mac_addr link_host_mac_of(uint32_t ip)
{
	if (ip == LINK_HOST_PEER)
		return link_host_peer_mac;
	return (struct mac_addr){ { 0x02, 1, 0, 0, (uint8_t)(ip >> 8), (uint8_t)ip } };
}

enum drop_reason link_host_put_arp(struct link_host *h, uint16_t operation, uint32_t sender_ip,
				   const struct mac_addr *sender_mac, uint32_t target_ip)
{
	uint8_t frame[60] = { 0 };

	memcpy(frame, operation == 1 ? mac_broadcast.b : link_host_mac.b, 6);
	memcpy(frame + 6, sender_mac->b, 6);
	memcpy(frame + 12, (const uint8_t[]){ 0x08, 0x06, 0, 1, 0x08, 0, 6, 4 }, 8);
	store_be16(frame + 20, operation);
	memcpy(frame + 22, sender_mac->b, 6);
	store_be32(frame + 28, sender_ip);
	memcpy(frame + 32, operation == 1 ? mac_zero.b : link_host_mac.b, 6);
	store_be32(frame + 38, target_ip);
	return link_host_put(h, frame, sizeof frame);
}

enum drop_reason link_host_send(struct link_host *h, uint32_t next_hop, const void *payload, size_t len,
				uint32_t *hint)
{
	const struct ip_addr to = ip_addr_from_4(next_hop);
	struct tx_frame *f = link_tx_slot(&h->link);

	assert_non_null(f);
	assert_true(tx_add_payload(f, payload, len));
	return link_output(&h->link, f, &to, ETH_TYPE_IPV4, hint);
}

struct bytes link_host_sent(struct link_host *h, unsigned i)
{
	assert_true(i < h->link.n_tx);
	assert_true(tx_len(&h->link.tx[i]) <= sizeof h->out);
	return bytes_of(h->out, tx_flatten(&h->link.tx[i], h->out));
}

void link_host_expect(struct link_host *h, const void *frame, size_t len)
{
	struct bytes sent;

	assert_int_equal(h->link.n_tx, 1);
	sent = link_host_sent(h, 0);
	assert_int_equal(sent.len, len);
	assert_memory_equal(sent.data, frame, len);
	link_tx_done(&h->link);
}

void link_host_expect_nothing(struct link_host *h)
{
	assert_int_equal(h->link.n_tx, 0);
}

void link_host_expect_request(struct link_host *h, uint32_t target, const struct mac_addr *to)
{
	uint8_t frame[42] = { 0 };

	memcpy(frame, to->b, 6);
	memcpy(frame + 6, link_host_mac.b, 6);
	memcpy(frame + 12, (const uint8_t[]){ 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 }, 10);
	memcpy(frame + 22, link_host_mac.b, 6);
	store_be32(frame + 28, LINK_HOST_US);
	store_be32(frame + 38, target);
	link_host_expect(h, frame, sizeof frame);
}

void link_host_expect_payload(struct link_host *h, const struct mac_addr *to, const void *payload, size_t len)
{
	static uint8_t frame[LINK_HOST_FRAME];

	memcpy(frame, to->b, 6);
	memcpy(frame + 6, link_host_mac.b, 6);
	memcpy(frame + 12, (const uint8_t[]){ 0x08, 0x00 }, 2);
	memcpy(frame + 14, payload, len);
	link_host_expect(h, frame, 14 + len);
}

uint64_t link_host_drops(const struct link_host *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		n += h->world.drops[i];
	return n;
}
