/*
 * The neighbour table (RFC 4861 section 7.3): a keyed hash over a fixed array of entries.
 *
 *   (none)      -> INCOMPLETE  we send to it: asked for by broadcast, once a second, three times at most
 *   (none)      -> STALE       it asks for us
 *   INCOMPLETE  -> REACHABLE   it answers; what waits is sent
 *   INCOMPLETE  -> DELAY       it asks for us before it answers; what waits is sent
 *   INCOMPLETE  -> (none)      no answer; what waits is dropped
 *   REACHABLE   -> STALE       not confirmed for 15 to 45 seconds
 *   STALE       -> DELAY       we send to it
 *   STALE       -> (none)      unused for ten minutes, or recycled
 *   DELAY       -> PROBE       not confirmed for five seconds: asked by unicast, once a second, three times
 *   REACHABLE, STALE, DELAY -> PROBE  an upper layer doubts that it is there
 *   PROBE       -> REACHABLE   it answers
 *   PROBE       -> (none)      no answer; whoever sends to it next asks for it anew
 *   any but INCOMPLETE -> REACHABLE  an upper layer confirms that it answers
 *   any but INCOMPLETE -> STALE      it says that it has another MAC address now
 *
 * From STALE on the address stays in use while it is verified, so a connection never waits for that. `enter`
 * alone writes the state and sets the one timer.
 *
 * Limits. Entries are recycled in this order: the oldest learnt one that we never sent to, then the least
 * recently used one if it was not used for NEIGHBOUR_IN_USE_US. So whoever floods us with requests from
 * made-up addresses pushes out only what his own flood (or another idle stranger) brought in. INCOMPLETE
 * entries are never recycled, for frames wait in them and because forgetting them would lift the limit of one
 * question a second; they may fill a quarter of the table at most, which also bounds the broadcasts that a
 * flood from spoofed addresses makes us send. What finds no place is dropped and counted
 * (NEIGHBOUR_TABLE_FULL).
 *
 * Frames that wait: the oldest makes place for the newest (RFC 1122 section 2.3.2.2: keep the latest).
 */
#include "link/neighbour.h"

#include <errno.h>
#include <stdlib.h>

enum {
	INDEX_MASK = NEIGHBOUR_MAX - 1,
	GENERATION_MAX = (1 << (32 - NEIGHBOUR_INDEX_BITS)) - 1,
	USE_GRAIN_US = 1000000, /* how exactly we know when an entry was used: spares the list work a frame */
};

/* A frame that waits, without Ethernet header. Sent, it is the owner of the payload of its tx_frame. */
struct pending {
	struct list node;
	struct span_owner owner;
	struct pool *pool;
	const char *note;
	uint32_t payload_len;
	uint16_t head_len;
	uint16_t ethertype;
	uint16_t checksum_start, checksum_offset; /* these and the next three: as in tx_frame */
	uint16_t gso_size;
	uint8_t gso, flags;
	uint8_t data[]; /* header block, then payload */
};

static void timer_fired(struct timer *timer, uint64_t now_us);

int neighbour_table_new(struct link *l, neighbour_solicit_fn *solicit, struct neighbour_table **out)
{
	struct neighbour_table *t = calloc(1, sizeof *t);

	if (t == NULL)
		return -ENOMEM;
	t->entries = calloc(NEIGHBOUR_MAX, sizeof *t->entries);
	if (t->entries == NULL) {
		free(t);
		return -ENOMEM;
	}
	t->link = l;
	t->solicit = solicit;
	list_init(&t->unused);
	list_init(&t->incomplete);
	list_init(&t->learnt);
	list_init(&t->used);
	for (unsigned i = 0; i < NEIGHBOUR_MAX; i++) {
		struct neighbour *n = &t->entries[i];

		list_init(&t->buckets[i]);
		n->table = t;
		n->generation = 1;
		list_init(&n->bucket);
		list_init(&n->pending);
		list_append(&t->unused, &n->order);
		timer_init(&n->timer, timer_fired);
	}
	pool_init(&t->pending, "neighbour_pending", sizeof(struct pending) + l->caps.mtu,
		  NEIGHBOUR_MAX_PENDING_ALL);
	*out = t;
	return 0;
}

static void file_under(struct neighbour *n, struct list *list)
{
	list_remove(&n->order);
	list_prepend(list, &n->order);
}

static struct list *bucket_of(struct neighbour_table *t, const struct ip_addr *addr)
{
	uint64_t hash = hash_siphash13(&t->link->world->table_key, addr->b, sizeof addr->b);

	return &t->buckets[hash & INDEX_MASK];
}

/* How long the state lasts if nothing happens. */
static uint64_t state_time(const struct neighbour *n)
{
	switch ((enum neighbour_state)n->state) {
	case NEIGHBOUR_INCOMPLETE:
	case NEIGHBOUR_PROBE:
		return NEIGHBOUR_RETRANS_US;
	case NEIGHBOUR_REACHABLE:
		return n->reachable_us;
	case NEIGHBOUR_STALE:
		return NEIGHBOUR_STALE_US;
	case NEIGHBOUR_DELAY:
		return NEIGHBOUR_DELAY_US;
	case NEIGHBOUR_FREE:
		break;
	}
	return 0;
}

static void enter(struct neighbour *n, enum neighbour_state state)
{
	struct neighbour_table *t = n->table;
	struct world *w = t->link->world;

	t->n_incomplete -= n->state == NEIGHBOUR_INCOMPLETE;
	t->n_incomplete += state == NEIGHBOUR_INCOMPLETE;
	n->state = (uint8_t)state;
	n->solicits = 0;
	if (state == NEIGHBOUR_REACHABLE) {
		n->confirmed_at_us = w->now_us;
		/* RFC 4861 section 6.3.4: random, so that neighbours do not verify in step. */
		n->reachable_us = NEIGHBOUR_REACHABLE_US / 2 +
				  random_below(&w->random, NEIGHBOUR_REACHABLE_US);
	}
	if (state == NEIGHBOUR_FREE)
		timer_cancel(&w->timers, &n->timer);
	else
		timer_set(&w->timers, &n->timer, w->now_us + state_time(n));
}

static void drop_oldest_pending(struct neighbour *n, enum drop_reason reason)
{
	struct pending *p = LIST_ENTRY(list_first(&n->pending), struct pending, node);

	list_remove(&p->node);
	n->n_pending--;
	pool_give(&n->table->pending, p);
	world_drop(n->table->link->world, reason);
}

static void forget(struct neighbour *n)
{
	struct neighbour_table *t = n->table;

	while (n->n_pending > 0)
		drop_oldest_pending(n, DROP_NEIGHBOUR_UNREACHABLE);
	enter(n, NEIGHBOUR_FREE);
	list_remove(&n->bucket);
	file_under(n, &t->unused);
	t->n_entries--;
	n->was_used = false;
	/* Never 0, so that no hint is 0. */
	n->generation = n->generation == GENERATION_MAX ? 1 : n->generation + 1;
}

void neighbour_table_free(struct neighbour_table *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < NEIGHBOUR_MAX; i++)
		if (t->entries[i].state != NEIGHBOUR_FREE)
			forget(&t->entries[i]);
	pool_fini(&t->pending);
	free(t->entries);
	free(t);
}

/* The entry to give up for a new one, or NULL. */
static struct neighbour *find_victim(const struct neighbour_table *t)
{
	struct list *node = list_last(&t->learnt);
	struct neighbour *n;

	if (node != NULL)
		return LIST_ENTRY(node, struct neighbour, order);
	node = list_last(&t->used);
	if (node == NULL)
		return NULL;
	n = LIST_ENTRY(node, struct neighbour, order);
	return t->link->world->now_us - n->used_at_us > NEIGHBOUR_IN_USE_US ? n : NULL;
}

/* A fresh entry, or NULL, counted, when there is none to be had. */
static struct neighbour *take_entry(struct neighbour_table *t, const struct ip_addr *addr)
{
	struct neighbour *n;

	if (list_is_empty(&t->unused)) {
		n = find_victim(t);
		if (n == NULL) {
			world_drop(t->link->world, DROP_NEIGHBOUR_TABLE_FULL);
			return NULL;
		}
		forget(n);
	}
	n = LIST_ENTRY(list_first(&t->unused), struct neighbour, order);
	n->addr = *addr;
	n->used_at_us = t->link->world->now_us;
	list_prepend(bucket_of(t, addr), &n->bucket);
	t->n_entries++;
	return n;
}

struct neighbour *neighbour_find(struct neighbour_table *t, const struct ip_addr *addr)
{
	struct list *bucket = bucket_of(t, addr);

	LIST_FOR_EACH(node, bucket) {
		struct neighbour *n = LIST_ENTRY(node, struct neighbour, bucket);

		if (ip_addr_equal(&n->addr, addr))
			return n;
	}
	return NULL;
}

static uint32_t hint_of(const struct neighbour *n)
{
	return n->generation << NEIGHBOUR_INDEX_BITS | (uint32_t)(n - n->table->entries);
}

static struct neighbour *find_hinted(const struct neighbour_table *t, uint32_t hint)
{
	struct neighbour *n = &t->entries[hint & INDEX_MASK];

	return n->state != NEIGHBOUR_FREE && hint_of(n) == hint ? n : NULL;
}

static struct neighbour *add_incomplete(struct neighbour_table *t, const struct ip_addr *addr)
{
	struct neighbour *n;

	if (t->n_incomplete >= NEIGHBOUR_MAX_INCOMPLETE) {
		world_drop(t->link->world, DROP_NEIGHBOUR_TABLE_FULL);
		return NULL;
	}
	n = take_entry(t, addr);
	if (n == NULL)
		return NULL;
	n->was_used = true;
	file_under(n, &t->incomplete);
	enter(n, NEIGHBOUR_INCOMPLETE);
	return n;
}

static void touch(struct neighbour *n)
{
	struct neighbour_table *t = n->table;

	if (n->state == NEIGHBOUR_STALE)
		enter(n, NEIGHBOUR_DELAY);
	if (n->was_used && t->link->world->now_us - n->used_at_us < USE_GRAIN_US)
		return;
	n->was_used = true;
	n->used_at_us = t->link->world->now_us;
	file_under(n, n->state == NEIGHBOUR_INCOMPLETE ? &t->incomplete : &t->used);
}

struct neighbour *neighbour_hinted(struct neighbour_table *t, const struct ip_addr *addr, uint32_t hint)
{
	struct neighbour *n = find_hinted(t, hint);

	/* The caller's route may have changed since: a hint is only as good as the address in it. */
	if (n == NULL || !ip_addr_equal(&n->addr, addr))
		return NULL;
	touch(n);
	return n;
}

struct neighbour *neighbour_get(struct neighbour_table *t, const struct ip_addr *addr, uint32_t *hint)
{
	struct neighbour *n = neighbour_find(t, addr);

	if (n == NULL)
		n = add_incomplete(t, addr);
	if (n == NULL)
		return NULL;
	touch(n);
	if (hint != NULL)
		*hint = hint_of(n);
	return n;
}

const struct mac_addr *neighbour_mac(const struct neighbour *n)
{
	return n->state == NEIGHBOUR_INCOMPLETE ? NULL : &n->mac;
}

static void solicit(struct neighbour *n)
{
	n->solicits++;
	n->table->solicit(n->table->link, n);
}

static void release_pending(struct span_owner *owner)
{
	struct pending *p = CONTAINER_OF(owner, struct pending, owner);

	pool_give(p->pool, p);
}

static struct pending *copy_frame(struct pool *pool, const struct tx_frame *f, uint16_t ethertype)
{
	struct pending *p = pool_take(pool);

	if (p == NULL)
		return NULL;
	list_init(&p->node);
	span_owner_init(&p->owner, release_pending);
	p->pool = pool;
	p->note = f->note;
	p->payload_len = f->payload_len;
	p->head_len = (uint16_t)tx_head_len(f);
	p->ethertype = ethertype;
	p->checksum_start = f->checksum_start;
	p->checksum_offset = f->checksum_offset;
	p->gso_size = f->gso_size;
	p->gso = f->gso;
	p->flags = f->flags;
	tx_flatten(f, p->data);
	return p;
}

enum drop_reason neighbour_hold(struct neighbour *n, const struct tx_frame *f, uint16_t ethertype)
{
	struct neighbour_table *t = n->table;
	struct pending *p = NULL;

	if (n->n_pending == NEIGHBOUR_MAX_PENDING)
		drop_oldest_pending(n, DROP_NEIGHBOUR_PENDING_FULL);
	/* Larger ones come from connections that were under way: they send again. */
	if (tx_len(f) <= t->link->caps.mtu)
		p = copy_frame(&t->pending, f, ethertype);
	if (p != NULL) {
		list_append(&n->pending, &p->node);
		n->n_pending++;
	}
	/* Only now, for the question takes the slot in which f lies. */
	if (n->solicits == 0)
		solicit(n);
	return p != NULL ? DROP_NONE : world_drop(t->link->world, DROP_NEIGHBOUR_PENDING_FULL);
}

/* Moves p into a slot of the link's tx ring, which then owns it; it is dropped, and that counted, when the
 * ring is full. */
static void send_pending(struct neighbour *n, struct pending *p)
{
	struct tx_frame *f = link_tx_slot(n->table->link);

	if (f == NULL) {
		pool_give(p->pool, p);
		return;
	}
	memcpy(tx_push(f, p->head_len), p->data, p->head_len);
	if (p->payload_len > 0)
		tx_add_payload(f, p->data + p->head_len, p->payload_len);
	f->checksum_start = p->checksum_start;
	f->checksum_offset = p->checksum_offset;
	f->gso_size = p->gso_size;
	f->gso = p->gso;
	f->flags = p->flags;
	f->note = p->note;
	f->owner = &p->owner;
	link_send_to_mac(n->table->link, f, &n->mac, p->ethertype);
}

static void send_all_pending(struct neighbour *n)
{
	while (n->n_pending > 0) {
		struct pending *p = LIST_ENTRY(list_first(&n->pending), struct pending, node);

		list_remove(&p->node);
		n->n_pending--;
		send_pending(n, p);
	}
}

static void resolve(struct neighbour *n, bool is_answer)
{
	file_under(n, &n->table->used);
	enter(n, is_answer ? NEIGHBOUR_REACHABLE : NEIGHBOUR_DELAY);
	send_all_pending(n);
}

bool neighbour_update(struct neighbour_table *t, const struct ip_addr *addr, const struct mac_addr *mac,
		      bool is_answer)
{
	struct neighbour *n = neighbour_find(t, addr);
	bool has_moved;

	if (n == NULL)
		return false;
	has_moved = !mac_equal(&n->mac, mac);
	n->mac = *mac;
	if (n->state == NEIGHBOUR_INCOMPLETE)
		resolve(n, is_answer);
	else if (n->state == NEIGHBOUR_PROBE && is_answer)
		enter(n, NEIGHBOUR_REACHABLE);
	else if (has_moved) /* RFC 4861 section 7.2.5: believed, and verified when next used */
		enter(n, NEIGHBOUR_STALE);
	return true;
}

bool neighbour_add(struct neighbour_table *t, const struct ip_addr *addr, const struct mac_addr *mac)
{
	struct neighbour *n = take_entry(t, addr);

	if (n == NULL)
		return false;
	n->mac = *mac;
	file_under(n, &t->learnt);
	enter(n, NEIGHBOUR_STALE);
	return true;
}

void neighbour_confirm(struct neighbour_table *t, uint32_t hint)
{
	struct neighbour *n = find_hinted(t, hint);

	if (n == NULL || n->state == NEIGHBOUR_INCOMPLETE)
		return;
	if (n->state == NEIGHBOUR_REACHABLE) /* every ACK comes by here: the timer sees it when it fires */
		n->confirmed_at_us = t->link->world->now_us;
	else
		enter(n, NEIGHBOUR_REACHABLE);
}

static void solicit_again(struct neighbour *n)
{
	struct world *w = n->table->link->world;

	if (n->solicits >= NEIGHBOUR_MAX_SOLICIT) {
		forget(n);
		return;
	}
	solicit(n);
	timer_set(&w->timers, &n->timer, w->now_us + NEIGHBOUR_RETRANS_US);
}

void neighbour_doubt(struct neighbour_table *t, uint32_t hint)
{
	struct neighbour *n = find_hinted(t, hint);
	uint64_t now_us = t->link->world->now_us;

	if (n == NULL || n->state == NEIGHBOUR_INCOMPLETE || n->state == NEIGHBOUR_PROBE)
		return;
	if (n->state == NEIGHBOUR_REACHABLE && now_us - n->confirmed_at_us < NEIGHBOUR_RETRANS_US)
		return;
	enter(n, NEIGHBOUR_PROBE);
	solicit_again(n);
}

static void check_confirmed(struct neighbour *n)
{
	struct world *w = n->table->link->world;
	uint64_t until_us = n->confirmed_at_us + n->reachable_us;

	if (until_us > w->now_us)
		timer_set(&w->timers, &n->timer, until_us);
	else
		enter(n, NEIGHBOUR_STALE);
}

static void timer_fired(struct timer *timer, uint64_t now_us)
{
	struct neighbour *n = CONTAINER_OF(timer, struct neighbour, timer);

	(void)now_us; /* world.now_us is the same */
	assert(n->state != NEIGHBOUR_FREE);
	switch ((enum neighbour_state)n->state) {
	case NEIGHBOUR_INCOMPLETE:
	case NEIGHBOUR_PROBE:
		solicit_again(n);
		break;
	case NEIGHBOUR_REACHABLE:
		check_confirmed(n);
		break;
	case NEIGHBOUR_STALE:
		forget(n);
		break;
	case NEIGHBOUR_DELAY:
		enter(n, NEIGHBOUR_PROBE);
		solicit_again(n);
		break;
	case NEIGHBOUR_FREE:
		break;
	}
}
