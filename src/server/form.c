/* Forms: gathered, turned into a line, appended in one write; and what the client is told. */
#include "server/form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http_accept.h"
#include "server/form_line.h"
#include "server/worker.h"

/* ---- the file ---- */

static int open_file(const char *path, struct failure *why)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return failure_set(why, -errno, "form file %s: cannot be opened: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return failure_set(why, -EINVAL, "form file %s: is not a regular file", path);
}

int forms_open(struct forms *forms, struct worker *w, struct failure *why)
{
	const struct config *c = w->config;

	*forms = (struct forms){ .items = calloc(c->n_locations + 1, sizeof *forms->items) };
	if (forms->items == NULL)
		return failure_set(why, -ENOMEM, "no memory for forms");
	for (; forms->n < c->n_locations; forms->n++) {
		struct form *f = &forms->items[forms->n];

		*f = (struct form){ .config = &c->locations[forms->n], .worker = w, .fd = -1 };
		if (*f->config->form == '\0')
			continue;
		f->fd = open_file(f->config->form, why);
		if (f->fd < 0) {
			int error = f->fd;

			forms_close(forms);
			return error;
		}
	}
	return 0;
}

void forms_close(struct forms *forms)
{
	for (unsigned i = 0; i < forms->n; i++)
		if (forms->items[i].fd >= 0)
			close(forms->items[i].fd);
	free(forms->items);
	*forms = (struct forms){ 0 };
}

static void reopen(struct form *f)
{
	struct failure why;
	int fd = open_file(f->config->form, &why);

	if (fd < 0) {
		log_line(f->worker->log, LOG_ERROR, "form", "%s", why.text);
		return;
	}
	close(f->fd);
	f->fd = fd;
}

void forms_reopen(struct forms *forms)
{
	for (unsigned i = 0; i < forms->n; i++)
		if (forms->items[i].fd >= 0)
			reopen(&forms->items[i]);
}

struct form *forms_find(const struct forms *forms, const struct config_location *l)
{
	for (unsigned i = 0; i < forms->n; i++)
		if (forms->items[i].config == l)
			return &forms->items[i];
	return NULL;
}

static unsigned fail(struct form *f, unsigned status, const char *why)
{
	if (!f->failing)
		log_line(f->worker->log, LOG_ERROR, "form", "%s: submissions are refused: %s", f->config->form, why);
	f->failing = true;
	return status;
}

/* 0, or the status that says that the line is not in the file. */
static unsigned append(struct form *f, const char *line, size_t len)
{
	struct stat before;
	ssize_t n;

	if (fstat(f->fd, &before) < 0)
		return fail(f, 500, strerror(errno));
	if ((uint64_t)before.st_size + len > f->config->form_max_file)
		return fail(f, 503, "the file has reached form_max_file");
	n = write(f->fd, line, len);
	if (n < 0)
		return fail(f, 500, strerror(errno));
	if ((size_t)n < len) {
		/* The next line must not be taken for the rest of this one. */
		if (ftruncate(f->fd, before.st_size) < 0)
			return fail(f, 500, "the disk is full, and a line is torn");
		return fail(f, 500, strerror(ENOSPC));
	}
	if (f->config->form_fsync && fdatasync(f->fd) < 0)
		return fail(f, 500, strerror(errno));
	f->failing = false;
	return 0;
}

/* ---- the request ---- */

static unsigned begin(struct http_call *call)
{
	struct form *f = call->context;
	uint64_t limit = f->config->form_max_body;

	if (!form_reads(http_call_value(call, "content-type")))
		return 415;
	if (call->body_len != HTTP_LENGTH_UNKNOWN && call->body_len > limit)
		return 413;
	call->state = document_new(&f->worker->bodies, limit);
	return call->state != NULL ? 0 : 503;
}

static unsigned take(struct http_call *call, struct bytes data)
{
	struct document *body = call->state;

	if (data.len > document_left(body))
		return 413;
	document_add(body, data.data, data.len);
	return body->failed ? 503 : 0;
}

static void end(struct http_call *call)
{
	struct document *body = call->state;

	span_owner_unref(&body->owner);
}

static unsigned write_line(const struct http_call *call, struct document *line, bool *trapped)
{
	const struct form *f = call->context;
	struct document *body = call->state;
	char client[IP_ADDR_TEXT];
	struct form_submission s = {
		.content_type = http_call_value(call, "content-type"),
		.body = body->text,
		.len = body->len,
		.client = ip_addr_format(&call->client, client),
		.wall_us = clock_wall_us(),
		.honeypot = f->config->form_honeypot,
	};

	if (s.len == 0)
		return 400;
	return form_write_line(line, &s, trapped);
}

/* 0, or the status that refuses the submission. One that went into the honeypot is dropped as if it were taken. */
static unsigned submit(const struct http_call *call)
{
	struct form *f = call->context;
	struct document *line = document_new(&f->worker->bodies,
					     FORM_EXPANSION * f->config->form_max_body + FORM_ENVELOPE);
	bool trapped = false;
	unsigned status;

	if (line == NULL)
		return 503;
	status = write_line(call, line, &trapped);
	if (status == 0 && line->failed)
		status = 503;
	if (status == 0 && !trapped)
		status = append(f, line->text, line->len);
	span_owner_unref(&line->owner);
	return status;
}

/* ---- what the client is told ---- */

static const char page[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>Thank you</title>\n"
	"<style>body{margin:0;min-height:100vh;display:grid;place-items:center;font:1.1rem/1.6 system-ui,sans-serif}"
	"</style>\n"
	"<main><h1>Thank you</h1><p>What you sent has arrived.</p></main>\n"
	"</html>\n";

static const char json[] = "{\"ok\":true}\n";

static void set_body(struct http_document *out, const char *type, const char *text, size_t len)
{
	out->type = type;
	out->body = (struct span){ .data = (const uint8_t *)text, .len = len };
}

static unsigned thank(const struct http_call *call, struct http_document *out)
{
	static const char *const media[] = { "text/html", "application/json" };
	const struct form *f = call->context;

	if (http_accept_best(http_call_value(call, "accept"), media, ARRAY_LENGTH(media)) == 1) {
		set_body(out, "application/json", json, sizeof json - 1);
		return 200;
	}
	if (*f->config->form_redirect != '\0') {
		out->location = f->config->form_redirect;
		return 303;
	}
	set_body(out, "text/html; charset=utf-8", page, sizeof page - 1);
	return 200;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	unsigned status = submit(call);

	return status != 0 ? status : thank(call, out);
}

const struct http_handler form_handler = {
	.methods = HTTP_METHOD_BIT(POST),
	.begin = begin, .take = take, .answer = answer, .end = end,
};
