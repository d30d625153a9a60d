/*
 * BBR on a path of the test's own: a bottleneck with a queue, a round-trip time, random loss. Segments are
 * paced and bound by the window as the algorithm says; acknowledgements bring the rate samples of
 * draft-ietf-ccwg-bbr section 4.1. Nothing is retransmitted: what is lost is made up for by new segments,
 * which to the path are the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/minmax.h"
#include "base/random.h"
#include "tcp/tcp_cc.h"

enum { MSS = 1000, SEGMENTS = 1 << 16, MS = 1000, SECOND = 1000000, MODES = TCP_BBR_PROBE_RTT + 1 };

struct segment {
	uint64_t sent_us, acked_us, first_sent_us, delivered_us, delivered, lost;
	uint32_t tx_in_flight;
	bool app_limited, dropped, done;
};

struct path {
	struct tcp_cc cc;
	struct random random;
	uint64_t now_us;
	/* the path */
	uint64_t bandwidth; /* bytes a second */
	uint32_t rtt_us, queue, loss_ppm;
	uint64_t free_us; /* when the bottleneck has sent all that it has */
	/* the application: 0: sends as much as it may, else so many bytes a second */
	uint64_t app_rate;
	uint64_t app_sent_us;
	/* the sender: segments oldest to next in flight */
	uint64_t oldest, next, recover;
	uint64_t pace_us, first_sent_us, delivered_us, delivered, lost;
	uint32_t in_flight;
	uint64_t limited_until;
	bool in_recovery;
	/* what was seen */
	uint64_t time_in[MODES];
	unsigned entered[MODES];
	struct segment segments[SEGMENTS];
};

static struct path *path(uint64_t bandwidth, uint32_t rtt_us, uint32_t queue)
{
	struct path *p = calloc(1, sizeof *p);

	assert_non_null(p);
	*p = (struct path){ .cc.ops = tcp_cc_find("bbr"), .now_us = 5 * SECOND, .bandwidth = bandwidth };
	p->rtt_us = rtt_us;
	p->queue = queue;
	random_init(&p->random, 1);
	p->pace_us = p->free_us = p->app_sent_us = p->now_us;
	p->cc.ops->init(&p->cc, &(struct tcp_cc_event){ .mss = MSS });
	return p;
}

static struct segment *at(struct path *p, uint64_t n)
{
	return &p->segments[n % SEGMENTS];
}

static struct tcp_cc_event event(struct path *p)
{
	return (struct tcp_cc_event){
		.now_us = p->now_us,
		.mss = MSS,
		.flight = p->in_flight,
		.in_flight = p->in_flight,
		.srtt_us = p->rtt_us,
		.min_rtt_us = p->rtt_us,
		.delivered = p->delivered,
		.lost = p->lost,
		.in_recovery = p->in_recovery,
		.app_limited = p->app_rate != 0,
		.random = &p->random,
	};
}

static bool has_room(const struct path *p)
{
	return p->in_flight + MSS <= p->cc.cwnd && p->next - p->oldest < SEGMENTS - 1;
}

/* When the next segment leaves; UINT64_MAX: not before an acknowledgement. */
static uint64_t next_send(const struct path *p)
{
	uint64_t when = max_u64(p->pace_us, p->now_us);

	if (!has_room(p))
		return UINT64_MAX;
	return p->app_rate != 0 ? max_u64(when, p->app_sent_us + MSS * (uint64_t)SECOND / p->app_rate) : when;
}

/* Through the bottleneck; acked_us is when the acknowledgement comes. */
static void forward(struct path *p, struct segment *s)
{
	uint64_t waits_us = p->free_us > p->now_us ? p->free_us - p->now_us : 0;

	s->dropped = waits_us * p->bandwidth / SECOND > p->queue || random_chance(&p->random, p->loss_ppm);
	if (!s->dropped)
		p->free_us = max_u64(p->free_us, p->now_us) + MSS * (uint64_t)SECOND / p->bandwidth;
	s->acked_us = max_u64(p->free_us, p->now_us) + p->rtt_us;
}

static void send_segment(struct path *p)
{
	struct segment *s = at(p, p->next++);

	if (p->in_flight == 0)
		p->first_sent_us = p->delivered_us = p->now_us;
	p->in_flight += MSS;
	if (p->app_rate != 0) {
		p->app_sent_us = p->now_us;
		p->limited_until = p->delivered + p->in_flight;
	}
	*s = (struct segment){
		.sent_us = p->now_us,
		.first_sent_us = p->first_sent_us,
		.delivered_us = p->delivered_us,
		.delivered = p->delivered,
		.lost = p->lost,
		.tx_in_flight = p->in_flight,
		.app_limited = p->limited_until > p->delivered,
	};
	forward(p, s);
	p->pace_us = max_u64(p->pace_us, p->now_us) + MSS * (uint64_t)SECOND / p->cc.pacing_rate;
}

static void lose(struct path *p, struct segment *s)
{
	struct tcp_cc_event e;

	p->lost += MSS;
	p->in_flight -= MSS;
	s->done = true;
	e = event(p);
	p->cc.ops->on_segment_lost(&p->cc, &e,
				   &(struct tcp_cc_lost){ .len = MSS,
							  .tx_in_flight = s->tx_in_flight,
							  .prior_lost = s->lost,
							  .prior_delivered = s->delivered,
							  .app_limited = s->app_limited });
}

/* What was sent three segments or more before one that arrived has been lost. The bytes. */
static uint32_t find_losses(struct path *p, uint64_t arrived)
{
	uint32_t lost = 0;

	for (; p->oldest < arrived; p->oldest++) {
		struct segment *s = at(p, p->oldest);
		if (s->done)
			continue;
		if (p->oldest + 3 > arrived)
			break;
		lose(p, s);
		lost += MSS;
	}
	if (lost > 0 && !p->in_recovery) {
		struct tcp_cc_event e = event(p);
		p->cc.ops->on_loss(&p->cc, &e);
		p->in_recovery = true;
		p->recover = p->next;
	}
	return lost;
}

static struct tcp_rate_sample sample(const struct path *p, const struct segment *s)
{
	uint64_t interval_us = max_u64(p->now_us - s->delivered_us, s->sent_us - s->first_sent_us);

	return (struct tcp_rate_sample){
		.rate = (p->delivered - s->delivered) * SECOND / max_u64(interval_us, 1),
		.interval_us = interval_us,
		.prior_delivered = s->delivered,
		.prior_lost = s->lost,
		.delivered = (uint32_t)(p->delivered - s->delivered),
		.tx_in_flight = s->tx_in_flight,
		.rtt_us = (uint32_t)(p->now_us - s->sent_us),
		.app_limited = s->app_limited,
	};
}

static void watch(struct path *p, uint8_t before)
{
	if (p->cc.state.bbr.mode != before)
		p->entered[p->cc.state.bbr.mode]++;
}

static void acknowledge(struct path *p, uint64_t n)
{
	struct segment *s = at(p, n);
	struct tcp_rate_sample rate;
	struct tcp_cc_event e;
	uint8_t mode = p->cc.state.bbr.mode;
	uint32_t flight = p->in_flight;
	bool limited = p->in_flight + 2 * MSS > p->cc.cwnd;

	p->in_flight -= MSS;
	p->delivered += MSS;
	p->delivered_us = p->now_us;
	p->first_sent_us = s->sent_us;
	s->done = true;
	rate = sample(p, s);
	if (p->in_recovery && n >= p->recover) {
		p->in_recovery = false;
		e = event(p);
		p->cc.ops->on_recovered(&p->cc, &e);
	}
	uint32_t newly_lost = find_losses(p, n);
	e = event(p);
	e.acked = MSS;
	e.newly_lost = newly_lost;
	e.flight = flight;
	e.rtt_us = rate.rtt_us;
	e.cwnd_limited = limited;
	e.rate = &rate;
	p->cc.ops->on_ack(&p->cc, &e);
	watch(p, mode);
}

/* The next segment in flight that arrives; acknowledgements come in the order of sending. */
static uint64_t next_arrival(struct path *p)
{
	for (uint64_t n = p->oldest; n < p->next; n++)
		if (!at(p, n)->done && !at(p, n)->dropped)
			return n;
	return UINT64_MAX;
}

/* All in flight was dropped: the retransmission timer. */
static void time_out(struct path *p)
{
	struct tcp_cc_event e;

	p->now_us += SECOND;
	for (; p->oldest < p->next; p->oldest++)
		if (!at(p, p->oldest)->done)
			lose(p, at(p, p->oldest));
	e = event(p);
	p->cc.ops->on_timeout(&p->cc, &e);
	p->in_recovery = true;
	p->recover = p->next;
}

static void step(struct path *p)
{
	uint64_t send_us = next_send(p), arrives = next_arrival(p);
	uint64_t ack_us = arrives != UINT64_MAX ? at(p, arrives)->acked_us : UINT64_MAX;
	uint64_t before_us = p->now_us;
	uint8_t mode = p->cc.state.bbr.mode;

	if (send_us == UINT64_MAX && ack_us == UINT64_MAX) {
		time_out(p);
		return;
	}
	p->now_us = min_u64(send_us, ack_us);
	p->time_in[mode] += p->now_us - before_us;
	if (ack_us <= send_us)
		acknowledge(p, arrives);
	else
		send_segment(p);
}

static void run(struct path *p, uint64_t us)
{
	uint64_t end_us = p->now_us + us;

	while (p->now_us < end_us)
		step(p);
}

/* Bytes a second that arrive in so long. */
static uint64_t goodput(struct path *p, uint64_t us)
{
	uint64_t delivered = p->delivered, from_us = p->now_us;

	run(p, us);
	return (p->delivered - delivered) * SECOND / (p->now_us - from_us);
}

static void run_until(struct path *p, enum tcp_bbr_mode mode)
{
	uint64_t end_us = p->now_us + 30 * (uint64_t)SECOND;

	while (p->cc.state.bbr.mode != mode && p->now_us < end_us)
		step(p);
	assert_int_equal(p->cc.state.bbr.mode, mode);
}

static uint64_t max_bw(const struct path *p)
{
	return tcp_bbr_max_bw(&p->cc.state.bbr);
}

static uint32_t bdp(const struct path *p)
{
	return (uint32_t)(p->bandwidth * p->rtt_us / SECOND);
}

static void assert_near(uint64_t value, uint64_t want, unsigned percent)
{
	assert_in_range(value, want - want * percent / 100, want + want * percent / 100);
}

/* ---- tests ---- */

static void startup_finds_the_bandwidth(void **state)
{
	static const struct {
		uint64_t bandwidth;
		uint32_t rtt_us;
	} paths[] = {
		{ 125000, 20 * MS }, { 1250000, 50 * MS }, { 12500000, 10 * MS }, { 12500000, 100 * MS }
	};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct path *p = path(paths[i].bandwidth, paths[i].rtt_us, 4 * SEGMENTS * 64);
		uint64_t begun_us = p->now_us;
		run_until(p, TCP_BBR_DRAIN);
		assert_near(max_bw(p), p->bandwidth, 5);
		assert_near(p->cc.state.bbr.min_rtt_us, p->rtt_us + MSS * (uint64_t)SECOND / p->bandwidth, 5);
		assert_true(p->now_us - begun_us < 20ull * 2 * p->rtt_us + SECOND / 2);
		free(p);
	}
}

static void startup_doubles_each_round_trip(void **state)
{
	struct path *p = path(125000000, 100 * MS, 10000000);
	uint64_t before = 0;

	(void)state;
	run(p, 150 * MS);
	for (unsigned i = 0; i < 6; i++) {
		uint64_t sent = p->next;
		run(p, 100 * MS);
		sent = p->next - sent;
		if (before != 0)
			assert_in_range(sent * 10, before * 15, before * 31);
		before = sent;
	}
	free(p);
}

static void drain_empties_the_queue(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);

	(void)state;
	run_until(p, TCP_BBR_DRAIN);
	assert_true(p->in_flight > bdp(p) + 10 * MSS);
	assert_true(p->cc.pacing_rate < p->bandwidth * 52 / 100);
	run_until(p, TCP_BBR_PROBE_BW_CRUISE); /* through DOWN at once */
	assert_true(p->in_flight <= bdp(p) + 4 * MSS);
	free(p);
}

static void cruises_at_the_bandwidth_with_a_short_queue(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);

	(void)state;
	run(p, 3 * SECOND);
	assert_true(goodput(p, 20 * SECOND) > p->bandwidth * 95 / 100);
	assert_near(max_bw(p), p->bandwidth, 3);
	run_until(p, TCP_BBR_PROBE_BW_CRUISE);
	run(p, 10 * MS);
	assert_near(p->cc.pacing_rate, p->bandwidth * 99 / 100, 3);
	assert_true(p->free_us - min_u64(p->free_us, p->now_us) < 40 * MS); /* the queue, in time */
	assert_int_equal(p->lost, 0);
	free(p);
}

static void probe_bw_goes_through_its_states(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);
	uint64_t probes;

	(void)state;
	run(p, 30 * SECOND);
	probes = p->entered[TCP_BBR_PROBE_BW_UP];
	/* Each 2 to 3 s, or each 50 round trips of the BDP's 50 segments: Reno's time. */
	assert_in_range(probes, 9, 18);
	assert_in_range(p->entered[TCP_BBR_PROBE_BW_REFILL], probes, probes + 1);
	assert_true(p->time_in[TCP_BBR_PROBE_BW_CRUISE] > p->time_in[TCP_BBR_PROBE_BW_UP]);
	free(p);
}

static void probe_rtt_comes_each_five_seconds(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);
	uint32_t before;

	(void)state;
	run_until(p, TCP_BBR_PROBE_RTT);
	before = p->cc.state.bbr.prior_cwnd;
	run(p, 100 * MS);
	assert_int_equal(p->cc.state.bbr.mode, TCP_BBR_PROBE_RTT);
	assert_true(p->cc.cwnd <= bdp(p) * 52 / 100);
	run_until(p, TCP_BBR_PROBE_BW_CRUISE);
	assert_true(p->cc.cwnd >= before * 9 / 10);
	assert_near(max_bw(p), p->bandwidth, 3); /* its low rates left no trace */
	run(p, 30 * SECOND);
	assert_in_range(p->entered[TCP_BBR_PROBE_RTT], 6, 7);
	assert_true(p->time_in[TCP_BBR_PROBE_RTT] < 7 * 300 * MS);
	free(p);
}

/* 10 s after the path became longer its RTT is believed, and the bandwidth is used again. */
static void a_longer_path_is_learnt(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);

	(void)state;
	run(p, 10 * SECOND);
	p->rtt_us = 80 * MS;
	run(p, 20 * SECOND);
	assert_near(p->cc.state.bbr.min_rtt_us, 80 * MS, 5);
	assert_true(goodput(p, 10 * SECOND) > p->bandwidth * 90 / 100);
	free(p);
}

static void more_and_less_bandwidth_are_found(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);

	(void)state;
	run(p, 5 * SECOND);
	p->bandwidth *= 10;
	run(p, 20 * SECOND);
	assert_near(max_bw(p), p->bandwidth, 6);
	p->bandwidth /= 10;
	run(p, 20 * SECOND);
	assert_near(max_bw(p), p->bandwidth, 6);
	free(p);
}

/* With enough in flight that one loss is not 2 % of it. */
static void random_loss_of_a_percent_is_borne(void **state)
{
	struct path *p = path(5000000, 100 * MS, 5000000);

	(void)state;
	p->loss_ppm = 10000;
	run(p, 5 * SECOND);
	assert_true(goodput(p, 60 * SECOND) > p->bandwidth * 80 / 100);
	p->loss_ppm = 50000; /* but above LossThresh it gives way */
	run(p, 20 * SECOND);
	assert_true(goodput(p, 60 * SECOND) < p->bandwidth * 40 / 100);
	assert_true(p->cc.state.bbr.inflight_longterm < bdp(p));
	free(p);
}

/* A buffer of a tenth of the BDP: probing causes loss, which sets the long-term bound. */
static void loss_above_two_percent_bounds_what_is_in_flight(void **state)
{
	struct path *p = path(1250000, 80 * MS, 10 * MSS);
	uint64_t lost, sent;

	(void)state;
	run(p, 10 * SECOND);
	assert_true(p->cc.state.bbr.inflight_longterm < bdp(p) * 13 / 10);
	assert_true(p->cc.state.bbr.inflight_longterm > bdp(p) * 7 / 10);
	lost = p->lost;
	sent = p->next;
	assert_true(goodput(p, 60 * SECOND) > p->bandwidth * 75 / 100);
	lost = p->lost - lost;
	sent = (p->next - sent) * MSS;
	assert_true(lost * 100 < sent * 2);
	free(p);
}

/* Section 5.3.3.6: the next probe stops where the last one caused loss, and if
 * that was well, another follows. */
static void probing_is_cautious_after_loss(void **state)
{
	struct path *p = path(1250000, 80 * MS, 10 * MSS);
	struct tcp_bbr_state *s = &p->cc.state.bbr;
	uint64_t end_us;

	(void)state;
	run(p, 10 * SECOND);
	p->queue *= 3; /* the next one will not */
	run_until(p, TCP_BBR_PROBE_BW_REFILL);
	assert_true(s->prev_probe_too_high);
	run_until(p, TCP_BBR_PROBE_BW_UP);
	end_us = p->now_us + 20 * SECOND;
	while (!s->prev_probe_precautionary && p->now_us < end_us)
		step(p);
	assert_int_equal(s->mode, TCP_BBR_PROBE_BW_DOWN);
	assert_true(p->in_flight + 2 * MSS > s->inflight_longterm);
	end_us = p->now_us + 3 * p->rtt_us;
	while (s->mode != TCP_BBR_PROBE_BW_REFILL && p->now_us < end_us)
		step(p);
	assert_int_equal(s->mode, TCP_BBR_PROBE_BW_REFILL);
	free(p);
}

static void cruising_leaves_headroom(void **state)
{
	struct path *p = path(1250000, 80 * MS, 10 * MSS);

	(void)state;
	run(p, 5 * SECOND);
	run_until(p, TCP_BBR_PROBE_BW_CRUISE);
	step(p);
	assert_true(p->cc.cwnd <= (uint64_t)p->cc.state.bbr.inflight_longterm * 85 / 100 + 1);
	free(p);
}

/* The long-term bound rises by 1, 2, 4, 8... segments a round trip where there is room again. */
static void the_longterm_bound_rises_where_there_is_room(void **state)
{
	struct path *p = path(1250000, 80 * MS, 10 * MSS);

	(void)state;
	run(p, 10 * SECOND);
	assert_true(p->cc.state.bbr.inflight_longterm < bdp(p) * 13 / 10);
	p->bandwidth *= 10;
	p->queue *= 10;
	run(p, 30 * SECOND);
	assert_true(p->cc.state.bbr.inflight_longterm > bdp(p) * 8 / 10);
	assert_near(max_bw(p), p->bandwidth, 10);
	free(p);
}

static void startup_ends_by_loss(void **state)
{
	struct path *p = path(12500000, 80 * MS, 20 * MSS);

	(void)state;
	run_until(p, TCP_BBR_DRAIN);
	assert_int_equal(p->cc.state.bbr.undo_mode, TCP_BBR_STARTUP);
	assert_true(p->cc.state.bbr.inflight_longterm != TCP_BBR_NO_INFLIGHT);
	free(p);
}

/* Half of the bandwidth, because the application has no more. */
static void limited_samples_do_not_lower_the_bandwidth(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);

	(void)state;
	run(p, 4 * SECOND);
	p->app_rate = p->bandwidth / 10;
	run(p, 60 * SECOND);
	assert_near(max_bw(p), p->bandwidth, 3);
	p->app_rate = 0;
	run(p, 200 * MS);
	assert_true(goodput(p, SECOND) > p->bandwidth * 90 / 100); /* at once */
	free(p);
}

/* What application or ProbeRTT held down does not enter the new cycle's maximum. */
static void limited_samples_do_not_count_in_a_new_cycle(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);
	struct tcp_bbr_state *s = &p->cc.state.bbr;

	(void)state;
	run_until(p, TCP_BBR_PROBE_RTT);
	run(p, 40 * MS);
	s->max_bw[1] = p->bandwidth;
	s->max_bw[0] = 0;
	run_until(p, TCP_BBR_PROBE_BW_CRUISE);
	run(p, 20 * MS);
	assert_int_equal(s->max_bw[0], 0);
	p->app_rate = p->bandwidth / 10;
	run(p, 200 * MS);
	s->max_bw[0] = 0;
	run(p, 200 * MS);
	assert_int_equal(s->max_bw[0], 0);
	free(p);
}

static void a_limited_startup_goes_on(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);

	(void)state;
	p->app_rate = 50000;
	run(p, 4 * SECOND);
	assert_int_equal(p->cc.state.bbr.mode, TCP_BBR_STARTUP);
	assert_false(p->cc.state.bbr.full_bw_reached);
	free(p);
}

/* Section 5.4: idle costs neither the window nor a ProbeRTT. */
static void idle_restarts_at_the_bandwidth(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);
	struct tcp_cc_event e;
	uint32_t cwnd, probes;

	(void)state;
	run(p, 4 * SECOND);
	run_until(p, TCP_BBR_PROBE_BW_UP);
	cwnd = p->cc.cwnd;
	probes = p->entered[TCP_BBR_PROBE_RTT];
	p->now_us += 60 * (uint64_t)SECOND;
	for (uint64_t n = p->oldest; n < p->next; n++) /* all had arrived long ago */
		at(p, n)->done = true;
	p->oldest = p->next;
	p->in_flight = 0;
	e = event(p);
	p->cc.ops->on_idle(&p->cc, &e);
	assert_int_equal(p->cc.cwnd, cwnd);
	assert_near(p->cc.pacing_rate, p->bandwidth * 99 / 100, 3);
	run(p, 100 * MS);
	assert_int_equal(p->entered[TCP_BBR_PROBE_RTT], probes);
	assert_true(goodput(p, SECOND) > p->bandwidth * 90 / 100);
	free(p);
}

static void timeout_leaves_one_segment_and_recovers(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);

	(void)state;
	run(p, 4 * SECOND);
	time_out(p);
	assert_int_equal(p->cc.cwnd, MSS);
	assert_int_equal(p->in_flight, 0);
	run(p, SECOND);
	assert_true(goodput(p, 4 * SECOND) > p->bandwidth * 85 / 100);
	free(p);
}

/* Sections 5.5.11 and A.18: what was no loss leaves no bound. */
static void undo_forgets_what_was_no_loss(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);
	struct tcp_bbr_state *s = &p->cc.state.bbr;
	struct tcp_cc_event e;
	uint32_t cwnd;

	(void)state;
	run_until(p, TCP_BBR_PROBE_BW_UP);
	run(p, 30 * MS);
	assert_int_equal(s->mode, TCP_BBR_PROBE_BW_UP);
	cwnd = p->cc.cwnd;
	for (unsigned i = 0; i < 4; i++)
		lose(p, at(p, p->oldest++));
	assert_int_equal(s->mode, TCP_BBR_PROBE_BW_DOWN);
	assert_true(s->inflight_longterm != TCP_BBR_NO_INFLIGHT);
	p->cc.cwnd = cwnd / 2;
	e = event(p);
	p->cc.ops->on_undo(&p->cc, &e);
	assert_int_equal(s->mode, TCP_BBR_PROBE_BW_REFILL);
	assert_int_equal(s->inflight_longterm, TCP_BBR_NO_INFLIGHT);
	assert_true(s->bw_shortterm == TCP_BBR_NO_BW);
	assert_int_equal(p->cc.cwnd, cwnd);
	free(p);
}

static void undo_goes_back_to_startup(void **state)
{
	struct path *p = path(12500000, 80 * MS, 20 * MSS);
	struct tcp_cc_event e;

	(void)state;
	run_until(p, TCP_BBR_DRAIN);
	assert_true(p->cc.ssthresh != UINT32_MAX);
	e = event(p);
	p->cc.ops->on_undo(&p->cc, &e);
	assert_int_equal(p->cc.state.bbr.mode, TCP_BBR_STARTUP);
	assert_false(p->cc.state.bbr.full_bw_reached);
	assert_int_equal(p->cc.ssthresh, UINT32_MAX);
	free(p);
}

/* A mark while probing is loss above the threshold; else the short-term bounds fall at the round trip's
 * end. */
static void congestion_marks_are_congestion(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);
	struct tcp_bbr_state *s = &p->cc.state.bbr;
	struct tcp_cc_event e;

	(void)state;
	run_until(p, TCP_BBR_PROBE_BW_UP);
	run(p, 30 * MS);
	e = event(p);
	p->cc.ops->on_ecn(&p->cc, &e);
	assert_int_equal(s->mode, TCP_BBR_PROBE_BW_DOWN);
	assert_int_equal(s->inflight_longterm, e.flight);
	run_until(p, TCP_BBR_PROBE_BW_CRUISE);
	e = event(p);
	p->cc.ops->on_ecn(&p->cc, &e);
	run(p, 100 * MS);
	assert_true(s->bw_shortterm != TCP_BBR_NO_BW);
	assert_true(s->inflight_shortterm != TCP_BBR_NO_INFLIGHT);
	free(p);
}

/* Section 5.5.10.2's interpolation: 64 segments as one burst, lost as a whole, 2 % of what was before. */
static void inflight_at_loss_is_within_the_burst(void **state)
{
	struct path *p = path(1250000, 40 * MS, 1000000);
	struct tcp_bbr_state *s = &p->cc.state.bbr;
	struct tcp_cc_event e;

	(void)state;
	run_until(p, TCP_BBR_PROBE_BW_UP);
	e = event(p);
	e.lost = 64 * MSS;
	p->cc.ops->on_segment_lost(&p->cc, &e,
				   &(struct tcp_cc_lost){ .len = 64 * MSS, .tx_in_flight = 1044 * MSS });
	assert_int_equal(s->inflight_longterm, 980 * MSS + 980 * MSS / 49);
	free(p);
}

static void the_same_seed_gives_the_same_course(void **state)
{
	struct path *p[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		p[i] = path(1250000, 40 * MS, 30 * MSS);
		p[i]->loss_ppm = 5000;
		run(p[i], 10 * SECOND);
	}
	assert_int_equal(p[0]->next, p[1]->next);
	assert_memory_equal(&p[0]->cc.state.bbr, &p[1]->cc.state.bbr, sizeof p[0]->cc.state.bbr);
	free(p[0]);
	free(p[1]);
}

/* Any order of events, any numbers: window and rate stay within their limits. */
static void nothing_leads_out_of_bounds(void **state)
{
	struct random r;

	(void)state;
	random_init(&r, 3);
	for (unsigned seed = 0; seed < 300; seed++) {
		struct path *p = path(1250000, 40 * MS, 1000000);
		run(p, seed % 2 * 3 * SECOND);
		for (unsigned i = 0; i < 300; i++) {
			struct tcp_rate_sample rate = {
				.rate = random_u64(&r) >> random_below(&r, 64),
				.prior_delivered = random_u64(&r) >> random_below(&r, 64),
				.prior_lost = random_u64(&r) >> random_below(&r, 64),
				.delivered = random_u32(&r) >> random_below(&r, 32),
				.tx_in_flight = random_u32(&r) >> random_below(&r, 32),
				.rtt_us = random_u32(&r) >> random_below(&r, 32),
				.app_limited = random_below(&r, 2) != 0,
			};
			struct tcp_cc_lost lost = { .len = 1 + random_below(&r, 65535),
						    .tx_in_flight = rate.tx_in_flight,
						    .prior_lost = rate.prior_lost };
			struct tcp_cc_event e = event(p);
			p->now_us += random_u64(&r) >> (20 + random_below(&r, 44));
			e.now_us = p->now_us;
			e.delivered = random_u64(&r) >> random_below(&r, 64);
			e.lost = random_u64(&r) >> random_below(&r, 64);
			e.acked = random_u32(&r) >> random_below(&r, 32);
			e.newly_lost = random_u32(&r) >> random_below(&r, 32);
			e.flight = e.in_flight = random_u32(&r) >> (1 + random_below(&r, 31));
			e.cwnd_limited = random_below(&r, 2) != 0;
			e.in_recovery = random_below(&r, 2) != 0;
			e.rate = random_below(&r, 8) != 0 ? &rate : NULL;
			switch (random_below(&r, 24)) {
			case 0:
				p->cc.ops->on_loss(&p->cc, &e);
				break;
			case 1:
				p->cc.ops->on_ecn(&p->cc, &e);
				break;
			case 2:
				p->cc.ops->on_idle(&p->cc, &e);
				break;
			case 3:
				p->cc.ops->on_undo(&p->cc, &e);
				break;
			case 4:
				p->cc.ops->on_recovered(&p->cc, &e);
				break;
			case 5:
				p->cc.ops->on_segment_lost(&p->cc, &e, &lost);
				break;
			default:
				p->cc.ops->on_ack(&p->cc, &e);
			}
			assert_in_range(p->cc.cwnd, MSS, TCP_MAX_CWND);
			assert_in_range(p->cc.pacing_rate, 1, 1ull << 37);
		}
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(startup_finds_the_bandwidth),
		cmocka_unit_test(startup_doubles_each_round_trip),
		cmocka_unit_test(drain_empties_the_queue),
		cmocka_unit_test(cruises_at_the_bandwidth_with_a_short_queue),
		cmocka_unit_test(probe_bw_goes_through_its_states),
		cmocka_unit_test(probe_rtt_comes_each_five_seconds),
		cmocka_unit_test(a_longer_path_is_learnt),
		cmocka_unit_test(more_and_less_bandwidth_are_found),
		cmocka_unit_test(random_loss_of_a_percent_is_borne),
		cmocka_unit_test(loss_above_two_percent_bounds_what_is_in_flight),
		cmocka_unit_test(probing_is_cautious_after_loss),
		cmocka_unit_test(cruising_leaves_headroom),
		cmocka_unit_test(the_longterm_bound_rises_where_there_is_room),
		cmocka_unit_test(startup_ends_by_loss),
		cmocka_unit_test(limited_samples_do_not_lower_the_bandwidth),
		cmocka_unit_test(limited_samples_do_not_count_in_a_new_cycle),
		cmocka_unit_test(a_limited_startup_goes_on),
		cmocka_unit_test(idle_restarts_at_the_bandwidth),
		cmocka_unit_test(timeout_leaves_one_segment_and_recovers),
		cmocka_unit_test(undo_forgets_what_was_no_loss),
		cmocka_unit_test(undo_goes_back_to_startup),
		cmocka_unit_test(congestion_marks_are_congestion),
		cmocka_unit_test(inflight_at_loss_is_within_the_burst),
		cmocka_unit_test(the_same_seed_gives_the_same_course),
		cmocka_unit_test(nothing_leads_out_of_bounds),
	};

	return cmocka_run_group_tests_name("tcp/bbr", tests, NULL, NULL);
}
