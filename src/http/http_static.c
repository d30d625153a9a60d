/* Static files: cache, then conditionals. */
#include "http/http_static.h"

#include "http/http_conditional.h"

void http_static_answer(const struct http_static *s, const struct http_request *r, size_t site,
			const struct http_path *path, struct http_answer *out)
{
	out->status = http_cache_get(s->cache, site, path, &out->entry);
	if (out->status == 200 &&
	    http_is_not_modified(r, &out->entry->validators, http_clock_wall_s(s->clock)))
		out->status = 304;
}
