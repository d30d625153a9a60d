/*
 * A job reads the contents of an entry, of which it holds a reference, and they become the entry's only if it
 * was the same version of the file throughout. Responses under way go on with the descriptor that they began
 * with. The memory counts as the cache's from the moment that the job has it. System calls: madvise.
 */
#include "http/http_warm.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "http/http_cache.h"
#include "http/http_file.h"

enum {
	REQUESTS = 2,      /* a file that is asked for once is not worth it */
	MAX_UNDER_WAY = 2, /* one that becomes due meanwhile stays where it is until it is loaded anew */
	LEAST_OF_CACHE = 4, /* files larger than this part of it would push out too many others */
	HUGE_PAGE = 2 << 20,
};

struct warming {
	struct offload_job job;
	struct http_entry *entry;
	uint8_t *contents;
	bool is_complete;
};

uint8_t http_warm_after(const struct http_entry *e)
{
	const struct http_cache *c = e->cache;

	/* An unsettled one is read again soon. */
	return c->warmer.offload != NULL && e->body == NULL && e->settled && e->version.size > 0 &&
	       e->version.size <= c->warmer.max_file &&
	       e->version.size <= c->limits.max_bytes / LEAST_OF_CACHE ? REQUESTS : 0;
}

/* What the contents take up. */
static size_t room_of(const struct http_entry *e)
{
	uint64_t size = e->version.size;

	return size < HUGE_PAGE ? size : (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

/* On another thread. */
static void run(struct offload_job *job)
{
	struct warming *w = CONTAINER_OF(job, struct warming, job);

	w->is_complete = http_file_read_all(w->entry, w->contents);
}

static void end(struct warming *w, bool ran)
{
	struct http_entry *e = w->entry;

	e->cache->warmer.under_way--;
	/* If ours is its only reference, nobody will ask for it any more. */
	if (ran && w->is_complete && e->owner.references > 1) {
		e->body = e->warm = w->contents;
		e->footprint += room_of(e);
		e->cache->warmer.warmed++;
	} else {
		e->cache->bytes -= room_of(e);
		free(w->contents);
	}
	free(w);
	http_entry_unref(e);
}

static void done(struct offload_job *job)
{
	end(CONTAINER_OF(job, struct warming, job), job->ran);
}

/* Of huge pages where they can be had, which are filled with fewer faults. */
static uint8_t *contents_new(const struct http_entry *e)
{
	size_t room = room_of(e);
	uint8_t *contents = room < HUGE_PAGE ? malloc(room) : aligned_alloc(HUGE_PAGE, room);

	if (contents != NULL && room >= HUGE_PAGE)
		madvise(contents, room, MADV_HUGEPAGE);
	return contents;
}

/* There would be room if all entries were dropped that no response refers to: else nothing shall be. */
static bool can_fit(const struct http_cache *c, size_t room)
{
	uint64_t held = c->bytes;

	LIST_FOR_EACH(node, &c->lru) {
		const struct http_entry *e = LIST_ENTRY(node, struct http_entry, lru);

		if (e->owner.references == 1)
			held -= e->footprint;
	}
	return room <= c->limits.max_bytes && held <= c->limits.max_bytes - room;
}

static struct warming *warming_new(struct http_entry *e)
{
	struct http_cache *c = e->cache;
	bool fits = can_fit(c, room_of(e)) && http_cache_make_room(c, room_of(e));
	struct warming *w = fits ? malloc(sizeof *w) : NULL;

	if (w == NULL)
		return NULL;
	*w = (struct warming){ .job = { .run = run, .done = done }, .entry = e };
	w->contents = contents_new(e);
	if (w->contents == NULL) {
		free(w);
		return NULL;
	}
	span_owner_ref(&e->owner);
	c->bytes += room_of(e);
	c->warmer.under_way++;
	return w;
}

void http_warm(struct http_entry *e)
{
	struct http_warmer *z = &e->cache->warmer;
	struct warming *w = z->under_way < MAX_UNDER_WAY ? warming_new(e) : NULL;

	if (w != NULL && !offload_submit(z->offload, &w->job))
		end(w, false);
}
