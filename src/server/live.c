/*
 * The files of the live page, each in two codings. Browsers keep them and ask each time whether they are
 * still the same (RFC 9111 section 5.2.2.4): another build answers with what it has.
 */
#include "server/live.h"

#include <string.h>

#include "base/clock.h"
#include "http/http_conditional.h"
#include "http/http_encoding.h"
#include "http/http_mime.h"

/* What the page shows came from the wire: nothing that is not the server's own may run or be loaded, should
 * some of it ever be taken for markup. */
#define FIELDS \
	"Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'\r\n" \
	"X-Content-Type-Options: nosniff\r\n" \
	"Referrer-Policy: no-referrer\r\n" \
	"Cache-Control: no-cache\r\n" \
	"Vary: Accept-Encoding\r\n"

#define BYTES(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }
#define CODED(symbol, tag) \
	{ { symbol, sizeof(symbol) }, BYTES("\"" tag "\""), BYTES(FIELDS "ETag: \"" tag "\"\r\n") }
#define LIVE_FILE(name, symbol, tag) { name, CODED(symbol, tag), CODED(symbol##_gzip, tag "-gzip") }

struct coded {
	struct bytes body, etag, fields;
};

struct live_file {
	const char *name;
	struct coded plain, gzip;
};

#include "server/live_files.h" /* live_files[], made by tools/embed */

#define PAGE "live.html"

static const struct live_file *find(const char *path)
{
	const char *name = *path == '\0' ? PAGE : path;

	for (size_t i = 0; i < ARRAY_LENGTH(live_files); i++)
		if (strcmp(live_files[i].name, name) == 0)
			return &live_files[i];
	return NULL;
}

/* NULL: the client takes neither (RFC 9110 section 12.5.3). */
static const struct coded *choose(const struct live_file *file, const struct http_request *r)
{
	struct http_encoding_weights weights;
	uint16_t plain, gzip;

	http_encoding_weigh(r, &weights);
	plain = weights.of[HTTP_CODING_IDENTITY];
	gzip = weights.of[HTTP_CODING_GZIP];
	if (gzip > 0 && gzip >= plain)
		return &file->gzip;
	return plain > 0 ? &file->plain : NULL;
}

unsigned live_answer(const struct http_call *call, struct http_document *out)
{
	const struct live_file *file = find(call->path);
	const struct coded *c = file != NULL ? choose(file, call->request) : NULL;
	unsigned status;

	if (c == NULL)
		return file == NULL ? 404 : 406;
	status = http_evaluate_conditions(call->request, &(struct http_validators){ .etag = c->etag },
					  (int64_t)(clock_wall_us() / 1000000));
	if (status == 412)
		return status;
	out->fields = c->fields;
	out->tells_caching = true;
	if (status == 304)
		return status;
	out->type = http_mime_type(NULL, file->name, strlen(file->name));
	out->coding = c == &file->gzip ? HTTP_CODING_GZIP : HTTP_CODING_IDENTITY;
	out->body = (struct span){ .data = c->body.data, .len = c->body.len };
	return status;
}
