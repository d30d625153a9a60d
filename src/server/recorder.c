/* The ring. Of a frame only what is needed to know whether it is a segment is checked, and then copied. */
#include "server/recorder.h"

#include <stdlib.h>

#include "base/minmax.h"
#include "ip/ip.h"
#include "link/ethernet.h"

enum { IP_AT = ETH_HEADER_LEN, IP4_HEADER = 20, TCP_HEADER = 20, IP4_FRAGMENT = 0x3fff };

enum recorded_options { RECORDED_MSS = 1, RECORDED_WSCALE = 2, RECORDED_SACK = 4, RECORDED_TIMESTAMP = 8 };

struct hidden {
	uint32_t remote;
	uint16_t remote_port; /* 0: none */
	bool is_over;
};

struct recorder {
	struct observer observer;
	struct stack *stack;
	void (*told)(void *context, const struct recorded *record);
	void *context;
	uint64_t n;               /* records ever made */
	uint64_t hidden_ports;    /* a bit for the low six of each port that is hidden */
	unsigned next_hidden;
	struct hidden hidden[RECORDER_HIDDEN];
	struct recorded ring[RECORDER_RECORDS];
};

/* ---- who is hidden ---- */

static uint64_t port_bit(uint16_t port)
{
	return UINT64_C(1) << (port & 63);
}

static struct hidden *find_hidden(struct recorder *r, uint32_t remote, uint16_t port)
{
	for (unsigned i = 0; i < RECORDER_HIDDEN; i++)
		if (r->hidden[i].remote_port == port && r->hidden[i].remote == remote)
			return &r->hidden[i];
	return NULL;
}

static void gather_ports(struct recorder *r)
{
	r->hidden_ports = 0;
	for (unsigned i = 0; i < RECORDER_HIDDEN; i++)
		if (r->hidden[i].remote_port != 0)
			r->hidden_ports |= port_bit(r->hidden[i].remote_port);
}

static bool is_hidden(struct recorder *r, uint32_t remote, uint16_t port, bool is_opening)
{
	struct hidden *h = find_hidden(r, remote, port);

	if (h == NULL)
		return false;
	if (!h->is_over || !is_opening)
		return true;
	*h = (struct hidden){ .remote_port = 0 };
	gather_ports(r);
	return false;
}

/* Nearly always the first look is enough. */
static bool is_seen(struct recorder *r, uint32_t remote, uint16_t port, bool is_opening)
{
	return LIKELY((r->hidden_ports & port_bit(port)) == 0) || !is_hidden(r, remote, port, is_opening);
}

void recorder_hide(struct recorder *r, const struct ip_addr *remote, uint16_t remote_port)
{
	uint32_t addr = ip_addr_is_4(remote) ? ip_addr_to_4(remote) : 0;
	struct hidden *h = find_hidden(r, addr, remote_port);

	if (h == NULL)
		h = &r->hidden[r->next_hidden++ % RECORDER_HIDDEN];
	*h = (struct hidden){ .remote = addr, .remote_port = remote_port };
	gather_ports(r);
	for (unsigned i = 0; i < RECORDER_RECORDS; i++)
		if (r->ring[i].remote_port == remote_port && r->ring[i].remote == addr)
			r->ring[i].kind = RECORDED_NOTHING;
}

void recorder_unhide(struct recorder *r, const struct ip_addr *remote, uint16_t remote_port)
{
	struct hidden *h = find_hidden(r, ip_addr_is_4(remote) ? ip_addr_to_4(remote) : 0, remote_port);

	if (h != NULL)
		h->is_over = true;
}

/* ---- recording ---- */

static struct recorded *next_record(struct recorder *r)
{
	return &r->ring[r->n++ % RECORDER_RECORDS];
}

/* The headers of IP and TCP, as far as they are there and whole; TCP's is NULL if this is no segment. */
struct headers {
	const uint8_t *ip, *tcp;
	uint32_t total, ip_len, tcp_len; /* total: of the packet */
};

static struct headers find_headers(const uint8_t *frame, uint32_t len)
{
	struct headers h = { .ip = frame + IP_AT };

	if (len < IP_AT + IP4_HEADER + TCP_HEADER || load_be16(frame + 12) != ETH_TYPE_IPV4 ||
	    h.ip[0] >> 4 != 4 || h.ip[9] != IP_PROTO_TCP || (load_be16(h.ip + 6) & IP4_FRAGMENT) != 0)
		return h;
	h.ip_len = (h.ip[0] & 15u) * 4;
	h.total = load_be16(h.ip + 2);
	if (h.ip_len < IP4_HEADER || len < IP_AT + h.ip_len + TCP_HEADER)
		return h;
	h.tcp_len = (h.ip[h.ip_len + 12] >> 4) * 4u;
	if (h.tcp_len >= TCP_HEADER && len >= IP_AT + h.ip_len + h.tcp_len && h.total >= h.ip_len + h.tcp_len)
		h.tcp = h.ip + h.ip_len;
	return h;
}

static void keep_options(struct recorded *to, const struct headers *h)
{
	struct tcp_options o;

	to->options = 0;
	if (LIKELY((to->flags & LADDER_SYN) == 0))
		return;
	tcp_options_parse(bytes_of(h->tcp + TCP_HEADER, h->tcp_len - TCP_HEADER), true, &o);
	to->mss = o.mss;
	to->wscale = o.wscale;
	to->options = (uint8_t)((o.has_mss ? RECORDED_MSS : 0) | (o.has_wscale ? RECORDED_WSCALE : 0) |
				(o.sack_permitted ? RECORDED_SACK : 0) |
				(o.has_timestamp ? RECORDED_TIMESTAMP : 0));
}

static void keep_text(struct recorded *to, const uint8_t *text, size_t there)
{
	size_t len = there < to->len ? there : to->len;

	if (len >= RECORDER_TEXT) {
		memcpy(to->text, text, RECORDER_TEXT);
		return;
	}
	memcpy(to->text, text, len);
	memset(to->text + len, 0, RECORDER_TEXT - len);
}

static void keep_headers(struct recorded *to, const struct headers *h)
{
	to->seq = load_be32(h->tcp + 4);
	to->ack = load_be32(h->tcp + 8);
	to->flags = h->tcp[13];
	to->window = load_be16(h->tcp + 14);
	to->headers = (uint8_t)(h->ip_len + h->tcp_len);
	to->len = (uint16_t)(h->total - to->headers);
	keep_options(to, h);
}

static bool is_opening(const uint8_t *tcp)
{
	return (tcp[13] & (LADDER_SYN | LADDER_ACK)) == LADDER_SYN;
}

/* What is damaged, or was not for us, belongs to no connection that anybody could name. */
static bool is_credible(enum drop_reason drop)
{
	return drop == DROP_NONE || drop == DROP_WIRE || drop >= DROP_TCP_CHECKSUM;
}

static const struct recorded *record_in(struct recorder *r, const struct trace_event *e)
{
	struct headers h = find_headers(e->rx->data, e->rx->len);
	struct recorded *to;

	if (h.tcp == NULL || !is_credible(e->drop) ||
	    !is_seen(r, load_be32(h.ip + 12), load_be16(h.tcp), is_opening(h.tcp)))
		return NULL;
	to = next_record(r);
	to->kind = RECORDED_IN;
	to->now_us = e->now_us;
	to->connection = 0;
	to->note = NULL;
	to->remote = load_be32(h.ip + 12);
	to->local = load_be32(h.ip + 16);
	to->remote_port = load_be16(h.tcp);
	to->local_port = load_be16(h.tcp + 2);
	to->own = 0;
	to->drop = (uint8_t)e->drop;
	keep_headers(to, &h);
	if (to->len > 0)
		keep_text(to, h.tcp + h.tcp_len, e->rx->len - IP_AT - to->headers);
	return to;
}

static const struct recorded *record_out(struct recorder *r, const struct trace_event *e)
{
	struct headers h = find_headers(tx_head(e->tx), tx_head_len(e->tx));
	enum tcp_state state;
	struct recorded *to;

	if (h.tcp == NULL || !is_seen(r, load_be32(h.ip + 16), load_be16(h.tcp + 2), false))
		return NULL;
	to = next_record(r);
	to->kind = RECORDED_OUT;
	to->now_us = e->now_us;
	to->connection = 0;
	to->note = e->note;
	to->local = load_be32(h.ip + 12);
	to->remote = load_be32(h.ip + 16);
	to->local_port = load_be16(h.tcp);
	to->remote_port = load_be16(h.tcp + 2);
	to->own = 0;
	if (e->conn != NULL) {
		state = tcp_conn_state(e->conn, &to->connection);
		to->own = state != TCP_CLOSED ? (uint16_t)state : 0; /* perhaps it is in TIME-WAIT by now */
	}
	to->drop = (uint8_t)e->drop;
	keep_headers(to, &h);
	if (to->len > 0 && e->tx->pieces > 0)
		keep_text(to, e->tx->iov[1].iov_base, e->tx->iov[1].iov_len);
	else if (to->len > 0)
		keep_text(to, h.tcp + h.tcp_len, tx_head_len(e->tx) - IP_AT - to->headers);
	return to;
}

static const struct recorded *record_state(struct recorder *r, const struct trace_event *e)
{
	struct tcp_info info;
	struct recorded *to;

	if (e->conn == NULL)
		return NULL;
	tcp_conn_info(e->conn, &info);
	if (!ip_addr_is_4(&info.remote) || !ip_addr_is_4(&info.local) ||
	    !is_seen(r, ip_addr_to_4(&info.remote), info.remote_port, false))
		return NULL;
	to = next_record(r);
	*to = (struct recorded){
		.kind = RECORDED_STATE,
		.now_us = e->now_us,
		.connection = info.id,
		.local = ip_addr_to_4(&info.local),
		.remote = ip_addr_to_4(&info.remote),
		.local_port = info.local_port,
		.remote_port = info.remote_port,
		.own = (uint16_t)e->new_value,
		.before = (uint16_t)e->old_value,
	};
	return to;
}

static void on_event(void *context, const struct trace_event *e)
{
	struct recorder *r = context;
	const struct recorded *made = e->kind == TRACE_FRAME_IN	   ? record_in(r, e)
				      : e->kind == TRACE_FRAME_OUT ? record_out(r, e)
								   : record_state(r, e);

	if (UNLIKELY(r->told != NULL) && made != NULL)
		r->told(r->context, made);
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

struct slot {
	uint32_t remote;
	uint16_t remote_port, local_port;
	uint64_t connection; /* 0: none */
};

static struct slot *slot_of(struct slot slots[static SLOTS], const struct recorded *record)
{
	uint32_t ports = (uint32_t)record->remote_port << 16 | record->local_port;

	return &slots[((record->remote ^ ports) * 0x9e3779b1) >> 20]; /* 2^32 by the golden ratio */
}

static bool is_of(const struct slot *slot, const struct recorded *record)
{
	return slot->connection != 0 && slot->remote == record->remote &&
	       slot->remote_port == record->remote_port && slot->local_port == record->local_port;
}

static bool opens(const struct recorded *record)
{
	return record->kind == RECORDED_IN && (record->flags & (LADDER_SYN | LADDER_ACK)) == LADDER_SYN;
}

static void learn(struct slot *slot, const struct recorded *record)
{
	*slot = (struct slot){
		.remote = record->remote,
		.remote_port = record->remote_port,
		.local_port = record->local_port,
		.connection = record->connection,
	};
}

/* The same four-tuple is another connection's before a SYN. */
static void number_backwards(struct slot slots[static SLOTS], struct recorded *record)
{
	struct slot *slot = slot_of(slots, record);

	if (record->connection != 0)
		learn(slot, record);
	else if (is_of(slot, record))
		record->connection = slot->connection;
	if (opens(record))
		slot->connection = 0;
}

/* And behind one. */
static void number_forwards(struct slot slots[static SLOTS], struct recorded *record)
{
	struct slot *slot = slot_of(slots, record);

	if (record->connection != 0)
		learn(slot, record);
	else if (opens(record))
		slot->connection = 0;
	else if (is_of(slot, record))
		record->connection = slot->connection;
}

static uint64_t oldest(const struct recorder *r)
{
	return r->n > RECORDER_RECORDS ? r->n - RECORDER_RECORDS : 0;
}

void recorder_number(struct recorder *r)
{
	struct slot slots[SLOTS] = { { 0 } };

	for (uint64_t at = r->n; at > oldest(r); at--)
		number_backwards(slots, &r->ring[(at - 1) % RECORDER_RECORDS]);
	memset(slots, 0, sizeof slots);
	for (uint64_t at = oldest(r); at < r->n; at++)
		number_forwards(slots, &r->ring[at % RECORDER_RECORDS]);
}

void recorder_each(const struct recorder *r, void (*fn)(void *context, const struct recorded *record),
		   void *context)
{
	for (uint64_t at = oldest(r); at < r->n; at++)
		if (r->ring[at % RECORDER_RECORDS].kind != RECORDED_NOTHING)
			fn(context, &r->ring[at % RECORDER_RECORDS]);
}

void recorded_segment(const struct recorded *record, struct ladder_seen *out)
{
	bool is_out = record->kind == RECORDED_OUT;
	struct ip_addr local = ip_addr_from_4(record->local), remote = ip_addr_from_4(record->remote);

	*out = (struct ladder_seen){
		.segment = {
			.src = is_out ? local : remote,
			.dst = is_out ? remote : local,
			.src_port = is_out ? record->local_port : record->remote_port,
			.dst_port = is_out ? record->remote_port : record->local_port,
			.seq = seq_of(record->seq),
			.ack = seq_of(record->ack),
			.flags = record->flags,
			.window = record->window,
			.headers = record->headers,
			.len = record->len,
			.options = {
				.has_mss = (record->options & RECORDED_MSS) != 0,
				.has_wscale = (record->options & RECORDED_WSCALE) != 0,
				.sack_permitted = (record->options & RECORDED_SACK) != 0,
				.has_timestamp = (record->options & RECORDED_TIMESTAMP) != 0,
				.mss = record->mss,
				.wscale = record->wscale,
			},
			.text = bytes_of(record->text, min_u32(record->len, RECORDER_TEXT)),
		},
		.now_us = record->now_us,
		.is_out = is_out,
		.drop = (enum drop_reason)record->drop,
		.own = (enum tcp_state)record->own,
		.connection = record->connection,
		.note = record->note,
	};
}
