/*
 * An arrival is one request. The loop fills its buffer; the helper takes apart what is in the other one, and
 * the two are exchanged whenever the helper is free. What the helper finds out stays in the arrival's job
 * until done(), which is the loop's again: no byte of it is touched by both at once.
 *
 * The last jobs of an arrival are to store its files or, if it was given up, to close them: that frees their
 * blocks, which may take as long as writing did.
 */
#include "server/upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_parameter.h"
#include "http/http_text.h"
#include "server/upload_answer.h"
#include "server/worker.h"

struct arrival {
	struct upload *upload;
	struct http_call *call; /* NULL: given up */
	unsigned status;        /* that refuses it; 0: none */
	bool is_out;            /* the helper has it */
	bool is_whole;          /* the body is here, and the answer awaited */
	bool is_stored;
	size_t filled;          /* of the buffer that the loop fills */
	uint8_t *filling;

	/* The helper's while is_out. */
	struct offload_job job;
	unsigned outcome;       /* as status */
	struct failure why;     /* "": nothing to be told to whoever runs the server */
	struct http_multipart multipart;
	struct upload_files files;
	bool is_file, is_open;  /* the part under way; there is a file for it */
	struct bytes work;
	uint8_t *working;

	uint8_t buffers[2][UPLOAD_BUFFER];
};

/* ---- on the helper's thread ---- */

static unsigned open_file(struct arrival *a)
{
	char name[UPLOAD_NAME_SIZE];

	upload_name(&a->multipart.part, name);
	a->is_open = true;
	return upload_files_add(&a->files, name, &a->why);
}

/* A file input that nobody chose a file for comes without a name and without
 * content. Other parts are dropped. */
static unsigned begin_part(struct arrival *a)
{
	const struct http_part *part = &a->multipart.part;

	a->is_file = http_part_is_file(part);
	a->is_open = false;
	return part->filename.len > 0 || part->extended_filename.len > 0 ? open_file(a) : 0;
}

static unsigned take_run(struct arrival *a, struct bytes run)
{
	unsigned status = 0;

	if (!a->is_file)
		return 0;
	if (!a->is_open)
		status = open_file(a);
	return status != 0 ? status : upload_files_write(&a->files, run, &a->why);
}

static unsigned take_event(struct arrival *a, enum http_multipart_event event, struct bytes run)
{
	switch (event) {
	case HTTP_MULTIPART_PART:
		return begin_part(a);
	case HTTP_MULTIPART_DATA:
		return take_run(a, run);
	case HTTP_MULTIPART_BAD:
		return 400;
	case HTTP_MULTIPART_TOO_LARGE:
		return 413;
	case HTTP_MULTIPART_PART_END:
	case HTTP_MULTIPART_MORE:
	default:
		return 0;
	}
}

static struct arrival *arrival_of(struct offload_job *job)
{
	return CONTAINER_OF(job, struct arrival, job);
}

static void take_apart(struct offload_job *job)
{
	struct arrival *a = arrival_of(job);
	enum http_multipart_event event;
	struct bytes run;

	do {
		event = http_multipart_next(&a->multipart, &a->work, &run);
		a->outcome = take_event(a, event, run);
	} while (event != HTTP_MULTIPART_MORE && a->outcome == 0);
}

static void store(struct offload_job *job)
{
	struct arrival *a = arrival_of(job);

	if (!http_multipart_has_ended(&a->multipart) || a->files.count == 0)
		a->outcome = 400;
	else
		a->outcome = upload_files_store(&a->files, &a->why);
}

static void discard(struct offload_job *job)
{
	upload_files_fini(&arrival_of(job)->files);
}

/* ---- in the loop ---- */

static void free_arrival(struct arrival *a)
{
	a->upload->under_way--;
	free(a);
}

/* What is our fault, once, until a request goes well again. */
static void tell(struct arrival *a)
{
	struct upload *u = a->upload;

	if (a->why.text[0] == '\0') {
		u->failing &= !a->is_stored || a->outcome != 0;
		return;
	}
	if (!u->failing)
		log_line(u->worker->log, LOG_ERROR, "upload", "%s; requests are refused with %u", a->why.text,
			 a->outcome);
	u->failing = true;
	a->why.text[0] = '\0';
}

static bool submit(struct arrival *a, void (*run)(struct offload_job *job))
{
	a->job.run = run;
	a->is_out = offload_submit(&a->upload->worker->helper.offload, &a->job);
	return a->is_out;
}

static void give_up(struct arrival *a)
{
	if (a->files.items != NULL && submit(a, discard))
		return;
	if (a->files.items != NULL)
		discard(&a->job);
	free_arrival(a);
}

static void exchange_buffers(struct arrival *a)
{
	uint8_t *free_now = a->working;

	a->working = a->filling;
	a->work = bytes_of(a->working, a->filled);
	a->filling = free_now;
	a->filled = 0;
}

/* Gives the helper what there is to do. */
static void advance(struct arrival *a)
{
	bool taken = true;

	if (a->is_out || a->status != 0 || a->is_stored)
		return;
	if (a->filled > 0) {
		exchange_buffers(a);
		taken = submit(a, take_apart);
	} else if (a->is_whole) {
		a->is_stored = true;
		taken = submit(a, store);
	}
	if (!taken)
		a->status = 503;
}

static unsigned answer_stored(const struct arrival *a, struct http_document *out)
{
	const struct upload *u = a->upload;

	if (a->status != 0)
		return a->status;
	return upload_answer(&a->files, http_call_value(a->call, "accept"), u->config->upload_redirect,
			     &u->worker->documents, out);
}

/* The arrival may be gone afterwards. */
static void go_on(struct arrival *a)
{
	struct http_document document = { 0 };
	unsigned status;

	advance(a);
	if (!a->is_whole) {
		http_call_resume(a->call);
	} else if (!a->is_out) {
		status = answer_stored(a, &document);
		http_call_complete(a->call, status, &document);
	}
}

static void done(struct offload_job *job)
{
	struct arrival *a = arrival_of(job);

	a->is_out = false;
	a->status = job->ran ? a->outcome : 503;
	tell(a);
	if (a->call == NULL)
		give_up(a);
	else
		go_on(a);
}

/* ---- the request ---- */

static struct arrival *new_arrival(struct http_call *call)
{
	struct upload *u = call->context;
	struct arrival *a = malloc(sizeof *a);

	if (a == NULL)
		return NULL;
	memset(a, 0, offsetof(struct arrival, buffers));
	a->upload = u;
	a->call = call;
	a->filling = a->buffers[0];
	a->working = a->buffers[1];
	a->job.done = done;
	if (upload_files_init(&a->files, &u->store) == 0)
		return a;
	free(a);
	return NULL;
}

static bool is_multipart(struct bytes content_type)
{
	struct bytes type = http_without_parameters(content_type);

	return http_text_is(type, "multipart/form-data");
}

static unsigned begin(struct http_call *call)
{
	struct bytes type = http_call_value(call, "content-type");
	struct upload *u = call->context;
	struct http_multipart multipart;
	struct arrival *a;

	if (!is_multipart(type))
		return 415;
	if (!http_multipart_init(&multipart, type, UPLOAD_PARTS))
		return 400;
	a = u->under_way < UPLOADS_UNDER_WAY ? new_arrival(call) : NULL;
	if (a == NULL)
		return 503;
	a->multipart = multipart;
	u->under_way++;
	call->state = a;
	return 0;
}

/* Once it is refused it takes anything, for then it is asked to, and says so. */
static size_t room(const struct http_call *call)
{
	const struct arrival *a = call->state;

	return a->status != 0 ? SIZE_MAX : UPLOAD_BUFFER - a->filled;
}

static unsigned take(struct http_call *call, struct bytes data)
{
	struct arrival *a = call->state;

	if (a->status != 0)
		return a->status;
	memcpy(a->filling + a->filled, data.data, data.len);
	a->filled += data.len;
	advance(a);
	return a->status;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	struct arrival *a = call->state;

	(void)out;
	a->is_whole = true;
	advance(a);
	return a->is_out ? HTTP_LATER : a->status;
}

static void end(struct http_call *call)
{
	struct arrival *a = call->state;

	a->call = NULL;
	if (!a->is_out)
		give_up(a);
}

const struct http_handler upload_handler = {
	.methods = HTTP_METHOD_BIT(POST),
	.begin = begin, .take = take, .room = room, .answer = answer, .end = end,
};

/* ---- all of them ---- */

int uploads_open(struct uploads *uploads, const struct config *c, struct worker *w, struct failure *why)
{
	*uploads = (struct uploads){ .items = calloc(c->n_locations + 1, sizeof *uploads->items) };
	if (uploads->items == NULL)
		return failure_set(why, -ENOMEM, "no memory for uploads");
	for (; uploads->n < c->n_locations; uploads->n++) {
		struct upload *u = &uploads->items[uploads->n];
		int error;

		*u = (struct upload){ .config = &c->locations[uploads->n], .worker = w };
		if (*u->config->upload == '\0')
			continue;
		error = upload_store_open(&u->store, u->config->upload, &u->config->upload_limits, why);
		if (error < 0) {
			uploads_close(uploads);
			return error;
		}
		u->store.is_shared = worker_count(w) > 1;
	}
	return 0;
}

void uploads_close(struct uploads *uploads)
{
	for (unsigned i = 0; i < uploads->n; i++)
		if (*uploads->items[i].config->upload != '\0')
			upload_store_close(&uploads->items[i].store);
	free(uploads->items);
	*uploads = (struct uploads){ 0 };
}

bool uploads_are_over(const struct uploads *uploads)
{
	for (unsigned i = 0; i < uploads->n; i++)
		if (uploads->items[i].under_way > 0)
			return false;
	return true;
}

struct upload *uploads_find(const struct uploads *uploads, const struct config_location *l)
{
	for (unsigned i = 0; i < uploads->n; i++)
		if (uploads->items[i].config == l)
			return &uploads->items[i];
	return NULL;
}
