/* Frames: watched connections, each with a ring of what it sent and got last. */
#include "server/frames.h"

#include <stdlib.h>

#include "base/clock.h"
#include "http/http_form.h"
#include "http/http_text.h"
#include "link/frame.h"
#include "server/json.h"
#include "server/ladder_segment.h"
#include "tcp/tcp.h"

struct kept {
	uint64_t at_us;
	uint32_t len;             /* of the whole frame; FRAMES_BYTES of it are kept at most */
	uint16_t segment_size;    /* payload bytes of each, if several segments are one frame here; else 0 */
	bool is_out, is_finished; /* is_finished: the checksum was left to the device, and is made here */
	enum drop_reason drop;
	uint8_t data[FRAMES_BYTES];
};

struct frames_watch {
	struct tcp_name of; /* when it was armed */
	uint64_t until_us;
	unsigned long seen; /* frames, of which the last FRAMES_KEPT are kept */
	struct kept kept[FRAMES_KEPT];
};

/* ---- keeping ---- */

static bool is_end(const struct ip_addr *addr, uint16_t port, const struct ip_addr *end, uint16_t end_port)
{
	return port == end_port && ip_addr_equal(addr, end);
}

static bool is_between(const struct ladder_segment *s, const struct tcp_name *c, bool is_out)
{
	if (is_out)
		return is_end(&s->src, s->src_port, &c->local, c->local_port) &&
		       is_end(&s->dst, s->dst_port, &c->remote, c->remote_port);
	return is_end(&s->dst, s->dst_port, &c->local, c->local_port) &&
	       is_end(&s->src, s->src_port, &c->remote, c->remote_port);
}

static struct frames_watch *find_watch(struct frames *f, const struct ladder_segment *s, bool is_out)
{
	for (unsigned i = 0; i < f->n; i++)
		if (is_between(s, &f->watches[i]->of, is_out))
			return f->watches[i];
	return NULL;
}

static bool parse(const struct trace_event *e, struct ladder_segment *out)
{
	if (e->kind == TRACE_FRAME_IN)
		return ladder_segment_parse(bytes_of(e->rx->data, e->rx->len), bytes_of(NULL, 0), out);
	return ladder_segment_parse(bytes_of(tx_head(e->tx), tx_head_len(e->tx)), bytes_of(NULL, 0), out);
}

/* A checksum that the device finishes needs the whole frame. */
static uint32_t flatten_in(struct frames *f, const struct rx_frame *rx)
{
	memcpy(f->whole, rx->data, rx->len);
	if ((rx->flags & RX_CHECKSUM_PARTIAL) != 0)
		frame_finish_checksum(f->whole, rx->len, rx->checksum_start, rx->checksum_offset);
	return rx->len;
}

static uint32_t flatten_out(struct frames *f, const struct tx_frame *tx)
{
	uint32_t len = tx_flatten(tx, f->whole);

	if ((tx->flags & TX_CHECKSUM_PARTIAL) != 0)
		frame_finish_checksum(f->whole, len, tx->checksum_start, tx->checksum_offset);
	return len;
}

static void keep(struct frames *f, struct frames_watch *w, const struct trace_event *e)
{
	bool is_out = e->kind == TRACE_FRAME_OUT;
	uint32_t len = is_out ? flatten_out(f, e->tx) : flatten_in(f, e->rx);
	struct kept *k = &w->kept[w->seen++ % FRAMES_KEPT];

	k->at_us = e->now_us;
	k->len = len;
	k->segment_size = is_out ? e->tx->gso_size : e->rx->gso_size;
	k->is_out = is_out;
	k->is_finished = is_out ? (e->tx->flags & TX_CHECKSUM_PARTIAL) != 0 :
				  (e->rx->flags & RX_CHECKSUM_PARTIAL) != 0;
	k->drop = e->drop;
	memcpy(k->data, f->whole, len < FRAMES_BYTES ? len : FRAMES_BYTES);
}

static void on_frame(void *context, const struct trace_event *e)
{
	struct frames *f = context;
	uint32_t len = e->kind == TRACE_FRAME_IN ? e->rx->len : tx_len(e->tx);
	struct ladder_segment segment;
	struct frames_watch *w;

	if (len > FRAMES_MOST || !parse(e, &segment))
		return;
	w = find_watch(f, &segment, e->kind == TRACE_FRAME_OUT);
	if (w != NULL)
		keep(f, w, e);
}

/* ---- arming ---- */

static struct frames_watch *oldest(const struct frames *f, unsigned *at)
{
	*at = 0;
	for (unsigned i = 1; i < f->n; i++)
		if (f->watches[i]->until_us < f->watches[*at]->until_us)
			*at = i;
	return f->watches[*at];
}

static void forget_oldest(struct frames *f)
{
	unsigned at;

	free(oldest(f, &at));
	f->watches[at] = f->watches[--f->n];
	if (f->n > 0)
		return;
	stack_unobserve(f->stack, &f->observer);
	free(f->whole);
	f->whole = NULL;
}

static void set_timer(struct frames *f)
{
	unsigned at;

	if (f->n > 0)
		timer_set(&f->stack->world.timers, &f->timer, oldest(f, &at)->until_us);
}

static void on_timer(struct timer *t, uint64_t now_us)
{
	struct frames *f = CONTAINER_OF(t, struct frames, timer);
	unsigned at;

	while (f->n > 0 && oldest(f, &at)->until_us <= now_us)
		forget_oldest(f);
	set_timer(f);
}

static bool begin(struct frames *f)
{
	f->whole = malloc(FRAMES_MOST);
	if (f->whole == NULL)
		return false;
	stack_observe(f->stack, &f->observer);
	return true;
}

/* A connection that had the same ends is over. */
static void end_predecessor(struct frames *f, const struct tcp_name *of)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct tcp_name *old = &f->watches[i]->of;

		if (old->local_port == of->local_port &&
		    is_end(&old->remote, old->remote_port, &of->remote, of->remote_port))
			old->remote_port = 0;
	}
}

static struct frames_watch *new_watch(struct frames *f, const struct tcp_name *of)
{
	struct frames_watch *w = calloc(1, sizeof *w);

	if (w == NULL || (f->n == 0 && !begin(f))) {
		free(w);
		return NULL;
	}
	if (f->n == FRAMES_WATCHES)
		forget_oldest(f);
	end_predecessor(f, of);
	w->of = *of;
	f->watches[f->n++] = w;
	return w;
}

static struct frames_watch *arm(struct frames *f, const struct tcp_name *of)
{
	struct frames_watch *w = NULL;

	for (unsigned i = 0; i < f->n; i++)
		if (f->watches[i]->of.id == of->id)
			w = f->watches[i];
	if (w == NULL)
		w = new_watch(f, of);
	if (w == NULL)
		return NULL;
	w->until_us = f->stack->world.now_us + FRAMES_US;
	set_timer(f);
	return w;
}

void frames_init(struct frames *f, struct stack *stack)
{
	*f = (struct frames){
		.stack = stack,
		.observer = { .kinds = TRACE_FRAME_IN | TRACE_FRAME_OUT, .on_event = on_frame, .context = f },
	};
	timer_init(&f->timer, on_timer);
}

void frames_fini(struct frames *f)
{
	if (f->stack != NULL)
		timer_cancel(&f->stack->world.timers, &f->timer);
	while (f->n > 0)
		forget_oldest(f);
}

/* ---- answering ---- */

struct wanted {
	const struct http_call *call;
	bool is_named; /* by id; else it is the call's own */
	uint64_t id;
	bool is_found;
	struct tcp_name name;
};

static void look_at(void *context, const struct tcp_conn *c)
{
	struct wanted *w = context;
	struct tcp_name name;

	if (w->is_found)
		return;
	tcp_conn_name(c, &name);
	if (!ip_addr_equal(&name.remote, &w->call->client))
		return;
	if (w->is_named ? name.id != w->id :
			  name.remote_port != w->call->client_port || name.local_port != w->call->server_port)
		return;
	w->is_found = true;
	w->name = name;
}

/* False: the query asks for something else. */
static bool parse_query(struct bytes query, struct wanted *w)
{
	static const char key[] = "connection";
	struct bytes name, value;

	bytes_skip(&query, 1); /* its question mark */
	while (http_form_take(&query, &name, &value)) {
		if (name.len != sizeof key - 1 || memcmp(name.data, key, name.len) != 0 ||
		    !http_text_number(value, &w->id))
			return false;
		w->is_named = true;
	}
	return true;
}

static void write_hex(struct document *d, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * FRAMES_BYTES];

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 15];
	}
	json_bytes(d, "hex", text, 2 * len);
}

static void write_kept(struct document *d, const struct kept *k, uint64_t wall_offset_us)
{
	json_open_object(d, NULL);
	json_seconds(d, "time", k->at_us + wall_offset_us);
	json_text(d, "from", k->is_out ? "server" : "client");
	json_number(d, "len", k->len);
	json_number(d, "segment_size", k->segment_size);
	json_bool(d, "checksum_finished", k->is_finished);
	json_text(d, "drop", k->drop == DROP_NONE ? NULL : drop_reason_name(k->drop));
	write_hex(d, k->data, k->len < FRAMES_BYTES ? k->len : FRAMES_BYTES);
	json_close_object(d);
}

static void write_watch(struct document *d, const struct frames_watch *w, uint64_t wall_offset_us)
{
	unsigned long first = w->seen > FRAMES_KEPT ? w->seen - FRAMES_KEPT : 0;

	json_open_object(d, NULL);
	json_number(d, "connection", w->of.id);
	json_number(d, "seen", w->seen);
	json_open_array(d, "frames");
	for (unsigned long i = first; i < w->seen; i++)
		write_kept(d, &w->kept[i % FRAMES_KEPT], wall_offset_us);
	json_close_array(d);
	json_close_object(d);
	document_add_text(d, "\n");
}

unsigned frames_answer(struct frames *f, const struct http_call *call, struct document *d)
{
	struct wanted wanted = { .call = call };
	const struct frames_watch *w;

	if (!parse_query(call->target->query, &wanted))
		return 400;
	tcp_each(f->stack->tcp, look_at, &wanted);
	if (!wanted.is_found)
		return 404;
	w = arm(f, &wanted.name);
	if (w == NULL)
		return 503;
	write_watch(d, w, clock_wall_us() - clock_now_us());
	return 200;
}
