/*
 * Forms: gathered, turned into a line, appended in one write; and what the client is told. Where a line is to
 * be on the disk first, the helper appends it and waits, and the answer comes later.
 */
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

int forms_open(struct forms *forms, const struct config *c, struct worker *w, struct failure *why)
{
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

/* ---- what the client is told ---- */

static const char page[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>Thank you</title>\n"
	"<style>body{margin:0;min-height:100vh;display:grid;place-items:center;"
	"font:1.1rem/1.6 system-ui,sans-serif}"
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
	const struct form *form = call->context;

	if (http_accept_best(http_call_value(call, "accept"), media, ARRAY_LENGTH(media)) == 1) {
		set_body(out, "application/json", json, sizeof json - 1);
		return 200;
	}
	if (*form->config->form_redirect != '\0') {
		out->location = form->config->form_redirect;
		return 303;
	}
	set_body(out, "text/html; charset=utf-8", page, sizeof page - 1);
	return 200;
}

/* ---- a line ---- */

/* A submission on its way to the file. The last four are the helper's while is_out. */
struct filing {
	struct form *form;
	struct http_call *call; /* NULL: the client has left */
	struct document *body, *line;
	bool is_out;
	struct offload_job job;
	int fd;
	unsigned outcome; /* 0, or the status that says that the line is not in the file */
	struct failure why;
};

static unsigned fail(struct filing *f, unsigned status, const char *why)
{
	failure_set(&f->why, -EIO, "%s: submissions are refused: %s", f->form->config->form, why);
	return status;
}

/* The next line must not be taken for the rest of this one. Other workers append too: what is ours ends where
 * our descriptor is (O_APPEND), and their lines stay. */
static bool take_back(int fd, ssize_t n)
{
	off_t end = lseek(fd, 0, SEEK_CUR);
	struct stat now;

	return n == 0 || (end >= n && fstat(fd, &now) == 0 && now.st_size == end &&
			  ftruncate(fd, end - n) == 0);
}

static unsigned append(struct filing *f)
{
	const struct config_location *config = f->form->config;
	const struct document *line = f->line;
	struct stat before;
	ssize_t n;

	if (fstat(f->fd, &before) < 0)
		return fail(f, 500, strerror(errno));
	if ((uint64_t)before.st_size + line->len > config->form_max_file)
		return fail(f, 503, "the file has reached form_max_file");
	n = write(f->fd, line->text, line->len);
	if (n < 0)
		return fail(f, 500, strerror(errno));
	if ((size_t)n < line->len) {
		if (!take_back(f->fd, n))
			return fail(f, 500, "the disk is full, and a line is torn");
		return fail(f, 500, strerror(ENOSPC));
	}
	if (config->form_fsync && fdatasync(f->fd) < 0)
		return fail(f, 500, strerror(errno));
	return 0;
}

/* Told once, until it goes well again. */
static void tell(struct filing *f)
{
	struct form *form = f->form;

	if (f->outcome != 0 && !form->failing)
		log_line(form->worker->log, LOG_ERROR, "form", "%s", f->why.text);
	form->failing = f->outcome != 0;
}

/* ---- the helper waits for the disk ---- */

static void free_filing(struct filing *f)
{
	span_owner_unref(&f->body->owner);
	if (f->line != NULL)
		span_owner_unref(&f->line->owner);
	free(f);
}

static struct filing *filing_of(struct offload_job *job)
{
	return CONTAINER_OF(job, struct filing, job);
}

static void run(struct offload_job *job)
{
	struct filing *f = filing_of(job);

	f->outcome = append(f);
}

static void done(struct offload_job *job)
{
	struct http_document document = { 0 };
	struct filing *f = filing_of(job);
	unsigned status = 503;

	f->is_out = false;
	close(f->fd);
	if (job->ran) {
		tell(f);
		status = f->outcome;
	}
	if (f->call == NULL)
		free_filing(f);
	else
		http_call_complete(f->call, status != 0 ? status : thank(f->call, &document), &document);
}

/* A descriptor of its own, for the form's may be opened anew meanwhile. HTTP_LATER, or the status. */
static unsigned hand_over(struct filing *f)
{
	f->fd = fcntl(f->form->fd, F_DUPFD_CLOEXEC, 0);
	if (f->fd < 0)
		return 503;
	f->job = (struct offload_job){ .run = run, .done = done };
	f->is_out = offload_submit(&f->form->worker->helper.offload, &f->job);
	if (f->is_out)
		return HTTP_LATER;
	close(f->fd);
	return 503;
}

/* Lines are short, and the file system keeps them in memory; only that they are
 * on the disk is to be waited for. */
static unsigned file_line(struct filing *f)
{
	if (f->form->config->form_fsync)
		return hand_over(f);
	f->fd = f->form->fd;
	f->outcome = append(f);
	tell(f);
	return f->outcome;
}

/* ---- the request ---- */

static unsigned begin(struct http_call *call)
{
	struct form *form = call->context;
	uint64_t limit = form->config->form_max_body;
	struct filing *f;

	if (!form_reads(http_call_value(call, "content-type")))
		return 415;
	if (call->body_len != HTTP_LENGTH_UNKNOWN && call->body_len > limit)
		return 413;
	f = calloc(1, sizeof *f);
	if (f == NULL)
		return 503;
	f->form = form;
	f->call = call;
	f->body = document_new(&form->worker->bodies, limit);
	if (f->body == NULL) {
		free(f);
		return 503;
	}
	call->state = f;
	return 0;
}

static unsigned take(struct http_call *call, struct bytes data)
{
	struct filing *f = call->state;

	if (data.len > document_left(f->body))
		return 413;
	document_add(f->body, data.data, data.len);
	return f->body->failed ? 503 : 0;
}

static void end(struct http_call *call)
{
	struct filing *f = call->state;

	f->call = NULL;
	if (!f->is_out)
		free_filing(f);
}

static unsigned write_line(struct filing *f, bool *trapped)
{
	char client[IP_ADDR_TEXT];
	struct form_submission s = {
		.content_type = http_call_value(f->call, "content-type"),
		.body = f->body->text,
		.len = f->body->len,
		.client = ip_addr_format(&f->call->client, client),
		.wall_us = clock_wall_us(),
		.honeypot = f->form->config->form_honeypot,
	};

	if (s.len == 0)
		return 400;
	return form_write_line(f->line, &s, trapped);
}

/* 0, the status that refuses the submission, or HTTP_LATER. One that went into the honeypot
 * is dropped as if it were taken. */
static unsigned submit(struct filing *f)
{
	bool trapped = false;
	unsigned status;

	f->line = document_new(&f->form->worker->bodies,
			       FORM_EXPANSION * f->form->config->form_max_body + FORM_ENVELOPE);
	if (f->line == NULL)
		return 503;
	status = write_line(f, &trapped);
	if (status == 0 && f->line->failed)
		return 503;
	return status != 0 || trapped ? status : file_line(f);
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	unsigned status = submit(call->state);

	return status != 0 ? status : thank(call, out);
}

const struct http_handler form_handler = {
	.methods = HTTP_METHOD_BIT(POST),
	.begin = begin, .take = take, .answer = answer, .end = end,
};
