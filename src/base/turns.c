/* Turns. Who waits is served in order, and nobody who comes later overtakes. */
#include "base/turns.h"

static void serve(struct timer *timer, uint64_t now_us);

void turns_init(struct turns *t, struct world *w, size_t most, turn_fn *resume)
{
	*t = (struct turns){ .world = w, .resume = resume, .most = most, .since_us = UINT64_MAX };
	list_init(&t->waiting);
	timer_init(&t->timer, serve);
}

void turns_fini(struct turns *t)
{
	timer_cancel(&t->world->timers, &t->timer);
}

static bool has_work_left(struct turns *t)
{
	if (t->since_us != t->world->now_us) {
		t->since_us = t->world->now_us;
		t->left = t->most;
	}
	return t->left > 0;
}

static void serve_later(struct turns *t)
{
	if (!timer_is_set(&t->timer))
		timer_set(&t->world->timers, &t->timer, t->world->now_us + TIMER_TICK_US);
}

static void serve(struct timer *timer, uint64_t now_us)
{
	struct turns *t = CONTAINER_OF(timer, struct turns, timer);
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

bool turns_has(struct turns *t, struct list *node)
{
	if (list_is_linked(node))
		return false;
	if (has_work_left(t) && (t->is_serving || list_is_empty(&t->waiting)))
		return true;
	list_append(&t->waiting, node);
	serve_later(t);
	return false;
}

void turns_count(struct turns *t, size_t work)
{
	t->left = has_work_left(t) && work < t->left ? t->left - work : 0;
}
