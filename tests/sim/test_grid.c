/*
 * Thousands of small transfers both ways, each on a path and between two hosts drawn from its seed: loss of 0
 * to 30 %, delays of 0 to 300 ms, reordering, duplication, corruption; windows and buffers from a byte to
 * more than the path holds; writers and readers of a byte; pauses; every option on or off on either side.
 * Whatever was drawn: all bytes arrive, in order, once; both sides close normally; nothing is left in any
 * pool; and nobody is silent for longer than his retransmission timeout while something of his is
 * outstanding. The invariants of tcp_state.c are checked in each step, as in all tests.
 *
 * SIM_SEEDS=17 runs one seed of each test, SIM_SEEDS=1-50000 these. A failure
 * names its seed, and what was drawn.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/minmax.h"
#include "base/random.h"
#include "common/sim.h"
#include "common/sim_app.h"
#include "tcp/tcp_conn.h"

enum { SEEDS = 1000, HTTP_PORT = 80, TEXT = 1024 };
#define SECOND 1000000ull

/* One end: its host, its application, and how that behaves. */
struct side {
	struct sim_host *host;
	struct sim_app app;
	struct tcp_config tcp;
	bool nodelay, is_tuned;
	uint64_t turn_us, next_turn_us;  /* with app.by_turns */
	uint64_t pause_at, pause_us, pause_until_us; /* having received so many bytes, it reads nothing for a while */
	bool closes_second;              /* shuts down only when the peer has */
	/* The silence that is allowed. */
	struct seq una;
	uint64_t sent_us, quiet_until_us, patience_us;
	uint32_t window;
};

struct run {
	uint64_t seed;
	struct sim_config config;
	char impair[256];
	uint64_t rtt_us, limit_us;
	struct sim sim;
	struct side side[2];       /* client, server */
};

/* Of the run at hand: for a failed assertion inside of the stack. */
static char description[TEXT];

/* ---- what is drawn ---- */

/* One of a list of numbers. */
#define ONE_OF(r, ...) one_of(r, (const uint32_t[]){ __VA_ARGS__ }, ARRAY_LENGTH(((const uint32_t[]){ __VA_ARGS__ })))

static uint32_t one_of(struct random *r, const uint32_t *list, size_t n)
{
	return list[random_below(r, (uint32_t)n)];
}

static bool one_in(struct random *r, uint32_t n)
{
	return random_below(r, n) == 0;
}

static void draw_path(struct run *p, struct random *r, uint32_t loss_ppm)
{
	uint32_t delay_us = ONE_OF(r, 0, 0, 100, 1000, 10000, 50000, 150000);
	uint32_t jitter_us = one_in(r, 3) ? random_below(r, delay_us + 2000) : 0;
	uint32_t reorder = one_in(r, 2) ? random_below(r, 100000) : 0;
	uint32_t duplicate = one_in(r, 3) ? random_below(r, 50000) : 0;
	uint32_t corrupt = one_in(r, 4) ? random_below(r, 20000) : 0;
	const char *way = one_in(r, 6) ? "rx:" : one_in(r, 6) ? "tx:" : "";

	p->config.wire.delay_us = one_in(r, 2) ? delay_us : 0;
	p->config.wire.mtu = ONE_OF(r, 1500, 1500, 1500, 296, 576, 1280, 9000);
	p->config.wire.gso_max = one_in(r, 2) ? 65535 : 0;
	p->rtt_us = 2 * (delay_us + (uint64_t)jitter_us);
	snprintf(p->impair, sizeof p->impair,
		 "%sloss=%g%%,delay=%uus,jitter=%uus,reorder=%g%%,duplicate=%g%%,corrupt=%g%%", way,
		 loss_ppm / 1e4, p->config.wire.delay_us > 0 ? 0 : delay_us, jitter_us, reorder / 1e4,
		 duplicate / 1e4, corrupt / 1e4);
	if (one_in(r, 4)) /* a bottleneck */
		snprintf(strchr(p->impair, 0), 64, ",rate=%ukbit,queue=%u", 500 + random_below(r, 20000),
			 50 + random_below(r, 200));
	p->config.impair = p->impair;
}

static void draw_host(struct tcp_config *c, struct random *r)
{
	static const char *const controls[] = { "reno", "cubic", "bbr" };

	c->congestion = controls[random_below(r, 3)];
	c->receive_buffer = ONE_OF(r, 1, 100, 536, 1460, 3000, 16384, 65535, 262144);
	c->receive_buffer_max = one_in(r, 2) ? c->receive_buffer : 4 * c->receive_buffer;
	c->send_buffer = ONE_OF(r, 1, 100, 1460, 10000, 65536, 1 << 20);
	c->send_buffer_max = one_in(r, 2) ? c->send_buffer : 1 << 20;
	c->sack = !one_in(r, 3);
	c->timestamps = !one_in(r, 3);
	c->window_scaling = !one_in(r, 3);
	c->pacing = !one_in(r, 3);
	c->frto = !one_in(r, 3);
	c->ecn = (enum tcp_ecn_mode)random_below(r, 3);
	c->mtu_probing = (enum tcp_mtu_probing)random_below(r, 3);
	c->delayed_ack_us = ONE_OF(r, 0, 1000, 40000, 200000);
	c->max_connections = c->max_time_wait = 16; /* small tables: tcp_check_memory() walks them in each step */
	/* Loss is heavy, and this is about the bytes: nobody gives up, or forgets TIME-WAIT too early. */
	c->user_timeout_us = c->syn_timeout_us = 24 * 3600 * SECOND;
	c->synack_retries = TCP_SYN_STAGES - 1;
	c->msl_us = 600 * SECOND;
}

static void draw_application(struct side *s, const struct side *peer, uint64_t seed, struct random *r)
{
	uint32_t narrowest = min_u32(peer->tcp.receive_buffer, s->tcp.send_buffer);
	/* A small window takes a round trip for each of its fillings. */
	uint32_t most = min_u32(200000, 100 + 200 * narrowest), bytes;
	uint32_t write_size = ONE_OF(r, 1, 1, 7, 100, 1459, 4096, 65536);
	bool by_turns = one_in(r, 4);

	most = min_u32(most, (by_turns ? 500 : 2000) * write_size);
	bytes = 1 + random_below(r, one_in(r, 4) ? min_u32(most, 3000) : most);
	sim_app_init(&s->app, seed, bytes);
	s->app.write_size = write_size;
	s->app.read_limit = ONE_OF(r, 0, 0, 0, 1, 10, 1000);
	s->app.by_turns = by_turns;
	s->turn_us = 1 + random_below(r, 20000);
	s->pause_at = one_in(r, 4) ? random_below(r, 50000) : UINT64_MAX;
	s->pause_us = random_below(r, 20 * SECOND);
	s->nodelay = one_in(r, 2);
}

/* More than the unluckiest run needed: every window, write and read takes a round trip of its own, and
 * what is lost waits for timeouts. */
static uint64_t limit_of(const struct run *p, uint32_t loss_ppm)
{
	uint64_t trips = 0, us = 0;

	for (int i = 0; i < 2; i++) {
		const struct side *s = &p->side[i], *peer = &p->side[1 - i];
		uint32_t window = min_u32(min_u32(peer->tcp.receive_buffer, s->tcp.send_buffer), 1200);
		uint64_t bite = peer->app.by_turns && peer->app.read_limit > 0 ? peer->app.read_limit : 65536;

		trips += s->app.to_send / min_u64(window / 2 + 1, s->app.write_size) + 20;
		us += (s->app.to_send / min_u64(s->app.write_size, bite) + 10) * (s->turn_us + peer->turn_us);
		us += s->pause_us + 60 * SECOND;
	}
	return us + trips * (2 * p->rtt_us + 600000 + loss_ppm * 200);
}

static void draw(struct run *p, uint64_t seed, uint32_t loss_ppm)
{
	struct random r;
	int second;

	*p = (struct run){ .seed = seed };
	random_init(&r, seed ^ (uint64_t)loss_ppm << 40);
	sim_config_default(&p->config);
	p->config.seed = seed;
	draw_path(p, &r, loss_ppm);
	for (int i = 0; i < 2; i++) {
		tcp_config_default(&p->side[i].tcp);
		draw_host(&p->side[i].tcp, &r);
	}
	for (int i = 0; i < 2; i++)
		draw_application(&p->side[i], &p->side[1 - i], 2 * seed + (uint64_t)i, &r);
	second = (int)random_below(&r, 3); /* 2: neither waits for the other */
	if (second < 2)
		p->side[second].closes_second = p->side[second].app.keep_open = true;
	p->config.tcp = p->side[0].tcp;
	p->config.tcp_b = &p->side[1].tcp;
	p->limit_us = limit_of(p, loss_ppm);
}

static void describe_side(const struct side *s, char *out, size_t size)
{
	const struct tcp_config *c = &s->tcp;

	snprintf(out, size,
		 " | %s rcv %u..%u snd %u..%u%s%s%s%s%s ecn %d mtu_probing %d delack %llu%s; sends %llu by %zu, reads %zu%s, "
		 "turn %llu us, pause at %lld for %llu us%s",
		 c->congestion, c->receive_buffer, c->receive_buffer_max, c->send_buffer, c->send_buffer_max,
		 c->sack ? " sack" : "", c->timestamps ? " ts" : "", c->window_scaling ? " ws" : "",
		 c->pacing ? " pacing" : "", c->frto ? " frto" : "", (int)c->ecn, (int)c->mtu_probing,
		 (unsigned long long)c->delayed_ack_us, s->nodelay ? " nodelay" : "",
		 (unsigned long long)s->app.to_send, s->app.write_size, s->app.read_limit,
		 s->app.by_turns ? " by turns" : "", (unsigned long long)s->turn_us, (long long)s->pause_at,
		 (unsigned long long)s->pause_us, s->closes_second ? ", closes second" : "");
}

static void describe(const struct run *p)
{
	size_t n = (size_t)snprintf(description, sizeof description, "seed %llu: mtu %u gso %u delay %llu us %s",
				    (unsigned long long)p->seed, p->config.wire.mtu, p->config.wire.gso_max,
				    (unsigned long long)p->config.wire.delay_us, p->impair);

	for (int i = 0; i < 2; i++) {
		describe_side(&p->side[i], description + n, sizeof description - n);
		n = strlen(description);
	}
}

static void say_which(int signal)
{
	(void)signal;
	(void)!write(STDERR_FILENO, description, strlen(description));
	(void)!write(STDERR_FILENO, "\n", 1);
}

/* ---- who is silent ---- */

static void fail_run(const struct run *p, const char *why)
{
	const struct sim_app *client = &p->side[0].app, *server = &p->side[1].app;

	fail_msg(
		"%s after %llu us (limit %llu); client sent %llu got %llu end %d, server sent %llu got %llu end %d; %s",
		why, (unsigned long long)p->sim.now_us, (unsigned long long)p->limit_us,
		(unsigned long long)client->sent, (unsigned long long)client->received,
		client->closed ? (int)client->why : -1, (unsigned long long)server->sent,
		(unsigned long long)server->received, server->closed ? (int)server->why : -1, description);
}

static bool has_work(const struct tcp_conn *c)
{
	return c->busy != NULL && (!list_is_empty(&c->busy->flight) || c->busy->unsent > 0);
}

/* The timeout as it stands, with its back-off, and the wheel's tick. */
static uint64_t patience(const struct tcp_conn *c)
{
	uint64_t rto = min_u64((uint64_t)c->rto_us << c->backoff, c->tcp->config.max_rto_us);

	if (in_state(c, TCP_SYN_SENT)) /* it may grow to this with the SYN-ACK (RFC 6298 (5.7)) */
		rto = max_u64(rto, 3ull * c->tcp->config.initial_rto_us);
	return rto + TIMER_TICK_US;
}

/* Until when it may be silent: when an acknowledgement moves snd.una, the timer starts anew (RFC 6298
 * (5.1) to (5.3)); what is sent, or a window that opens, never makes it end earlier. More
 * acknowledgements may follow in the same batch and change it again: what was set is less than twice the
 * larger of those before and after. A tail loss probe that falls due starts it once more, whether or not
 * one is sent (RFC 8985 section 7.3). */
static uint64_t quiet_until(const struct run *p, const struct side *s, const struct tcp_conn *c)
{
	uint64_t then = p->sim.now_us + 3 * max_u64(patience(c), s->patience_us);

	if (s->quiet_until_us == TIMER_NEVER || !seq_eq(s->una, c->snd_una))
		return then;
	if (s->sent_us != c->data_sent_us || s->window != c->snd_wnd)
		return max_u64(s->quiet_until_us, then);
	return s->quiet_until_us;
}

/* Something of its is outstanding or waits to be sent: then it has a timer running that ends within the
 * timeout, and when that time is over something is sent, or it is the turn of pacing. */
static void watch(const struct run *p, struct side *s)
{
	const struct tcp_conn *c = s->app.stream == NULL ? NULL : tcp_conn_of_stream(s->app.stream);
	uint64_t now = p->sim.now_us;

	s->quiet_until_us = c == NULL || !has_work(c) ? TIMER_NEVER : quiet_until(p, s, c);
	if (c == NULL)
		return;
	s->patience_us = patience(c);
	s->una = c->snd_una;
	s->sent_us = c->data_sent_us;
	s->window = c->snd_wnd;
	if (!has_work(c) || (c->busy->pace_at != TIMER_NEVER && c->busy->pace_at <= now + patience(c)))
		return;
	if (c->busy->retransmit_at > s->quiet_until_us)
		fail_run(p, s == &p->side[0] ? "client has no timer" : "server has no timer");
	if (now > s->quiet_until_us)
		fail_run(p, s == &p->side[0] ? "client is silent" : "server is silent");
}

/* ---- a run ---- */

/* What is held, bite by bite. */
static void read_all(struct sim_app *app)
{
	uint64_t before;

	do {
		before = app->received;
		sim_app_read(app);
	} while (app->received != before);
}

static void act(struct run *p, struct side *s)
{
	struct sim_app *app = &s->app;
	uint64_t now = p->sim.now_us;

	if (app->stream != NULL && !s->is_tuned) {
		tcp_set_nodelay(app->stream, s->nodelay);
		s->is_tuned = true;
	}
	if (s->closes_second && app->ended)
		app->keep_open = false;
	if (app->received >= s->pause_at && s->pause_until_us == 0) {
		app->stop_reading = true;
		s->pause_until_us = now + s->pause_us;
	}
	if (s->pause_until_us != 0 && now >= s->pause_until_us)
		app->stop_reading = false;
	if (!app->by_turns) {
		sim_app_pump(app);
		read_all(app);
	} else if (now >= s->next_turn_us) {
		sim_app_turn(app);
		s->next_turn_us = now + s->turn_us;
	}
}

/* When the application has something to do of its own. */
static uint64_t next_act(const struct run *p, const struct side *s)
{
	uint64_t at = TIMER_NEVER;

	if (s->app.stream == NULL)
		return TIMER_NEVER;
	if (s->app.by_turns)
		at = s->next_turn_us;
	if (s->pause_until_us > p->sim.now_us)
		at = min_u64(at, s->pause_until_us);
	return at;
}

static bool is_over(const struct run *p)
{
	return p->side[0].app.closed && p->side[1].app.closed;
}

static uint64_t progress(const struct run *p)
{
	return p->side[0].app.received + p->side[1].app.received;
}

/* One event, and what the applications do about it; false if nothing will ever happen again. */
static bool step(struct run *p)
{
	uint64_t before = progress(p);
	bool happened = sim_step_until(&p->sim, min_u64(next_act(p, &p->side[0]), next_act(p, &p->side[1])));

	for (int i = 0; i < 2; i++) {
		tcp_check_memory(p->side[i].host->stack->tcp);
		watch(p, &p->side[i]);
	}
	for (int i = 0; i < 2; i++)
		act(p, &p->side[i]);
	return happened || progress(p) != before;
}

static void open_both(struct run *p, struct tcp_listener **l)
{
	struct tcp_listener_handler handler = sim_app_listener(&p->side[1].app);
	struct ip_addr any = { { 0 } };

	sim_init(&p->sim, &p->config);
	p->side[0].host = &p->sim.a;
	p->side[1].host = &p->sim.b;
	for (int i = 0; i < 2; i++) {
		p->side[i].quiet_until_us = TIMER_NEVER;
		p->side[i].patience_us = 3 * p->side[i].tcp.initial_rto_us; /* RFC 6298 (5.7) */
	}
	assert_int_equal(tcp_listen(p->sim.b.stack->tcp, &any, HTTP_PORT, &handler, NULL, l), 0);
	assert_int_equal(tcp_connect(p->sim.a.stack->tcp, &any, 0, &p->sim.b.addr, HTTP_PORT,
				     &sim_app_handler, &p->side[0].app, &p->side[0].app.stream),
			 0);
}

static void sum_in_use(void *context, const struct pool *pool)
{
	*(size_t *)context += pool->in_use;
}

static size_t objects_in_use(const struct run *p)
{
	size_t n = 0;

	for (int i = 0; i < 2; i++)
		tcp_each_pool(p->side[i].host->stack->tcp, sum_in_use, &n);
	return n;
}

static bool is_empty(void *context)
{
	return objects_in_use(context) == 0;
}

static void run_one(uint64_t seed, uint32_t loss_ppm)
{
	struct tcp_listener *l;
	struct run p;
	uint64_t end;

	draw(&p, seed, loss_ppm);
	describe(&p);
	open_both(&p, &l);
	end = p.sim.now_us + p.limit_us;
	while (!is_over(&p)) {
		if (!step(&p) && !is_over(&p))
			fail_run(&p, "deadlock");
		if (p.sim.now_us > end)
			fail_run(&p, "too slow");
	}
	for (int i = 0; i < 2; i++) {
		if (p.side[i].app.why != STREAM_END_NORMAL || !p.side[i].app.ended)
			fail_run(&p, "no normal end");
		sim_app_assert_received(&p.side[i].app, &p.side[1 - i].app);
	}
	tcp_listener_close(l);
	if (!sim_run(&p.sim, 24 * 3600 * SECOND, is_empty, &p))
		fail_run(&p, "something is left in the pools");
	sim_fini(&p.sim);
	for (int i = 0; i < 2; i++)
		sim_app_fini(&p.side[i].app);
}

static void run_seeds(uint32_t loss_ppm)
{
	const char *chosen = getenv("SIM_SEEDS");
	unsigned long first = 1, last = SEEDS;

	if (chosen != NULL && sscanf(chosen, "%lu-%lu", &first, &last) == 1)
		last = first;
	for (uint64_t seed = first; seed <= last; seed++)
		run_one(seed, loss_ppm);
}

static void all_arrives_without_loss(void **state)
{
	(void)state;
	run_seeds(0);
}

static void all_arrives_at_0_1_percent_loss(void **state)
{
	(void)state;
	run_seeds(1000);
}

static void all_arrives_at_1_percent_loss(void **state)
{
	(void)state;
	run_seeds(10000);
}

static void all_arrives_at_3_percent_loss(void **state)
{
	(void)state;
	run_seeds(30000);
}

static void all_arrives_at_10_percent_loss(void **state)
{
	(void)state;
	run_seeds(100000);
}

static void all_arrives_at_20_percent_loss(void **state)
{
	(void)state;
	run_seeds(200000);
}

static void all_arrives_at_30_percent_loss(void **state)
{
	(void)state;
	run_seeds(300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_arrives_without_loss),
		cmocka_unit_test(all_arrives_at_0_1_percent_loss),
		cmocka_unit_test(all_arrives_at_1_percent_loss),
		cmocka_unit_test(all_arrives_at_3_percent_loss),
		cmocka_unit_test(all_arrives_at_10_percent_loss),
		cmocka_unit_test(all_arrives_at_20_percent_loss),
		cmocka_unit_test(all_arrives_at_30_percent_loss),
	};

	signal(SIGABRT, say_which);
	return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
