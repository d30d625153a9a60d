/* Applications for the simulator. */
#include "common/sim_app.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/sim.h"

enum { WRITE_MAX = 65536 };

/* A written block: bytes that live until the stack has released them. */
struct block {
	struct span_owner owner;
	uint8_t data[];
};

static void free_block(struct span_owner *o)
{
	free(CONTAINER_OF(o, struct block, owner));
}

static size_t next_write(const struct sim_app *app)
{
	uint64_t left = app->to_send - app->sent;
	size_t room = stream_room(app->stream), n = app->write_size > 0 ? app->write_size : WRITE_MAX;

	if (n > room)
		n = room;
	return n < left ? n : (size_t)left;
}

static void write_block(struct sim_app *app, size_t n)
{
	struct block *b = malloc(sizeof *b + n);
	struct span span;

	assert_non_null(b);
	span_owner_init(&b->owner, free_block);
	sim_pattern(app->seed, app->sent, b->data, n);
	span = (struct span){ b->data, n, &b->owner };
	assert_int_equal(stream_send(app->stream, &span, 1, 0), 0);
	app->sent += n;
}

static void write_once(struct sim_app *app)
{
	size_t n = next_write(app);

	if (n > 0)
		write_block(app, n);
}

static void shut_down_when_done(struct sim_app *app)
{
	if (app->sent == app->to_send && !app->keep_open)
		stream_shutdown(app->stream);
}

void sim_app_pump(struct sim_app *app)
{
	if (app->stream == NULL || !app->open)
		return;
	while (!app->by_turns && next_write(app) > 0)
		write_once(app);
	shut_down_when_done(app);
}

void sim_app_turn(struct sim_app *app)
{
	if (app->stream == NULL || !app->open)
		return;
	write_once(app);
	shut_down_when_done(app);
	app->may_read = app->read_limit > 0 ? app->read_limit : SIZE_MAX;
	stream_resume(app->stream);
	app->may_read = 0;
}

/* Of an offer of n bytes. */
static size_t next_read(struct sim_app *app, size_t n)
{
	if (app->stop_reading)
		return 0;
	if (app->by_turns) {
		n = n < app->may_read ? n : app->may_read;
		app->may_read -= n;
	} else if (app->read_limit > 0 && n > app->read_limit) {
		n = app->read_limit;
	}
	return n;
}

static void on_open(struct stream *s)
{
	struct sim_app *app = s->user;

	app->open = true;
	sim_app_pump(app);
}

static size_t on_receive(struct stream *s, struct bytes data)
{
	struct sim_app *app = s->user;
	size_t n = next_read(app, data.len);

	assert_int_equal(EVP_DigestUpdate(app->digest, data.data, n), 1);
	app->received += n;
	return n;
}

void sim_app_read(struct sim_app *app)
{
	if (app->stream != NULL)
		stream_resume(app->stream);
}

static void on_writable(struct stream *s)
{
	sim_app_pump(s->user);
}

static void on_end(struct stream *s)
{
	struct sim_app *app = s->user;

	assert_false(app->ended);
	app->ended = true;
}

static void on_closed(struct stream *s, enum stream_end why)
{
	struct sim_app *app = s->user;

	assert_false(app->closed);
	app->closed = true;
	app->why = why;
	app->stream = NULL;
}

const struct stream_handler sim_app_handler = {
	.on_open = on_open,
	.on_receive = on_receive,
	.on_writable = on_writable,
	.on_drained = on_writable,
	.on_end = on_end,
	.on_closed = on_closed,
};

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct sim_app *app = context;

	if (app->stream != NULL || app->closed)
		return; /* it takes one; others stay in the accept queue */
	app->stream = tcp_accept(l);
	assert_non_null(app->stream);
	app->stream->handler = &sim_app_handler;
	app->stream->user = app;
	on_open(app->stream);
}

struct tcp_listener_handler sim_app_listener(struct sim_app *app)
{
	return (struct tcp_listener_handler){ on_acceptable, app };
}

void sim_app_init(struct sim_app *app, uint64_t seed, uint64_t to_send)
{
	*app = (struct sim_app){ .seed = seed, .to_send = to_send, .digest = EVP_MD_CTX_new() };
	assert_non_null(app->digest);
	assert_int_equal(EVP_DigestInit_ex(app->digest, EVP_sha256(), NULL), 1);
}

void sim_app_fini(struct sim_app *app)
{
	EVP_MD_CTX_free(app->digest);
}

static void expected_digest(const struct sim_app *peer, uint8_t out[static 32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t block[4096];

	assert_non_null(md);
	assert_int_equal(EVP_DigestInit_ex(md, EVP_sha256(), NULL), 1);
	for (uint64_t at = 0; at < peer->to_send; at += sizeof block) {
		size_t n = peer->to_send - at < sizeof block ? (size_t)(peer->to_send - at) : sizeof block;
		sim_pattern(peer->seed, at, block, n);
		EVP_DigestUpdate(md, block, n);
	}
	assert_int_equal(EVP_DigestFinal_ex(md, out, NULL), 1);
	EVP_MD_CTX_free(md);
}

void sim_app_assert_received(struct sim_app *app, const struct sim_app *peer)
{
	uint8_t expected[32], got[32];

	assert_int_equal(app->received, peer->to_send);
	expected_digest(peer, expected);
	assert_int_equal(EVP_DigestFinal_ex(app->digest, got, NULL), 1);
	assert_memory_equal(got, expected, sizeof got);
}
