/* Header rules: read at start, and made into one text for each status. */
#include "http/http_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "http/http_text.h"

/* A rule taken apart; it points into its text. */
struct rule {
	const char *statuses; /* "404 5xx ", perhaps empty */
	size_t statuses_len;
	const char *name;
	size_t name_len;
	const char *value; /* NULL: none is to be sent */
};

/* ---- reading ---- */

/* "404 " or "4xx ": a status that we give, or a class of them. */
static bool is_status(const char *s)
{
	if (s[0] < '1' || s[0] > '9' || s[1] == '\0' || s[2] == '\0' || s[3] != ' ')
		return false;
	return (s[1] == 'x' && s[2] == 'x') || (ascii_is_digit(s[1]) && ascii_is_digit(s[2]));
}

static struct rule take_apart(const char *text)
{
	struct rule r = { .statuses = text };

	while (is_status(text))
		text += 4;
	r.statuses_len = (size_t)(text - r.statuses);
	if (*text == '-') {
		r.name = text + 1;
		r.name_len = strlen(r.name);
		return r;
	}
	r.name = text;
	r.name_len = strcspn(text, ":");
	r.value = text + r.name_len + (text[r.name_len] == ':');
	r.value += strspn(r.value, " ");
	return r;
}

/* ---- checking ---- */

static bool begins(const struct rule *r, const char *prefix)
{
	size_t len = strlen(prefix);

	return r->name_len >= len && strncasecmp(r->name, prefix, len) == 0;
}

static bool is_called(const struct rule *r, const char *name)
{
	return r->name_len == strlen(name) && begins(r, name);
}

/* Fields on which the framing of messages, their meaning, or a key of its own depends. */
static const char *fault_of_name(const struct rule *r)
{
	static const char *const ours[] = {
		"Accept-Ranges", "Age", "Allow", "Connection", "Content-Encoding", "Content-Length",
		"Content-Range", "Content-Type", "Date", "ETag", "Keep-Alive", "Last-Modified", "Location",
		"Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
	};

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (is_called(r, ours[i]))
			return "is a field that the server itself must say";
	if (is_called(r, "Cache-Control"))
		return "is said by cache_control";
	if (is_called(r, "Server"))
		return "is said by server_header, or not";
	return begins(r, "Access-Control-") ? "is said by the cors keys" : NULL;
}

static const char *fault_of_statuses(const struct rule *r)
{
	for (const char *s = r->statuses; s < r->statuses + r->statuses_len; s += 4)
		if (s[1] == 'x' ? s[0] < '2' || s[0] > '5' : http_status_find((unsigned)atoi(s)) == NULL)
			return "names a status that is never given";
	return NULL;
}

const char *http_header_rule_fault(const char *rule)
{
	static const char form[] = "is not a header such as \"X-Frame-Options: DENY\"";
	struct rule r = take_apart(rule);
	const char *fault;

	if (strlen(rule) > HTTP_HEADER_RULE_MAX)
		return "is too long";
	if (!http_text_is_token(bytes_of(r.name, r.name_len)) ||
	    (r.value != NULL && (*r.value == '\0' || r.name[r.name_len] != ':')))
		return form;
	for (const char *p = r.value; p != NULL && *p != '\0'; p++)
		if (*p != ' ' && !ascii_is_visible(*p))
			return "holds a character that a field cannot have";
	fault = fault_of_statuses(&r);
	return fault != NULL ? fault : fault_of_name(&r);
}

/* ---- making tails ---- */

static bool lists(const struct rule *r, unsigned status)
{
	for (const char *s = r->statuses; s < r->statuses + r->statuses_len; s += 4)
		if (s[1] == 'x' ? (unsigned)(s[0] - '0') == status / 100 : (unsigned)atoi(s) == status)
			return true;
	return false;
}

static bool is_for(const struct rule *r, unsigned status)
{
	if (r->statuses_len == 0 || lists(r, status))
		return true;
	return (status == 206 || status == 304) && lists(r, 200);
}

/* One of the rules says something of this name to this status. */
static bool is_spoken_for(char *const *rules, const char *name, size_t len, unsigned status)
{
	for (; *rules != NULL; rules++) {
		struct rule r = take_apart(*rules);

		if (r.name_len == len && strncasecmp(r.name, name, len) == 0 && is_for(&r, status))
			return true;
	}
	return false;
}

static void write_tail(FILE *out, char *const *rules, const char *lines, unsigned status)
{
	static const char nosniff[] = "X-Content-Type-Options";

	fputs(lines, out);
	if (!is_spoken_for(rules, nosniff, sizeof nosniff - 1, status))
		fprintf(out, "%s: nosniff\r\n", nosniff);
	for (; *rules != NULL; rules++) {
		struct rule r = take_apart(*rules);

		if (r.value != NULL && is_for(&r, status) &&
		    !is_spoken_for(rules + 1, r.name, r.name_len, status))
			fprintf(out, "%.*s: %s\r\n", (int)r.name_len, r.name, r.value);
	}
	fputs("\r\n", out);
}

static struct http_lines *make_tail(char *const *rules, const char *lines, unsigned status)
{
	struct http_lines *tail = NULL;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	write_tail(out, rules, lines, status);
	if (fclose(out) == 0)
		tail = http_lines_new(text, len);
	free(text);
	return tail;
}

/* A status for which the i-th tail is. 299 and its like are in no list. */
static unsigned status_at(size_t i)
{
	if (i < HTTP_STATUS_COUNT)
		return http_status_all()[i].code;
	return (unsigned)(i - HTTP_STATUS_COUNT + 1) * 100 + 99;
}

bool http_tails_open(struct http_tails *t, char *const *rules, const char *lines)
{
	*t = (struct http_tails){ 0 };
	for (size_t i = 0; i < HTTP_TAILS; i++) {
		t->of[i] = make_tail(rules, lines, status_at(i));
		if (t->of[i] == NULL) {
			http_tails_close(t);
			return false;
		}
	}
	return true;
}

void http_tails_close(struct http_tails *t)
{
	for (size_t i = 0; i < HTTP_TAILS; i++)
		http_lines_unref(t->of[i]);
	*t = (struct http_tails){ 0 };
}

struct http_lines *http_tails_get(const struct http_tails *t, unsigned status)
{
	const struct http_status *s = http_status_find(status);

	return t->of[s != NULL ? (size_t)(s - http_status_all()) : HTTP_STATUS_COUNT + status / 100 - 1];
}
