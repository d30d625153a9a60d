/*
 * ARP (RFC 826). A received packet goes through the RFC's own steps:
 *   is it well formed?  ->  does the sender claim an address of ours (RFC 5227 section 2.4)?
 *   ->  merge the sender into the cache  ->  is the target ours?  ->  is it a request? then reply.
 * The cache is the neighbour table. An entry that is there is updated by whatever its owner says; a new one
 * is made only by a request to us, because we are about to talk to whoever asks for us. A reply makes none:
 * the question made one already.
 */
#include "link/arp.h"

#include <stdlib.h>

#include "link/neighbour.h"

enum { HARDWARE_ETHERNET = 1, MAC_LEN = 6, IPV4_LEN = 4 };

struct arp *arp_new(void)
{
	return calloc(1, sizeof(struct arp));
}

void arp_free(struct link *l)
{
	if (l->arp == NULL)
		return;
	for (unsigned i = 0; i < l->arp->n_claims; i++)
		timer_cancel(&l->world->timers, &l->arp->claims[i].announce);
	free(l->arp);
	l->arp = NULL;
}

static bool take_mac(struct bytes *b, struct mac_addr *out)
{
	struct bytes mac;

	if (!bytes_take(b, MAC_LEN, &mac))
		return false;
	memcpy(out->b, mac.data, MAC_LEN);
	return true;
}

static bool take_format(struct bytes *b)
{
	uint16_t hardware, protocol;
	uint8_t hardware_len, protocol_len;

	return bytes_take_be16(b, &hardware) && hardware == HARDWARE_ETHERNET &&
	       bytes_take_be16(b, &protocol) && protocol == ETH_TYPE_IPV4 &&
	       bytes_take_u8(b, &hardware_len) && hardware_len == MAC_LEN &&
	       bytes_take_u8(b, &protocol_len) && protocol_len == IPV4_LEN;
}

bool arp_parse(struct bytes payload, struct arp_packet *out)
{
	return take_format(&payload) && bytes_take_be16(&payload, &out->operation) &&
	       take_mac(&payload, &out->sender_mac) && bytes_take_be32(&payload, &out->sender_ip) &&
	       take_mac(&payload, &out->target_mac) && bytes_take_be32(&payload, &out->target_ip) &&
	       (out->operation == ARP_REQUEST || out->operation == ARP_REPLY);
}

void arp_emit(const struct arp_packet *p, uint8_t out[static ARP_PACKET_LEN])
{
	store_be16(out, HARDWARE_ETHERNET);
	store_be16(out + 2, ETH_TYPE_IPV4);
	out[4] = MAC_LEN;
	out[5] = IPV4_LEN;
	store_be16(out + 6, p->operation);
	memcpy(out + 8, p->sender_mac.b, MAC_LEN);
	store_be32(out + 14, p->sender_ip);
	memcpy(out + 18, p->target_mac.b, MAC_LEN);
	store_be32(out + 24, p->target_ip);
}

static bool send_packet(struct link *l, const struct arp_packet *p, const struct mac_addr *to,
			const char *note)
{
	struct tx_frame *f = link_tx_slot(l);

	if (f == NULL)
		return false;
	arp_emit(p, tx_push(f, ARP_PACKET_LEN));
	f->note = note;
	link_send_to_mac(l, f, to, ETH_TYPE_ARP);
	return true;
}

static bool send_request(struct link *l, uint32_t sender_ip, uint32_t target_ip, const struct mac_addr *to,
			 const char *note)
{
	const struct arp_packet p = {
		.operation = ARP_REQUEST,
		.sender_mac = l->mac,
		.sender_ip = sender_ip,
		.target_mac = mac_zero,
		.target_ip = target_ip,
	};

	if (!send_packet(l, &p, to, note))
		return false;
	l->arp->stats.requests_out++;
	return true;
}

/* RFC 5227 section 2.3: sender and target are both the address announced. */
static void announce(struct arp_claim *c)
{
	send_request(c->link, c->ip, c->ip, &mac_broadcast, "ARP announcement");
}

static void reply(struct link *l, const struct arp_packet *request)
{
	const struct arp_packet p = {
		.operation = ARP_REPLY,
		.sender_mac = l->mac,
		.sender_ip = request->target_ip,
		.target_mac = request->sender_mac,
		.target_ip = request->sender_ip,
	};

	if (send_packet(l, &p, &request->sender_mac, "ARP reply"))
		l->arp->stats.replies_out++;
}

/* The address of ours that shares the longest prefix with target: most likely the one on target's subnet.
 * NULL if we have none. */
static const struct arp_claim *claim_near(const struct arp *arp, uint32_t target)
{
	const struct arp_claim *best = NULL;

	for (unsigned i = 0; i < arp->n_claims; i++)
		if (best == NULL || (arp->claims[i].ip ^ target) < (best->ip ^ target))
			best = &arp->claims[i];
	return best;
}

void arp_send_request(struct link *l, const struct ip_addr *target, const struct mac_addr *to)
{
	uint32_t ip = ip_addr_to_4(target);
	const struct arp_claim *us = claim_near(l->arp, ip);

	if (us == NULL)
		return;
	if (to == NULL)
		send_request(l, us->ip, ip, &mac_broadcast, "ARP request");
	else
		send_request(l, us->ip, ip, to, "ARP request (unicast poll)");
}

static void announce_again(struct timer *timer, uint64_t now_us)
{
	struct arp_claim *c = CONTAINER_OF(timer, struct arp_claim, announce);

	announce(c);
	if (++c->announcements < ARP_ANNOUNCE_NUM)
		timer_set(&c->link->world->timers, timer, now_us + ARP_ANNOUNCE_INTERVAL_US);
}

/* Of several stacks on a port one speaks; the others listen, and ask for themselves. */
static bool speaks_for_us(const struct link *l)
{
	return l->caps.queue == 0;
}

void arp_claim(struct link *l, const struct ip_addr *address)
{
	struct arp_claim *c = &l->arp->claims[l->arp->n_claims++];

	assert(l->arp->n_claims <= LINK_MAX_ADDRESSES);
	c->link = l;
	c->ip = ip_addr_to_4(address);
	timer_init(&c->announce, announce_again);
	if (speaks_for_us(l))
		announce_again(&c->announce, l->world->now_us);
}

static struct arp_claim *find_claim(struct arp *arp, uint32_t ip)
{
	for (unsigned i = 0; i < arp->n_claims; i++)
		if (arp->claims[i].ip == ip)
			return &arp->claims[i];
	return NULL;
}

/* Addresses that nobody may send from (RFC 1122 section 3.2.1.3). 0.0.0.0 is the sender of an ARP probe. */
static bool is_host_or_probe(uint32_t ip)
{
	const struct ip_addr a = ip_addr_from_4(ip);

	return ip != 0xffffffff && !ip_addr_is_multicast(&a) && !ip_addr_is_loopback(&a);
}

static bool has_sane_sender(const struct link *l, const struct arp_packet *p)
{
	return !mac_is_group(&p->sender_mac) && !mac_equal(&p->sender_mac, &mac_zero) &&
	       !mac_equal(&p->sender_mac, &l->mac) && is_host_or_probe(p->sender_ip);
}

/* RFC 5227 section 2.4 (c): the address was given to us, so we keep and defend it, but not in a loop with a
 * host that does the same. */
static void defend(struct arp_claim *c, const struct mac_addr *other)
{
	struct world *w = c->link->world;
	const struct ip_addr a = ip_addr_from_4(c->ip);
	char ip[IP_ADDR_TEXT], mac[MAC_ADDR_TEXT];

	c->link->arp->stats.conflicts++;
	if (w->now_us < c->may_defend_at_us)
		return;
	c->may_defend_at_us = w->now_us + ARP_DEFEND_INTERVAL_US;
	log_line(w->log, LOG_WARNING, "arp", "%s is also claimed by %s", ip_addr_format(&a, ip),
		 mac_format(other, mac));
	announce(c);
}

/* RFC 826, "Packet Reception": true if the sender was in the cache, or is now. */
static bool merge_sender(struct link *l, const struct arp_packet *p, bool for_us)
{
	const struct ip_addr sender = ip_addr_from_4(p->sender_ip);

	if (p->sender_ip == 0) /* RFC 5227 section 1.1: a probe's sender has no address yet */
		return false;
	if (neighbour_update(l->neighbours, &sender, &p->sender_mac, for_us && p->operation == ARP_REPLY))
		return true;
	return for_us && p->operation == ARP_REQUEST && neighbour_add(l->neighbours, &sender, &p->sender_mac);
}

enum drop_reason arp_input(struct link *l, struct bytes payload)
{
	struct arp_claim *claimed, *ours;
	struct arp_packet p;
	bool merged;

	if (!arp_parse(payload, &p) || !has_sane_sender(l, &p))
		return world_drop(l->world, DROP_ARP_MALFORMED);
	if (p.operation == ARP_REQUEST)
		l->arp->stats.requests_in++;
	else
		l->arp->stats.replies_in++;

	claimed = find_claim(l->arp, p.sender_ip);
	if (claimed != NULL) {
		if (speaks_for_us(l))
			defend(claimed, &p.sender_mac);
		return DROP_NONE;
	}
	ours = find_claim(l->arp, p.target_ip);
	merged = merge_sender(l, &p, ours != NULL);
	if (ours != NULL && p.operation == ARP_REQUEST) {
		if (speaks_for_us(l))
			reply(l, &p);
		return DROP_NONE;
	}
	return merged ? DROP_NONE : world_drop(l->world, DROP_ARP_NOT_OURS);
}
