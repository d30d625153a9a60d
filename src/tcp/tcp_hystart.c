/* HyStart++, with the variables and constants of RFC 9406 sections 4.2 and 4.3. */
#include "tcp/tcp_hystart.h"

#include "base/minmax.h"
#include "tcp/tcp_cc.h"

enum {
	MIN_RTT_THRESH_US = 4000,
	MAX_RTT_THRESH_US = 16000,
	MIN_RTT_DIVISOR = 8,
	N_RTT_SAMPLE = 8,
	CSS_ROUNDS = 5,
};

void tcp_hystart_init(struct tcp_hystart *h)
{
	*h = (struct tcp_hystart){
		.last_round_min_rtt = UINT32_MAX,
		.current_round_min_rtt = UINT32_MAX,
		.css_baseline_min_rtt = UINT32_MAX,
		.phase = TCP_HYSTART_SLOW_START,
	};
}

static void begin_round(struct tcp_hystart *h, const struct tcp_cc_event *e)
{
	h->last_round_min_rtt = h->current_round_min_rtt;
	h->current_round_min_rtt = UINT32_MAX;
	h->rtt_sample_count = 0;
	h->window_end = e->snd_nxt;
	h->is_in_round = true;
}

static void take_sample(struct tcp_hystart *h, uint32_t rtt_us)
{
	if (rtt_us == 0)
		return;
	h->current_round_min_rtt = min_u32(h->current_round_min_rtt, rtt_us);
	if (h->rtt_sample_count < N_RTT_SAMPLE)
		h->rtt_sample_count++;
}

static bool has_rtt_risen(const struct tcp_hystart *h)
{
	uint32_t thresh;

	if (h->rtt_sample_count < N_RTT_SAMPLE || h->last_round_min_rtt == UINT32_MAX)
		return false;
	thresh = max_u32(MIN_RTT_THRESH_US,
			 min_u32(h->last_round_min_rtt / MIN_RTT_DIVISOR, MAX_RTT_THRESH_US));
	return h->current_round_min_rtt >= h->last_round_min_rtt &&
	       h->current_round_min_rtt - h->last_round_min_rtt >= thresh;
}

static void enter_css(struct tcp_hystart *h)
{
	h->phase = TCP_HYSTART_CSS;
	h->css_baseline_min_rtt = h->current_round_min_rtt;
	h->css_rounds = 0;
}

static bool was_jitter(const struct tcp_hystart *h)
{
	return h->rtt_sample_count >= N_RTT_SAMPLE && h->current_round_min_rtt < h->css_baseline_min_rtt;
}

static void resume_slow_start(struct tcp_hystart *h)
{
	h->phase = TCP_HYSTART_SLOW_START;
	h->css_baseline_min_rtt = UINT32_MAX;
}

/* The round in which CSS began counts as one of its own. */
static void end_round(struct tcp_hystart *h, const struct tcp_cc_event *e)
{
	if (h->phase == TCP_HYSTART_CSS && ++h->css_rounds >= CSS_ROUNDS)
		h->phase = TCP_HYSTART_OVER;
	begin_round(h, e);
}

enum tcp_hystart_phase tcp_hystart_on_ack(struct tcp_hystart *h, const struct tcp_cc_event *e)
{
	if (!h->is_in_round)
		begin_round(h, e);
	take_sample(h, e->rtt_us);
	if (h->phase == TCP_HYSTART_SLOW_START && has_rtt_risen(h))
		enter_css(h);
	else if (h->phase == TCP_HYSTART_CSS && was_jitter(h))
		resume_slow_start(h);
	if (seq_ge(e->snd_una, h->window_end))
		end_round(h, e);
	return h->phase;
}
