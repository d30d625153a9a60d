/*
 * A pool of connections. An unused one is closed rather than kept while another has not been answered at all:
 * an application whose processes serve one connection each has perhaps none left to accept that one.
 */
#include "server/fastcgi_pool.h"

#include <errno.h>

enum {
	DRAIN_MAX = 64 << 10, /* most bytes of an answer that are read for nothing */
	RETRY_US = 20000,     /* when the application's queue is full */
};

static void set_turn(struct fastcgi_pool *p, uint64_t after_us)
{
	if (!timer_is_set(&p->turn))
		timer_set(&p->world->timers, &p->turn, p->world->now_us + after_us);
}

/* ---- connections ---- */

static void move(struct fastcgi_conn *c, struct list *to)
{
	list_remove(&c->node);
	list_append(to, &c->node);
}

static void close_conn(struct fastcgi_pool *p, struct fastcgi_conn *c)
{
	timer_cancel(&p->world->timers, &c->timer);
	list_remove(&c->node);
	fastcgi_conn_close(c);
	p->n_conns--;
	if (p->n_waiting > 0)
		set_turn(p, 0);
}

static void close_idle(struct fastcgi_pool *p, struct fastcgi_conn *c)
{
	p->n_idle--;
	close_conn(p, c);
}

static void on_idle_event(struct fastcgi_conn *c)
{
	close_idle(c->request, c); /* it was closed by the application, or speaks out of turn */
}

static void on_idle_timeout(struct timer *t, uint64_t now_us)
{
	(void)now_us;
	on_idle_event(CONTAINER_OF(t, struct fastcgi_conn, timer));
}

static bool is_one_unproven(const struct fastcgi_pool *p)
{
	LIST_FOR_EACH (node, &p->busy)
		if (!LIST_ENTRY(node, struct fastcgi_conn, node)->is_proven)
			return true;
	return false;
}

static void keep(struct fastcgi_pool *p, struct fastcgi_conn *c)
{
	p->poller->awaited--;
	if (is_one_unproven(p)) {
		close_conn(p, c);
		return;
	}
	move(c, &p->idle);
	p->n_idle++;
	c->request = p;
	c->on_event = on_idle_event;
	timer_init(&c->timer, on_idle_timeout);
	timer_set(&p->world->timers, &c->timer, p->world->now_us + p->limits.idle_timeout_us);
	fastcgi_conn_begin(c, (struct bytes){ 0 }); /* only to be told when it is closed */
	if (p->n_waiting > 0)
		set_turn(p, 0);
}

/* Reads on to the end of a request that nobody waits for. */
static void on_drain_event(struct fastcgi_conn *c)
{
	struct fastcgi_pool *p = c->request;
	enum fastcgi_event event = FASTCGI_MORE;
	enum fastcgi_read result = FASTCGI_READ_EVENT;
	struct bytes content;

	while (result == FASTCGI_READ_EVENT && event != FASTCGI_END && c->drained < DRAIN_MAX) {
		result = fastcgi_conn_read(c, SIZE_MAX, &event, &content);
		c->drained += result == FASTCGI_READ_EVENT && event != FASTCGI_END ? content.len : 0;
	}
	if (event == FASTCGI_END && fastcgi_conn_is_clean(c)) {
		timer_cancel(&p->world->timers, &c->timer);
		keep(p, c);
	} else if (result != FASTCGI_READ_NOTHING) {
		fastcgi_pool_discard(p, c);
	}
}

static void on_drain_timeout(struct timer *t, uint64_t now_us)
{
	struct fastcgi_conn *c = CONTAINER_OF(t, struct fastcgi_conn, timer);

	(void)now_us;
	fastcgi_pool_discard(c->request, c);
}

void fastcgi_pool_return(struct fastcgi_pool *p, struct fastcgi_conn *c)
{
	if (fastcgi_conn_is_clean(c)) {
		keep(p, c);
		return;
	}
	c->request = p;
	c->on_event = on_drain_event;
	c->drained = 0;
	timer_init(&c->timer, on_drain_timeout);
	timer_set(&p->world->timers, &c->timer, p->world->now_us + p->limits.connect_timeout_us);
	on_drain_event(c);
}

void fastcgi_pool_discard(struct fastcgi_pool *p, struct fastcgi_conn *c)
{
	p->poller->awaited--;
	close_conn(p, c);
}

/* ---- tickets ---- */

static void leave_queue(struct fastcgi_ticket *t)
{
	if (!list_is_linked(&t->node))
		return;
	list_remove(&t->node);
	t->pool->n_waiting--;
}

/* It is told, or given back: it has nothing of the pool any more. */
static void settle(struct fastcgi_ticket *t)
{
	leave_queue(t);
	timer_cancel(&t->pool->world->timers, &t->timer);
	t->conn = NULL;
	t->is_out = false;
}

static void refuse(struct fastcgi_ticket *t, unsigned status)
{
	if (t->conn != NULL)
		fastcgi_pool_discard(t->pool, t->conn);
	settle(t);
	t->on_refused(t, status);
}

static void grant(struct fastcgi_ticket *t, struct fastcgi_conn *c)
{
	t->pool->is_failing = false;
	settle(t);
	t->on_granted(t, c);
}

static void fail(struct fastcgi_ticket *t, int error)
{
	struct fastcgi_pool *p = t->pool;

	if (!p->is_failing)
		log_line(p->log, LOG_ERROR, "fastcgi", "%s: cannot be connected to: %s", p->name,
			 strerror(-error));
	p->is_failing = true;
	refuse(t, 502);
}

static void on_ticket_timeout(struct timer *timer, uint64_t now_us)
{
	struct fastcgi_ticket *t = CONTAINER_OF(timer, struct fastcgi_ticket, timer);

	(void)now_us;
	refuse(t, t->conn != NULL ? 504 : 503);
}

static void on_connect_event(struct fastcgi_conn *c)
{
	struct fastcgi_ticket *t = c->request;
	int r = fastcgi_conn_check(c);

	if (r < 0)
		fail(t, r);
	else if (r == 0)
		grant(t, c);
}

/* An unused connection that the application has not closed, now in use; NULL: there is none. */
static struct fastcgi_conn *take_idle(struct fastcgi_pool *p)
{
	struct list *node;

	while ((node = list_last(&p->idle)) != NULL) {
		struct fastcgi_conn *c = LIST_ENTRY(node, struct fastcgi_conn, node);

		if (fastcgi_conn_is_alive(c)) {
			timer_cancel(&p->world->timers, &c->timer);
			move(c, &p->busy);
			p->n_idle--;
			p->poller->awaited++;
			return c;
		}
		close_idle(p, c);
	}
	return NULL;
}

/* Opens one for the ticket. False: the application's queue is full. */
static bool open_for(struct fastcgi_pool *p, struct fastcgi_ticket *t)
{
	struct fastcgi_conn *c;
	int r = fastcgi_conn_open(p->poller, &p->address, &c);

	if (r == -EAGAIN)
		return false;
	if (r < 0) {
		fail(t, r);
		return true;
	}
	p->n_conns++;
	p->poller->awaited++;
	list_append(&p->busy, &c->node);
	timer_init(&c->timer, on_drain_timeout);
	c->request = t;
	c->on_event = on_connect_event;
	leave_queue(t);
	t->conn = c;
	if (c->is_connected)
		grant(t, c);
	return true;
}

/* One more than may be, if an unused one can go for it. */
static bool has_place(struct fastcgi_pool *p)
{
	struct list *unused = list_first(&p->idle);

	if (p->n_conns >= p->limits.connections && unused != NULL)
		close_idle(p, LIST_ENTRY(unused, struct fastcgi_conn, node));
	return p->n_conns < p->limits.connections;
}

static void on_turn(struct timer *timer, uint64_t now_us)
{
	struct fastcgi_pool *p = CONTAINER_OF(timer, struct fastcgi_pool, turn);
	struct list *node;

	(void)now_us;
	while ((node = list_first(&p->waiting)) != NULL) {
		struct fastcgi_ticket *t = LIST_ENTRY(node, struct fastcgi_ticket, node);
		struct fastcgi_conn *c = t->wants_fresh ? NULL : take_idle(p);

		if (c != NULL) {
			grant(t, c);
			continue;
		}
		if (!has_place(p))
			return;
		if (!open_for(p, t)) {
			set_turn(p, RETRY_US);
			return;
		}
	}
}

bool fastcgi_pool_ask(struct fastcgi_pool *p, struct fastcgi_ticket *t)
{
	uint32_t in_use = p->n_conns - p->n_idle;

	/* Those that get a connection in the next turn do not wait. */
	if (p->n_waiting >= p->limits.waiting + (p->limits.connections - in_use))
		return false;
	t->pool = p;
	t->conn = NULL;
	t->is_out = true;
	list_init(&t->node);
	list_append(&p->waiting, &t->node);
	p->n_waiting++;
	timer_init(&t->timer, on_ticket_timeout);
	timer_set(&p->world->timers, &t->timer, p->world->now_us + p->limits.connect_timeout_us);
	set_turn(p, 0);
	return true;
}

void fastcgi_ticket_give_back(struct fastcgi_ticket *t)
{
	if (!t->is_out)
		return;
	if (t->conn != NULL)
		fastcgi_pool_discard(t->pool, t->conn);
	settle(t);
}

/* ---- life ---- */

void fastcgi_pool_init(struct fastcgi_pool *p, const char *name, const struct fastcgi_address *address,
		       const struct fastcgi_limits *limits, struct poller *poller, struct world *world,
		       const struct log *log)
{
	*p = (struct fastcgi_pool){
		.name = name, .address = *address, .limits = *limits,
		.poller = poller, .world = world, .log = log,
	};
	list_init(&p->idle);
	list_init(&p->busy);
	list_init(&p->waiting);
	timer_init(&p->turn, on_turn);
}

void fastcgi_pool_fini(struct fastcgi_pool *p)
{
	struct list *node;

	while ((node = list_first(&p->idle)) != NULL)
		close_idle(p, LIST_ENTRY(node, struct fastcgi_conn, node));
	while ((node = list_first(&p->busy)) != NULL) /* those that are drained */
		fastcgi_pool_discard(p, LIST_ENTRY(node, struct fastcgi_conn, node));
	timer_cancel(&p->world->timers, &p->turn);
}
