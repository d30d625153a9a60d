/* Answers to uploads. */
#include "server/upload_answer.h"

#include "http/http_accept.h"
#include "server/html.h"
#include "server/json.h"

enum { ANSWER_MAX = 1 << 20 };

static void write_json(struct document *d, const struct upload_files *files)
{
	json_open_object(d, NULL);
	json_open_array(d, "files");
	for (unsigned i = 0; i < files->count; i++) {
		json_open_object(d, NULL);
		json_text(d, "name", files->items[i].name);
		json_number(d, "bytes", files->items[i].len);
		json_close_object(d);
	}
	json_close_array(d);
	json_close_object(d);
	document_add_text(d, "\n");
}

static const char html_head[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>Stored</title>\n"
	"<style>body{margin:0;min-height:100vh;display:grid;place-items:center;"
	"font:1.1rem/1.6 system-ui,sans-serif}"
	"main{width:min(100% - 2.5rem,40rem)}li{overflow-wrap:anywhere}</style>\n"
	"<main><h1>Stored</h1>\n<ul>\n";

static void write_html(struct document *d, const struct upload_files *files)
{
	document_add_text(d, html_head);
	for (unsigned i = 0; i < files->count; i++) {
		const struct upload_file *file = &files->items[i];

		document_add_text(d, "<li>");
		html_text(d, bytes_of(file->name, strlen(file->name)));
		document_add_text(d, ", bytes: ");
		document_add_number(d, file->len);
		document_add_text(d, "\n");
	}
	document_add_text(d, "</ul></main>\n</html>\n");
}

unsigned upload_answer(const struct upload_files *files, struct bytes accept, const char *redirect,
		       struct document_budget *budget, struct http_document *out)
{
	static const char *const media[] = { "text/html", "application/json" };
	bool in_json = http_accept_best(accept, media, ARRAY_LENGTH(media)) == 1;
	struct document *d;

	if (!in_json && *redirect != '\0') {
		out->location = redirect;
		return 303;
	}
	d = document_new(budget, ANSWER_MAX);
	if (d == NULL)
		return 503;
	if (in_json)
		write_json(d, files);
	else
		write_html(d, files);
	out->type = in_json ? "application/json" : "text/html; charset=utf-8";
	return document_finish(d, &out->body) ? 200 : 503;
}
