/* The table of kinds of locations. */
#include "server/location.h"

#include <errno.h>
#include <string.h>

#include "base/ascii.h"
#include "server/config_inherit.h"
#include "server/demo.h"
#include "server/echo.h"
#include "server/fastcgi.h"
#include "server/form.h"
#include "server/policy.h"
#include "server/status.h"
#include "server/upload.h"
#include "server/visitor_wire.h"
#include "server/worker.h"

static bool is_demo(const struct config_location *l)
{
	return l->demo;
}

static bool is_status(const struct config_location *l)
{
	return l->status;
}

static bool is_echo(const struct config_location *l)
{
	return l->echo == CONFIG_ECHO_WORDS;
}

static bool is_octet_echo(const struct config_location *l)
{
	return l->echo == CONFIG_ECHO_OCTET;
}

static bool is_form(const struct config_location *l)
{
	return *l->form != '\0';
}

static void *form_of(struct generation *g, const struct config_location *l)
{
	return forms_find(&g->forms, l);
}

static bool is_upload(const struct config_location *l)
{
	return *l->upload != '\0';
}

static void *upload_of(struct generation *g, const struct config_location *l)
{
	return uploads_find(&g->uploads, l);
}

static bool shows_all_events(const struct config_location *l)
{
	return l->websocket == CONFIG_WEBSOCKET_EVENTS && l->websocket_events_all;
}

static bool is_websocket(const struct config_location *l)
{
	return l->websocket != CONFIG_WEBSOCKET_OFF && !shows_all_events(l);
}

static void *websocket_of(struct generation *g, const struct config_location *l)
{
	const struct websocket *ws = websockets_find(&g->websockets, l);

	return ws != NULL ? ws->endpoint : NULL;
}

static void *status_of(struct generation *g, const struct config_location *l)
{
	return websockets_find(&g->websockets, l);
}

static bool is_fastcgi(const struct config_location *l)
{
	return *l->fastcgi != '\0';
}

static void *fastcgi_of(struct generation *g, const struct config_location *l)
{
	return fastcgis_find(&g->fastcgis, l);
}

static bool is_wire(const struct config_location *l)
{
	return l->wire;
}

static const struct location_kind kinds[] = {
	{ "demo", is_demo, .is_directory = true, .is_private = true, .handler = &demo_handler },
	{ "echo", is_echo, .handler = &echo_handler },
	{ "echo", is_octet_echo, .handler = &echo_octet_handler },
	{ "fastcgi", is_fastcgi, .handler = &fastcgi_handler, .context = fastcgi_of },
	{ "form", is_form, .handler = &form_handler, .context = form_of },
	{ "status", is_status, .is_directory = true, .is_private = true, .handler = &status_handler,
	  .context = status_of },
	{ "upload", is_upload, .handler = &upload_handler, .context = upload_of },
	{ "websocket", shows_all_events, .is_private = true, .handler = &ws_http_handler,
	  .context = websocket_of },
	{ "websocket", is_websocket, .handler = &ws_http_handler, .context = websocket_of },
	{ "wire", is_wire, .is_private = true, .handler = &visitor_wire_handler },
};

int location_find_kind(const struct config_location *l, const struct location_kind **out, struct failure *why)
{
	*out = NULL;
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		if (!kinds[i].is_given(l))
			continue;
		if (*out != NULL)
			return failure_set(why, -EINVAL, "location \"%s\" cannot be both %s and %s",
					   l->prefix, (*out)->key, kinds[i].key);
		*out = &kinds[i];
	}
	return 0;
}

bool location_is_kind(const char *key)
{
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		if (strcmp(kinds[i].key, key) == 0)
			return true;
	return false;
}

/* It becomes a field value as it stands. */
static int check_redirect(const struct config_location *l, const char *key, const char *uri,
			  struct failure *why)
{
	size_t len = strlen(uri);

	for (size_t i = 0; i < len; i++)
		if (!ascii_is_visible(uri[i]))
			return failure_set(why, -EINVAL,
					   "location \"%s\": %s is no URI: percent-encode what is not "
					   "visible ASCII",
					   l->prefix, key);
	if (len > HTTP_DOCUMENT_LOCATION)
		return failure_set(why, -EINVAL, "location \"%s\": %s has more than %d characters", l->prefix,
				   key, HTTP_DOCUMENT_LOCATION);
	return 0;
}

static int check_upload(const struct config_location *l, struct failure *why)
{
	if (is_upload(l) && config_is_given(&l->given, "location", "max_body"))
		return failure_set(why, -EINVAL,
				   "location \"%s\": for an upload the limit is upload_max_body, not "
				   "max_body",
				   l->prefix);
	return check_redirect(l, "upload_redirect", l->upload_redirect, why);
}

/* Either there is one script, or many. */
static int check_fastcgi(const struct config_location *l, struct failure *why)
{
	if (*l->fastcgi_script != '\0' && *l->fastcgi_root != '\0')
		return failure_set(why, -EINVAL,
				   "location \"%s\": give either fastcgi_script or fastcgi_root, not both",
				   l->prefix);
	if (*l->fastcgi_index == '\0' || strchr(l->fastcgi_index, '/') != NULL)
		return failure_set(why, -EINVAL, "location \"%s\": fastcgi_index is no name of a file",
				   l->prefix);
	return 0;
}

static int check_kind(const struct config_location *l, const struct location_kind *kind, struct failure *why)
{
	int error = check_redirect(l, "form_redirect", l->form_redirect, why);

	if (kind != NULL && kind->is_directory && l->prefix[strlen(l->prefix) - 1] != '/')
		return failure_set(why, -EINVAL, "location \"%s\": the prefix of %s ends in a slash",
				   l->prefix, kind->key);
	if (error == 0)
		error = check_upload(l, why);
	return error != 0 ? error : check_fastcgi(l, why);
}

int location_check(const struct config_location *l, struct failure *why)
{
	const struct location_kind *kind;

	if (!http_location_prefix_is_valid(l->prefix))
		return failure_set(why, -EINVAL,
				   "location \"%s\": a prefix is a path from \"/\" on, without %%, "
				   "\"//\" and \"..\"",
				   l->prefix);
	if (location_find_kind(l, &kind, why) < 0)
		return -EINVAL;
	return check_kind(l, kind, why);
}

/* Whoever runs a site for all does not mean what the server says about itself. */
static bool is_for_neighbours(const struct config_location *l, const struct location_kind *kind)
{
	return kind != NULL && kind->is_private &&
	       (l->policy.allow.n == 0 || !config_is_given(&l->given, "location", "allow"));
}

struct http_location location_for_http(const struct config_location *l, struct generation *g,
				       struct http_policy *policy)
{
	struct failure why;
	const struct location_kind *kind;

	location_find_kind(l, &kind, &why);
	*policy = policy_for_http(&l->policy, &g->worker->documents);
	if (is_upload(l))
		policy->max_body = &l->upload_max_body;
	if (is_for_neighbours(l, kind)) {
		policy->allow = g->config->device.address.items;
		policy->n_allow = g->config->device.address.n;
	}
	return (struct http_location){
		.prefix = l->prefix,
		.policy = policy,
		.handler = kind != NULL ? kind->handler : NULL,
		.context = kind != NULL && kind->context != NULL ? kind->context(g, l) : g->worker,
	};
}
