/* Turns. Who waits is served in order, and nobody who comes later overtakes. */
#include "websocket/ws_turns.h"

static void serve(struct timer *timer, uint64_t now_us);

void ws_turns_init(struct ws_turns *t, struct world *w, ws_turn_fn *resume)
{
	*t = (struct ws_turns){ .world = w, .resume = resume, .since_us = UINT64_MAX };
	list_init(&t->waiting);
	timer_init(&t->timer, serve);
}

void ws_turns_fini(struct ws_turns *t)
{
	timer_cancel(&t->world->timers, &t->timer);
}

static bool has_work_left(struct ws_turns *t)
{
	if (t->since_us != t->world->now_us) {
		t->since_us = t->world->now_us;
		t->left = WS_TURN_BYTES;
	}
	return t->left > 0;
}

static void serve_later(struct ws_turns *t)
{
	if (!timer_is_set(&t->timer))
		timer_set(&t->world->timers, &t->timer, t->world->now_us + TIMER_TICK_US);
}

static void serve(struct timer *timer, uint64_t now_us)
{
	struct ws_turns *t = CONTAINER_OF(timer, struct ws_turns, timer);
	struct list *first;

	(void)now_us;
	t->is_serving = true;
	while (has_work_left(t) && (first = list_first(&t->waiting)) != NULL) {
		list_remove(first);
		t->resume(first);
	}
	t->is_serving = false;
	if (!list_is_empty(&t->waiting))
		serve_later(t);
}

bool ws_turns_has(struct ws_turns *t, struct list *node)
{
	if (list_is_linked(node))
		return false;
	if (has_work_left(t) && (t->is_serving || list_is_empty(&t->waiting)))
		return true;
	list_append(&t->waiting, node);
	serve_later(t);
	return false;
}

void ws_turns_count(struct ws_turns *t, size_t bytes)
{
	t->left = has_work_left(t) && bytes < t->left ? t->left - bytes : 0;
}
