/*
 * Static files: cache, content coding, conditionals, ranges; the last two in the order of RFC 9110
 * section 13.2.2.
 */
#include "http/http_static.h"

#include "http/http_conditional.h"
#include "http/http_error_page.h"
#include "http/http_partial.h"

/* The heaviest, and of those the smallest; NULL: none is acceptable (RFC 9110 section 12.5.3). */
static struct http_entry *choose(struct http_entry *e, const struct http_encoding_weights *weights)
{
	struct http_entry *best = weights->of[HTTP_CODING_IDENTITY] > 0 ? e : NULL;

	for (int i = HTTP_CODING_IDENTITY + 1; i < HTTP_CODINGS; i++) {
		struct http_entry *other = e->encoded[i];

		if (other == NULL || weights->of[i] == 0)
			continue;
		if (best == NULL || weights->of[i] > weights->of[best->coding] ||
		    (weights->of[i] == weights->of[best->coding] && other->version.size < best->version.size))
			best = other;
	}
	return best;
}

/* Puts the representation that the client takes in the place of the plain one. */
static void negotiate(const struct http_request *r, struct http_answer *out)
{
	struct http_encoding_weights weights;
	struct http_entry *chosen;

	http_encoding_weigh(r, &weights);
	chosen = choose(out->entry, &weights);
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
	return r->first[HTTP_FIELD_ACCEPT_ENCODING] != 0 && (e->has_encoded || http_encoding_has_weights(r));
}

/* An asset has an extension, and one that is missing must be missed; all else a single-page site shows itself. */
static bool names_a_page(const struct http_path *path)
{
	size_t i = path->len;

	while (i > 0 && path->text[i - 1] != '/' && path->text[i - 1] != '.')
		i--;
	return i == 0 || path->text[i - 1] == '/';
}

static unsigned get(const struct http_static *s, const struct http_open_policy *policy,
		    const struct http_path *path, struct http_entry **out)
{
	const struct http_path *fallback = policy->site->fallback;
	unsigned status = http_cache_get(s->cache, policy, path, out);

	if (status == 404 && fallback != NULL && names_a_page(path))
		status = http_cache_get(s->cache, policy, fallback, out);
	return status;
}

void http_static_error_page(const struct http_static *s, const struct http_open_policy *policy,
			    struct http_answer *out)
{
	char *const *rules = policy->site->error_page;
	struct http_path path;

	if (*rules != NULL && http_error_page_find(rules, out->status, &path) &&
	    http_cache_get(s->cache, policy, &path, &out->entry) != 200)
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
	if (http_request_has_any(r, HTTP_PRECONDITIONS))
		out->status = http_evaluate_conditions(r, &out->entry->validators, http_clock_wall_s(s->clock));
	if (out->status == 412) {
		http_entry_unref(out->entry);
		out->entry = NULL;
	} else if (out->status == 200 && http_request_has_any(r, HTTP_FIELD_BIT(RANGE))) {
		http_partial_answer(s, r, out);
	}
}
