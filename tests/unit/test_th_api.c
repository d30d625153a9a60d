/* The public interface of libtaphouse: two stacks on a wire, and one whose packets a test looks at. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "taphouse/taphouse.h"

#define SECOND 1000000ull

/* ---- a client and a server ---- */

struct pair {
	struct th_stack *client, *server;
	struct th_wire *wire;
	struct th_listener *listener;
	struct th_conn *here, *there; /* the client's end and the server's */
	uint64_t now_us;
};

static void run(struct pair *p, uint64_t us)
{
	uint64_t end = p->now_us + us;

	while (p->now_us < end && th_wire_step(p->wire, &p->now_us))
		;
}

static void start(struct pair *p, const struct th_stack_config *config)
{
	*p = (struct pair){ .now_us = 1 };
	assert_int_equal(th_stack_new(config, p->now_us, &p->client), 0);
	assert_int_equal(th_stack_new(config, p->now_us, &p->server), 0);
	assert_int_equal(th_stack_add_address(p->client, "10.77.0.1/24"), 0);
	assert_int_equal(th_stack_add_address(p->server, "10.77.0.2/24"), 0);
	assert_int_equal(
		th_wire_new(p->client, p->server, &(struct th_wire_config){ .delay_us = 1000 }, &p->wire), 0);
	assert_int_equal(th_listen(p->server, "10.77.0.2", 80, &p->listener), 0);
}

static void open_pair(struct pair *p, const struct th_stack_config *config)
{
	start(p, config);
	assert_int_equal(th_connect(p->client, "10.77.0.2", 80, &p->here), 0);
	assert_int_equal(th_accept(p->listener, &p->there), -EAGAIN);
	run(p, SECOND);
	assert_int_equal(th_accept(p->listener, &p->there), 0);
	assert_int_equal(th_events(p->here) & (TH_OPEN | TH_WRITABLE), TH_OPEN | TH_WRITABLE);
}

static void end(struct pair *p)
{
	th_close(p->here);
	th_close(p->there);
	th_listener_close(p->listener);
	th_wire_free(p->wire);
	th_stack_free(p->client);
	th_stack_free(p->server);
}

static void assert_received(struct th_conn *c, const char *text)
{
	char buf[100];
	ssize_t n = th_recv(c, buf, sizeof buf);

	assert_int_equal(n, (ssize_t)strlen(text));
	assert_memory_equal(buf, text, (size_t)n);
}

static void a_life(void **state)
{
	struct pair p;
	struct th_info info;
	char buf[10];

	(void)state;
	open_pair(&p, NULL);
	assert_int_equal(th_recv(p.there, buf, sizeof buf), -EAGAIN);
	assert_int_equal(th_send(p.here, "question", 8), 8);
	run(&p, SECOND);
	assert_int_equal(th_events(p.there) & TH_READABLE, TH_READABLE);
	assert_int_equal(th_info(p.there, &info), 0);
	assert_int_equal(info.unread, 8);
	assert_received(p.there, "question");
	th_shutdown(p.here); /* half-close: the answer still comes */
	assert_int_equal(th_send(p.here, "x", 1), -EPIPE);
	run(&p, SECOND);
	assert_int_equal(th_recv(p.there, buf, sizeof buf), 0);
	assert_int_equal(th_send(p.there, "answer", 6), 6);
	run(&p, SECOND);
	assert_received(p.here, "answer");
	th_shutdown(p.there);
	run(&p, SECOND);
	assert_int_equal(th_recv(p.here, buf, sizeof buf), 0);
	assert_int_equal(th_events(p.there) & TH_CLOSED, TH_CLOSED);
	assert_int_equal(th_info(p.there, &info), -ENOTCONN);
	end(&p);
}

static void how_a_connection_ended(void **state)
{
	struct pair p;
	struct th_conn *refused;
	char buf[10];

	(void)state;
	open_pair(&p, NULL);
	th_abort(p.there);
	p.there = NULL;
	assert_int_equal(th_connect(p.client, "10.77.0.2", 81, &refused), 0);
	run(&p, SECOND);
	assert_int_equal(th_recv(p.here, buf, sizeof buf), -ECONNRESET);
	assert_int_equal(th_send(p.here, "x", 1), -ECONNRESET);
	assert_int_equal(th_recv(refused, buf, sizeof buf), -ECONNREFUSED);
	assert_int_equal(th_events(refused) & (TH_OPEN | TH_CLOSED), TH_CLOSED);
	/* what is over can be set, and nothing happens */
	th_set_nodelay(refused, 1);
	th_set_keepalive(refused, 1);
	th_set_keepalive_times(refused, SECOND, SECOND, 1);
	th_set_user_timeout(refused, SECOND);
	th_set_error_reports(refused, 1);
	assert_int_equal(th_set_dscp(refused, 1), 0);
	assert_int_equal(th_set_ttl(refused, 1), 0);
	assert_int_equal(th_set_congestion(refused, "reno"), 0);
	assert_int_equal(th_soft_error(refused), 0);
	assert_int_equal(th_urgent(refused), 0);
	th_shutdown(refused);
	th_close(refused);
	end(&p);
}

static void a_full_send_buffer(void **state)
{
	const struct th_stack_config config = { .send_buffer = 8192, .receive_buffer = 8192 };
	static uint8_t data[20000];
	struct pair p;

	(void)state;
	open_pair(&p, &config);
	assert_int_equal(th_send(p.here, data, sizeof data), 8192);
	assert_int_equal(th_send(p.here, data, sizeof data), -EAGAIN);
	assert_int_equal(th_events(p.here) & TH_WRITABLE, 0);
	run(&p, SECOND);
	assert_int_equal(th_events(p.here) & TH_WRITABLE, TH_WRITABLE);
	end(&p);
}

static void listening(void **state)
{
	const struct th_listen_options options = { .backlog = 1, .congestion = "reno" };
	const struct th_listen_options unknown = { .congestion = "vegas" };
	struct th_conn *conns[3];
	struct th_listener *l;
	struct th_info info;
	struct pair p;

	(void)state;
	start(&p, NULL);
	assert_int_equal(th_listen(p.server, "10.77.0.2", 80, &l), -EADDRINUSE);
	assert_int_equal(th_listen(p.server, "10.77.0.3", 80, &l), -EADDRNOTAVAIL);
	assert_int_equal(th_listen(p.server, "10.77.0", 80, &l), -EINVAL);
	assert_int_equal(th_listen(p.server, NULL, 0, &l), -EINVAL);
	assert_int_equal(th_listen_with(p.server, NULL, 90, &unknown, &l), -EINVAL);
	assert_int_equal(th_listen_with(p.server, NULL, 91, NULL, &l), 0);
	th_listener_close(l);
	assert_int_equal(th_listen_with(p.server, NULL, 90, &options, &l), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(th_connect(p.client, "10.77.0.2", 90, &conns[i]), 0);
	run(&p, SECOND / 2);
	assert_int_equal(th_accept(l, &p.there), 0); /* the backlog was one */
	assert_int_equal(th_info(p.there, &info), 0);
	assert_string_equal(info.congestion, "reno");
	th_close(p.there);
	assert_int_equal(th_accept(l, &p.there), -EAGAIN);
	p.there = NULL;
	for (unsigned i = 0; i < 3; i++)
		th_close(conns[i]);
	th_listener_close(l);
	th_listener_close(NULL);
	end(&p);
}

static void connecting(void **state)
{
	struct pair p;
	struct th_conn *c, *d;
	struct th_info info;

	(void)state;
	start(&p, NULL);
	assert_int_equal(th_connect(p.client, "10.77.0", 80, &c), -EINVAL);
	assert_int_equal(th_connect(p.client, "10.77.0.255", 80, &c), -EINVAL); /* MUST-46 */
	assert_int_equal(th_connect(p.client, "10.77.0.2", 0, &c), -EINVAL);
	assert_int_equal(th_connect(p.client, "192.0.2.1", 80, &c), -EHOSTUNREACH);
	assert_int_equal(th_connect_from(p.client, "10.77.0.9", 0, "10.77.0.2", 80, &c), -EADDRNOTAVAIL);
	assert_int_equal(th_connect_from(p.client, "9", 0, "10.77.0.2", 80, &c), -EINVAL);
	assert_int_equal(th_stack_add_address(p.client, "10.77.0.5/24"), 0);
	assert_int_equal(th_connect_from(p.client, "10.77.0.5", 5000, "10.77.0.2", 80, &c), 0); /* MUST-43 */
	assert_int_equal(th_connect_from(p.client, "10.77.0.5", 5000, "10.77.0.2", 80, &d), -EADDRINUSE);
	run(&p, SECOND);
	assert_int_equal(th_accept(p.listener, &p.there), 0);
	assert_int_equal(th_info(p.there, &info), 0);
	assert_string_equal(info.remote, "10.77.0.5");
	assert_int_equal(info.remote_port, 5000);
	th_close(c);
	end(&p);
}

/* ---- structures that may grow ---- */

static void an_older_and_a_newer_callers_configuration(void **state)
{
	struct {
		struct th_stack_config known;
		uint64_t unknown;
	} newer = { .known = { .mtu = 1500 } };
	const struct th_stack_config older = { .mtu = 1500, .congestion = "nothing that is looked at" };
	struct th_stack *s;

	(void)state;
	assert_int_equal(th_stack_new_sized(&older, offsetof(struct th_stack_config, congestion), 0, &s), 0);
	th_stack_free(s);
	assert_int_equal(th_stack_new_sized(&newer.known, sizeof newer, 0, &s), 0);
	th_stack_free(s);
	newer.unknown = 1; /* something that we cannot do is asked of us */
	assert_int_equal(th_stack_new_sized(&newer.known, sizeof newer, 0, &s), -EINVAL);
}

static void an_older_and_a_newer_callers_picture(void **state)
{
	struct {
		struct th_info known;
		uint64_t unknown;
	} newer;
	struct th_info older;
	struct pair p;

	(void)state;
	open_pair(&p, NULL);
	memset(&older, 0xee, sizeof older);
	assert_int_equal(th_info_sized(p.here, &older, offsetof(struct th_info, urgent)), 0);
	assert_string_equal(older.state, "ESTABLISHED");
	assert_int_equal(older.urgent, 0xeeeeeeee);
	memset(&newer, 0xee, sizeof newer);
	assert_int_equal(th_info_sized(p.here, &newer.known, sizeof newer), 0);
	assert_string_equal(newer.known.congestion, "cubic");
	assert_int_equal(newer.unknown, 0);
	end(&p);
}

static void bad_configurations(void **state)
{
	static const struct th_stack_config bad[] = {
		{ .mtu = 575 },
		{ .mtu = 65536 },
		{ .link = (enum th_link)2 },
		{ .off = 128 },
		{ .on = 128 },
		{ .on = TH_SACK, .off = TH_SACK },
		{ .congestion = "vegas" },
		{ .dscp = 64 },
		{ .send_buffer = 100 },
		{ .receive_buffer = UINT32_MAX },
		{ .delayed_ack_us = SECOND },
		{ .min_rto_us = 61 * SECOND },
		{ .initial_rto_us = 61 * SECOND },
	};
	struct th_stack *s;

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(th_stack_new(&bad[i], 0, &s), -EINVAL);
	th_stack_free(NULL);
	th_close(NULL);
	th_abort(NULL);
	th_wire_free(NULL);
	th_unobserve(NULL);
}

/* ---- settings, and the picture ---- */

static void settings_are_seen(void **state)
{
	struct pair p;
	struct th_info info;

	(void)state;
	open_pair(&p, &(struct th_stack_config){ .ttl = 9, .dscp = 10 });
	assert_int_equal(th_info(p.here, &info), 0);
	assert_int_equal(info.ttl, 9);
	assert_int_equal(info.dscp, 10);
	assert_int_equal(info.received_dscp, 10);
	assert_int_equal(th_set_dscp(p.here, 64), -EINVAL);
	assert_int_equal(th_set_dscp(p.here, 46), 0);
	assert_int_equal(th_set_ttl(p.here, 0), -EINVAL);
	assert_int_equal(th_set_ttl(p.here, 3), 0);
	assert_int_equal(th_set_congestion(p.here, "vegas"), -EINVAL);
	assert_int_equal(th_set_congestion(p.here, "reno"), 0);
	assert_int_equal(th_send(p.here, "x", 1), 1);
	run(&p, SECOND);
	assert_int_equal(th_info(p.here, &info), 0);
	assert_int_equal(info.dscp, 46);
	assert_int_equal(info.ttl, 3);
	assert_string_equal(info.congestion, "reno");
	assert_int_equal(th_info(p.there, &info), 0);
	assert_int_equal(info.received_dscp, 46);
	end(&p);
}

static void features_can_be_left_out(void **state)
{
	struct pair p;
	struct th_info info;

	(void)state;
	open_pair(&p, NULL);
	assert_int_equal(th_info(p.here, &info), 0);
	assert_int_equal(info.timestamps + info.window_scaling + info.sack, 3);
	assert_int_equal(info.ecn, 0); /* accepted, and not offered */
	assert_int_equal(info.iss + 1, info.snd_una);
	assert_int_equal(info.irs + 1, info.rcv_nxt);
	end(&p);
	open_pair(&p, &(struct th_stack_config){ .off = TH_TIMESTAMPS | TH_WINDOW_SCALING | TH_SACK | TH_ECN |
							TH_PACING });
	assert_int_equal(th_info(p.here, &info), 0);
	assert_int_equal(info.timestamps + info.window_scaling + info.sack + info.ecn, 0);
	assert_int_equal(info.pacing_rate, 0);
	end(&p);
	open_pair(&p, &(struct th_stack_config){ .on = TH_ECN | TH_FAST_OPEN | TH_MTU_PROBING });
	assert_int_equal(th_info(p.here, &info), 0);
	assert_int_equal(info.ecn, 1);
	assert_true(info.mss < 1400); /* RFC 4821: it begins small */
	end(&p);
}

static void keepalive_times(void **state)
{
	struct pair p;
	char buf[10];

	(void)state;
	open_pair(&p, NULL);
	th_set_keepalive(p.here, 1);
	th_set_keepalive_times(p.here, SECOND, SECOND, 2);
	run(&p, 100 * SECOND);
	assert_int_equal(th_recv(p.here, buf, sizeof buf), -EAGAIN); /* it answers */
	th_wire_free(p.wire);                                        /* and now nobody does */
	assert_int_equal(
		th_wire_new(p.client, p.server, &(struct th_wire_config){ .impair = "loss=100%" }, &p.wire),
		0);
	run(&p, 10 * SECOND);
	assert_int_equal(th_recv(p.here, buf, sizeof buf), -ETIMEDOUT);
	end(&p);
}

static void urgent_data(void **state)
{
	struct pair p;
	char buf[4];

	(void)state;
	open_pair(&p, NULL);
	assert_int_equal(th_send(p.here, "plain ", 6), 6);
	assert_int_equal(th_send_urgent(p.here, "urgent", 6), 6);
	assert_int_equal(th_events(p.there) & TH_URGENT, 0);
	run(&p, SECOND);
	assert_int_equal(th_events(p.there) & TH_URGENT, TH_URGENT);
	assert_int_equal(th_urgent(p.there), 12);
	assert_int_equal(th_recv(p.there, buf, 4), 4);
	assert_int_equal(th_urgent(p.there), 8);
	assert_received(p.there, "n urgent");
	assert_int_equal(th_events(p.there) & TH_URGENT, 0);
	end(&p);
}

static void soft_errors(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, NULL);
	th_wire_free(p.wire);
	assert_int_equal(
		th_wire_new(p.client, p.server, &(struct th_wire_config){ .impair = "loss=100%" }, &p.wire),
		0);
	assert_int_equal(th_send(p.here, "x", 1), 1);
	run(&p, 5 * SECOND);
	assert_int_equal(th_events(p.here) & TH_SOFT_ERROR, TH_SOFT_ERROR);
	assert_int_equal(th_soft_error(p.here), -ETIMEDOUT); /* R1 */
	assert_int_equal(th_soft_error(p.here), 0);
	assert_int_equal(th_events(p.here) & (TH_SOFT_ERROR | TH_CLOSED), 0);
	end(&p);

	open_pair(&p, NULL);
	th_set_error_reports(p.here, 0);
	th_wire_free(p.wire);
	assert_int_equal(
		th_wire_new(p.client, p.server, &(struct th_wire_config){ .impair = "loss=100%" }, &p.wire),
		0);
	assert_int_equal(th_send(p.here, "x", 1), 1);
	run(&p, 5 * SECOND);
	assert_int_equal(th_soft_error(p.here), 0);
	end(&p);
}

/* ---- counters and observers ---- */

struct counted {
	unsigned names;
	uint64_t in_segs, ip_in, not_ours;
};

static void count(void *context, const char *name, uint64_t value)
{
	struct counted *c = context;

	c->names++;
	if (strcmp(name, "InSegs") == 0)
		c->in_segs = value;
	if (strcmp(name, "IpInReceives") == 0)
		c->ip_in = value;
	if (strcmp(name, "drop_ip_not_ours") == 0)
		c->not_ours = value;
}

static void counters(void **state)
{
	struct counted c = { 0 };
	struct pair p;

	(void)state;
	open_pair(&p, NULL);
	th_counters(p.server, count, &c);
	assert_true(c.names > 60);
	assert_int_equal(c.in_segs, 2); /* SYN, and the ACK of the SYN-ACK */
	assert_int_equal(c.ip_in, 2);
	assert_int_equal(c.not_ours, 0);
	end(&p);
}

struct seen {
	unsigned kinds[11]; /* by bit */
	unsigned with_conn;
	size_t len;
	uint8_t packet[100];
	char drop[32], note[64], remote[64];
	uint16_t remote_port;
};

static void see(void *context, const struct th_trace_event *e)
{
	struct seen *s = context;

	s->kinds[__builtin_ctz((unsigned)e->kind)]++;
	assert_non_null(e->name);
	if (e->conn != NULL) {
		struct th_info info;
		s->with_conn++;
		assert_int_equal(th_info(e->conn, &info), 0);
		assert_int_equal(info.remote_port, e->remote_port);
	}
	if (e->packet != NULL && e->len <= sizeof s->packet) {
		memcpy(s->packet, e->packet, e->len);
		s->len = e->len;
	}
	if (e->drop != NULL)
		strncpy(s->drop, e->drop, sizeof s->drop - 1);
	if (e->kind == TH_TRACE_STATE)
		strncpy(s->note, e->note, sizeof s->note - 1);
	if (e->remote != NULL)
		strncpy(s->remote, e->remote, sizeof s->remote - 1);
}

static void observers(void **state)
{
	struct seen all = { 0 }, states = { 0 };
	struct th_observer *a, *b;
	struct pair p;

	(void)state;
	start(&p, NULL);
	assert_int_equal(th_observe(p.client, TH_TRACE_ALL, see, &all, &a), 0);
	assert_int_equal(th_observe(p.client, TH_TRACE_STATE, see, &states, &b), 0);
	assert_int_equal(th_connect(p.client, "10.77.0.2", 80, &p.here), 0);
	run(&p, SECOND);
	assert_int_equal(th_accept(p.listener, &p.there), 0);
	assert_int_equal(states.kinds[2], 2); /* CLOSED -> SYN-SENT -> ESTABLISHED */
	assert_int_equal(all.kinds[2], 2);
	assert_string_equal(states.note, "SYN-SENT -> ESTABLISHED");
	assert_string_equal(states.remote, "10.77.0.2");
	assert_int_equal(states.kinds[0] + states.kinds[1] + states.kinds[3], 0);
	assert_true(all.kinds[0] > 0 && all.kinds[1] > 0 && all.kinds[3] > 0);
	assert_true(all.with_conn > 0);
	th_unobserve(b);
	assert_int_equal(th_send(p.here, "text", 4), 4);
	run(&p, SECOND);
	th_close(p.here);
	p.here = NULL;
	run(&p, SECOND);
	assert_int_equal(states.kinds[2], 2);
	assert_true(all.kinds[2] > 2);
	th_unobserve(a);
	end(&p);
}

/* Each event is told to those who asked for its kind, and to nobody else. */
static void rare_events_are_told_apart(void **state)
{
	struct seen all = { 0 }, urgent = { 0 }, errors = { 0 };
	struct th_observer *a, *b, *c;
	struct pair p;

	(void)state;
	open_pair(&p, NULL);
	assert_int_equal(th_observe(p.server, TH_TRACE_ALL, see, &all, &a), 0);
	assert_int_equal(th_observe(p.server, TH_TRACE_URGENT, see, &urgent, &b), 0);
	assert_int_equal(th_observe(p.client, TH_TRACE_SOFT_ERROR, see, &errors, &c), 0);
	assert_int_equal(th_send_urgent(p.here, "!", 1), 1);
	run(&p, SECOND);
	assert_int_equal(all.kinds[7], 1);
	assert_int_equal(urgent.kinds[7], 1);
	assert_int_equal(all.kinds[8] + all.kinds[9], 0);
	th_wire_free(p.wire);
	assert_int_equal(
		th_wire_new(p.client, p.server, &(struct th_wire_config){ .impair = "loss=100%" }, &p.wire),
		0);
	assert_int_equal(th_send(p.here, "x", 1), 1);
	run(&p, 10 * SECOND);
	assert_int_equal(errors.kinds[8], 1);
	assert_int_equal(errors.kinds[7] + errors.kinds[9], 0);
	th_unobserve(a);
	th_unobserve(b);
	th_unobserve(c);
	end(&p);
}

/* ---- IP packets ---- */

static void put_checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	ip[10] = ip[11] = 0;
	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static void plain_ip_packets(void **state)
{
	/* a ping from 10.77.0.1 */
	uint8_t ping[28] = {
		0x45, 0, 0, 28, [8] = 64, 1, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2, 8, 0, 0xf7, 0xff
	};
	const struct th_stack_config config = { .link = TH_LINK_IP };
	struct seen seen = { 0 };
	struct th_observer *o;
	struct th_stack *s;
	struct th_conn *c;
	uint8_t out[1500];

	(void)state;
	assert_int_equal(th_stack_new(&config, 1, &s), 0);
	assert_int_equal(th_stack_add_address(s, "10.77.0.2/24"), 0);
	assert_int_equal(th_stack_output(s, out, sizeof out, 1), 0); /* no ARP */
	assert_int_equal(th_stack_deadline(s), TH_NEVER);
	assert_int_equal(th_observe(s, TH_TRACE_ALL, see, &seen, &o), 0);
	put_checksum(ping);
	th_stack_input(s, ping, sizeof ping, 2);
	assert_int_equal(seen.len, sizeof ping);
	assert_memory_equal(seen.packet, ping, sizeof ping);
	assert_int_equal(th_stack_output(s, out, sizeof out, 2), sizeof ping);
	assert_int_equal(out[0], 0x45);
	assert_int_equal(out[20], 0); /* echo reply */
	assert_memory_equal(out + 12, ping + 16, 4);
	assert_memory_equal(seen.packet, out, sizeof ping);
	ping[3] = 27; /* the checksum is wrong now */
	th_stack_input(s, ping, sizeof ping, 3);
	assert_string_equal(seen.drop, "ip_checksum");
	for (uint32_t len = 0; len < sizeof ping; len++) /* cut anywhere */
		th_stack_input(s, ping, len, 4);
	assert_int_equal(th_stack_output(s, out, sizeof out, 4), 0);
	/* what leaves at once: there is no neighbour to ask */
	assert_int_equal(th_connect(s, "10.77.0.1", 80, &c), 0);
	assert_int_equal(th_stack_output(s, out, 10, 5), -ENOBUFS);
	assert_true(th_stack_output(s, out, sizeof out, 5 + SECOND) >= 40);
	assert_int_equal(out[9], 6);
	assert_int_equal(out[33], 2); /* SYN */
	th_abort(c);
	th_unobserve(o);
	th_stack_free(s);
}

static void a_wire_of_ip_packets(void **state)
{
	const struct th_stack_config ip = { .link = TH_LINK_IP };
	struct th_stack *ethernet;
	struct th_wire *none;
	struct pair p;

	(void)state;
	open_pair(&p, &ip);
	assert_int_equal(th_send(p.here, "hello", 5), 5);
	run(&p, SECOND);
	assert_received(p.there, "hello");
	assert_int_equal(th_stack_new(NULL, 0, &ethernet), 0);
	assert_int_equal(th_wire_new(p.client, ethernet, NULL, &none), -EINVAL);
	th_stack_free(ethernet);
	end(&p);
}

/* Hands over all that `from` has to say; returns how many packets that were. */
static unsigned carry(struct th_stack *from, struct th_stack *to, uint64_t now_us)
{
	uint8_t packet[1500];
	unsigned packets = 0;
	ssize_t n;

	while ((n = th_stack_output(from, packet, sizeof packet, now_us)) > 0) {
		th_stack_input(to, packet, (size_t)n, now_us);
		packets++;
	}
	return packets;
}

/* The last acknowledgement waits to be fetched when its connection is over and its handle given back. */
static void a_packet_leaves_after_its_handle_has_gone(void **state)
{
	const struct th_stack_config ip = { .link = TH_LINK_IP };
	struct seen seen = { 0 };
	struct th_observer *o;
	struct pair p;

	(void)state;
	open_pair(&p, &ip);
	assert_int_equal(th_observe(p.client, TH_TRACE_PACKET_OUT, see, &seen, &o), 0);
	th_shutdown(p.here);
	while (carry(p.client, p.server, p.now_us) + carry(p.server, p.client, p.now_us) > 0)
		;
	th_shutdown(p.there);
	assert_int_equal(carry(p.server, p.client, p.now_us), 1);
	assert_int_equal(th_events(p.here) & TH_CLOSED, TH_CLOSED);
	th_close(p.here);
	p.here = NULL;
	seen.with_conn = 0;
	assert_int_equal(carry(p.client, p.server, p.now_us), 1);
	assert_int_equal(seen.with_conn, 0);
	assert_string_equal(seen.remote, "10.77.0.2");
	assert_int_equal(th_events(p.there) & TH_CLOSED, TH_CLOSED);
	th_unobserve(o);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life),
		cmocka_unit_test(how_a_connection_ended),
		cmocka_unit_test(a_full_send_buffer),
		cmocka_unit_test(listening),
		cmocka_unit_test(connecting),
		cmocka_unit_test(an_older_and_a_newer_callers_configuration),
		cmocka_unit_test(an_older_and_a_newer_callers_picture),
		cmocka_unit_test(bad_configurations),
		cmocka_unit_test(settings_are_seen),
		cmocka_unit_test(features_can_be_left_out),
		cmocka_unit_test(keepalive_times),
		cmocka_unit_test(urgent_data),
		cmocka_unit_test(soft_errors),
		cmocka_unit_test(rare_events_are_told_apart),
		cmocka_unit_test(counters),
		cmocka_unit_test(observers),
		cmocka_unit_test(plain_ip_packets),
		cmocka_unit_test(a_wire_of_ip_packets),
		cmocka_unit_test(a_packet_leaves_after_its_handle_has_gone),
	};

	return cmocka_run_group_tests_name("libtaphouse", tests, NULL, NULL);
}
