/*
 * Several stacks that are one host: workers with a queue each behind one wire, and a client who knows nothing of
 * it. Thousands of connections are opened, served and closed, whether the frames come by their owners' queues,
 * by others, by any, or all by one, and whole or in fragments; nobody is reset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/minmax.h"
#include "base/random.h"
#include "common/sim.h"
#include "link/steer.h"

enum {
	MOST = 4,
	CONNECTIONS = 4000,
	AT_ONCE = 200,     /* connections that are opened in one go */
	REQUEST = 300,
	RESPONSE = 4000,
	QUEUE = 1000,      /* frames that wait at a port */
	FIRST_PIECE = 160, /* bytes of IP payload in the first of two fragments */
	HEADERS = 14 + 20,
	FRAME = 1514,
	PORT = 80,
};
#define SECOND 1000000ull

static const uint8_t request[REQUEST], response[RESPONSE];

/* ---- the kernel: frames come out of one wire by several queues ---- */

enum how {
	BY_OWNER,
	BY_ANOTHER_HASH, /* each flow by one queue, which need not be its owner's: a card's own steering */
	ALL_BY_ONE,
	AT_RANDOM,       /* each frame: so they are reordered, as on no sane device */
};

struct frame {
	uint32_t len;
	uint8_t data[FRAME];
};

struct port {
	struct device device;
	struct kernel *kernel;
	unsigned n, shown; /* frames that wait, and of these such as the last recv() gave out */
	struct frame frames[QUEUE];
};

struct kernel {
	struct device *end;
	struct steer_rule rule, another;
	enum how how;
	bool is_cutting; /* into fragments */
	struct random random;
	struct port *ports[MOST];
};

static struct port *choose(struct kernel *k, struct bytes frame)
{
	int queue = 0;

	switch (k->how) {
	case BY_OWNER:
		queue = steer_owner(&k->rule, frame);
		break;
	case BY_ANOTHER_HASH:
		queue = steer_owner(&k->another, frame);
		break;
	case ALL_BY_ONE:
		break;
	case AT_RANDOM:
		queue = (int)random_below(&k->random, k->rule.queues);
	}
	return k->ports[queue == STEER_ALL ? 0 : queue];
}

static void deliver(struct kernel *k, struct bytes head, struct bytes rest)
{
	uint8_t whole[FRAME];
	struct port *p;
	struct frame *f;

	assert_true(head.len + rest.len <= FRAME);
	memcpy(whole, head.data, head.len);
	memcpy(whole + head.len, rest.data, rest.len);
	p = choose(k, bytes_of(whole, head.len + rest.len));
	assert_true(p->n < QUEUE);
	f = &p->frames[p->n++];
	f->len = (uint32_t)(head.len + rest.len);
	memcpy(f->data, whole, f->len);
}

/* RFC 791 section 2.3. The checksum of the header is made anew. */
static void deliver_piece(struct kernel *k, const struct rx_frame *f, uint32_t at, uint32_t len, bool more)
{
	uint8_t head[HEADERS];
	uint16_t sum;

	memcpy(head, f->data, HEADERS);
	store_be16(head + 16, (uint16_t)(20 + len));
	store_be16(head + 20, (uint16_t)((more ? 0x2000 : 0) | at / 8));
	memset(head + 24, 0, 2);
	sum = checksum_finish(checksum_add(0, head + 14, 20));
	memcpy(head + 24, &sum, 2);
	deliver(k, bytes_of(head, HEADERS), bytes_of(f->data + HEADERS + at, len));
}

/* The later piece first, as wires are. */
static void cut(struct kernel *k, const struct rx_frame *f)
{
	uint8_t *numbered = (uint8_t *)(uintptr_t)f->data;
	uint32_t len = f->len - HEADERS;

	store_be16(numbered + 18, (uint16_t)random_u32(&k->random));
	deliver_piece(k, f, FIRST_PIECE, len - FIRST_PIECE, false);
	deliver_piece(k, f, 0, FIRST_PIECE, true);
}

static void take_from_wire(struct kernel *k, uint64_t now_us)
{
	struct rx_frame f[DEVICE_BATCH];
	int n;

	while ((n = k->end->ops->recv(k->end, f, DEVICE_BATCH, now_us)) > 0)
		for (int i = 0; i < n; i++) {
			if (k->is_cutting && f[i].len > HEADERS + FIRST_PIECE)
				cut(k, &f[i]);
			else
				deliver(k, bytes_of(f[i].data, f[i].len), bytes_of("", 0));
		}
	assert_int_equal(n, 0);
}

static struct port *port_of(const struct device *d)
{
	return (struct port *)(uintptr_t)d;
}

static int port_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct port *p = port_of(d);

	p->n -= p->shown;
	memmove(p->frames, p->frames + p->shown, p->n * sizeof *p->frames);
	take_from_wire(p->kernel, now_us);
	p->shown = p->n < (unsigned)max ? p->n : (unsigned)max;
	for (unsigned i = 0; i < p->shown; i++)
		frames[i] = (struct rx_frame){ .data = p->frames[i].data, .len = p->frames[i].len };
	return (int)p->shown;
}

static int port_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	struct device *end = port_of(d)->kernel->end;

	return end->ops->send(end, frames, count, now_us);
}

static int port_fd(const struct device *d)
{
	(void)d;
	return -1;
}

static uint64_t port_deadline(const struct device *d)
{
	const struct port *p = port_of(d);

	return p->n > p->shown ? 0 : p->kernel->end->ops->deadline(p->kernel->end);
}

static void port_close(struct device *d)
{
	free(port_of(d));
}

static const struct device_ops port_ops = {
	.name = "port",
	.recv = port_recv,
	.send = port_send,
	.fd = port_fd,
	.deadline = port_deadline,
	.close = port_close,
};

static struct device *port_new(struct kernel *k, unsigned i)
{
	struct port *p = calloc(1, sizeof *p);

	assert_non_null(p);
	p->device.ops = &port_ops;
	p->device.caps = k->end->caps;
	p->kernel = k;
	k->ports[i] = p;
	return &p->device;
}

/* ---- the server: workers ---- */

struct host {
	struct stack *stack;
	struct device *device;
	unsigned served;
};

struct world_of_workers {
	uint64_t now_us;
	struct kernel kernel;
	struct steer_group *group;
	struct host client;
	struct host workers[MOST];
	unsigned opened, done;
};

static size_t on_request(struct stream *s, struct bytes data)
{
	const struct span answer = { response, RESPONSE, NULL };
	struct host *h = s->user;

	if (data.len < REQUEST)
		return 0; /* it comes again, with the rest */
	h->served++;
	assert_int_equal(stream_send(s, &answer, 1, 0), 0);
	stream_shutdown(s);
	return data.len;
}

static void on_server_closed(struct stream *s, enum stream_end why)
{
	(void)s;
	assert_int_equal(why, STREAM_END_NORMAL);
}

static const struct stream_handler server_handler = {
	.on_receive = on_request,
	.on_closed = on_server_closed,
};

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct stream *s;

	while ((s = tcp_accept(l)) != NULL) {
		s->handler = &server_handler;
		s->user = context;
	}
}

static bool pass_on(void *context, const struct ip_packet *whole)
{
	return steer_pass_on(context, whole->frame->data,
			     bytes_of(whole->header.data, whole->header.len + whole->payload.len));
}

static void host_init(struct host *h, uint32_t address, uint8_t mac, uint64_t now_us)
{
	struct ip_prefix prefix = { ip_addr_from_4(address), 96 + 24 };
	struct stack_config c;
	struct failure why;

	stack_config_default(&c);
	c.caps = h->device->caps;
	c.mac = (struct mac_addr){ { 2, 0, 0, 0, 0, mac } };
	c.seed = mac + 100u * h->device->caps.queue;
	c.tcp.msl_us = SECOND; /* so that no port of the client's is short */
	if (stack_new(&c, now_us, &h->stack, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(ip_add_address(&h->stack->ip, &prefix), 0);
}

static void worker_init(struct world_of_workers *w, unsigned i)
{
	struct tcp_listener_handler handler = { .on_acceptable = on_acceptable, .context = &w->workers[i] };
	const struct ip_addr any = { { 0 } };
	struct host *h = &w->workers[i];
	struct tcp_listener *l;

	assert_int_equal(steer_open(w->group, i, port_new(&w->kernel, i), &h->device), 0);
	host_init(h, 0x0a4d0002, 2, w->now_us);
	ip_divert(&h->stack->ip, pass_on, h->device);
	assert_int_equal(tcp_listen(h->stack->tcp, &any, PORT, &handler, NULL, &l), 0);
}

static void init(struct world_of_workers *w, enum steer_mode mode, unsigned n, enum how how, bool is_cutting)
{
	struct wire_config wire = { .delay_us = 1000 };
	struct failure why;

	*w = (struct world_of_workers){
		.now_us = SECOND,
		.kernel = {
			.rule = steer_rule_make(mode, n, 0x0123456789abcdef),
			.another = steer_rule_make(STEER_FLOW, n, 0xfedcba9876543210),
			.how = how,
			.is_cutting = is_cutting,
		},
	};
	random_init(&w->kernel.random, n);
	assert_int_equal(wire_open(&wire, &w->client.device, &w->kernel.end), 0);
	assert_int_equal(steer_group_new(&w->kernel.rule, &w->group, &why), 0);
	host_init(&w->client, 0x0a4d0001, 1, w->now_us);
	for (unsigned i = 0; i < n; i++)
		worker_init(w, i);
}

static void fini(struct world_of_workers *w)
{
	for (unsigned i = 0; i < w->kernel.rule.queues; i++) {
		stack_free(w->workers[i].stack);
		w->workers[i].device->ops->close(w->workers[i].device);
	}
	stack_free(w->client.stack);
	w->client.device->ops->close(w->client.device);
	w->kernel.end->ops->close(w->kernel.end);
	steer_group_free(w->group);
}

/* ---- the client ---- */

static void on_open(struct stream *s)
{
	const struct span ask = { request, REQUEST, NULL };

	assert_int_equal(stream_send(s, &ask, 1, 0), 0);
}

static size_t on_answer(struct stream *s, struct bytes data)
{
	(void)s;
	return data.len;
}

static void on_end(struct stream *s)
{
	struct stream_info info;

	stream_info(s, &info);
	assert_int_equal(info.bytes_received, RESPONSE);
	stream_shutdown(s);
}

static void on_client_closed(struct stream *s, enum stream_end why)
{
	struct world_of_workers *w = s->user;

	assert_int_equal(why, STREAM_END_NORMAL);
	w->done++;
}

static const struct stream_handler client_handler = {
	.on_open = on_open,
	.on_receive = on_answer,
	.on_end = on_end,
	.on_closed = on_client_closed,
};

/* The first one alone: of others nothing waits for the answer to an ARP request. */
static void open_some(struct world_of_workers *w)
{
	unsigned n = w->opened == 0 ? 1 : min_u32(AT_ONCE, CONNECTIONS - w->opened);
	const struct ip_addr any = { { 0 } }, server = ip_addr_from_4(0x0a4d0002);
	struct stream *s;

	for (unsigned i = 0; i < n; i++, w->opened++)
		assert_int_equal(tcp_connect(w->client.stack->tcp, &any, 0, &server, PORT, &client_handler, w,
					     &s), 0);
}

/* ---- time ---- */

static bool turn(struct host *h, uint64_t now_us)
{
	struct rx_frame frames[DEVICE_BATCH];
	struct tx_frame *out;
	int n = h->device->ops->recv(h->device, frames, DEVICE_BATCH, now_us), sent;
	bool any = n > 0;

	assert_true(n >= 0);
	if (n > 0)
		stack_input(h->stack, frames, n, now_us);
	while ((sent = stack_poll(h->stack, now_us, &out)) > 0) {
		assert_int_equal(h->device->ops->send(h->device, out, sent, now_us), sent);
		any = true;
	}
	return any;
}

static uint64_t deadline(const struct host *h)
{
	return min_u64(stack_deadline(h->stack), h->device->ops->deadline(h->device));
}

static void step(struct world_of_workers *w)
{
	uint64_t next;
	bool any;

	do {
		any = turn(&w->client, w->now_us);
		for (unsigned i = 0; i < w->kernel.rule.queues; i++)
			any |= turn(&w->workers[i], w->now_us);
	} while (any);
	next = deadline(&w->client);
	for (unsigned i = 0; i < w->kernel.rule.queues; i++)
		next = min_u64(next, deadline(&w->workers[i]));
	w->now_us = next > w->now_us ? next : w->now_us + 1;
}

/* ---- what must be ---- */

static void serve_all(struct world_of_workers *w)
{
	uint64_t limit_us = w->now_us + 600 * SECOND;

	while (w->done < CONNECTIONS) {
		if (w->done == w->opened)
			open_some(w);
		step(w);
		assert_true(w->now_us < limit_us);
	}
}

/* What the workers had to do with each other. */
static struct steer_stats sum_of(const struct world_of_workers *w)
{
	struct steer_stats sum = { 0 }, one;

	for (unsigned i = 0; i < w->kernel.rule.queues; i++) {
		steer_stats(w->group, i, &one);
		sum.handed_over += one.handed_over;
		sum.taken_over += one.taken_over;
		sum.dropped += one.dropped;
	}
	return sum;
}

static void expect_no_reset(const struct host *h)
{
	const struct tcp_counters *c = tcp_counters(h->stack->tcp);

	assert_int_equal(c->out_rsts, 0);
	assert_int_equal(c->estab_resets, 0);
	assert_int_equal(c->in_errs, 0);
	assert_int_equal(h->stack->world.drops[DROP_TCP_NO_CONNECTION], 0);
}

/* Each flow at its owner only, none lost or doubled. share: the least that each worker must have. */
static void expect_all_served(const struct world_of_workers *w, unsigned share)
{
	unsigned served = 0;

	/* An ACK that has been overtaken by a FIN is answered after the end, and that by an RST. */
	if (w->kernel.how != AT_RANDOM)
		expect_no_reset(&w->client);
	for (unsigned i = 0; i < w->kernel.rule.queues; i++) {
		expect_no_reset(&w->workers[i]);
		assert_int_equal(tcp_counters(w->workers[i].stack->tcp)->retrans_segs, 0);
		assert_int_equal(tcp_counters(w->workers[i].stack->tcp)->passive_opens,
				 w->workers[i].served);
		assert_true(w->workers[i].served >= share);
		served += w->workers[i].served;
	}
	assert_int_equal(served, CONNECTIONS);
	assert_int_equal(sum_of(w).dropped, 0);
	assert_int_equal(sum_of(w).handed_over, sum_of(w).taken_over);
}

/* What was handed over. */
static uint64_t run(enum steer_mode mode, unsigned n, enum how how, bool is_cutting)
{
	struct world_of_workers *w = calloc(1, sizeof *w);
	uint64_t handed_over;

	assert_non_null(w);
	init(w, mode, n, how, is_cutting);
	serve_all(w);
	expect_all_served(w, mode == STEER_FLOW ? CONNECTIONS / n / 2 : 0);
	handed_over = sum_of(w).handed_over;
	fini(w);
	free(w);
	return handed_over;
}

static void steered_right_nothing_but_arp_is_handed_over(void **state)
{
	(void)state;
	assert_int_equal(run(STEER_FLOW, 1, BY_OWNER, false), 0);
	assert_in_range(run(STEER_FLOW, 2, BY_OWNER, false), 1, 100);
	assert_in_range(run(STEER_FLOW, 4, BY_OWNER, false), 1, 100);
	assert_in_range(run(STEER_ADDRESS, 4, BY_OWNER, false), 1, 100);
}

static void by_another_hash_all_are_served(void **state)
{
	(void)state;
	for (unsigned n = 2; n <= MOST; n++)
		assert_true(run(STEER_FLOW, n, BY_ANOTHER_HASH, false) > CONNECTIONS);
	assert_true(run(STEER_ADDRESS, 3, BY_ANOTHER_HASH, false) > CONNECTIONS);
}

static void each_frame_at_random_all_are_served(void **state)
{
	(void)state;
	for (unsigned n = 2; n <= MOST; n++)
		assert_true(run(STEER_FLOW, n, AT_RANDOM, false) > CONNECTIONS);
}

static void all_by_one_queue_all_are_served(void **state)
{
	(void)state;
	assert_true(run(STEER_FLOW, 4, ALL_BY_ONE, false) > CONNECTIONS);
}

static void fragments_find_their_way(void **state)
{
	(void)state;
	assert_in_range(run(STEER_FLOW, 3, BY_OWNER, true), CONNECTIONS / 2, CONNECTIONS);
	assert_true(run(STEER_FLOW, 3, BY_ANOTHER_HASH, true) > CONNECTIONS);
	assert_true(run(STEER_FLOW, 3, AT_RANDOM, true) > CONNECTIONS);
	assert_in_range(run(STEER_ADDRESS, 3, BY_OWNER, true), 1, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steered_right_nothing_but_arp_is_handed_over),
		cmocka_unit_test(by_another_hash_all_are_served),
		cmocka_unit_test(each_frame_at_random_all_are_served),
		cmocka_unit_test(all_by_one_queue_all_are_served),
		cmocka_unit_test(fragments_find_their_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
