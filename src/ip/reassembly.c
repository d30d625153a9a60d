/*
 * Reassembly. Fragments of a packet are kept in a list by offset. As none may overlap another (RFC 5722,
 * applied to IPv4 too), the packet is whole when their lengths add up to its end; then they are copied
 * together once.
 *
 * An overlap that is not an exact duplicate, or two different ends, condemns the packet: its fragments are
 * freed, and its record stays until it times out, so that fragments which come later cannot start it afresh
 * (RFC 5722 section 4).
 *
 * Limits hold for all fragments together and for each source, so that one cannot use up what is for all.
 * Sources share by a keyed hash: two may get one share between them, but nobody can choose whose. At a limit
 * the oldest packet goes: it is the least likely to be completed.
 */
#include "ip/reassembly.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/pool.h"

enum { BUCKETS = 256, SHARES = 256, ECN_MASK = 3, ECN_NOT_ECT = 0, ECN_CE = 3 };

struct key {
	struct ip_addr src, dst;
	uint32_t id;
	uint32_t protocol; /* so wide that no padding gets into the hash */
};

/* What the sources of one hash value hold. */
struct share {
	uint32_t datagrams;
	uint32_t bytes;
};

struct fragment {
	struct list node; /* in datagram.fragments, by offset */
	uint32_t offset;
	uint32_t len;        /* of the payload */
	uint32_t header_len; /* the first fragment has its IP header before the payload; 0 in the others */
	uint8_t data[];
};

struct datagram {
	struct list in_bucket;
	struct list in_age; /* oldest first */
	struct key key;
	struct share *share;
	struct list fragments;
	unsigned n_fragments;
	uint32_t received; /* payload bytes in fragments */
	uint32_t end;      /* of the payload; 0: the last fragment has not come */
	uint64_t expires_us;
	enum drop_reason doom; /* not DROP_NONE: given up, all that comes for it is dropped for this reason */
	uint8_t protocol, ttl, tos; /* the first fragment's */
	uint8_t ecn_seen;           /* bit n: a fragment had the ECN field n */
	bool is_broadcast;          /* any fragment was */
};

struct ip_reassembly {
	struct world *world;
	struct ip_stats *stats;
	reassembly_timeout_fn *on_timeout;
	void *context;
	struct timer timer; /* set for the oldest datagram, or earlier */
	struct list buckets[BUCKETS];
	struct list by_age;
	struct share shares[SHARES];
	struct pool datagrams;
	size_t bytes; /* of all fragments */
	uint8_t whole[REASSEMBLY_MAX_HEADER + REASSEMBLY_MAX_PAYLOAD]; /* the packet last handed out */
};

static timer_fn on_timer;

struct ip_reassembly *reassembly_new(struct world *w, struct ip_stats *stats,
				     reassembly_timeout_fn *on_timeout, void *context)
{
	struct ip_reassembly *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->world = w;
	r->stats = stats;
	r->on_timeout = on_timeout;
	r->context = context;
	timer_init(&r->timer, on_timer);
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&r->buckets[i]);
	list_init(&r->by_age);
	pool_init(&r->datagrams, "reassembly", sizeof(struct datagram), REASSEMBLY_DATAGRAMS);
	return r;
}

static size_t charge_of(const struct fragment *f)
{
	return sizeof *f + f->header_len + f->len;
}

static void free_fragments(struct ip_reassembly *r, struct datagram *d)
{
	LIST_FOR_EACH_SAFE(node, &d->fragments) {
		struct fragment *f = LIST_ENTRY(node, struct fragment, node);

		r->bytes -= charge_of(f);
		d->share->bytes -= (uint32_t)charge_of(f);
		free(f);
	}
	list_init(&d->fragments);
	d->n_fragments = 0;
}

static void forget(struct ip_reassembly *r, struct datagram *d)
{
	free_fragments(r, d);
	d->share->datagrams--;
	list_remove(&d->in_bucket);
	list_remove(&d->in_age);
	pool_give(&r->datagrams, d);
	if (list_is_empty(&r->by_age))
		timer_cancel(&r->world->timers, &r->timer);
}

void reassembly_free(struct ip_reassembly *r)
{
	LIST_FOR_EACH_SAFE(node, &r->by_age)
		forget(r, LIST_ENTRY(node, struct datagram, in_age));
	pool_fini(&r->datagrams);
	free(r);
}

/* Frees what there is of d, and condemns what may still come. */
static enum reassembly_verdict give_up(struct ip_reassembly *r, struct datagram *d, enum drop_reason why,
				       enum drop_reason *reason)
{
	free_fragments(r, d);
	d->doom = why;
	r->stats->reasm_fails++;
	*reason = world_drop(r->world, why);
	return REASSEMBLY_DROPPED;
}

static void evict(struct ip_reassembly *r, struct datagram *d)
{
	assert(d != NULL); /* what is over its limit has something to give up */
	if (d->doom == DROP_NONE) {
		r->stats->reasm_fails++;
		world_drop(r->world, DROP_FRAGMENT_LIMIT);
	}
	forget(r, d);
}

/* The oldest of a share (NULL: of all), but not the one that is being added to. */
static struct datagram *find_oldest(const struct ip_reassembly *r, const struct share *share,
				    const struct datagram *but_not)
{
	LIST_FOR_EACH(node, &r->by_age) {
		struct datagram *d = LIST_ENTRY(node, struct datagram, in_age);

		if (d != but_not && (share == NULL || d->share == share))
			return d;
	}
	return NULL;
}

static struct share *share_of(struct ip_reassembly *r, const struct ip_addr *src)
{
	return &r->shares[hash_siphash13(&r->world->table_key, src, sizeof *src) % SHARES];
}

static struct list *bucket_of(struct ip_reassembly *r, const struct key *key)
{
	return &r->buckets[hash_siphash13(&r->world->table_key, key, sizeof *key) % BUCKETS];
}

static struct datagram *find(const struct list *bucket, const struct key *key)
{
	LIST_FOR_EACH(node, bucket) {
		struct datagram *d = LIST_ENTRY(node, struct datagram, in_bucket);

		if (memcmp(&d->key, key, sizeof *key) == 0)
			return d;
	}
	return NULL;
}

/* A record for a packet of which nothing has come yet; NULL if there is no memory. */
static struct datagram *open_datagram(struct ip_reassembly *r, struct list *bucket, const struct key *key)
{
	struct share *share = share_of(r, &key->src);
	struct datagram *d;

	if (share->datagrams == REASSEMBLY_SHARE_DATAGRAMS)
		evict(r, find_oldest(r, share, NULL));
	else if (r->datagrams.in_use == REASSEMBLY_DATAGRAMS)
		evict(r, find_oldest(r, NULL, NULL));
	d = pool_take(&r->datagrams);
	if (d == NULL)
		return NULL;
	memset(d, 0, sizeof *d);
	d->key = *key;
	d->share = share;
	share->datagrams++;
	list_init(&d->fragments);
	d->expires_us = r->world->now_us + REASSEMBLY_TIMEOUT_US;
	list_append(bucket, &d->in_bucket);
	list_append(&r->by_age, &d->in_age);
	if (!timer_is_set(&r->timer))
		timer_set(&r->world->timers, &r->timer, d->expires_us);
	return d;
}

/* Makes room for another size bytes of d. */
static void make_room(struct ip_reassembly *r, const struct datagram *d, size_t size)
{
	while (d->share->bytes + size > REASSEMBLY_SHARE_BYTES)
		evict(r, find_oldest(r, d->share, d));
	while (r->bytes + size > REASSEMBLY_BYTES)
		evict(r, find_oldest(r, NULL, d));
}

/* What no honest sender makes, whatever else has come of the packet. */
static bool is_malformed(const struct fragment_info *info, const struct ip_packet *packet)
{
	size_t len = packet->payload.len;

	if (len == 0 || (info->more && len % 8 != 0))
		return true;
	/* Ping of death: an end that no IP packet has. */
	if (packet->header.len + info->offset + len > REASSEMBLY_MAX_PAYLOAD)
		return true;
	/* RFC 1858, RFC 3128: a transport header in two pieces is made to slip past a filter. */
	return info->offset == 0 ? len < info->min_first : info->offset < info->min_first;
}

static bool is_same(const struct fragment *f, uint32_t offset, struct bytes payload)
{
	return f->offset == offset && f->len == payload.len &&
	       memcmp(f->data + f->header_len, payload.data, f->len) == 0;
}

enum place { FITS, DUPLICATE, OVERLAPS };

/* Where a fragment belongs: *after is the node that it comes behind. */
static enum place find_place(struct datagram *d, uint32_t offset, struct bytes payload, struct list **after)
{
	const struct fragment *f;

	*after = d->fragments.prev;
	while (*after != &d->fragments && LIST_ENTRY(*after, struct fragment, node)->offset > offset)
		*after = (*after)->prev;
	if (*after != &d->fragments) {
		f = LIST_ENTRY(*after, struct fragment, node);
		if (is_same(f, offset, payload))
			return DUPLICATE;
		if (f->offset + f->len > offset)
			return OVERLAPS;
	}
	if ((*after)->next != &d->fragments) {
		f = LIST_ENTRY((*after)->next, struct fragment, node);
		if (offset + payload.len > f->offset)
			return OVERLAPS;
	}
	return FITS;
}

/* The packet has one end: the last fragment says where, and nothing lies behind it. */
static bool contradicts_end(const struct datagram *d, const struct fragment_info *info, uint32_t end)
{
	struct list *last = list_last(&d->fragments);
	const struct fragment *f;

	if (d->end != 0)
		return info->more ? end >= d->end : end != d->end;
	if (info->more || last == NULL)
		return false;
	f = LIST_ENTRY(last, struct fragment, node);
	return f->offset + f->len >= end; /* which said that more comes behind it */
}

/* Copies the fragment behind the node after; false if there is no memory. */
static bool keep(struct ip_reassembly *r, struct datagram *d, struct list *after, uint32_t offset,
		 const struct ip_packet *packet)
{
	size_t header_len = offset == 0 ? packet->header.len : 0;
	size_t size = sizeof(struct fragment) + header_len + packet->payload.len;
	struct fragment *f;

	make_room(r, d, size);
	f = malloc(size);
	if (f == NULL)
		return false;
	f->offset = offset;
	f->len = (uint32_t)packet->payload.len;
	f->header_len = (uint32_t)header_len;
	memcpy(f->data, packet->header.data, header_len);
	memcpy(f->data + header_len, packet->payload.data, f->len);
	list_insert_after(after, &f->node);
	d->n_fragments++;
	d->received += f->len;
	r->bytes += size;
	d->share->bytes += (uint32_t)size;
	return true;
}

/* What the whole packet takes from this fragment besides its bytes. */
static void note_fields(struct datagram *d, const struct fragment_info *info, const struct ip_packet *packet)
{
	d->ecn_seen = (uint8_t)(d->ecn_seen | 1u << (packet->tos & ECN_MASK));
	d->is_broadcast |= packet->is_broadcast;
	if (!info->more)
		d->end = info->offset + (uint32_t)packet->payload.len;
	if (info->offset != 0)
		return;
	d->protocol = packet->protocol;
	d->ttl = packet->ttl;
	d->tos = packet->tos;
}

static const struct fragment *first_fragment(const struct datagram *d)
{
	const struct fragment *f;

	if (list_is_empty(&d->fragments))
		return NULL;
	f = LIST_ENTRY(list_first(&d->fragments), struct fragment, node);
	return f->offset == 0 ? f : NULL;
}

static void fill_fields(const struct datagram *d, struct ip_packet *packet)
{
	packet->protocol = d->protocol;
	packet->ttl = d->ttl;
	packet->tos = d->tos;
	packet->is_broadcast = d->is_broadcast;
}

/* All is there: puts it together, and the record is done with. */
static enum reassembly_verdict finish(struct ip_reassembly *r, struct datagram *d, struct ip_packet *packet,
				      uint8_t **header, enum drop_reason *reason)
{
	const struct fragment *first = first_fragment(d);
	uint8_t *to = r->whole + first->header_len;

	if (first->header_len + d->end > REASSEMBLY_MAX_PAYLOAD)
		return give_up(r, d, DROP_FRAGMENT_MALFORMED, reason);
	/* RFC 3168 section 5.3: congestion seen by one fragment must not be lost, and must not be made up. */
	if ((d->ecn_seen & 1u << ECN_CE) != 0) {
		if ((d->ecn_seen & 1u << ECN_NOT_ECT) != 0)
			return give_up(r, d, DROP_FRAGMENT_MALFORMED, reason);
		d->tos |= ECN_CE;
	}
	fill_fields(d, packet);
	memcpy(r->whole, first->data, first->header_len);
	packet->header = bytes_of(r->whole, first->header_len);
	packet->payload = bytes_of(to, d->end);
	LIST_FOR_EACH(node, &d->fragments) {
		const struct fragment *f = LIST_ENTRY(node, struct fragment, node);

		memcpy(to + f->offset, f->data + f->header_len, f->len);
	}
	*header = r->whole;
	r->stats->reasm_oks++;
	forget(r, d);
	return REASSEMBLY_WHOLE;
}

static enum reassembly_verdict add(struct ip_reassembly *r, struct datagram *d,
				   const struct fragment_info *info, struct ip_packet *packet,
				   uint8_t **header, enum drop_reason *reason)
{
	struct list *after;
	enum place place = find_place(d, info->offset, packet->payload, &after);

	if (place == OVERLAPS)
		return give_up(r, d, DROP_FRAGMENT_OVERLAP, reason);
	if (place == DUPLICATE)
		return REASSEMBLY_KEPT;
	if (contradicts_end(d, info, info->offset + (uint32_t)packet->payload.len))
		return give_up(r, d, DROP_FRAGMENT_MALFORMED, reason);
	if (d->n_fragments == REASSEMBLY_FRAGMENTS)
		return give_up(r, d, DROP_FRAGMENT_LIMIT, reason);
	if (!keep(r, d, after, info->offset, packet))
		return give_up(r, d, DROP_NO_MEMORY, reason);
	note_fields(d, info, packet);
	if (d->end == 0 || d->received < d->end)
		return REASSEMBLY_KEPT;
	return finish(r, d, packet, header, reason);
}

enum reassembly_verdict reassembly_input(struct ip_reassembly *r, const struct fragment_info *info,
					 struct ip_packet *packet, uint8_t **header, enum drop_reason *reason)
{
	struct key key = {
		.src = packet->src,
		.dst = packet->dst,
		.id = info->id,
		.protocol = info->key_protocol,
	};
	struct list *bucket = bucket_of(r, &key);
	struct datagram *d;

	r->stats->reasm_reqds++;
	*reason = DROP_NONE;
	if (is_malformed(info, packet)) {
		r->stats->reasm_fails++;
		*reason = world_drop(r->world, DROP_FRAGMENT_MALFORMED);
		return REASSEMBLY_DROPPED;
	}
	d = find(bucket, &key);
	if (d == NULL)
		d = open_datagram(r, bucket, &key);
	if (d != NULL && d->doom == DROP_NONE)
		return add(r, d, info, packet, header, reason);
	*reason = world_drop(r->world, d == NULL ? DROP_NO_MEMORY : d->doom);
	return REASSEMBLY_DROPPED;
}

static void expire(struct ip_reassembly *r, struct datagram *d)
{
	const struct fragment *first = first_fragment(d);
	struct ip_packet packet = { .src = d->key.src, .dst = d->key.dst };

	if (d->doom == DROP_NONE) {
		r->stats->reasm_fails++;
		r->stats->reasm_timeouts++;
		world_drop(r->world, DROP_FRAGMENT_TIMEOUT);
	}
	/* Without the first fragment the sender could not tell what it is about (RFC 1122 section 3.3.2). */
	if (first != NULL) {
		fill_fields(d, &packet);
		packet.header = bytes_of(first->data, first->header_len);
		packet.payload = bytes_of(first->data + first->header_len, first->len);
		r->on_timeout(r->context, &packet);
	}
	forget(r, d);
}

/* All packets have the same time to live, so that they expire in the order in which they were begun. */
static void on_timer(struct timer *timer, uint64_t now_us)
{
	struct ip_reassembly *r = CONTAINER_OF(timer, struct ip_reassembly, timer);
	struct list *oldest;

	while ((oldest = list_first(&r->by_age)) != NULL) {
		struct datagram *d = LIST_ENTRY(oldest, struct datagram, in_age);

		if (d->expires_us > now_us) {
			timer_set(&r->world->timers, &r->timer, d->expires_us);
			return;
		}
		expire(r, d);
	}
}

unsigned reassembly_datagrams(const struct ip_reassembly *r)
{
	return (unsigned)r->datagrams.in_use;
}

size_t reassembly_bytes(const struct ip_reassembly *r)
{
	return r->bytes;
}

void reassembly_each_pool(const struct ip_reassembly *r, pool_visit_fn *visit, void *context)
{
	visit(context, &r->datagrams);
}
