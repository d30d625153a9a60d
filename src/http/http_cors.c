/* CORS: settings made into lines. */
#include "http/http_cors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/strings.h"
#include "http/http_target.h"
#include "http/http_text.h"

/* ---- checking ---- */

static bool is_any(const char *name)
{
	return strcmp(name, "*") == 0;
}

bool http_cors_name_is_valid(const char *name)
{
	return http_text_is_token(bytes_of(name, strlen(name)));
}

/* A browser leaves the scheme's own port out, so an origin with it would never be met. */
static bool has_default_port(const char *origin)
{
	const char *colon = strrchr(origin, ':');

	return (strncmp(origin, "http:", 5) == 0 && strcmp(colon, ":80") == 0) ||
	       (strncmp(origin, "https:", 6) == 0 && strcmp(colon, ":443") == 0);
}

bool http_cors_origin_is_valid(const char *origin)
{
	const char *end = strstr(origin, "://");
	size_t len = strlen(origin);

	if (is_any(origin))
		return true;
	if (end == NULL || end == origin || len > HTTP_CORS_ORIGIN_MAX || origin[len - 1] == ':')
		return false;
	for (const char *p = origin; *p != '\0'; p++)
		if (ascii_is_upper(*p) || (p < end && !http_text_is_token_char(*p)))
			return false;
	return http_authority_is_valid(bytes_of(end + 3, strlen(end + 3))) && !has_default_port(origin);
}

static bool holds_any(const char *const *names)
{
	for (; names != NULL && *names != NULL; names++)
		if (is_any(*names))
			return true;
	return false;
}

/* With credentials "*" would be a name like others (Fetch, 3.3.5): who writes it means something else. */
static int check(const struct http_cors_settings *s, const char *whose, struct failure *why)
{
	for (const char *const *origin = s->origins; origin != NULL && *origin != NULL; origin++)
		if (!http_cors_origin_is_valid(*origin))
			return failure_set(why, -EINVAL, "%s: \"%s\" is no origin", whose, *origin);
	if (s->credentials && (holds_any(s->origins) || holds_any(s->methods) || holds_any(s->headers) ||
			       holds_any(s->expose)))
		return failure_set(why, -EINVAL,
				   "%s: with cors_credentials \"*\" means nothing: name the origins, "
				   "methods and headers",
				   whose);
	return 0;
}

/* ---- making lines ---- */

static void write_list(FILE *out, const char *name, const char *first, const char *const *more)
{
	const char *between = *first != '\0' ? ", " : "";

	if (*first == '\0' && (more == NULL || *more == NULL))
		return;
	fprintf(out, "%s: %s", name, first);
	for (; more != NULL && *more != NULL; more++, between = ", ")
		fprintf(out, "%s%s", between, *more);
	fputs("\r\n", out);
}

static void write_lines(FILE *out, const struct http_cors_settings *s, const char *origin, bool preflight)
{
	if (!is_any(origin)) /* else every answer has it */
		fprintf(out, "Access-Control-Allow-Origin: %s\r\n", origin);
	if (s->credentials)
		fputs("Access-Control-Allow-Credentials: true\r\n", out);
	if (!preflight) {
		write_list(out, "Access-Control-Expose-Headers", "", s->expose);
		return;
	}
	write_list(out, "Access-Control-Allow-Methods", "GET, HEAD, POST", s->methods);
	write_list(out, "Access-Control-Allow-Headers", "", s->headers);
	fprintf(out, "Access-Control-Max-Age: %" PRIu64 "\r\n", s->max_age_s);
}

static struct http_lines *make_lines(const struct http_cors_settings *s, const char *origin, bool preflight)
{
	struct http_lines *lines = NULL;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	write_lines(out, s, origin, preflight);
	if (fclose(out) == 0)
		lines = http_lines_new(text, len);
	free(text);
	return lines;
}

static bool add_origin(struct http_cors *c, const struct http_cors_settings *s, const char *name)
{
	struct http_cors_origin *origin = &c->origins[c->count++];

	origin->answer = make_lines(s, name, false);
	origin->preflight = make_lines(s, name, true);
	if (is_any(name))
		return origin->answer != NULL && origin->preflight != NULL;
	origin->name = strdup(name);
	return origin->answer != NULL && origin->preflight != NULL && origin->name != NULL;
}

static bool add_origins(struct http_cors *c, const struct http_cors_settings *s)
{
	static const char any[] = "*";
	size_t count = strings_count(s->origins);
	bool good = true;

	if (count == 0)
		return true;
	c->origins = calloc(count, sizeof *c->origins);
	if (c->origins == NULL)
		return false;
	if (holds_any(s->origins))
		return add_origin(c, s, any);
	for (size_t i = 0; i < count && good; i++)
		good = add_origin(c, s, s->origins[i]);
	return good;
}

int http_cors_open(struct http_cors *c, const struct http_cors_settings *s, const char *whose,
		   struct failure *why)
{
	int error = check(s, whose, why);

	*c = (struct http_cors){ 0 };
	if (error != 0 || add_origins(c, s))
		return error;
	http_cors_close(c);
	return failure_set(why, -ENOMEM, "%s: no memory for its origins", whose);
}

void http_cors_close(struct http_cors *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->origins[i].name);
		http_lines_unref(c->origins[i].answer);
		http_lines_unref(c->origins[i].preflight);
	}
	free(c->origins);
	*c = (struct http_cors){ 0 };
}

/* ---- answering ---- */

static bool is_for_any(const struct http_cors *c)
{
	return c->count > 0 && c->origins[0].name == NULL;
}

const char *http_cors_line(const struct http_cors *c)
{
	if (is_for_any(c))
		return "Access-Control-Allow-Origin: *\r\n";
	return c->count > 0 ? "Vary: Origin\r\n" : "";
}

static const struct http_cors_origin *find(const struct http_cors *c, const struct http_request *r)
{
	struct bytes origin = http_request_value(r, HTTP_FIELD_ORIGIN);

	if (is_for_any(c))
		return &c->origins[0];
	if (origin.len == 0 || http_request_is_repeated(r, HTTP_FIELD_ORIGIN))
		return NULL;
	for (size_t i = 0; i < c->count; i++)
		if (strlen(c->origins[i].name) == origin.len &&
		    memcmp(c->origins[i].name, origin.data, origin.len) == 0)
			return &c->origins[i];
	return NULL;
}

bool http_cors_is_preflight(const struct http_cors *c, const struct http_request *r)
{
	return r->line.method == HTTP_METHOD_OPTIONS && r->first[HTTP_FIELD_ORIGIN] != 0 &&
	       http_request_value_of(r, "access-control-request-method").data != NULL && find(c, r) != NULL;
}

struct http_lines *http_cors_lines(const struct http_cors *c, const struct http_request *r)
{
	const struct http_cors_origin *origin = find(c, r);

	if (origin == NULL)
		return NULL;
	return http_cors_is_preflight(c, r) ? origin->preflight : origin->answer;
}
