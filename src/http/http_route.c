/* Routing: method, path, site, then the location that covers the path, or else the files. */
#include "http/http_route.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "http/http_location.h"

static const char allow[] = "Allow: GET, HEAD, OPTIONS\r\n";

static struct span literal_span(const char *text, size_t len)
{
	return (struct span){ .data = (const uint8_t *)text, .len = len };
}

unsigned http_route_refuses(const struct http_request *r)
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
static void redirect_to_slash(const struct http_router *router, const struct http_path *path,
			      const struct http_target *t, struct http_answer *out)
{
	static const char name[] = "Location: /";
	size_t room = sizeof name + 3 * path->len + t->query.len + 4;
	struct http_buffer *buffer = http_buffer_take(router->buffers, room);
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

/* What is made for one request is never kept: it is old at once. */
static void answer_document(const struct http_router *router, struct http_document *document,
			    struct http_answer *out)
{
	struct http_buffer *buffer = http_buffer_take(router->buffers, HTTP_BUFFER_SMALL);
	int len;

	if (buffer == NULL) {
		span_owner_unref(document->body.owner);
		out->status = 503;
		return;
	}
	len = snprintf((char *)buffer->data, HTTP_BUFFER_SMALL,
		       "Content-Type: %s\r\n"
		       "Content-Length: %zu\r\n"
		       "Cache-Control: no-store\r\n"
		       "X-Content-Type-Options: nosniff\r\n",
		       document->type, document->body.len);
	assert(len > 0 && len < HTTP_BUFFER_SMALL);
	out->extra = (struct span){ .data = buffer->data, .len = (size_t)len, .owner = &buffer->owner };
	out->document = document->body;
}

static void answer_location(const struct http_router *router, const struct http_open_location *l,
			    const struct stream *stream, const struct http_path *path, struct http_answer *out)
{
	struct http_document document = { 0 };
	struct stream_info info;

	stream_info(stream, &info);
	if (!http_location_admits(l, &info.remote)) {
		out->status = 403;
		return;
	}
	if (http_location_lacks_slash(l, path)) {
		out->status = 301;
		return;
	}
	out->status = l->answer(l->context, path->text + l->prefix_len, &document);
	if (out->status == 200)
		answer_document(router, &document, out);
}

/* GET or HEAD. */
static void answer_path(const struct http_router *router, const struct stream *stream,
			const struct http_request *r, const struct http_target *t,
			const struct http_path *path, bool is_dotfile, struct http_answer *out)
{
	size_t site = http_sites_find(router->sites, t->authority);
	const struct http_open_location *l = http_location_find(&router->sites->sites[site], path);

	if (l != NULL)
		answer_location(router, l, stream, path, out);
	else if (is_dotfile)
		out->status = 404;
	else
		http_static_answer(&router->files, r, site, path, out);
	if (out->status == 301)
		redirect_to_slash(router, path, t, out);
}

void http_route_answer(const struct http_router *router, const struct stream *stream,
		       const struct http_request *r, const struct http_target *t, struct http_answer *out)
{
	struct http_path path;
	enum http_path_verdict verdict;

	*out = (struct http_answer){ .status = http_route_refuses(r) };
	if (out->status != 0 || (t->path.len == 1 && t->path.data[0] == '*')) {
		out->extra = literal_span(allow, sizeof allow - 1);
		if (out->status == 0)
			out->status = 204;
		return;
	}
	verdict = http_path_resolve((const char *)t->path.data, t->path.len, &path);
	if (verdict == HTTP_PATH_BAD || verdict == HTTP_PATH_HIDDEN) {
		out->status = verdict == HTTP_PATH_BAD ? 400 : 404;
	} else if (r->line.method == HTTP_METHOD_OPTIONS) {
		out->status = 204;
		out->extra = literal_span(allow, sizeof allow - 1);
	} else {
		answer_path(router, stream, r, t, &path, verdict == HTTP_PATH_DOTFILE, out);
	}
}
