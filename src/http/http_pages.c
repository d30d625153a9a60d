/* Pages for errors: small, readable, light or dark as the reader's system is, without any other resource. */
#include "http/http_pages.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROOM = 1536 };

static const char body_format[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>%u %s</title>\n"
	"<style>\n"
	":root{color-scheme:light dark;--ink:#1f2430;--dim:#5d6472;--paper:#fbfaf7;--tap:#b45309}\n"
	"@media (prefers-color-scheme:dark)"
	"{:root{--ink:#e8e6e1;--dim:#a2a7b3;--paper:#15171c;--tap:#f0a04b}}\n"
	"body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);"
	"color:var(--ink);font:1.05rem/1.6 system-ui,sans-serif}\n"
	"main{padding:2rem;max-width:34rem}\n"
	"b{display:block;font-size:clamp(3.5rem,16vw,6rem);line-height:1;letter-spacing:-.03em;"
	"color:var(--tap)}\n"
	"h1{margin:.6rem 0 .3rem;font-size:1.4rem}\n"
	"p{margin:0;color:var(--dim)}\n"
	"</style>\n"
	"<main><b>%u</b><h1>%s</h1><p>%s</p></main>\n"
	"</html>\n";

static const char fields_format[] = "Content-Type: text/html; charset=utf-8\r\n"
				    "Content-Length: %zu\r\n";

/* Formats a page into text and returns its size. */
static size_t format_page(const struct http_status *s, char text[static PAGE_ROOM], struct http_page *page)
{
	char body[PAGE_ROOM];
	int body_len, total;

	body_len = snprintf(body, sizeof body, body_format, s->code, s->reason, s->code, s->reason,
			    s->sentence);
	assert(body_len > 0 && body_len < PAGE_ROOM);
	page->body_len = (size_t)body_len;
	total = snprintf(text, PAGE_ROOM, fields_format, page->body_len);
	assert(total > 0 && total + body_len < PAGE_ROOM);
	page->fields = (const uint8_t *)text;
	page->fields_len = (size_t)total;
	memcpy(text + total, body, page->body_len);
	return page->fields_len + page->body_len;
}

static void pages_free(struct span_owner *owner)
{
	struct http_pages *p = (struct http_pages *)(void *)owner;
	struct span_owner *keeper = p->keeper;

	free(p);
	span_owner_unref(keeper);
}

struct http_pages *http_pages_new(struct span_owner *keeper)
{
	const struct http_status *statuses = http_status_all();
	struct http_pages *p = calloc(1, sizeof *p + HTTP_STATUS_COUNT * PAGE_ROOM);
	char *at;

	if (p == NULL)
		return NULL;
	span_owner_init(&p->owner, pages_free);
	p->keeper = keeper;
	span_owner_ref(keeper);
	at = p->text;
	for (size_t i = 0; i < HTTP_STATUS_COUNT; i++)
		if (statuses[i].sentence != NULL)
			at += format_page(&statuses[i], at, &p->pages[i]);
	return p;
}

const struct http_page *http_pages_get(const struct http_pages *p, unsigned status)
{
	const struct http_page *page = &p->pages[http_status_get(status) - http_status_all()];

	assert(page->fields != NULL);
	return page;
}
