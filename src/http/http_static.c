/* Static files: method, path, cache, conditionals, in this order. */
#include "http/http_static.h"

#include <string.h>

#include "http/http_conditional.h"
#include "http/http_path.h"

static const char allow[] = "Allow: GET, HEAD, OPTIONS\r\n";

static struct span literal_span(const char *text, size_t len)
{
	return (struct span){ .data = (const uint8_t *)text, .len = len };
}

unsigned http_static_refuses(const struct http_request *r)
{
	switch (r->line.method) {
	case HTTP_METHOD_GET:
	case HTTP_METHOD_HEAD:
	case HTTP_METHOD_OPTIONS:
		return 0;
	default:
		return 405;
	}
}

/* Copies into a buffer and moves *at on; what does not fit is for the caller to foresee. */
static void put(char **at, const void *data, size_t len)
{
	if (len > 0)
		memcpy(*at, data, len);
	*at += len;
}

/*
 * 301 to the same path with a slash at its end. The path is written anew from what was resolved: the raw
 * one could begin with two slashes, which a client takes for another host.
 */
static void redirect_to_slash(const struct http_static *s, const struct http_path *path,
			      const struct http_target *t, struct http_answer *out)
{
	static const char name[] = "Location: /";
	size_t room = sizeof name + 3 * path->len + t->query.len + 4;
	struct http_buffer *buffer = http_buffer_take(s->buffers, room);
	char *at;

	if (buffer == NULL) {
		out->status = 503;
		return;
	}
	at = (char *)buffer->data;
	put(&at, name, sizeof name - 1);
	at += http_path_encode(path->text, path->len, at, 3 * path->len + 1);
	put(&at, "/", 1);
	put(&at, t->query.data, t->query.len);
	put(&at, "\r\n", 2);
	out->status = 301;
	out->extra = (struct span){
		.data = buffer->data,
		.len = (size_t)(at - (char *)buffer->data),
		.owner = &buffer->owner,
	};
}

static void answer_file(const struct http_static *s, const struct http_request *r,
			const struct http_target *t, const struct http_path *path, struct http_answer *out)
{
	size_t site = http_sites_find(s->sites, t->authority);

	out->status = http_cache_get(s->cache, site, path, &out->entry);
	if (out->status == 301)
		redirect_to_slash(s, path, t, out);
	else if (out->status == 200 &&
		 http_is_not_modified(r, &out->entry->validators, http_clock_wall_s(s->clock)))
		out->status = 304;
}

void http_static_answer(const struct http_static *s, const struct http_request *r,
			const struct http_target *t, struct http_answer *out)
{
	struct http_path path;

	*out = (struct http_answer){ .status = http_static_refuses(r) };
	if (out->status != 0 || (t->path.len == 1 && t->path.data[0] == '*')) {
		out->extra = literal_span(allow, sizeof allow - 1);
		if (out->status == 0)
			out->status = 204;
		return;
	}
	switch (http_path_resolve((const char *)t->path.data, t->path.len, &path)) {
	case HTTP_PATH_BAD:
		out->status = 400;
		return;
	case HTTP_PATH_HIDDEN:
		out->status = 404;
		return;
	case HTTP_PATH_OK:
		break;
	}
	if (r->line.method == HTTP_METHOD_OPTIONS) {
		out->status = 204;
		out->extra = literal_span(allow, sizeof allow - 1);
		return;
	}
	answer_file(s, r, t, &path, out);
}
