/* Gathering: one errand to each other worker; the last that comes back has the document written. */
#include "server/status_gather.h"

#include <stdlib.h>
#include <string.h>

#include "server/crew.h"

/* ---- the documents ---- */

static void write_status(struct document *d, const struct status_view *view, const struct http_call *call,
			 const struct status_connections *others, unsigned n)
{
	(void)call, (void)others, (void)n;
	status_write_json(d, view);
}

static void write_metrics(struct document *d, const struct status_view *view, const struct http_call *call,
			  const struct status_connections *others, unsigned n)
{
	(void)call, (void)others, (void)n;
	status_write_metrics(d, view);
}

static void write_connections(struct document *d, const struct status_view *view,
			      const struct http_call *call, const struct status_connections *others,
			      unsigned n)
{
	status_write_connections(d, view, call, others, n, STATUS_CONNECTIONS / (n + 1));
}

#define JSON "application/json"

static const struct status_page pages[] = {
	{ "status.json", JSON, false, write_status },
	{ "connections.json", JSON, true, write_connections },
	{ "metrics", "text/plain; version=0.0.4; charset=utf-8", false, write_metrics },
};

const struct status_page *status_find_page(const char *path)
{
	for (size_t i = 0; i < ARRAY_LENGTH(pages); i++)
		if (strcmp(pages[i].path, path) == 0)
			return &pages[i];
	return NULL;
}

/* ---- what is gathered ---- */

/* What another worker is asked for. Its memory is taken there and freed here. */
struct part {
	struct errand errand;
	struct gather *gather;
	unsigned number; /* of the worker */
	struct status_sample sample;
	struct document_budget budget; /* of its rows */
};

struct gather {
	struct http_call *call; /* NULL: it is over */
	struct worker *asker;
	const struct status_page *page;
	unsigned n, out;        /* parts, and those that have not come back */
	struct status_sample total;
	struct status_row *all; /* a worker each */
	struct part *parts;
	struct status_connections *rows; /* of each part */
};

static void document_drop(struct document *d)
{
	if (d != NULL)
		span_owner_unref(&d->owner);
}

static void gather_free(struct gather *g)
{
	for (unsigned i = 0; i < g->n; i++) {
		document_drop(g->rows[i].connections);
		document_drop(g->rows[i].time_waits);
	}
	free(g->rows);
	free(g->parts);
	free(g->all);
	free(g);
}

static struct gather *gather_new(struct worker *w, const struct status_page *page)
{
	unsigned n = crew_size(w->place.crew);
	struct gather *g = calloc(1, sizeof *g);

	if (g == NULL)
		return NULL;
	g->asker = w;
	g->page = page;
	g->all = calloc(n, sizeof *g->all);
	g->parts = calloc(n, sizeof *g->parts); /* one more than needed: never none */
	g->rows = calloc(n, sizeof *g->rows);
	if (g->all != NULL && g->parts != NULL && g->rows != NULL)
		return g;
	gather_free(g);
	return NULL;
}

/* ---- another worker's part, in its loop ---- */

/* An equal share of what the document may have. */
static bool open_rows(struct part *part, struct status_connections *rows, unsigned workers)
{
	size_t share = STATUS_DOCUMENT / workers / 2;

	part->budget.limit = 2 * share;
	rows->max = STATUS_CONNECTIONS / workers;
	rows->connections = document_new(&part->budget, share);
	rows->time_waits = document_new(&part->budget, share);
	return rows->connections != NULL && rows->time_waits != NULL;
}

static void take_part(struct errand *e, void *owner)
{
	struct part *part = CONTAINER_OF(e, struct part, errand);
	struct gather *g = part->gather;
	struct status_connections *rows = &g->rows[part - g->parts];
	const struct worker *w = owner;

	status_take(&part->sample, w);
	if (g->page->has_rows && open_rows(part, rows, crew_size(w->place.crew)))
		status_write_rows(rows, w);
}

/* ---- putting together, in the asker's ---- */

static void add_parts(struct gather *g)
{
	status_take(&g->total, g->asker);
	g->all[g->asker->place.number] = g->total.row;
	for (unsigned i = 0; i < g->n; i++)
		status_add(&g->total, &g->parts[i].sample);
}

static unsigned write_page(struct gather *g, const struct http_call *call, struct http_document *out)
{
	struct document *d = document_new(&g->asker->documents, STATUS_DOCUMENT);
	struct status_view view = {
		.worker = g->asker, .total = &g->total, .rows = g->all, .n = g->n + 1,
	};

	if (d == NULL)
		return 503;
	add_parts(g);
	g->page->write(d, &view, call, g->rows, g->n);
	out->type = g->page->type;
	return document_finish(d, &out->body) ? 200 : 503;
}

static bool is_whole(const struct gather *g)
{
	for (unsigned i = 0; i < g->n; i++)
		if (!g->parts[i].errand.ran ||
		    (g->page->has_rows && g->rows[i].time_waits == NULL))
			return false;
	return true;
}

static void conclude(struct gather *g)
{
	struct http_document out = { .type = NULL };
	struct http_call *call = g->call;
	unsigned status = 0;

	g->asker->n_gathers--;
	if (call != NULL) {
		status = is_whole(g) ? write_page(g, call, &out) : 503;
		call->state = NULL;
	}
	gather_free(g);
	if (call != NULL)
		http_call_complete(call, status, &out);
}

static void part_done(struct errand *e)
{
	struct part *part = CONTAINER_OF(e, struct part, errand);
	struct gather *g = part->gather;

	if (e->ran)
		g->all[part->number] = part->sample.row;
	if (--g->out == 0)
		conclude(g);
}

/* ---- asking ---- */

static void ask(struct gather *g, struct worker *of)
{
	struct part *part = &g->parts[g->n];

	part->gather = g;
	part->number = of->place.number;
	part->errand = (struct errand){ .run = take_part, .done = part_done };
	if (errand_send(&part->errand, &g->asker->errands, &of->errands)) {
		g->n++;
		g->out++;
	}
}

static void ask_all(struct gather *g)
{
	const struct crew *crew = g->asker->place.crew;

	for (unsigned i = 0; i < crew_size(crew); i++)
		if (i != g->asker->place.number)
			ask(g, crew_worker(crew, i));
}

static unsigned answer_alone(struct http_call *call, struct gather *g, struct http_document *out)
{
	unsigned status = write_page(g, call, out);

	gather_free(g);
	return status;
}

unsigned status_gather(struct http_call *call, struct worker *w, const struct status_page *page,
		       struct http_document *out)
{
	struct gather *g = w->n_gathers < STATUS_GATHERS ? gather_new(w, page) : NULL;

	if (g == NULL)
		return 503;
	if (crew_size(w->place.crew) == 1)
		return answer_alone(call, g, out);
	w->n_gathers++;
	g->call = call;
	call->state = g;
	ask_all(g);
	return HTTP_LATER;
}

void status_gather_end(void *state)
{
	struct gather *g = state;

	if (g != NULL)
		g->call = NULL;
}
