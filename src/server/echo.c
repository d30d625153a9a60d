/* What arrived: gathered while it comes, written in one of three ways when it is whole. */
#include "server/echo.h"

#include <stdlib.h>
#include <string.h>

#include "http/http_accept.h"
#include "http/http_form.h"
#include "server/html.h"
#include "server/json.h"
#include "server/worker.h"

enum { EXPANSION = 8 }; /* a byte takes at most six in JSON and HTML; the rest is for what stands around it */

/* ---- the body ---- */

static unsigned begin(struct http_call *call)
{
	struct worker *w = call->context;

	call->state = document_new(&w->bodies, http_call_max_body(call));
	return call->state != NULL ? 0 : 503;
}

static unsigned take(struct http_call *call, struct bytes data)
{
	struct document *body = call->state;

	document_add(body, data.data, data.len);
	return body->failed ? 503 : 0;
}

static void end(struct http_call *call)
{
	struct document *body = call->state;

	if (body != NULL)
		span_owner_unref(&body->owner);
}

/* ---- as it came ---- */

static unsigned answer_octets(struct http_call *call, struct http_document *out)
{
	struct document *body = call->state;

	out->type = "application/octet-stream";
	out->body = (struct span){ .data = (const uint8_t *)"" };
	if (body->len == 0)
		return 200;
	call->state = NULL;
	return document_finish(body, &out->body) ? 200 : 503;
}

/* ---- in words ---- */

struct echo {
	const struct http_call *call;
	struct bytes body;
	struct bytes parameters; /* those that are not taken yet */
	char *scratch;           /* room for one pair of them, decoded */
};

static bool take_parameter(struct echo *e, struct bytes *name, struct bytes *value)
{
	struct bytes raw_name, raw_value;
	size_t len;

	if (!http_form_take(&e->parameters, &raw_name, &raw_value))
		return false;
	len = http_form_decode(raw_name, e->scratch);
	*name = bytes_of(e->scratch, len);
	*value = bytes_of(e->scratch + len, http_form_decode(raw_value, e->scratch + len));
	return true;
}

static struct bytes target_of(const struct echo *e)
{
	return http_request_target(e->call->request);
}

static void add(struct document *d, struct bytes text)
{
	if (text.len > 0)
		document_add(d, text.data, text.len);
}

static const char *client_of(const struct echo *e, char text[static IP_ADDR_TEXT])
{
	return ip_addr_format(&e->call->client, text);
}

static void add_text_row(struct document *d, struct bytes name, struct bytes value)
{
	document_add_text(d, "  ");
	add(d, name);
	document_add_text(d, ": ");
	add(d, value);
	document_add_text(d, "\n");
}

static void write_text(struct document *d, struct echo *e)
{
	char client[IP_ADDR_TEXT];
	struct bytes name, value;

	add(d, http_call_method(e->call));
	document_add_text(d, " ");
	add(d, target_of(e));
	document_add_text(d, " HTTP/1.");
	document_add_number(d, e->call->request->line.minor);
	document_add_text(d, "\nfrom ");
	document_add_text(d, client_of(e, client));
	document_add_text(d, " port ");
	document_add_number(d, e->call->client_port);
	document_add_text(d, "\n\nparameters\n");
	while (take_parameter(e, &name, &value))
		add_text_row(d, name, value);
	document_add_text(d, "\nfields\n");
	for (uint32_t i = 0; http_call_field(e->call, i, &name, &value); i++)
		add_text_row(d, name, value);
	document_add_text(d, "\nbody, bytes: ");
	document_add_number(d, e->body.len);
	document_add_text(d, "\n");
	add(d, e->body);
}

static void add_json_pair(struct document *d, struct bytes name, struct bytes value)
{
	json_open_array(d, NULL);
	json_bytes(d, NULL, name.data, name.len);
	json_bytes(d, NULL, value.data, value.len);
	json_close_array(d);
}

void echo_write_fields(struct document *d, const struct http_call *call)
{
	struct bytes name, value;

	json_open_array(d, "fields");
	for (uint32_t i = 0; http_call_field(call, i, &name, &value); i++)
		add_json_pair(d, name, value);
	json_close_array(d);
}

static void write_json(struct document *d, struct echo *e)
{
	struct bytes method = http_call_method(e->call), target = target_of(e), name, value;
	char client[IP_ADDR_TEXT];

	json_open_object(d, NULL);
	json_bytes(d, "method", method.data, method.len);
	json_bytes(d, "target", target.data, target.len);
	json_text(d, "version", e->call->request->line.minor > 0 ? "1.1" : "1.0");
	json_text(d, "client", client_of(e, client));
	json_number(d, "client_port", e->call->client_port);
	json_open_array(d, "parameters");
	while (take_parameter(e, &name, &value))
		add_json_pair(d, name, value);
	json_close_array(d);
	echo_write_fields(d, e->call);
	json_number(d, "body_bytes", e->body.len);
	json_bytes(d, "body", e->body.data, e->body.len);
	json_close_object(d);
	document_add_text(d, "\n");
}

static void add_html_row(struct document *d, struct bytes name, struct bytes value)
{
	document_add_text(d, "<tr><th scope=\"row\">");
	html_text(d, name);
	document_add_text(d, "<td>");
	html_text(d, value);
	document_add_text(d, "\n");
}

static const char html_head[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	"<title>taphouse: what arrived</title>\n"
	"<style>\n"
	":root{color-scheme:light dark;--page:#eff3ef;--ink:#13211b;"
	"--soft:#46574f;--line:#bfccc4;--green:#0f5c45}\n"
	"@media (prefers-color-scheme:dark){:root{--page:#0c1512;--ink:#e6eee9;--soft:#a5b6ad;--line:#31433b;"
	"--green:#7fd6b0}}\n"
	"body{margin:0;background:var(--page);color:var(--ink);font:1.0625rem/1.6 system-ui,sans-serif}\n"
	"main{width:min(100% - 2.5rem,52rem);margin:0 auto;padding:2rem 0}\n"
	"h1{margin:0;color:var(--green);font-size:1.5rem;overflow-wrap:anywhere}\n"
	"h2{margin:1.6rem 0 .4rem;font-size:1.1rem}\n"
	"p{margin:0;color:var(--soft)}\n"
	"table{border-collapse:collapse}\n"
	"th,td{padding:.2rem 1rem .2rem 0;border-bottom:1px solid var(--line);"
	"text-align:left;vertical-align:top;"
	"overflow-wrap:anywhere}\n"
	"th{font-weight:600}\n"
	"pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}\n"
	"</style>\n"
	"<main>\n<h1>";

static void write_html(struct document *d, struct echo *e)
{
	char client[IP_ADDR_TEXT];
	struct bytes name, value;

	document_add_text(d, html_head);
	html_text(d, http_call_method(e->call));
	document_add_text(d, " ");
	html_text(d, target_of(e));
	document_add_text(d, "</h1>\n<p>from ");
	document_add_text(d, client_of(e, client));
	document_add_text(d, ", port ");
	document_add_number(d, e->call->client_port);
	document_add_text(d, "</p>\n<h2>Parameters</h2>\n<table>\n");
	while (take_parameter(e, &name, &value))
		add_html_row(d, name, value);
	document_add_text(d, "</table>\n<h2>Fields</h2>\n<table>\n");
	for (uint32_t i = 0; http_call_field(e->call, i, &name, &value); i++)
		add_html_row(d, name, value);
	document_add_text(d, "</table>\n<h2>Body, bytes: ");
	document_add_number(d, e->body.len);
	document_add_text(d, "</h2>\n<pre>\n");
	html_text(d, e->body);
	document_add_text(d, "</pre>\n</main>\n</html>\n");
}

static const char *const media[] = { "text/plain", "application/json", "text/html" };
static const struct format {
	const char *type;
	void (*write)(struct document *d, struct echo *e);
} formats[] = {
	{ "text/plain; charset=utf-8", write_text },
	{ "application/json", write_json },
	{ "text/html; charset=utf-8", write_html },
};

static unsigned write_as(const struct format *f, struct echo *e, struct http_document *out)
{
	struct worker *w = e->call->context;
	size_t most = EXPANSION * (http_call_max_body(e->call) + (1 << 20));
	struct document *d = document_new(&w->bodies, most);

	if (d == NULL)
		return 503;
	f->write(d, e);
	out->type = f->type;
	return document_finish(d, &out->body) ? 200 : 503;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	const struct document *body = call->state;
	struct echo e = { .call = call,
			  .body = bytes_of(body->text, body->len),
			  .parameters = call->target->query };
	size_t chosen = http_accept_best(http_call_value(call, "accept"), media, ARRAY_LENGTH(media));
	unsigned status;

	if (e.parameters.len > 0)
		bytes_skip(&e.parameters, 1); /* the question mark */
	e.scratch = malloc(e.parameters.len + 1);
	if (e.scratch == NULL)
		return 503;
	status = write_as(&formats[chosen], &e, out);
	free(e.scratch);
	return status;
}

const struct http_handler echo_handler = {
	.methods = HTTP_METHODS_ALL,
	.begin = begin, .take = take, .answer = answer, .end = end,
};

const struct http_handler echo_octet_handler = {
	.methods = HTTP_METHODS_ALL,
	.begin = begin, .take = take, .answer = answer_octets, .end = end,
};
