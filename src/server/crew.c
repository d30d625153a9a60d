/* The crew: threads, and orders that go out to all and are carried out by each in its own loop. */
#include "server/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "server/affinity.h"
#include "server/notify.h"

enum { CACHE_LINE = 64 };

enum order_kind { ORDER_DRAIN, ORDER_STOP, ORDER_REOPEN, ORDER_PREPARE, ORDER_USE, ORDER_DISCARD, ORDERS };

struct hand;

struct order {
	struct errand errand;
	struct hand *hand;
	enum order_kind kind;
	bool is_out, again; /* again: given once more while it was out */
};

/* A worker and what the crew knows of it. No two share a cache line. */
struct hand {
	struct worker worker;
	struct crew *crew;
	pthread_t thread;
	bool has_thread;
	struct order orders[ORDERS];
	struct errand drained, ended; /* what it tells the first one */
	int prepared;                 /* what came of ORDER_PREPARE ... */
	int result;                   /* ... and of worker_run() */
	struct failure why;           /* of either */
} __attribute__((aligned(CACHE_LINE)));

struct crew {
	const struct crew_owner *owner;
	const struct log *log;
	struct ports ports;       /* n of them, if there are several workers */
	struct secure_common secure;
	struct hash_key fast_open;
	struct log_turn turn;
	unsigned n;               /* hands that are open */
	unsigned n_drained;
	bool is_stopping;
	struct config *next;      /* being opened, or about to be used; NULL: none is */
	unsigned awaited;         /* workers that have not said yet what has come of that */
	struct hand *hands[];
};

static struct hand *hand_of(struct worker *w)
{
	return CONTAINER_OF(w, struct hand, worker);
}

static struct hand *first(const struct crew *crew)
{
	return crew->hands[0];
}

unsigned crew_size(const struct crew *crew)
{
	return crew != NULL ? crew->n : 1;
}

struct worker *crew_worker(const struct crew *crew, unsigned number)
{
	return &crew->hands[number]->worker;
}

/* ---- orders, on the main thread ---- */

static void send_order(struct order *o)
{
	o->is_out = errand_send(&o->errand, &first(o->hand->crew)->worker.errands, &o->hand->worker.errands);
}

static void give(struct hand *hand, enum order_kind kind)
{
	struct order *o = &hand->orders[kind];

	if (o->is_out)
		o->again = true;
	else
		send_order(o);
}

static void give_all(struct crew *crew, enum order_kind kind)
{
	for (unsigned i = 0; i < crew->n; i++)
		give(crew->hands[i], kind);
}

/* ---- another configuration, on the main thread ---- */

static void conclude_reload(struct crew *crew, const struct failure *why)
{
	config_unref(crew->next);
	crew->next = NULL;
	crew->owner->reloaded(crew->owner->context, why);
}

static const struct failure *find_refusal(const struct crew *crew)
{
	static const struct failure stopping = { .text = "the server stops" };

	for (unsigned i = 0; i < crew->n; i++)
		if (crew->hands[i]->prepared < 0)
			return &crew->hands[i]->why;
	return crew->is_stopping ? &stopping : NULL;
}

/* All have opened it, or one could not: then the others do without it. */
static void on_prepared(struct crew *crew)
{
	const struct failure *why = find_refusal(crew);

	crew->awaited = crew->n;
	give_all(crew, why == NULL ? ORDER_USE : ORDER_DISCARD);
}

void crew_reload(struct crew *crew, struct config *config)
{
	crew->next = config_ref(config);
	crew->awaited = crew->n;
	give_all(crew, ORDER_PREPARE);
}

/* The last that was awaited has answered. */
static void answered(struct crew *crew, enum order_kind kind)
{
	if (crew->next == NULL || --crew->awaited > 0)
		return;
	if (kind == ORDER_PREPARE)
		on_prepared(crew);
	else
		conclude_reload(crew, kind == ORDER_USE ? NULL : find_refusal(crew));
}

/* ---- orders carried out, each on its worker's thread ---- */

static void drain(struct hand *hand)
{
	worker_drain(&hand->worker);
}

static void stop(struct hand *hand)
{
	worker_stop(&hand->worker);
}

static void reopen(struct hand *hand)
{
	worker_reopen(&hand->worker);
}

static void prepare(struct hand *hand)
{
	hand->prepared = worker_prepare(&hand->worker, hand->crew->next, &hand->why);
}

static void use(struct hand *hand)
{
	worker_use(&hand->worker);
}

static void discard(struct hand *hand)
{
	worker_discard(&hand->worker);
}

static void (*const obey[ORDERS])(struct hand *hand) = {
	[ORDER_DRAIN] = drain,     [ORDER_STOP] = stop, [ORDER_REOPEN] = reopen,
	[ORDER_PREPARE] = prepare, [ORDER_USE] = use,   [ORDER_DISCARD] = discard,
};

static void run_order(struct errand *e, void *owner)
{
	struct order *o = CONTAINER_OF(e, struct order, errand);

	(void)owner;
	obey[o->kind](o->hand);
}

static void on_obeyed(struct errand *e)
{
	struct order *o = CONTAINER_OF(e, struct order, errand);

	o->is_out = false;
	if (o->again && e->ran)
		send_order(o);
	o->again = false;
	if (e->ran && o->kind >= ORDER_PREPARE)
		answered(o->hand->crew, o->kind);
}

/* ---- signals, on the main thread ---- */

static void on_stop(struct crew *crew)
{
	if (crew->is_stopping) {
		give_all(crew, ORDER_STOP);
		return;
	}
	log_line(crew->log, LOG_INFO, "server", "stopping: no new connections");
	notify_stopping();
	crew->is_stopping = true;
	give_all(crew, ORDER_DRAIN);
}

static void on_signal(struct worker *w, enum signal_event signal)
{
	struct crew *crew = w->place.crew;

	if (signal == SIGNAL_STOP) {
		on_stop(crew);
	} else if (signal == SIGNAL_REOPEN) {
		crew->owner->reopen(crew->owner->context);
		give_all(crew, ORDER_REOPEN);
	} else if (crew->is_stopping) {
		log_line(crew->log, LOG_NOTICE, "server",
			 "SIGHUP: nothing is read again while the server stops");
	} else {
		crew->owner->reload(crew->owner->context);
	}
}

/* ---- what workers tell the first one ---- */

static void tell_first(struct hand *hand, struct errand *e)
{
	errand_send(e, &hand->worker.errands, &first(hand->crew)->worker.errands);
}

static void on_drained(struct worker *w)
{
	struct hand *hand = hand_of(w);

	tell_first(hand, &hand->drained);
}

static void count_drained(struct errand *e, void *owner)
{
	struct crew *crew = ((struct worker *)owner)->place.crew;

	(void)e;
	if (++crew->n_drained == crew->n)
		give_all(crew, ORDER_STOP);
}

/* It has lost its queue, and the others do not go on without it. */
static void stop_all(struct errand *e, void *owner)
{
	(void)e;
	give_all(((struct worker *)owner)->place.crew, ORDER_STOP);
}

static void nothing_more(struct errand *e)
{
	(void)e;
}

/* ---- life ---- */

static struct hand *hand_new(struct crew *crew)
{
	struct hand *hand = aligned_alloc(CACHE_LINE, sizeof *hand);

	if (hand == NULL)
		return NULL;
	*hand = (struct hand){
		.crew = crew,
		.drained = { .run = count_drained, .done = nothing_more },
		.ended = { .run = stop_all, .done = nothing_more },
	};
	for (unsigned i = 0; i < ORDERS; i++)
		hand->orders[i] = (struct order){ .errand = { .run = run_order, .done = on_obeyed },
						  .hand = hand, .kind = (enum order_kind)i };
	return hand;
}

static int open_hand(struct crew *crew, struct config *config, const struct signals *signals,
		     struct failure *why)
{
	struct worker_place place = {
		.crew = crew,
		.number = crew->n,
		.of = config->workers,
		.ports = config->workers > 1 ? &crew->ports : NULL,
		.core = config->cpu_affinity ? affinity_choose(crew->n, config->workers) : -1,
		.log = crew->log,
		.signals = crew->n == 0 ? signals : NULL,
		.secure = &crew->secure,
		.fast_open = &crew->fast_open,
		.turn = &crew->turn,
		.on_signal = on_signal,
		.on_drained = on_drained,
	};
	struct hand *hand = hand_new(crew);
	int r;

	if (hand == NULL)
		return failure_set(why, -ENOMEM, "no memory for worker %u", crew->n);
	r = worker_open(&hand->worker, config, &place, why);
	if (r < 0)
		free(hand);
	else
		crew->hands[crew->n++] = hand;
	return r;
}

static int open_hands(struct crew *crew, struct config *config, const struct signals *signals,
		      struct failure *why)
{
	int r = 0;

	if (config->workers > 1)
		r = ports_open(&crew->ports, &config->device, config->workers, crew->log, why);
	while (r == 0 && crew->n < config->workers)
		r = open_hand(crew, config, signals, why);
	return r;
}

static int make_fast_open_key(struct crew *crew, struct failure *why)
{
	struct random random;
	int r = random_init_from_system(&random);

	if (r < 0)
		return failure_set(why, r, "no random numbers from the system: %s", strerror(-r));
	crew->fast_open = (struct hash_key){ random_u64(&random), random_u64(&random) };
	return 0;
}

int crew_open(struct crew **out, struct config *config, const struct crew_owner *owner, const struct log *log,
	      const struct signals *signals, struct failure *why)
{
	struct crew *crew = calloc(1, sizeof *crew + config->workers * sizeof crew->hands[0]);
	int r;

	if (crew == NULL)
		return failure_set(why, -ENOMEM, "no memory for workers");
	crew->owner = owner;
	crew->log = log;
	r = secure_common_init(&crew->secure, config->workers, clock_now_us(), why);
	if (r < 0) {
		free(crew);
		return r;
	}
	log_turn_init(&crew->turn);
	r = make_fast_open_key(crew, why);
	if (r == 0)
		r = open_hands(crew, config, signals, why);
	if (r < 0)
		crew_close(crew);
	else
		*out = crew;
	return r;
}

/* No loop runs any more: what is on its way between workers has arrived. */
static void settle_errands(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n; i++)
		errands_refuse(&crew->hands[i]->worker.errands);
	for (unsigned i = 0; i < crew->n; i++)
		errands_settle(&crew->hands[i]->worker.errands);
}

void crew_close(struct crew *crew)
{
	settle_errands(crew);
	config_unref(crew->next);
	while (crew->n > 0) {
		struct hand *hand = crew->hands[--crew->n];

		worker_close(&hand->worker);
		free(hand);
	}
	ports_close(&crew->ports);
	log_turn_fini(&crew->turn);
	secure_common_fini(&crew->secure);
	free(crew);
}

/* ---- running ---- */

static void run_hand(struct hand *hand)
{
	hand->result = worker_run(&hand->worker, &hand->why);
	if (hand->result < 0)
		tell_first(hand, &hand->ended);
}

static void *run_thread(void *context)
{
	run_hand(context);
	return NULL;
}

static void join(struct crew *crew)
{
	give_all(crew, ORDER_STOP); /* for those that run still, if the first one has ended before them */
	for (unsigned i = 1; i < crew->n; i++)
		if (crew->hands[i]->has_thread)
			pthread_join(crew->hands[i]->thread, NULL);
}

/* They take no signals: the main thread has blocked those that it takes before. */
int crew_start(struct crew *crew, struct failure *why)
{
	int r = 0;

	for (unsigned i = 1; r == 0 && i < crew->n; i++) {
		r = pthread_create(&crew->hands[i]->thread, NULL, run_thread, crew->hands[i]);
		crew->hands[i]->has_thread = r == 0;
	}
	if (r == 0)
		return 0;
	join(crew);
	return failure_set(why, -r, "cannot start the thread of a worker: %s", strerror(r));
}

int crew_run(struct crew *crew, struct failure *why)
{
	run_hand(first(crew));
	join(crew);
	for (unsigned i = 0; i < crew->n; i++)
		if (crew->hands[i]->result < 0) {
			*why = crew->hands[i]->why;
			return crew->hands[i]->result;
		}
	return 0;
}
