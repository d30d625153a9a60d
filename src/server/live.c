/* The files of the live page. */
#include "server/live.h"

#include <string.h>

#include "server/live_files.h" /* made by tools/embed */

#define FILE_OF(path, type, bytes) { path, type, bytes, sizeof bytes }
#define SCRIPT "text/javascript; charset=utf-8"

static const struct live_file {
	const char *path, *type;
	const uint8_t *data;
	size_t len;
} files[] = {
	FILE_OF("", "text/html; charset=utf-8", live_html),
	FILE_OF("favicon.svg", "image/svg+xml", favicon_svg),
	FILE_OF("live.css", "text/css; charset=utf-8", live_css),
	FILE_OF("live.js", SCRIPT, live_js),
	FILE_OF("chart.js", SCRIPT, chart_js),
	FILE_OF("connections.js", SCRIPT, connections_js),
	FILE_OF("counters.js", SCRIPT, counters_js),
	FILE_OF("curves.js", SCRIPT, curves_js),
	FILE_OF("format.js", SCRIPT, format_js),
	FILE_OF("one.js", SCRIPT, one_js),
	FILE_OF("page.js", SCRIPT, page_js),
	FILE_OF("table.js", SCRIPT, table_js),
};

/* What the page shows came from the wire: nothing that is not the server's own may run or be loaded, should
 * some of it ever be taken for markup. */
static const char fields[] =
	"Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; "
	"frame-ancestors 'none'\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"Referrer-Policy: no-referrer\r\n";

bool live_find(const char *path, struct http_document *out)
{
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		if (strcmp(files[i].path, path) != 0)
			continue;
		out->type = files[i].type;
		out->body = (struct span){ .data = files[i].data, .len = files[i].len };
		out->fields = bytes_of(fields, sizeof fields - 1);
		return true;
	}
	return false;
}
