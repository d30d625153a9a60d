/* Fields are gathered first, from either kind of body, and then written: a name may come again later. */
#include "server/form_line.h"

#include <string.h>

#include "base/clock.h"
#include "http/http_text.h"
#include "http/http_form.h"
#include "http/http_multipart.h"
#include "http/http_parameter.h"
#include "server/json.h"
#include "server/json_check.h"

struct field {
	struct bytes name, value;
};

struct fields {
	size_t n;
	struct field items[FORM_FIELDS];
};

static unsigned add_field(struct fields *f, struct bytes name, struct bytes value)
{
	if (f->n == FORM_FIELDS)
		return 413;
	f->items[f->n++] = (struct field){ .name = name, .value = value };
	return 0;
}

/* raw lies in the body, which is ours to write to. */
static struct bytes decode_in_place(const struct form_submission *s, struct bytes raw)
{
	char *at = s->body + (raw.data - (const uint8_t *)s->body);

	return bytes_of(at, http_form_decode(raw, at));
}

static unsigned gather_urlencoded(const struct form_submission *s, struct fields *out)
{
	struct bytes rest = bytes_of(s->body, s->len), name, value;
	unsigned status = 0;

	while (status == 0 && http_form_take(&rest, &name, &value))
		status = add_field(out, decode_in_place(s, name), decode_in_place(s, value));
	return status;
}

/* The fields of a multipart body, gathered where the body was: what is kept of
 * it never overtakes what is read. */
struct gathering {
	struct fields *out;
	char *at;           /* where the next byte is kept */
	char *value;        /* of the part under way */
	struct bytes name;  /* of the part under way */
	bool is_file;
};

static void keep(struct gathering *g, struct bytes text)
{
	if (text.len > 0)
		memmove(g->at, text.data, text.len);
	g->at += text.len;
}

static void begin_part(struct gathering *g, const struct http_part *part)
{
	g->name = bytes_of(g->at, part->name.len);
	g->is_file = http_part_is_file(part);
	keep(g, part->name);
	g->value = g->at;
}

/* A file input that nobody chose a file for comes as an empty one. Others are refused: there is no place for
 * them, and the sender is not to believe that there is. */
static unsigned end_part(struct gathering *g)
{
	struct bytes value = bytes_of(g->value, (size_t)(g->at - g->value));

	if (!g->is_file)
		return add_field(g->out, g->name, value);
	return value.len > 0 ? 415 : 0;
}

static unsigned gather_event(struct gathering *g, struct http_multipart *m, enum http_multipart_event event,
			     struct bytes run)
{
	switch (event) {
	case HTTP_MULTIPART_PART:
		begin_part(g, &m->part);
		return 0;
	case HTTP_MULTIPART_DATA:
		keep(g, run);
		return 0;
	case HTTP_MULTIPART_PART_END:
		return end_part(g);
	case HTTP_MULTIPART_MORE:
		return http_multipart_has_ended(m) ? 0 : 400;
	case HTTP_MULTIPART_TOO_LARGE:
		return 413;
	case HTTP_MULTIPART_BAD:
	default:
		return 400;
	}
}

static unsigned gather_multipart(const struct form_submission *s, struct fields *out)
{
	struct gathering g = { .out = out, .at = s->body };
	struct bytes rest = bytes_of(s->body, s->len), run;
	enum http_multipart_event event;
	struct http_multipart m;
	unsigned status;

	if (!http_multipart_init(&m, s->content_type, FORM_FIELDS))
		return 400;
	do {
		event = http_multipart_next(&m, &rest, &run);
		status = gather_event(&g, &m, event, run);
	} while (event != HTTP_MULTIPART_MORE && status == 0);
	return status;
}

static bool is_same(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The next field of the same name, from number i on; f->n if there is none. */
static size_t find_name(const struct fields *f, struct bytes name, size_t i)
{
	while (i < f->n && !is_same(f->items[i].name, name))
		i++;
	return i;
}

static void write_values(struct document *d, const struct fields *f, size_t first)
{
	struct bytes name = f->items[first].name;
	bool many = find_name(f, name, first + 1) < f->n;

	json_key(d, name.data, name.len);
	if (many)
		json_open_array(d, NULL);
	for (size_t i = first; i < f->n; i = find_name(f, name, i + 1))
		json_bytes(d, NULL, f->items[i].value.data, f->items[i].value.len);
	if (many)
		json_close_array(d);
}

static void write_fields(struct document *d, const struct fields *f, struct bytes honeypot)
{
	json_open_object(d, "fields");
	for (size_t i = 0; i < f->n; i++)
		if (!is_same(f->items[i].name, honeypot) && find_name(f, f->items[i].name, 0) == i)
			write_values(d, f, i);
	json_close_object(d);
}

static bool is_filled(const struct fields *f, struct bytes name)
{
	for (size_t i = find_name(f, name, 0); i < f->n; i = find_name(f, name, i + 1))
		if (f->items[i].value.len > 0)
			return true;
	return false;
}

static unsigned take_fields(struct document *d, const struct form_submission *s,
			    unsigned (*gather)(const struct form_submission *s, struct fields *out),
			    bool *trapped)
{
	struct bytes honeypot = bytes_of(s->honeypot, strlen(s->honeypot));
	struct fields fields;
	unsigned status;

	fields.n = 0;
	status = gather(s, &fields);
	if (status != 0)
		return status;
	if (fields.n == 0)
		return 400;
	*trapped = honeypot.len > 0 && is_filled(&fields, honeypot);
	write_fields(d, &fields, honeypot);
	return 0;
}

static unsigned take_urlencoded(struct document *d, const struct form_submission *s, bool *trapped)
{
	return take_fields(d, s, gather_urlencoded, trapped);
}

static unsigned take_multipart(struct document *d, const struct form_submission *s, bool *trapped)
{
	return take_fields(d, s, gather_multipart, trapped);
}

/* Programs send JSON, not those that fill in whatever they find: no honeypot here. */
static unsigned take_json(struct document *d, const struct form_submission *s, bool *trapped)
{
	*trapped = false;
	if (!json_is_object(bytes_of(s->body, s->len)))
		return 400;
	json_key(d, "fields", sizeof "fields" - 1);
	document_add(d, s->body, s->len);
	return 0;
}

static const struct kind {
	const char *type;
	unsigned (*take)(struct document *d, const struct form_submission *s, bool *trapped);
} kinds[] = {
	{ "application/x-www-form-urlencoded", take_urlencoded },
	{ "multipart/form-data", take_multipart },
	{ "application/json", take_json },
};

static const struct kind *kind_of(struct bytes content_type)
{
	struct bytes type = http_without_parameters(content_type);

	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		if (http_text_is(type, kinds[i].type))
			return &kinds[i];
	return NULL;
}

bool form_reads(struct bytes content_type)
{
	return kind_of(content_type) != NULL;
}

/* Line ends stand between JSON values only: within a text they are escaped. One line has none. */
static void drop_line_ends(struct document *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->len; i++)
		if (d->text[i] != '\n' && d->text[i] != '\r')
			d->text[kept++] = d->text[i];
	d->len = kept;
}

unsigned form_write_line(struct document *d, const struct form_submission *s, bool *trapped)
{
	const struct kind *kind = kind_of(s->content_type);
	char when[CLOCK_TEXT];
	unsigned status;

	if (kind == NULL)
		return 415;
	json_open_object(d, NULL);
	json_text(d, "time", clock_format(s->wall_us, when));
	json_text(d, "client", s->client);
	status = kind->take(d, s, trapped);
	if (status != 0)
		return status;
	json_close_object(d);
	drop_line_ends(d);
	document_add(d, "\n", 1);
	return 0;
}
