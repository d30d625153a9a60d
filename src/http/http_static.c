/*
 * Static files: cache, content coding, conditionals, ranges; the last two in the order of RFC 9110
 * section 13.2.2.
 */
#include "http/http_static.h"

#include <string.h>

#include "http/http_conditional.h"
#include "http/http_error_page.h"
#include "http/http_partial.h"
#include "http/http_warm.h"

/* Of two that the client likes equally the site's own counts for more than what
 * was made here, then the smaller. */
static bool is_better(const struct http_entry *a, const struct http_entry *b)
{
	if (a->is_made != b->is_made && b->coding != HTTP_CODING_IDENTITY)
		return b->is_made;
	return a->version.size < b->version.size;
}

/* The heaviest, and of those the better one; NULL: none is acceptable (RFC 9110 section 12.5.3). */
static struct http_entry *choose(struct http_entry *e, const struct http_encoding_weights *weights)
{
	struct http_entry *best = weights->of[HTTP_CODING_IDENTITY] > 0 ? e : NULL;

	for (int i = HTTP_CODING_IDENTITY + 1; i < HTTP_CODINGS; i++) {
		struct http_entry *other = e->encoded[i];

		if (other == NULL || weights->of[i] == 0)
			continue;
		if (best == NULL || weights->of[i] > weights->of[best->coding] ||
		    (weights->of[i] == weights->of[best->coding] && is_better(other, best)))
			best = other;
	}
	return best;
}

/* Each representation has an entity-tag of its own (RFC 9110 section 8.8.3.3), and which are there changes:
 * a client that has one that it takes keeps that one, and need not be sent the best. */
static struct http_entry *choose_known(const struct http_request *r, struct http_entry *e,
				       const struct http_encoding_weights *weights, struct http_entry *best)
{
	if (best == NULL || http_client_has(r, best->validators.etag))
		return best;
	if (weights->of[HTTP_CODING_IDENTITY] > 0 && http_client_has(r, e->validators.etag))
		return e;
	for (int i = HTTP_CODING_IDENTITY + 1; i < HTTP_CODINGS; i++)
		if (e->encoded[i] != NULL && weights->of[i] > 0 &&
		    http_client_has(r, e->encoded[i]->validators.etag))
			return e->encoded[i];
	return best;
}

/* Puts the representation that the client takes in the place of the plain one. */
static void negotiate(const struct http_request *r, struct http_answer *out)
{
	struct http_encoding_weights weights;
	struct http_entry *chosen;

	http_encoding_weigh(r, &weights);
	chosen = choose(out->entry, &weights);
	if (out->entry->makeable != 0)
		http_compress_for(out->entry, &weights, chosen);
	if (http_request_has_any(r, HTTP_FIELD_BIT(IF_NONE_MATCH)))
		chosen = choose_known(r, out->entry, &weights, chosen);
	if (chosen == NULL)
		out->status = 406;
	else
		span_owner_ref(&chosen->owner);
	http_entry_unref(out->entry);
	out->entry = chosen;
}

/* Whether the answer depends on Accept-Encoding. */
static bool is_negotiable(const struct http_request *r, const struct http_entry *e)
{
	return r->first[HTTP_FIELD_ACCEPT_ENCODING] != 0 &&
	       (e->is_negotiable || http_encoding_has_weights(r));
}

/* A file of the policy's own, by a name with a leading slash. */
static unsigned get_file(const struct http_static *s, const struct http_open_policy *policy, const char *name,
			 struct http_entry **out)
{
	struct http_path path = { .len = strlen(name) };

	memcpy(path.text, name, path.len + 1);
	return http_cache_get(s->cache, policy, &path, out);
}

/* Tries without $uri, from the i-th on. */
static unsigned get_instead(const struct http_static *s, const struct http_open_policy *policy, size_t i,
			    size_t end, const struct http_path *path, struct http_entry **out)
{
	unsigned status = 404;

	for (; i < end && status == 404; i++) {
		const struct http_try *try = &policy->tries.items[i];

		if (!try->for_pages || http_try_is_page(path))
			status = get_file(s, policy, try->before, out);
	}
	return status;
}

static unsigned get(const struct http_static *s, const struct http_open_policy *policy,
		    const struct http_path *path, struct http_entry **out)
{
	const struct http_tries *t = &policy->tries;
	unsigned status = 404;

	if (UNLIKELY(t->uri_at > 0))
		status = get_instead(s, policy, 0, t->uri_at, path, out);
	if (status == 404 && t->uri_at < t->uri_end)
		status = http_cache_get(s->cache, policy, path, out);
	if (status == 404)
		status = get_instead(s, policy, t->uri_end, t->count, path, out);
	return status == 404 ? t->status : status;
}

void http_static_error_page(const struct http_static *s, const struct http_open_policy *policy,
			    struct http_answer *out)
{
	char *const *rules = policy->error_page;
	const char *page = *rules != NULL ? http_error_page_find(rules, out->status) : NULL;

	if (page != NULL && get_file(s, policy, page, &out->entry) != 200)
		out->entry = NULL;
}

void http_static_answer(const struct http_static *s, const struct http_request *r,
			const struct http_open_policy *policy, const struct http_path *path,
			struct http_answer *out)
{
	out->status = get(s, policy, path, &out->entry);
	if (out->status == 200 && is_negotiable(r, out->entry))
		negotiate(r, out);
	if (out->status != 200)
		return;
	if (UNLIKELY(out->entry->warm_after > 0) && --out->entry->warm_after == 0)
		http_warm(out->entry);
	if (http_request_has_any(r, HTTP_PRECONDITIONS))
		out->status = http_evaluate_conditions(r, &out->entry->validators,
						       http_clock_wall_s(s->clock));
	if (out->status == 412) {
		http_entry_unref(out->entry);
		out->entry = NULL;
	} else if (out->status == 200 && http_request_has_any(r, HTTP_FIELD_BIT(RANGE))) {
		http_partial_answer(s, r, out);
	}
}
