/* Routing: method, path, site, then the location that covers the path, or else the files. */
#include "http/http_route.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "http/http_location.h"

/* Where a request leads. */
struct route {
	const struct http_open_policy *policy;
	const struct http_open_location *location; /* with a handler; NULL: files, or "*" */
	const struct http_detour *redirect; /* NULL: none */
	struct bytes star; /* its text, in path */
	bool is_dotfile;
	struct http_path path;
};

static const struct http_open_site *site_of(const struct http_router *router, struct bytes authority)
{
	return &router->sites->sites[http_sites_find(router->sites, authority)];
}

static struct span literal_span(const char *text, size_t len)
{
	return (struct span){ .data = (const uint8_t *)text, .len = len };
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

/* ---- locations ---- */

/* How the end of a body that the handler gives is told (RFC 9112 section 6.3; RFC 9110 section 15.3.6). */
static void set_framing(const struct http_document *document, struct http_call *call, struct http_answer *out)
{
	out->given.call = call;
	out->given_len = document->length;
	if (out->status == 204 || out->status == 205 || out->status == 304)
		out->given_len = 0;
	else if (document->length == HTTP_LENGTH_UNKNOWN)
		out->given.framing = call->request->line.minor > 0 ? HTTP_FRAMED_BY_CHUNKS
								   : HTTP_FRAMED_BY_END;
}

/* The status line if the list has none, without a reason phrase (RFC 9112 section 4), and the framing. */
static void format_given(struct http_answer *out, char **at)
{
	char *start = *at;

	if (http_status_find(out->status) == NULL)
		*at += sprintf(*at, "HTTP/1.1 %u \r\n", out->status);
	out->line_len = (size_t)(*at - start);
	if (out->given.framing == HTTP_FRAMED_BY_CHUNKS)
		put(at, "Transfer-Encoding: chunked\r\n", 28);
	else if (out->given.framing == HTTP_FRAMED_BY_LENGTH && out->status != 204 && out->status != 304)
		*at += sprintf(*at, "Content-Length: %" PRIu64 "\r\n", out->given_len);
}

/* The field lines that are a document's own. */
static void format_document(const struct http_document *document, struct http_answer *out, char **at)
{
	if (document->location != NULL)
		*at += sprintf(*at, "Location: %s\r\n", document->location);
	if (document->is_given)
		format_given(out, at);
	else if (document->body.data != NULL)
		*at += sprintf(*at, "Content-Type: %s\r\n"
			       "Content-Length: %zu\r\n", document->type, document->body.len);
	if (document->coding != HTTP_CODING_IDENTITY)
		*at += sprintf(*at, "Content-Encoding: %s\r\n", http_coding_name(document->coding));
	put(at, document->fields.data, document->fields.len);
}

/* What is made for one request is never kept, unless who made it says so: it is old at once. call may be
 * NULL if the document is not given. */
static void answer_document(const struct http_router *router, struct http_document *document,
			    struct http_call *call, struct http_answer *out)
{
	size_t room = HTTP_BUFFER_SMALL + document->fields.len;
	struct http_buffer *buffer = http_buffer_take(router->buffers, room);
	char *at;

	assert(document->fields.len <= HTTP_DOCUMENT_FIELDS);
	out->no_store = !document->tells_caching;
	out->ending = document->ending;
	out->congestion = document->congestion;
	if (buffer == NULL) {
		span_owner_unref(document->body.owner);
		out->status = 503;
		return;
	}
	if (document->is_given)
		set_framing(document, call, out);
	at = (char *)buffer->data;
	format_document(document, out, &at);
	out->extra = (struct span){ .data = buffer->data, .owner = &buffer->owner };
	out->extra.len = (size_t)(at - (char *)buffer->data);
	assert(out->extra.len < room);
	out->document = document->body;
}

static unsigned begin_call(const struct route *route, const struct stream *stream, struct http_request *r,
			   const struct http_target *t, struct http_call *call)
{
	const struct http_open_location *l = route->location;
	struct stream_info info;

	if (http_location_lacks_slash(l, &route->path))
		return 301;
	stream_info(stream, &info);
	call->context = l->context;
	call->policy = route->policy;
	call->request = r;
	call->target = t;
	call->path = route->path.text + l->prefix_len;
	call->client = info.remote;
	call->client_port = info.remote_port;
	call->server = info.local;
	call->server_port = info.local_port;
	call->is_encrypted = info.tls_version != NULL;
	return http_call_begin(call, r, l->handler);
}

static bool has_more_to_say(const struct http_document *document)
{
	return document->body.data != NULL || document->location != NULL || document->is_given ||
	       document->fields.data != NULL;
}

static void answer_location(const struct http_router *router, const struct route *route,
			    struct http_call *call, struct http_answer *out)
{
	struct http_document document = { 0 };

	call->path = route->path.text + route->location->prefix_len;
	out->status = call->handler->answer(call, &document);
	assert(out->status != 101 || call->handler->take_over != NULL);
	if (has_more_to_say(&document))
		answer_document(router, &document, call, out);
}

static void add_cors(const struct http_open_policy *policy, const struct http_request *r,
		     struct http_answer *out)
{
	struct http_lines *lines = http_cors_lines(&policy->cors, r);

	if (lines != NULL && lines->len > 0)
		out->cors = http_lines_take(lines);
}

/* What an answer has from its place: an error of which nobody has said more, its page. */
static void settle(const struct http_router *router, const struct http_open_policy *policy,
		   const struct http_request *r, struct http_answer *out)
{
	out->policy = policy;
	if (UNLIKELY(policy->cors.count > 0))
		add_cors(policy, r, out);
	if (out->status >= 400 && out->document.data == NULL && out->given.call == NULL)
		http_static_error_page(&router->files, policy, out);
}

void http_route_complete(const struct http_router *router, struct http_call *call, unsigned status,
			 struct http_document *document, struct http_answer *out)
{
	*out = (struct http_answer){ .status = status };
	if (document != NULL && has_more_to_say(document))
		answer_document(router, document, call, out);
	settle(router, call->policy, call->request, out);
}

void http_route_refuse(const struct http_router *router, const struct http_request *r,
		       const struct http_target *t, unsigned status, struct http_answer *out)
{
	struct bytes authority = t->authority.data != NULL ? t->authority
							   : http_request_value(r, HTTP_FIELD_HOST);

	*out = (struct http_answer){ .status = status };
	settle(router, &site_of(router, authority)->policy, r, out);
}

/* ---- files ---- */

/* A directory without an index file, or one that may not be read: opening it tells. */
static void answer_directory(const struct http_router *router, const struct http_request *r,
			     const struct route *route, struct http_answer *out)
{
	const struct http_open_policy *policy = route->policy;
	struct http_directory directory = {
		.path = route->path.text,
		.root = policy->site->root,
		.follow_symlinks = policy->follow_symlinks,
		.accept = http_request_value(r, HTTP_FIELD_ACCEPT),
	};
	struct http_document document = { 0 };

	if (policy->listing == NULL || !http_path_is_directory(&route->path))
		return;
	directory.fd = http_site_open(policy, route->path.text);
	if (directory.fd < 0)
		return;
	out->status = policy->listing(policy->listing_context, &directory, &document);
	if (document.body.data != NULL)
		answer_document(router, &document, NULL, out);
}

static void answer_file(const struct http_router *router, const struct http_request *r,
			const struct route *route, struct http_answer *out)
{
	if (route->is_dotfile)
		out->status = 404;
	else
		http_static_answer(&router->files, r, route->policy, &route->path, out);
	if (out->status == 403)
		answer_directory(router, r, route, out);
}

/* ---- both ---- */

static bool is_asterisk(const struct http_target *t)
{
	return t->path.len == 1 && t->path.data[0] == '*';
}

static bool has_path(enum http_path_verdict verdict)
{
	return verdict == HTTP_PATH_OK || verdict == HTTP_PATH_DOTFILE;
}

static void find_place(const struct http_open_site *site, struct route *route)
{
	const struct http_open_location *location = http_location_find(site, &route->path);

	route->policy = http_location_policy(site, location);
	route->location = location != NULL && location->handler != NULL ? location : NULL;
	if (UNLIKELY(route->policy->redirects.count > 0))
		route->redirect = http_detours_find(&route->policy->redirects, &route->path, &route->star);
}

/* Once: what comes of it is not rewritten again, nor redirected. */
static enum http_path_verdict rewrite(const struct http_open_site *site, enum http_path_verdict verdict,
				      struct route *route)
{
	struct http_path path;
	struct bytes star;
	const struct http_detour *detour = http_detours_find(&site->rewrites, &route->path, &star);

	if (detour == NULL)
		return verdict;
	verdict = http_detour_rewrite(detour, star, &path);
	if (has_path(verdict)) {
		route->path = path;
		find_place(site, route);
		route->redirect = NULL;
	}
	return verdict;
}

/* 0, or the status that refuses the target. CONNECT has no path. */
static unsigned find_route(const struct http_router *router, const struct http_target *t, struct route *route)
{
	const struct http_open_site *site = site_of(router, t->authority);
	enum http_path_verdict verdict;

	route->policy = &site->policy;
	route->location = NULL;
	route->redirect = NULL;
	route->is_dotfile = false;
	if (t->path.len == 0 || is_asterisk(t))
		return 0;
	verdict = http_path_resolve((const char *)t->path.data, t->path.len, &route->path);
	if (has_path(verdict)) {
		find_place(site, route);
		if (UNLIKELY(site->rewrites.count > 0) && route->redirect == NULL)
			verdict = rewrite(site, verdict, route);
	}
	route->is_dotfile = verdict == HTTP_PATH_DOTFILE;
	if (has_path(verdict))
		return 0;
	return verdict == HTTP_PATH_BAD ? 400 : 404;
}

static unsigned methods_of(const struct route *route)
{
	return route->location != NULL ? http_location_methods(route->location, &route->path)
				       : HTTP_METHODS_READING;
}

/* What refuses a request whoever would answer it, or answers instead: 204 is for OPTIONS. 0: nothing does. */
static unsigned screen(const struct route *route, const struct stream *stream, const struct http_request *r,
		       struct http_call *call)
{
	const struct http_guard *guard = &route->policy->guard;
	unsigned methods = methods_of(route);
	const struct http_cors *cors = &route->policy->cors;
	/* It comes without credentials (Fetch, section 3.3.5), and they are not asked for. */
	bool is_preflight = UNLIKELY(cors->count > 0) && http_cors_is_preflight(cors, r);
	unsigned status;

	if (UNLIKELY(guard->is_closed) &&
	    (status = http_guard_ask(guard, stream, r, !is_preflight, &call->pass)) != 0)
		return status;
	if (is_preflight)
		return 204;
	if (UNLIKELY(route->redirect != NULL))
		return route->redirect->status;
	if ((methods >> r->line.method & 1) == 0)
		return r->line.method == HTTP_METHOD_OPTIONS ? 204 : 405;
	return http_request_exceeds(r, route->policy->max_body) ? 413 : 0;
}

unsigned http_route_begin(const struct http_router *router, const struct stream *stream,
			  struct http_request *r, const struct http_target *t, struct http_call *call)
{
	struct route route;
	unsigned status = find_route(router, t, &route);

	if (status == 0)
		status = screen(&route, stream, r, call);
	if (status != 0)
		return status;
	http_request_limit_body(r, route.policy->max_body);
	return route.location != NULL ? begin_call(&route, stream, r, t, call) : 0;
}

static void add_allow(const struct route *route, struct http_answer *out)
{
	static const char files[] = "Allow: GET, HEAD, OPTIONS\r\n";

	if (route->location != NULL)
		out->extra = http_location_allow(route->location, &route->path);
	else
		out->extra = literal_span(files, sizeof files - 1);
}

/* Nothing refuses the request. */
static void answer_routed(const struct http_router *router, const struct stream *stream,
			  struct http_request *r, const struct http_target *t, const struct route *route,
			  struct http_call *call, struct http_answer *out)
{
	if (route->location == NULL) {
		answer_file(router, r, route, out);
		return;
	}
	if (call->handler == NULL)
		out->status = begin_call(route, stream, r, t, call);
	if (out->status == 0)
		answer_location(router, route, call, out);
}

void http_route_answer(const struct http_router *router, const struct stream *stream, struct http_request *r,
		       const struct http_target *t, struct http_call *call, struct http_answer *out)
{
	struct route route;

	*out = (struct http_answer){ .status = find_route(router, t, &route) };
	if (out->status == 0 && call->handler == NULL)
		out->status = screen(&route, stream, r, call);
	if (out->status == 0)
		answer_routed(router, stream, r, t, &route, call, out);
	if (out->status == HTTP_LATER)
		return;
	settle(router, route.policy, r, out);
	if (out->extra.data != NULL)
		return;
	if (route.redirect != NULL && out->status == route.redirect->status)
		http_detour_redirect(route.redirect, route.star, t, router->buffers, out);
	else if (out->status == 204 || out->status == 405)
		add_allow(&route, out);
	else if (out->status == 301)
		redirect_to_slash(router, &route.path, t, out);
	else if (call->pass.refusal != 0)
		http_guard_explain(&route.policy->guard, &call->pass, router->buffers, out);
}
