/* The ring. Of a frame only what is needed to know whether it is a segment is checked, and then copied. */
#include "server/recorder.h"

#include <stdlib.h>

#include "link/ethernet.h"

enum { TCP_HEADER = 20, FEW_HIDDEN = 8 };

struct hidden {
	struct ip_addr remote;
	uint16_t remote_port; /* 0: none */
	bool is_over;
};

struct recorder {
	struct observer observer;
	struct stack *stack;
	void (*told)(void *context, const struct recorded *record);
	void *context;
	uint64_t n;               /* records ever made */
	unsigned n_hidden, end_hidden; /* how many there are, and in how many of the first places */
	unsigned next_hidden;     /* the place that is used again when there is no other */
	struct hidden hidden[RECORDER_HIDDEN];
	struct recorded ring[RECORDER_RECORDS];
};

/* ---- what a record says ---- */

static bool has_name(const struct recorded *record, const struct ip_addr *remote, uint16_t remote_port)
{
	struct tcp_name name;

	recorded_name(record, &name);
	return name.remote_port == remote_port && ip_addr_equal(&name.remote, remote);
}

static bool opens(const struct recorded *record)
{
	return record->kind == RECORDED_IN &&
	       (recorded_flags(record) & (LADDER_SYN | LADDER_ACK)) == LADDER_SYN;
}

void recorded_name(const struct recorded *record, struct tcp_name *out)
{
	const uint8_t *ip = record->packet, *tcp = ip + ip4_header_len(ip);
	bool is_out = record->kind == RECORDED_OUT;

	if (record->kind == RECORDED_STATE) {
		*out = record->name;
		return;
	}
	*out = (struct tcp_name){
		.id = record->connection,
		.local = is_out ? ip4_src(ip) : ip4_dst(ip),
		.remote = is_out ? ip4_dst(ip) : ip4_src(ip),
		.local_port = load_be16(tcp + (is_out ? 0 : 2)),
		.remote_port = load_be16(tcp + (is_out ? 2 : 0)),
		.state = (enum tcp_state)record->own,
	};
}

bool recorded_segment(const struct recorded *record, struct ladder_seen *out)
{
	*out = (struct ladder_seen){
		.now_us = record->now_us,
		.is_out = record->kind == RECORDED_OUT,
		.drop = (enum drop_reason)record->drop,
		.own = (enum tcp_state)record->own,
		.connection = record->connection,
		.note = record->note,
	};
	return ladder_segment_parse_packet(bytes_of(record->packet, record->len), bytes_of(NULL, 0),
					   &out->segment);
}

/* ---- who is hidden ---- */

static struct hidden *find_hidden(struct recorder *r, const struct ip_addr *remote, uint16_t remote_port)
{
	for (unsigned i = 0; i < r->end_hidden; i++)
		if (r->hidden[i].remote_port == remote_port && ip_addr_equal(&r->hidden[i].remote, remote))
			return &r->hidden[i];
	return NULL;
}

/* A SYN from where one that is over was opens another. */
static bool is_hidden(struct recorder *r, const struct recorded *record)
{
	struct tcp_name name;
	struct hidden *h;

	recorded_name(record, &name);
	h = find_hidden(r, &name.remote, name.remote_port);
	if (h == NULL)
		return false;
	if (!h->is_over || !opens(record))
		return true;
	*h = (struct hidden){ .remote_port = 0 };
	r->n_hidden--;
	return false;
}

/* A free place, or one whose connection is over once there are more than a few: each segment looks at all. */
static struct hidden *find_place(struct recorder *r)
{
	struct hidden *over = NULL;

	for (unsigned i = 0; i < r->end_hidden; i++) {
		if (r->hidden[i].remote_port == 0)
			return &r->hidden[i];
		if (r->hidden[i].is_over && over == NULL)
			over = &r->hidden[i];
	}
	if (over != NULL && r->end_hidden >= FEW_HIDDEN)
		return over;
	if (r->end_hidden < RECORDER_HIDDEN)
		return &r->hidden[r->end_hidden++];
	return &r->hidden[r->next_hidden++ % RECORDER_HIDDEN];
}

static struct hidden *take_hidden(struct recorder *r)
{
	struct hidden *h = find_place(r);

	r->n_hidden += h->remote_port == 0;
	return h;
}

void recorder_hide(struct recorder *r, const struct ip_addr *remote, uint16_t remote_port)
{
	struct hidden *h = find_hidden(r, remote, remote_port);

	if (h == NULL)
		h = take_hidden(r);
	*h = (struct hidden){ .remote = *remote, .remote_port = remote_port };
	for (unsigned i = 0; i < RECORDER_RECORDS; i++)
		if (r->ring[i].kind != RECORDED_NOTHING && has_name(&r->ring[i], remote, remote_port))
			r->ring[i].kind = RECORDED_NOTHING;
}

void recorder_unhide(struct recorder *r, const struct ip_addr *remote, uint16_t remote_port)
{
	struct hidden *h = find_hidden(r, remote, remote_port);

	if (h != NULL)
		h->is_over = true;
}

/* ---- recording ---- */

/* What is damaged, or was not for us, belongs to no connection that anybody could name. */
static bool is_credible(enum drop_reason drop)
{
	return drop == DROP_NONE || drop == DROP_WIRE || drop >= DROP_TCP_CHECKSUM;
}

/* The packet, if it has a header of TCP at least; what else is wrong with it shows when somebody looks. */
static const uint8_t *find_packet(const uint8_t *frame, uint32_t len)
{
	const uint8_t *ip = frame + ETH_HEADER_LEN;

	if (len < ETH_HEADER_LEN + IP4_HEADER_LEN + TCP_HEADER || load_be16(frame + 12) != ETH_TYPE_IPV4 ||
	    ip4_protocol(ip) != IP_PROTO_TCP)
		return NULL;
	return len >= ETH_HEADER_LEN + ip4_header_len(ip) + TCP_HEADER ? ip : NULL;
}

/* How much of it there is then. A whole one is copied without a call. */
static uint8_t keep_packet(struct recorded *to, const uint8_t *packet, uint32_t len)
{
	if (len >= RECORDER_PACKET) {
		memcpy(to->packet, packet, RECORDER_PACKET);
		return RECORDER_PACKET;
	}
	memcpy(to->packet, packet, len);
	return (uint8_t)len;
}

/* The next record, which counts if it is made to last. */
static struct recorded *next_record(struct recorder *r)
{
	return &r->ring[r->n % RECORDER_RECORDS];
}

static void make_last(struct recorder *r, struct recorded *record)
{
	if (UNLIKELY(r->n_hidden > 0) && is_hidden(r, record)) {
		record->kind = RECORDED_NOTHING; /* it lies where the oldest was */
		return;
	}
	r->n++;
	if (UNLIKELY(r->told != NULL))
		r->told(r->context, record);
}

static void record_in(struct recorder *r, const struct trace_event *e)
{
	const uint8_t *packet = find_packet(e->rx->data, e->rx->len);
	struct recorded *to = next_record(r);

	if (packet == NULL || !is_credible(e->drop))
		return;
	to->now_us = e->now_us;
	to->connection = 0;
	to->note = NULL;
	to->own = 0;
	to->kind = RECORDED_IN;
	to->drop = (uint8_t)e->drop;
	to->len = keep_packet(to, packet, e->rx->len - ETH_HEADER_LEN);
	make_last(r, to);
}

static void keep_text(struct recorded *to, const struct tx_frame *f)
{
	size_t len = f->iov[1].iov_len, room = RECORDER_PACKET - to->len;

	len = len < room ? len : room;
	memcpy(to->packet + to->len, f->iov[1].iov_base, len);
	to->len = (uint8_t)(to->len + len);
}

static void record_out(struct recorder *r, const struct trace_event *e)
{
	const uint8_t *packet = find_packet(tx_head(e->tx), tx_head_len(e->tx));
	struct recorded *to = next_record(r);
	enum tcp_state state;

	if (packet == NULL)
		return;
	to->now_us = e->now_us;
	to->connection = 0;
	to->note = e->note;
	to->own = 0;
	if (e->conn != NULL) {
		state = tcp_conn_state(e->conn, &to->connection);
		to->own = state != TCP_CLOSED ? (uint16_t)state : 0; /* perhaps it is in TIME-WAIT */
	}
	to->kind = RECORDED_OUT;
	to->drop = (uint8_t)e->drop;
	to->len = keep_packet(to, packet, tx_head_len(e->tx) - ETH_HEADER_LEN);
	if (e->tx->pieces > 0)
		keep_text(to, e->tx);
	make_last(r, to);
}

static void record_state(struct recorder *r, const struct trace_event *e)
{
	struct recorded *to = next_record(r);

	if (e->conn == NULL)
		return;
	tcp_conn_name(e->conn, &to->name);
	to->now_us = e->now_us;
	to->connection = to->name.id;
	to->own = (uint16_t)e->new_value;
	to->before = (uint16_t)e->old_value;
	to->kind = RECORDED_STATE;
	make_last(r, to);
}

static void on_event(void *context, const struct trace_event *e)
{
	if (e->kind == TRACE_FRAME_IN)
		record_in(context, e);
	else if (e->kind == TRACE_FRAME_OUT)
		record_out(context, e);
	else
		record_state(context, e);
}

/* ---- life ---- */

struct recorder *recorder_new(struct stack *stack)
{
	struct recorder *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->stack = stack;
	r->observer = (struct observer){ .on_event = on_event, .context = r };
	return r;
}

void recorder_free(struct recorder *r)
{
	if (r == NULL)
		return;
	recorder_set(r, false);
	free(r);
}

void recorder_set(struct recorder *r, bool on)
{
	if (on == (r->observer.kinds != 0))
		return;
	if (on) {
		r->observer.kinds = TRACE_FRAME_IN | TRACE_FRAME_OUT | TRACE_TCP_STATE;
		stack_observe(r->stack, &r->observer);
		return;
	}
	stack_unobserve(r->stack, &r->observer);
	r->observer.kinds = 0;
	r->n = 0;
}

void recorder_tell(struct recorder *r, void (*told)(void *context, const struct recorded *record),
		   void *context)
{
	r->told = told;
	r->context = context;
}

/* ---- replaying ---- */

enum { SLOTS = 4096 }; /* of a table of connections: of two in one slot the one seen last counts */

static struct tcp_name *slot_of(struct tcp_name slots[static SLOTS], const struct tcp_name *name)
{
	uint32_t ports = (uint32_t)name->remote_port << 16 | name->local_port;
	uint32_t mixed = load_be32(name->remote.b + 12) ^ ports;

	return &slots[(mixed * 0x9e3779b1) >> 20]; /* 2^32 by the golden ratio */
}

/* The number of the connection that was seen last between the same ends; 0: none. */
static uint64_t number_of(const struct tcp_name *slot, const struct tcp_name *name)
{
	return slot->remote_port == name->remote_port && slot->local_port == name->local_port &&
		       ip_addr_equal(&slot->remote, &name->remote) ? slot->id : 0;
}

/* Between the same ends it is another connection from a SYN on, which is the first of its own. */
static void number(struct tcp_name slots[static SLOTS], struct recorded *record, bool backwards)
{
	bool is_first = opens(record);
	struct tcp_name name, *slot;

	recorded_name(record, &name);
	slot = slot_of(slots, &name);
	if (name.id != 0)
		*slot = name;
	else if (backwards || !is_first)
		record->connection = number_of(slot, &name);
	if (is_first && (backwards || name.id == 0))
		slot->id = 0;
}

static struct recorded *record_at(struct recorder *r, uint64_t at)
{
	return &r->ring[at % RECORDER_RECORDS];
}

static uint64_t oldest(const struct recorder *r)
{
	return r->n > RECORDER_RECORDS ? r->n - RECORDER_RECORDS : 0;
}

void recorder_number(struct recorder *r)
{
	struct tcp_name slots[SLOTS] = { { .id = 0 } };

	for (uint64_t at = r->n; at > oldest(r); at--)
		if (record_at(r, at - 1)->kind != RECORDED_NOTHING)
			number(slots, record_at(r, at - 1), true);
	memset(slots, 0, sizeof slots);
	for (uint64_t at = oldest(r); at < r->n; at++)
		if (record_at(r, at)->kind != RECORDED_NOTHING)
			number(slots, record_at(r, at), false);
}

void recorder_each(const struct recorder *r, void (*fn)(void *context, const struct recorded *record),
		   void *context)
{
	for (uint64_t at = oldest(r); at < r->n; at++)
		if (r->ring[at % RECORDER_RECORDS].kind != RECORDED_NOTHING)
			fn(context, &r->ring[at % RECORDER_RECORDS]);
}
