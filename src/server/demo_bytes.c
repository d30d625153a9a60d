/* Bytes on demand: what was asked for, the hash if it is wanted, and a piece at a time. */
#include "server/demo.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/minmax.h"
#include "http/http_form.h"
#include "http/http_text.h"
#include "server/demo_pattern.h"
#include "server/worker.h"
#include "tcp/tcp_cc.h"

enum {
	DEFAULT_LENGTH = 1 << 20,
	CONGESTION = 16,        /* room for a name and its NUL */
	PACE_MOST = 1000000000, /* bytes a second */
	PACE_US = 20000,        /* from one look at the clock to the next */
	FIELDS = 128,           /* room for their lines and a NUL */
	DIGESTS = 8,            /* at once, of a worker, and ... */
	DIGEST_MOST = 16 << 20, /* ... of so many bytes: others wait for the helper behind them */
};

struct demo_bytes {
	struct worker *worker;
	struct demo_pattern *pattern;
	struct http_call *call; /* NULL: the client has left */
	uint64_t n, seed, pace; /* bytes; bytes a second, 0: as fast as it goes */
	uint64_t given, started_us;
	bool wants_digest, is_out; /* is_out: the helper has the job, and what follows */
	enum http_ending ending;
	const char *congestion;      /* NULL: the connection's own */
	struct timer timer;          /* waits for the pace */
	struct offload_job job;
	bool has_digest;
	uint8_t digest[DEMO_SHA256];
	char fields[FIELDS];
};

/* ---- what is asked for ---- */

/* What the query says of it, if anything. False: that does not do. */
static bool read_number(struct bytes query, const char *name, uint64_t most, uint64_t *out)
{
	struct bytes value;

	return !http_form_find(query, name, &value) || (http_text_number(value, out) && *out <= most);
}

static bool read_congestion(struct demo_bytes *b, struct bytes query)
{
	char name[CONGESTION] = "";
	const struct tcp_cc_ops *ops;
	struct bytes value;

	if (!http_form_find(query, "cc", &value))
		return true;
	if (value.len >= CONGESTION)
		return false;
	if (value.len > 0)
		memcpy(name, value.data, value.len);
	ops = tcp_cc_find(name);
	b->congestion = ops != NULL ? ops->name : NULL;
	return ops != NULL;
}

static enum http_ending read_ending(struct bytes query)
{
	struct bytes value;

	return http_form_find(query, "close", &value) ? HTTP_ENDING_OURS : HTTP_ENDING_NONE;
}

static bool read_query(struct demo_bytes *b, struct bytes query)
{
	struct bytes value;

	b->n = DEFAULT_LENGTH;
	b->wants_digest = http_form_find(query, "digest", &value);
	b->ending = read_ending(query);
	return read_number(query, "n", b->wants_digest ? DIGEST_MOST : DEMO_BYTES_MOST, &b->n) &&
	       read_number(query, "seed", UINT64_MAX, &b->seed) &&
	       read_number(query, "pace", PACE_MOST, &b->pace) && read_congestion(b, query);
}

static void free_bytes(struct demo_bytes *b)
{
	timer_cancel(&b->worker->host.stack->world.timers, &b->timer);
	span_owner_unref(&b->pattern->owner);
	free(b);
}

static void on_timer(struct timer *t, uint64_t now_us)
{
	struct demo_bytes *b = CONTAINER_OF(t, struct demo_bytes, timer);

	(void)now_us;
	http_call_resume(b->call);
}

/* With a reference for the caller. NULL: no memory. */
static struct demo_pattern *take_pattern(struct worker *w)
{
	if (w->pattern == NULL)
		w->pattern = demo_pattern_new();
	if (w->pattern != NULL)
		span_owner_ref(&w->pattern->owner);
	return w->pattern;
}

static unsigned begin(struct http_call *call)
{
	struct demo_bytes *b = calloc(1, sizeof *b);

	if (b == NULL)
		return 503;
	b->worker = call->context;
	b->call = call;
	timer_init(&b->timer, on_timer);
	if (!read_query(b, call->target->query)) {
		free(b);
		return 400;
	}
	b->pattern = take_pattern(b->worker);
	if (b->pattern == NULL) {
		free(b);
		return 503;
	}
	call->state = b;
	return 0;
}

/* ---- the head ---- */

static struct bytes fields_of(struct demo_bytes *b)
{
	char text[4 * ((DEMO_SHA256 + 2) / 3) + 1];
	int len = snprintf(b->fields, FIELDS, "Content-Type: application/octet-stream\r\n");

	if (b->has_digest) {
		EVP_EncodeBlock((unsigned char *)text, b->digest, sizeof b->digest);
		len += snprintf(b->fields + len, FIELDS - (size_t)len, "Repr-Digest: sha-256=:%s:\r\n", text);
	}
	return bytes_of(b->fields, (size_t)len);
}

static unsigned describe(struct demo_bytes *b, struct http_document *out)
{
	b->started_us = b->worker->host.stack->world.now_us;
	*out = (struct http_document){
		.is_given = true,
		.length = b->n,
		.fields = fields_of(b),
		.ending = b->ending,
		.congestion = b->congestion,
	};
	return 200;
}

static void run(struct offload_job *job)
{
	struct demo_bytes *b = CONTAINER_OF(job, struct demo_bytes, job);

	b->has_digest = demo_pattern_sha256(b->pattern, b->seed, b->n, b->digest);
}

static void done(struct offload_job *job)
{
	struct demo_bytes *b = CONTAINER_OF(job, struct demo_bytes, job);
	struct http_document document = { 0 };

	b->is_out = false;
	b->worker->digests--;
	if (b->call == NULL)
		free_bytes(b);
	else if (job->ran && b->has_digest)
		http_call_complete(b->call, describe(b, &document), &document);
	else
		http_call_complete(b->call, 503, NULL);
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	struct demo_bytes *b = call->state;

	if (!b->wants_digest)
		return describe(b, out);
	if (b->worker->digests == DIGESTS)
		return 503;
	b->job = (struct offload_job){ .run = run, .done = done };
	b->is_out = offload_submit(&b->worker->helper.offload, &b->job);
	if (!b->is_out)
		return 503;
	b->worker->digests++;
	return HTTP_LATER;
}

/* ---- the body ---- */

/* What the pace lets go now. */
static uint64_t allowed(const struct demo_bytes *b)
{
	uint64_t us = b->worker->host.stack->world.now_us - b->started_us + PACE_US;

	return b->pace == 0 ? UINT64_MAX : us * b->pace / 1000000 - b->given;
}

static enum http_give later(struct demo_bytes *b)
{
	struct world *w = &b->worker->host.stack->world;

	timer_set(&w->timers, &b->timer, w->now_us + PACE_US);
	return HTTP_GIVE_LATER;
}

static enum http_give give(struct http_call *call, size_t most, struct span *out)
{
	struct demo_bytes *b = call->state;
	size_t len = (size_t)min_u64(most, min_u64(b->n - b->given, allowed(b)));
	struct bytes piece;

	if (b->given == b->n)
		return HTTP_GIVE_END;
	if (len == 0)
		return later(b);
	piece = demo_pattern_at(b->pattern, b->seed, b->given, len);
	span_owner_ref(&b->pattern->owner);
	*out = (struct span){ .data = piece.data, .len = piece.len, .owner = &b->pattern->owner };
	b->given += piece.len;
	return HTTP_GIVE_PIECE;
}

static void end(struct http_call *call)
{
	struct demo_bytes *b = call->state;

	b->call = NULL;
	if (!b->is_out)
		free_bytes(b);
}

const struct http_handler demo_bytes_handler = {
	.methods = HTTP_METHODS_READING, .begin = begin, .answer = answer, .give = give, .end = end,
};
