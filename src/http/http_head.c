/*
 * A head is a few spans: the block with status line and Date that all responses of this second share, a
 * literal for Connection, and field lines that lie ready in a cache entry or beside a page. Nothing is
 * formatted here.
 */
#include "http/http_head.h"

#include <string.h>

#define LITERAL(text) text, sizeof(text) - 1, NULL

/* Field lines of this answer; before them may stand the status line, which is there already. */
static void add_extra(struct http_batch *out, struct http_answer *answer)
{
	const struct span *extra = &answer->extra;

	if (extra->len > answer->line_len)
		http_batch_add(out, extra->data + answer->line_len, extra->len - answer->line_len,
			       extra->owner);
	span_owner_unref(extra->owner);
	answer->extra = (struct span){ 0 };
}

/* Status line and Date; those of a 200 lie side by side. */
static void add_status(struct http_batch *out, struct http_clock *clock, const struct http_answer *answer)
{
	struct http_date_block *block = http_clock_block(clock);
	const struct http_status *ok = http_status_get(200), *s;

	if (answer->status == 200) {
		http_batch_add(out, block->text, block->len, &block->owner);
		return;
	}
	if (answer->line_len > 0) {
		http_batch_add(out, answer->extra.data, answer->line_len, answer->extra.owner);
	} else {
		s = http_status_get(answer->status);
		http_batch_add(out, s->line, s->line_len, NULL);
	}
	http_batch_add(out, block->text + ok->line_len, block->len - ok->line_len, &block->owner);
}

static void add_persistence(struct http_batch *out, enum http_persistence persistence)
{
	if (persistence == HTTP_PERSIST_CLOSE)
		http_batch_add(out, LITERAL("Connection: close\r\n"));
	else if (persistence == HTTP_PERSIST_KEEP_ALIVE)
		http_batch_add(out, LITERAL("Connection: keep-alive\r\n"));
}

/* What the policy has every answer say, and the empty line. */
static void add_tail(struct http_batch *out, const struct http_answer *answer)
{
	struct http_lines *tail = http_tails_get(&answer->policy->tails, answer->status);

	http_batch_add(out, tail->text, tail->len, &tail->owner);
}

static void add_file(struct http_batch *out, struct http_answer *answer, struct http_body *body)
{
	struct http_entry *e = answer->entry;

	http_batch_add(out, e->fields, e->fields_len, &e->owner);
	http_body_set_file(body, e, 0, e->version.size);
	answer->entry = NULL;
}

/* The client has it already (RFC 9110 section 15.4.5). */
static void add_not_modified(struct http_batch *out, struct http_answer *answer, struct http_body *body)
{
	struct http_entry *e = answer->entry;

	http_batch_add(out, e->fields + e->validators_at, e->tail_at - e->validators_at, &e->owner);
	add_tail(out, answer);
	http_body_set_file(body, e, 0, 0);
	answer->entry = NULL;
}

/* A page of the site's own for an error: it is no version of what was asked for, so it has no validators. */
static void add_error_file(struct http_batch *out, struct http_answer *answer, struct http_body *body)
{
	struct http_entry *e = answer->entry;

	http_batch_add(out, e->fields, e->ranges_at, &e->owner);
	add_tail(out, answer);
	http_body_set_file(body, e, 0, e->version.size);
	answer->entry = NULL;
}

/* Lengths, and the type of several parts, are among the extra fields. */
static void add_partial(struct http_batch *out, struct http_answer *answer, struct http_body *body)
{
	struct http_entry *e = answer->entry;

	if (answer->parts == NULL)
		http_batch_add(out, e->fields, e->length_at, &e->owner);
	http_batch_add(out, e->fields + e->validators_at, e->tail_at - e->validators_at, &e->owner);
	add_tail(out, answer);
	if (answer->parts != NULL)
		http_body_set_parts(body, e, answer->parts);
	else
		http_body_set_file(body, e, answer->range.first, answer->range.len);
	answer->entry = NULL;
	answer->parts = NULL;
}

/* Its field lines are there already. */
static void add_document(struct http_batch *out, struct http_answer *answer, struct http_body *body)
{
	const struct span *d = &answer->document;

	add_tail(out, answer);
	*body = (struct http_body){ .left = d->len, .data = d->data, .owner = d->owner };
	answer->document = (struct span){ 0 };
}

/* So are those of a body that a handler gives. */
static void add_given(struct http_batch *out, struct http_answer *answer, struct http_body *body)
{
	add_tail(out, answer);
	http_body_set_given(body, &answer->given, answer->given_len);
}

static void add_page(struct http_batch *out, struct http_pages *pages, const struct http_answer *answer,
		     struct http_body *body)
{
	const struct http_page *page = http_pages_get(pages, answer->status);

	http_batch_add(out, page->fields, page->fields_len, &pages->owner);
	add_tail(out, answer);
	span_owner_ref(&pages->owner);
	*body = (struct http_body){
		.left = page->body_len,
		.data = page->fields + page->fields_len,
		.owner = &pages->owner,
	};
}

void http_head_add(struct http_batch *out, struct http_clock *clock, struct http_pages *pages,
		   struct http_answer *answer, enum http_persistence persistence, struct http_body *body)
{
	add_status(out, clock, answer);
	add_persistence(out, persistence);
	if (answer->no_store)
		http_batch_add(out, LITERAL("Cache-Control: no-store\r\n"));
	if (UNLIKELY(answer->cors.data != NULL))
		http_batch_give(out, answer->cors.data, answer->cors.len, answer->cors.owner);
	add_extra(out, answer);
	if (answer->given.call != NULL)
		add_given(out, answer, body);
	else if (answer->status == 206)
		add_partial(out, answer, body);
	else if (answer->entry != NULL && answer->status >= 400)
		add_error_file(out, answer, body);
	else if (answer->status == 304 && answer->entry != NULL)
		add_not_modified(out, answer, body);
	else if (answer->entry != NULL)
		add_file(out, answer, body);
	else if (answer->document.data != NULL)
		add_document(out, answer, body);
	else if (answer->status == 101)
		http_batch_add(out, LITERAL("\r\n"));
	else if (answer->status == 204 || answer->status == 304)
		add_tail(out, answer);
	else
		add_page(out, pages, answer, body);
}
