/*
 * libFuzzer target: bytes into the HTTP server, on a stream in memory, over a small site. Any input is a
 * good one:
 *
 * room (1 byte), cuts (1 byte), then what a client sends, with FIN behind it
 *
 * The bytes are given once in one piece with all the room there is, once cut at every byte, and once cut
 * anyhow, with little room and slow acknowledgements. All must be answered alike, and leave nothing behind.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/fake_stream.h"
#include "../common/hand_offload.h"
#include "base/world.h"
#include "http/http_call.h"
#include "http/http_verified.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLENTY = 1 << 30, LARGE = 20000 };
enum { UNCUT, EVERY_BYTE }; /* ways of cutting; the others begin a generator */


static struct world world;
static struct hand_offload helper; /* hashes passwords */
static struct http_server *server;
static char root[] = "/tmp/taphouse-fuzz-XXXXXX";

static uint64_t wall_us(void *context)
{
	(void)context;
	return UINT64_C(784111777) * 1000000;
}

/* What the location answers with; one reference is ours. */
static char document[LARGE];
static struct span_owner document_owner;

static void never(struct span_owner *owner)
{
	(void)owner;
	abort(); /* our own reference was released */
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	if (*call->path != '\0')
		return 404;
	span_owner_ref(&document_owner);
	out->type = "text/plain";
	out->body = (struct span){ (const uint8_t *)document, sizeof document, &document_owner };
	return 200;
}

/* ---- a handler that takes bodies, a little at a time when the bytes come cut ---- */

enum { MOST_TAKEN = 100 }; /* max_body */

struct taken {
	struct span_owner owner;
	size_t len;
	uint8_t body[MOST_TAKEN];
};

static size_t most_room; /* of each call to take(): 0 every other time */
static bool has_room;
static struct http_call *under_way; /* there is one connection, so there is one call at most */

static void free_taken(struct span_owner *owner)
{
	free(owner); /* the first member */
}

static unsigned begin(struct http_call *call)
{
	struct taken *t = calloc(1, sizeof *t);

	assert(t != NULL && call->state == NULL);
	span_owner_init(&t->owner, free_taken);
	call->state = t;
	assert(under_way == NULL);
	under_way = call;
	return 0;
}

static size_t room(const struct http_call *call)
{
	(void)call;
	if (most_room == 0)
		return MOST_TAKEN;
	has_room = !has_room;
	return has_room ? most_room : 0;
}

static unsigned take(struct http_call *call, struct bytes data)
{
	struct taken *t = call->state;

	assert(data.len > 0 && t->len + data.len <= MOST_TAKEN && (most_room == 0 || data.len <= most_room));
	memcpy(t->body + t->len, data.data, data.len);
	t->len += data.len;
	return t->body[0] == '!' ? 415 : 0;
}

static unsigned give_back(struct http_call *call, struct http_document *out)
{
	struct taken *t = call->state;

	span_owner_ref(&t->owner);
	out->type = "text/plain";
	out->body = (struct span){ t->body, t->len, &t->owner };
	return 200;
}

static void end(struct http_call *call)
{
	struct taken *t = call->state;

	assert(under_way == call);
	under_way = NULL;
	span_owner_unref(&t->owner);
}

static void write_file(const char *name, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", root, name);
	f = fopen(path, "w");
	assert(f != NULL);
	for (size_t i = 0; i < len; i++)
		fputc('a' + (int)(i % 26), f);
	fclose(f);
}

/* a:b, and a hash that costs as little as can be. */
static void write_users(char path[static 128])
{
	FILE *f;

	snprintf(path, 128, "%s/.users", root);
	f = fopen(path, "w");
	assert(f != NULL);
	fputs("a:$5$rounds=1000$s$yB8UNockmGIVTihfzF9xINSvZU7a7wV6cPleBUbWyD1\n", f);
	fclose(f);
}

static void remove_root(void)
{
	static const char *const names[] = {
		"index.html", "a", "large", "b.css", "b.css.gz", "b.css.br", ".users", NULL,
	};
	char path[128];

	for (const char *const *name = names; *name != NULL; name++) {
		snprintf(path, sizeof path, "%s/%s", root, *name);
		unlink(path);
	}
	rmdir(root);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct http_hooks hooks = { .wall_us = wall_us, .offload = &helper.offload };
	static const struct http_handler handler = { .methods = HTTP_METHODS_READING, .answer = answer };
	static const struct http_handler taker = {
		.methods = HTTP_METHODS_ALL,
		.begin = begin, .take = take, .room = room, .answer = give_back, .end = end,
	};
	static const char *const error_page[] = { "400 404 406 /index.html", NULL }, *const origins[] = { "http://o", NULL };
	static const char *const redirect[] = { "301 /r* /*", "302 /q/*.x http://$host/*", "410 /g", NULL };
	static const char *const rewrite[] = { "/w* /*", NULL }, *const tries[] = { "$uri", "/a$uri", "/a", NULL };
	static const char *const header[] = { "X: y", "4xx -X", NULL };
	static const struct http_policy tried = { .try_files = tries,
						  .header = header,
						  .precompressed = true };
	char users[128];
	const struct http_policy guarded = { .auth = { .realm = "r", .users = users } };
	const struct http_location locations[] = {
		{ .prefix = "/.l/", .handler = &handler }, { .prefix = "/t", .handler = &taker },
		{ .prefix = "/p", .handler = &taker, .policy = &guarded }, { .prefix = "/s/", .policy = &tried },
	};
	const struct http_site site = {
		.name = "fuzz", .root = root, .rewrite = rewrite,
		.policy = {
			.error_page = error_page, .clean_urls = true, .precompressed = true,
			.redirect = redirect, .cors.origins = origins,
		},
		.locations = locations, .n_locations = ARRAY_LENGTH(locations),
	};
	struct http_config config;
	struct failure why;
	int error;

	(void)argc;
	(void)argv;
	if (mkdtemp(root) == NULL)
		return 1;
	atexit(remove_root);
	write_file("index.html", 10);
	write_file("a", 3);
	write_file("large", LARGE);
	write_file("b.css", 30);
	write_file("b.css.gz", 20);
	write_file("b.css.br", 150);
	write_users(users);
	hand_offload_init(&helper, 1);
	memset(document, 'd', sizeof document);
	span_owner_init(&document_owner, never);
	http_config_default(&config);
	config.max_uri = 200; /* limits within the reach of short inputs */
	config.max_headers = 300;
	config.max_header_count = 8;
	config.max_body = 100;
	config.keepalive_requests = 20;
	config.max_requests = 20; /* and so many small buffers: enough for all answers of a connection */
	config.cache_max_file = 100;
	config.file_buffer_bytes = 4096;
	config.cache_revalidate_us = UINT64_MAX;
	error = world_init(&world, 0, 1, NULL);
	assert(error == 0);
	error = http_server_new(&config, &site, 1, &world, &hooks, &server, &why);
	assert(error == 0);
	return 0;
}

/* A small generator for the cuts: the same input, the same run. */
static size_t next_cut(uint32_t *state)
{
	*state = *state * 1103515245 + 12345;
	return (*state >> 16) % 7 == 0 ? (*state >> 20) % 200 + 1 : (*state >> 20) % 5 + 1;
}

/*
 * Gives whatever a connection may wait for: acknowledgements, a hashed password, room at the handler, and the
 * time at which memory of another connection is tried for again. One may come to wait for each behind another.
 */
static void give_everything(struct fake_stream *f)
{
	do
		fake_stream_ack_all(f);
	while (hand_offload_finish(&helper, true) > 0);
	if (under_way != NULL)
		http_call_resume(under_way);
	world_advance(&world, world.now_us + 1);
	fake_stream_ack_all(f);
}

static void run(struct fake_stream *f, const uint8_t *data, size_t size, size_t room, uint32_t cuts)
{
	bool is_slow = cuts > EVERY_BYTE;

	random_init(&world.random, 1); /* boundaries of parts come from it */
	fake_stream_init(f, room);
	f->piece = is_slow ? cuts % 61 : 0; /* 0: all at once */
	http_serve(server, &f->stream);
	for (size_t at = 0; at < size && !fake_stream_is_over(f);) {
		size_t n = is_slow ? next_cut(&cuts) : cuts == EVERY_BYTE ? 1 : size;

		if (n > size - at)
			n = size - at;
		fake_stream_feed(f, data + at, n);
		at += n;
		if (is_slow)
			fake_stream_ack(f, next_cut(&cuts) * 20);
		if (is_slow && cuts % 4 == 0)
			hand_offload_finish(&helper, true);
	}
	if (!fake_stream_is_over(f))
		fake_stream_end(f);
	give_everything(f); /* also once it is over: what was sent last holds buffers that others need */
	for (size_t i = 0; i < 2 * size + 2 && !fake_stream_is_over(f); i++)
		give_everything(f);
	assert(fake_stream_is_over(f));
	assert(!f->aborted && !f->unread);
	world_advance(&world, world.now_us + HTTP_VERIFIED_US); /* the next one's password is hashed again */
}

/* Whether 100 (Continue) is sent depends on what is here already, and on nothing else: it is left out. */
static void drop_continue(struct fake_stream *f)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const size_t len = sizeof text - 1;
	char *found;

	while ((found = memmem(f->sent, f->sent_len, text, len)) != NULL) {
		size_t behind = f->sent_len - (size_t)(found - f->sent) - len;

		memmove(found, found + len, behind);
		f->sent_len -= len;
		f->acked -= len;
	}
}

static void assert_answered_alike(struct fake_stream *a, struct fake_stream *b)
{
	drop_continue(b);
	assert(a->sent_len == b->sent_len);
	assert(memcmp(a->sent, b->sent, b->sent_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_stream whole, bytes, cut;
	struct http_usage usage;

	if (size < 2)
		return 0;
	most_room = 0;
	run(&whole, data + 2, size - 2, PLENTY, UNCUT);
	run(&bytes, data + 2, size - 2, PLENTY, EVERY_BYTE);
	most_room = 1 + data[1] % 7;
	run(&cut, data + 2, size - 2, 1 + (size_t)data[0] * 16, 2 + data[1]);
	drop_continue(&whole);
	assert_answered_alike(&whole, &bytes);
	assert_answered_alike(&whole, &cut);
	fake_stream_fini(&whole);
	fake_stream_fini(&bytes);
	fake_stream_fini(&cut);
	http_usage(server, &usage);
	assert(usage.idle + usage.busy == 0);
	assert(document_owner.references == 1 && under_way == NULL);
	return 0;
}

/* These of the unit tests; fuzz targets are linked without tests/common. */
#include "../common/fake_stream.c"
#include "../common/hand_offload.c"
