/* The status location: which path is which document, and the page that leads to them. */
#include "server/status.h"

#include <string.h>

uint64_t status_uptime_s(const struct worker *w)
{
	return (w->host.stack->world.now_us - w->started_us) / 1000000;
}

/* ---- the documents ---- */

static const char page[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	"<title>taphouse: status</title>\n"
	"<style>\n"
	":root{color-scheme:light dark;--page:#eff3ef;--wall:#fbfdfb;--ink:#13211b;--soft:#46574f;"
	"--line:#bfccc4;--green:#0f5c45;--brass:#855000}\n"
	"@media (prefers-color-scheme:dark){:root{--page:#0c1512;--wall:#15211c;--ink:#e6eee9;"
	"--soft:#a5b6ad;--line:#31433b;--green:#7fd6b0;--brass:#f0b24a}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--page);"
	"color:var(--ink);font:1.0625rem/1.6 system-ui,sans-serif}\n"
	"main{width:min(100% - 2.5rem,38rem);padding:2rem 0}\n"
	"h1{margin:0;font:700 clamp(1.7rem,6vw,2.4rem)/1.15 Rockwell,\"Roboto Slab\",\"DejaVu Serif\",serif;"
	"color:var(--green);text-wrap:balance}\n"
	"p{margin:.4rem 0 1.4rem;color:var(--soft)}\n"
	"ul{margin:0;padding:0;list-style:none;display:grid;gap:.75rem}\n"
	"a{display:block;padding:.9rem 1.1rem;border:1px solid var(--line);border-radius:.6rem;"
	"background:var(--wall);color:var(--soft);text-decoration:none}\n"
	"a:hover,a:focus-visible{border-color:var(--green);outline:none}\n"
	"b{display:block;color:var(--brass);font:600 1.05rem/1.5 ui-monospace,Menlo,\"DejaVu Sans Mono\","
	"monospace}\n"
	"</style>\n"
	"<main>\n"
	"<h1>What this server says about itself</h1>\n"
	"<p>Each document is made at the moment that it is asked for.</p>\n"
	"<ul>\n"
	"<li><a href=\"status.json\"><b>status.json</b>Counters by the names that Linux has, "
	"drops by reason, "
	"pools, limits.</a>\n"
	"<li><a href=\"connections.json\"><b>connections.json</b>A row for each connection: state, windows, "
	"round trip, retransmissions.</a>\n"
	"<li><a href=\"metrics\"><b>metrics</b>The same counters for Prometheus.</a>\n"
	"</ul>\n"
	"</main>\n"
	"</html>\n";

static void write_page(struct document *d, const struct worker *w)
{
	(void)w;
	document_add(d, page, sizeof page - 1);
}

static void write_connections(struct document *d, const struct worker *w)
{
	status_write_connections(d, w, STATUS_CONNECTIONS);
}

#define JSON "application/json"

static const struct view {
	const char *path, *type;
	void (*write)(struct document *d, const struct worker *w);
} views[] = {
	{ "", "text/html; charset=utf-8", write_page },
	{ "status.json", JSON, status_write_json },
	{ "connections.json", JSON, write_connections },
	{ "metrics", "text/plain; version=0.0.4; charset=utf-8", status_write_metrics },
};

static unsigned write_view(const struct view *view, struct worker *w, struct http_document *out)
{
	struct document *d = document_new(&w->documents, STATUS_DOCUMENT);

	if (d == NULL)
		return 503;
	view->write(d, w);
	out->type = view->type;
	return document_finish(d, &out->body) ? 200 : 503;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	for (size_t i = 0; i < ARRAY_LENGTH(views); i++)
		if (strcmp(views[i].path, call->path) == 0)
			return write_view(&views[i], call->context, out);
	return 404;
}

const struct http_handler status_handler = { .methods = HTTP_METHODS_READING, .answer = answer };
