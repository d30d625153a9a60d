/* A body is read, and nothing is kept of it but its length. */
#include <stdlib.h>

#include "base/timer.h"
#include "http/http_form.h"
#include "http/http_text.h"
#include "server/demo.h"
#include "server/json.h"
#include "server/worker.h"

enum { TEXT = 128, TURN_US = 50000, RATE_LEAST = 1024, RATE_MOST = 1 << 30 };

struct sink {
	struct http_call *call;
	struct timer_wheel *timers;
	struct timer turn;  /* of a rate: there is more room */
	uint64_t rate;      /* bytes a second; 0: as they come */
	size_t room;        /* of this turn */
	uint64_t taken;
};

static size_t room_of_turn(const struct sink *s)
{
	return (size_t)(s->rate * TURN_US / 1000000);
}

static void next_turn(struct timer *t, uint64_t now_us)
{
	struct sink *s = CONTAINER_OF(t, struct sink, turn);

	s->room = room_of_turn(s);
	timer_set(s->timers, t, now_us + TURN_US);
	http_call_resume(s->call); /* after which there may be no sink any more */
}

/* False: this is no rate. */
static bool set_rate(struct sink *s, struct bytes query, uint64_t now_us)
{
	struct bytes value;

	if (!http_form_find(query, "rate", &value))
		return true;
	if (!http_text_number(value, &s->rate) || s->rate < RATE_LEAST || s->rate > RATE_MOST)
		return false;
	s->room = room_of_turn(s);
	timer_set(s->timers, &s->turn, now_us + TURN_US);
	return true;
}

static unsigned begin(struct http_call *call)
{
	struct worker *w = call->context;
	struct sink *s = calloc(1, sizeof *s);
	struct bytes value;

	if (s == NULL)
		return 503;
	s->call = call;
	s->timers = &w->host.stack->world.timers;
	timer_init(&s->turn, next_turn);
	if (!set_rate(s, call->target->query, w->host.stack->world.now_us)) {
		free(s);
		return 400;
	}
	call->state = s;
	call->answers_early = http_form_find(call->target->query, "early", &value);
	return 0;
}

static unsigned take(struct http_call *call, struct bytes data)
{
	struct sink *s = call->state;

	s->taken += data.len;
	if (s->rate > 0)
		s->room -= data.len;
	return 0;
}

static size_t room(const struct http_call *call)
{
	const struct sink *s = call->state;

	return s->rate > 0 ? s->room : SIZE_MAX;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	const struct sink *s = call->state;
	struct worker *w = call->context;
	struct document *d = document_new(&w->documents, TEXT);

	if (d == NULL)
		return 503;
	json_open_object(d, NULL);
	json_bool(d, "early", call->answers_early);
	json_number(d, "bytes", s->taken);
	json_close_object(d);
	document_add_text(d, "\n");
	out->type = "application/json";
	return document_finish(d, &out->body) ? 200 : 503;
}

static void end(struct http_call *call)
{
	struct sink *s = call->state;

	timer_cancel(s->timers, &s->turn);
	free(s);
}

const struct http_handler demo_sink_handler = {
	.methods = HTTP_METHOD_BIT(POST),
	.begin = begin, .take = take, .room = room, .answer = answer, .end = end,
};
