/* Static files: cache, then conditionals, then ranges: the order of RFC 9110 section 13.2.2. */
#include "http/http_static.h"

#include "http/http_conditional.h"
#include "http/http_partial.h"

void http_static_answer(const struct http_static *s, const struct http_request *r, size_t site,
			const struct http_path *path, struct http_answer *out)
{
	out->status = http_cache_get(s->cache, site, path, &out->entry);
	if (out->status != 200)
		return;
	out->status = http_conditions_status(r, &out->entry->validators, http_clock_wall_s(s->clock));
	if (out->status == 412) {
		http_entry_unref(out->entry);
		out->entry = NULL;
	} else if (out->status == 200 && r->first[HTTP_FIELD_RANGE] != 0) {
		http_partial_answer(s, r, out);
	}
}
