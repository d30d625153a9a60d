/*
 * A job reads the contents of an entry, of which it holds a reference: they do not change, so what comes of
 * it belongs to that version of the file. When the file changed meanwhile the entry is no longer in the
 * cache, and the result is thrown away. The memory of jobs counts as the cache's.
 */
#include "http/http_compress.h"

#include <stdlib.h>

#include "base/hash.h"
#include "http/http_cache.h"
#include "http/http_codec.h"

enum {
	MAX_UNDER_WAY = 4, /* a file that is asked for meanwhile has its turn when it is asked for again */
	LEAST_OF_CACHE = 8, /* files larger than this part of it would push out too many
			     * others while they are made */
};

struct compression {
	struct offload_job job;
	struct http_entry *entry;
	enum http_coding coding;
	int level;
	struct bytes from;
	size_t footprint;
	uint64_t hash; /* of what was made */
	size_t len;    /* 0: nothing smaller was made */
	size_t room;
	uint8_t out[];
};

uint8_t http_compress_codings(const struct http_compressor *z, const struct http_open_policy *policy,
			      const struct http_entry *e)
{
	unsigned codings = 0;

	if (e->version.size > e->cache->limits.max_bytes / LEAST_OF_CACHE)
		return 0;
	/* An unsettled one is read again soon. */
	if (z->offload == NULL || !policy->compress || !e->settled || e->body == NULL ||
	    e->version.size < z->min_size || e->version.size == 0 || !http_policy_encodes(policy, e->type))
		return 0;
	for (unsigned i = HTTP_CODING_IDENTITY + 1; i < HTTP_CODINGS; i++)
		if (e->encoded[i] == NULL && http_codec_find((enum http_coding)i) != NULL)
			codings |= 1U << i;
	return (uint8_t)codings;
}

/* On another thread. */
static void run(struct offload_job *job)
{
	static const struct hash_key key = { 0 }; /* alike in every worker and after a restart */
	struct compression *c = CONTAINER_OF(job, struct compression, job);

	c->len = http_codec_find(c->coding)(c->from, c->level, c->out, c->room);
	c->hash = hash_siphash24(&key, c->out, c->len);
}

static void publish(const struct compression *c)
{
	struct http_entry *e = c->entry, *encoded;

	if (!list_is_linked(&e->lru) || c->len == 0)
		return;
	encoded = http_entry_encode(e, c->coding, bytes_of(c->out, c->len), c->hash);
	if (encoded == NULL)
		return;
	e->encoded[c->coding] = encoded;
	e->cache->compressor.made++;
	e->cache->compressor.saved += e->version.size - c->len;
}

/* What was made takes the place of the memory that it was made in. */
static void end(struct compression *c, bool ran)
{
	struct http_entry *e = c->entry;

	e->cache->compressor.under_way--;
	e->cache->bytes -= c->footprint;
	if (ran)
		publish(c);
	http_entry_set_negotiable(e);
	free(c);
	http_entry_unref(e);
}

static void done(struct offload_job *job)
{
	end(CONTAINER_OF(job, struct compression, job), job->ran);
}

/* What does not become smaller by one byte at least has no room. */
static struct compression *compression_new(struct http_entry *e, enum http_coding coding)
{
	struct http_cache *cache = e->cache;
	size_t room = e->version.size - 1, footprint = sizeof(struct compression) + room;
	struct compression *c = http_cache_make_room(cache, footprint) ? malloc(footprint) : NULL;

	if (c == NULL)
		return NULL;
	*c = (struct compression){
		.job = { .run = run, .done = done },
		.entry = e,
		.coding = coding,
		.level = cache->compressor.levels[coding],
		.from = bytes_of(e->body, e->version.size),
		.footprint = footprint,
		.room = room,
	};
	span_owner_ref(&e->owner);
	cache->bytes += footprint;
	cache->compressor.under_way++;
	return c;
}

static void begin(struct http_entry *e, enum http_coding coding)
{
	struct http_compressor *z = &e->cache->compressor;
	struct compression *c = z->under_way < MAX_UNDER_WAY ? compression_new(e, coding) : NULL;

	if (c == NULL)
		return;
	if (!offload_submit(z->offload, &c->job)) {
		end(c, false);
		return;
	}
	e->makeable &= (uint8_t)~(1U << coding);
}

/* Codings are in the order in which we like them. */
static bool is_better(const struct http_encoding_weights *weights, unsigned coding,
		      const struct http_entry *best)
{
	if (weights->of[coding] == 0 || best == NULL)
		return weights->of[coding] > 0;
	if (weights->of[coding] != weights->of[best->coding])
		return weights->of[coding] > weights->of[best->coding];
	return best->coding == HTTP_CODING_IDENTITY || (best->is_made && coding < best->coding);
}

void http_compress_for(struct http_entry *e, const struct http_encoding_weights *weights,
		       const struct http_entry *best)
{
	unsigned chosen = HTTP_CODING_IDENTITY;

	for (unsigned i = HTTP_CODING_IDENTITY + 1; i < HTTP_CODINGS; i++)
		if ((e->makeable >> i & 1) != 0 && is_better(weights, i, best) &&
		    (chosen == HTTP_CODING_IDENTITY || weights->of[i] > weights->of[chosen]))
			chosen = i;
	if (chosen != HTTP_CODING_IDENTITY)
		begin(e, (enum http_coding)chosen);
}
