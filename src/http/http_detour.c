/* Detours: rules taken apart at start, then compared and filled in. */
#include "http/http_detour.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/strings.h"
#include "http/http_answer.h"
#include "http/http_buffer.h"
#include "http/http_location.h"

static const char host_variable[] = "$host";

enum { HOST_VARIABLE_LEN = sizeof host_variable - 1 };

/* A rule taken apart; it points into its text. */
struct rule {
	unsigned status;
	struct bytes from, to; /* to.data NULL: there is none */
};

/* ---- reading ---- */

static struct bytes take_word(const char **text)
{
	const char *word = *text;
	size_t len = strcspn(word, " ");

	*text += len;
	*text += strspn(*text, " ");
	return bytes_of(word, len);
}

static bool is_redirect_status(unsigned status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308 ||
	       status == 410;
}

static const char *read_rule(const char *text, bool is_redirect, struct rule *out)
{
	*out = (struct rule){ 0 };
	if (strlen(text) > HTTP_DETOUR_MAX)
		return "is too long";
	if (is_redirect) {
		struct bytes word = take_word(&text);

		out->status = word.len == 3 ? (unsigned)atoi((const char *)word.data) : 0;
		if (!is_redirect_status(out->status))
			return "begins with no status of a redirect: 301, 302, 303, 307, 308, or 410";
	}
	out->from = take_word(&text);
	if (*text != '\0')
		out->to = take_word(&text);
	if (*text != '\0' || (out->to.data == NULL) != (out->status == 410))
		return "is not a rule of a path and where it leads";
	return NULL;
}

/* ---- checking ---- */

static size_t count(struct bytes text, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.data[i] == (uint8_t)c;
	return n;
}

/* A path that a request could have once it is resolved, whatever the star stands for. */
static bool is_path(struct bytes text)
{
	char path[HTTP_DETOUR_MAX + 1];

	memcpy(path, text.data, text.len);
	path[text.len] = '\0';
	return count(text, '*') <= 1 && http_location_prefix_is_valid(path);
}

/* RFC 3986, but for brackets, which only addresses of hosts have. */
static bool is_uri_char(uint8_t c)
{
	return ascii_is_visible(c) && strchr("\"<>\\^`{|}", (char)c) == NULL;
}

/* $host is all of the host, or nothing of it. */
static bool has_whole_host(struct bytes authority)
{
	const uint8_t *at = memmem(authority.data, authority.len, host_variable, HOST_VARIABLE_LEN);

	return at == NULL || (at == authority.data &&
			      (authority.len == HOST_VARIABLE_LEN || at[HOST_VARIABLE_LEN] == ':'));
}

/* The length of "https://host/", or of "/"; 0: a target does not begin so. */
static size_t origin_len(struct bytes to)
{
	struct bytes host = to;
	const uint8_t *slash;

	if (to.len > 0 && to.data[0] == '/')
		return 1;
	if (to.len > 8 && memcmp(to.data, "https://", 8) == 0)
		bytes_skip(&host, 8);
	else if (to.len > 7 && memcmp(to.data, "http://", 7) == 0)
		bytes_skip(&host, 7);
	else
		return 0;
	slash = memchr(host.data, '/', host.len);
	if (slash == NULL)
		return 0;
	host.len = (size_t)(slash - host.data);
	return http_authority_is_valid(host) && has_whole_host(host) ? (size_t)(slash - to.data) + 1 : 0;
}

static bool is_target(struct bytes to)
{
	size_t origin = origin_len(to);
	struct bytes rest = to;

	for (size_t i = 0; i < to.len; i++)
		if (!is_uri_char(to.data[i]))
			return false;
	if (origin == 0 || memchr(to.data, '*', origin) != NULL ||
	    (to.len > 1 && to.data[0] == '/' && to.data[1] == '/'))
		return false;
	bytes_skip(&rest, origin);
	return count(to, '*') <= 1 && memmem(rest.data, rest.len, host_variable, HOST_VARIABLE_LEN) == NULL;
}

/* A path pattern matches this text. */
static bool fits(const struct http_detour *d, struct bytes path, struct bytes *star)
{
	size_t before = strlen(d->from), behind = d->from_end != NULL ? strlen(d->from_end) : 0;

	if (path.len < before + behind || memcmp(path.data, d->from, before) != 0)
		return false;
	*star = bytes_of(path.data + before, path.len - before - behind);
	if (d->from_end == NULL)
		return star->len == 0;
	return memcmp(path.data + path.len - behind, d->from_end, behind) == 0;
}

static void free_detour(struct http_detour *d)
{
	free(d->from);
	free(d->from_end);
	free(d->to);
	free(d->to_end);
	free(d->after_host);
}

/* Splits a text at its star; *end is NULL without one. False: no memory. */
static bool split(struct bytes text, char **start, char **end)
{
	const char *data = (const char *)text.data, *star = memchr(data, '*', text.len);

	*end = NULL;
	if (star == NULL) {
		*start = strndup(data, text.len);
		return *start != NULL;
	}
	*start = strndup(data, (size_t)(star - data));
	*end = strndup(star + 1, text.len - (size_t)(star - data) - 1);
	return *start != NULL && *end != NULL;
}

static bool split_at_host(struct http_detour *d)
{
	char *at = strstr(d->to, host_variable);

	if (at == NULL)
		return true;
	d->after_host = strdup(at + HOST_VARIABLE_LEN);
	*at = '\0';
	return d->after_host != NULL;
}

static bool make(struct http_detour *d, const struct rule *r)
{
	*d = (struct http_detour){ .status = r->status, .keeps_query = true };
	if (!split(bytes_of(r->from.data + 1, r->from.len - 1), &d->from, &d->from_end))
		return false;
	if (r->to.data == NULL)
		return true;
	d->keeps_query = count(r->to, '?') + count(r->to, '#') == 0;
	return split(r->to, &d->to, &d->to_end) && (r->status == 0 || split_at_host(d));
}

/* It would lead to its own beginning, again and again. */
static bool leads_to_itself(const struct rule *r)
{
	struct http_detour d;
	struct bytes star, to = r->to;
	const uint8_t *mark = to.data != NULL ? memchr(to.data, '?', to.len) : NULL;
	bool itself;

	if (r->status == 0 || to.data == NULL || to.data[0] != '/' || !make(&d, r))
		return false;
	if (mark != NULL)
		to.len = (size_t)(mark - to.data);
	itself = fits(&d, bytes_of(to.data + 1, to.len - 1), &star);
	free_detour(&d);
	return itself;
}

static const char *fault_of(const char *text, bool is_redirect)
{
	struct rule r;
	const char *fault = read_rule(text, is_redirect, &r);

	if (fault != NULL)
		return fault;
	if (!is_path(r.from))
		return "begins at what is no path, such as /old or /old/*";
	if (r.to.data != NULL && !(is_redirect ? is_target(r.to) : is_path(r.to)))
		return is_redirect ? "leads to what is no path, and no http or https URI with a path"
				   : "leads to what is no path, such as /new or /new/*";
	if (count(r.to, '*') > count(r.from, '*'))
		return "has a star at its end for which there is none at its beginning";
	return leads_to_itself(&r) ? "leads to itself" : NULL;
}

const char *http_redirect_fault(const char *rule)
{
	return fault_of(rule, true);
}

const char *http_rewrite_fault(const char *rule)
{
	return fault_of(rule, false);
}

/* ---- opening ---- */

static int open_rules(struct http_detours *d, const char *const *rules, bool is_redirect, const char *whose,
		      struct failure *why)
{
	size_t n = strings_count(rules);

	*d = (struct http_detours){ 0 };
	d->items = calloc(n + 1, sizeof *d->items);
	for (size_t i = 0; i < n && d->items != NULL; i++) {
		const char *fault = fault_of(rules[i], is_redirect);
		struct rule r;

		if (fault != NULL) {
			http_detours_close(d);
			return failure_set(why, -EINVAL, "%s: \"%s\" %s", whose, rules[i], fault);
		}
		read_rule(rules[i], is_redirect, &r);
		d->count++;
		if (!make(&d->items[i], &r))
			break;
	}
	if (d->items != NULL && d->count == n)
		return 0;
	http_detours_close(d);
	return failure_set(why, -ENOMEM, "%s: no memory for its rules", whose);
}

int http_redirects_open(struct http_detours *d, const char *const *rules, const char *whose,
			struct failure *why)
{
	return open_rules(d, rules, true, whose, why);
}

int http_rewrites_open(struct http_detours *d, const char *const *rules, const char *whose,
		       struct failure *why)
{
	return open_rules(d, rules, false, whose, why);
}

void http_detours_close(struct http_detours *d)
{
	for (size_t i = 0; i < d->count; i++)
		free_detour(&d->items[i]);
	free(d->items);
	*d = (struct http_detours){ 0 };
}

/* ---- following ---- */

const struct http_detour *http_detours_find(const struct http_detours *d, const struct http_path *path,
					    struct bytes *star)
{
	for (size_t i = 0; i < d->count; i++)
		if (fits(&d->items[i], bytes_of(path->text, path->len), star))
			return &d->items[i];
	return NULL;
}

/* Encoded and resolved once more: pieces of names that were harmless where
 * they stood may make ".." together. */
enum http_path_verdict http_detour_rewrite(const struct http_detour *d, struct bytes star,
					   struct http_path *out)
{
	char text[HTTP_PATH_SIZE], raw[3 * HTTP_PATH_SIZE];
	int len = snprintf(text, sizeof text, "%s%.*s%s", d->to + 1, d->to_end != NULL ? (int)star.len : 0,
			   (const char *)star.data, d->to_end != NULL ? d->to_end : "");

	if (len < 0 || (size_t)len >= sizeof text)
		return HTTP_PATH_HIDDEN;
	raw[0] = '/';
	return http_path_resolve(raw, 1 + http_path_encode(text, (size_t)len, raw + 1, sizeof raw - 1), out);
}

/* A Location being written. */
struct writer {
	char *at;
};

static void put(struct writer *w, const char *text)
{
	if (text != NULL)
		w->at = stpcpy(w->at, text);
}

static void put_bytes(struct writer *w, struct bytes text)
{
	if (text.len > 0)
		w->at = mempcpy(w->at, text.data, text.len);
}

/* Of slashes at the beginning one stays: two would be followed by the name of
 * a host (RFC 3986 section 4.2). */
static void leave_one_slash(struct writer *w, char *start)
{
	size_t slashes = 0;

	while (start + slashes < w->at && start[slashes] == '/')
		slashes++;
	if (slashes < 2)
		return;
	memmove(start, start + slashes - 1, (size_t)(w->at - start) - (slashes - 1));
	w->at -= slashes - 1;
}

/* What was one piece of a path stays one: in a query (start is where the target begins) it can be no other
 * value. */
static void put_star(struct writer *w, const char *start, struct bytes star)
{
	size_t room = 3 * star.len + 1;

	if (memchr(start, '?', (size_t)(w->at - start)) != NULL)
		w->at += http_path_encode_value((const char *)star.data, star.len, w->at, room);
	else
		w->at += http_path_encode((const char *)star.data, star.len, w->at, room);
}

static void write_location(struct writer *w, const struct http_detour *d, struct bytes star,
			   struct bytes host, struct bytes query)
{
	char *start;

	put(w, "Location: ");
	start = w->at;
	put(w, d->to);
	if (d->after_host != NULL) {
		put_bytes(w, host);
		put(w, d->after_host);
	}
	if (d->to_end != NULL) {
		put_star(w, start, star);
		put(w, d->to_end);
	}
	leave_one_slash(w, start);
	if (d->keeps_query)
		put_bytes(w, query);
	put(w, "\r\n");
}

void http_detour_redirect(const struct http_detour *d, struct bytes star, const struct http_target *t,
			  struct http_buffers *buffers, struct http_answer *out)
{
	struct bytes host = http_authority_host(t->authority);
	size_t room = HTTP_DETOUR_MAX + host.len + 3 * star.len + t->query.len + 16;
	struct http_buffer *buffer;
	struct writer w;

	if (d->to == NULL)
		return;
	if (d->after_host != NULL && host.len == 0) {
		out->status = 400; /* HTTP/1.0 without Host */
		return;
	}
	buffer = http_buffer_take(buffers, room);
	if (buffer == NULL) {
		out->status = 503;
		return;
	}
	w.at = (char *)buffer->data;
	write_location(&w, d, star, host, t->query);
	out->extra = (struct span){ .data = buffer->data, .owner = &buffer->owner };
	out->extra.len = (size_t)(w.at - (char *)buffer->data);
}
