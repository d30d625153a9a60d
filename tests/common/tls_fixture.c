/* TLS in memory: the real server's side, OpenSSL's client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "base/minmax.h"
#include "tls_fixture.h"

enum { LOWER_BUFFER = 1 << 20 };

static const int64_t wall_s = 1800000000;

static size_t on_receive(struct stream *s, struct bytes data)
{
	struct tls_fixture *f = s->user;
	size_t n = data.len < f->take ? data.len : f->take;

	if (!f->taking)
		return 0;
	assert_true(f->received_len + n <= TLS_FIXTURE_TEXT);
	memcpy(f->received + f->received_len, data.data, n);
	f->received_len += n;
	return n;
}

static void on_writable(struct stream *s)
{
	((struct tls_fixture *)s->user)->writable++;
}

static void on_drained(struct stream *s)
{
	((struct tls_fixture *)s->user)->drained++;
}

static void on_end(struct stream *s)
{
	((struct tls_fixture *)s->user)->ended++;
}

static void on_closed(struct stream *s, enum stream_end why)
{
	struct tls_fixture *f = s->user;

	f->closed++;
	f->why = why;
	f->upper = NULL;
}

static const struct stream_handler handler = {
	.on_receive = on_receive,
	.on_writable = on_writable,
	.on_drained = on_drained,
	.on_end = on_end,
	.on_closed = on_closed,
};

static void on_accepted(void *context, struct stream *s)
{
	struct tls_fixture *f = context;

	f->accepted++;
	f->upper = s;
	s->handler = &handler;
	s->user = f;
	stream_resume(s);
}

static void make_context(struct tls_fixture *f, void (*tune)(struct tls_context_config *))
{
	static const char *const names[] = { "site.example", "other.example", NULL };
	struct tls_identity_config identity = { .names = names, .n_pairs = 1, .pairs = { { .own = &f->own } } };
	struct tls_context_config config = { .identities = &identity, .n_identities = 1 };
	struct failure why;

	assert_int_equal(tls_self_signed_make(&f->own, names, NULL, 0, wall_s, &why), 0);
	if (tune != NULL)
		tune(&config);
	if (tls_context_new(f->tls, &config, &f->context, &why) != 0)
		fail_msg("%s", why.text);
}

void tls_fixture_init(struct tls_fixture *f, const struct tls_config *config,
		      void (*tune)(struct tls_context_config *))
{
	struct tls_config defaults;
	struct failure why;

	memset(f, 0, sizeof *f);
	f->received = malloc(TLS_FIXTURE_TEXT);
	assert_non_null(f->received);
	assert_int_equal(world_init(&f->world, 1000000, 1, NULL), 0);
	tls_config_default(&defaults);
	assert_int_equal(tls_new(config != NULL ? config : &defaults, &f->world, NULL, &f->tls, &why), 0);
	make_context(f, tune);
	f->client_ctx = SSL_CTX_new(TLS_client_method());
	assert_non_null(f->client_ctx);
	f->acceptor = (struct tls_acceptor){ .on_accepted = on_accepted, .context = f };
	f->taking = true;
	f->take = SIZE_MAX;
	tls_fixture_open(f, NULL);
}

void tls_fixture_open(struct tls_fixture *f, SSL_SESSION *session)
{
	fake_stream_init(&f->lower, LOWER_BUFFER);
	f->to_client = 0;
	f->received_len = 0;
	f->accepted = f->ended = f->closed = f->writable = f->drained = 0;
	f->client = SSL_new(f->client_ctx);
	assert_non_null(f->client);
	SSL_set_bio(f->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(f->client);
	if (session != NULL)
		assert_int_equal(SSL_set_session(f->client, session), 1);
	tls_accept(f->tls, f->context, &f->lower.stream, &f->acceptor);
}

void tls_fixture_close(struct tls_fixture *f)
{
	if (f->upper != NULL)
		stream_abort(f->upper);
	f->upper = NULL;
	fake_stream_fini(&f->lower);
	SSL_set_shutdown(f->client, SSL_SENT_SHUTDOWN); /* or its session would be thought spoilt */
	SSL_free(f->client);
	f->client = NULL;
	ERR_clear_error();
}

void tls_fixture_fini(struct tls_fixture *f)
{
	struct tls_usage usage;

	if (f->client != NULL)
		tls_fixture_close(f);
	tls_usage(f->tls, &usage);
	assert_int_equal(usage.connections, 0);
	assert_int_equal(usage.handshakes, 0);
	SSL_CTX_free(f->client_ctx);
	tls_context_free(f->context);
	tls_self_signed_free(&f->own);
	tls_free(f->tls);
	free(f->received);
}

void tls_fixture_to_client(struct tls_fixture *f)
{
	size_t len = f->lower.sent_len - f->to_client;

	if (len > 0)
		assert_int_equal(BIO_write(SSL_get_rbio(f->client), f->lower.sent + f->to_client, (int)len),
				 len);
	f->to_client += len;
}

void tls_fixture_to_server(struct tls_fixture *f)
{
	char *data;
	long len = BIO_get_mem_data(SSL_get_wbio(f->client), &data);
	size_t piece, most = f->piece > 0 ? f->piece : (size_t)len;

	for (size_t at = 0; at < (size_t)len; at += piece) {
		piece = at == 0 && f->cut > 0 ? f->cut : most;
		fake_stream_feed(&f->lower, data + at, min_u64(piece, (size_t)len - at));
		world_advance(&f->world, f->world.now_us + 100); /* the next turn of the loop */
	}
	(void)BIO_reset(SSL_get_wbio(f->client));
}

static bool is_moving(struct tls_fixture *f)
{
	return f->to_client < f->lower.sent_len || BIO_pending(SSL_get_wbio(f->client)) > 0;
}

/* The client works on what it has been given: the handshake, or tickets and the like. */
static void client_works(struct tls_fixture *f)
{
	if (SSL_do_handshake(f->client) == 1)
		SSL_peek(f->client, (char[1]){ 0 }, 1);
	ERR_clear_error();
}

void tls_fixture_shuttle(struct tls_fixture *f)
{
	do {
		client_works(f);
		tls_fixture_to_server(f);
		fake_stream_ack_all(&f->lower);
		tls_fixture_to_client(f);
		client_works(f);
	} while (is_moving(f));
}

void tls_fixture_handshake(struct tls_fixture *f)
{
	tls_fixture_shuttle(f);
	assert_true(SSL_is_init_finished(f->client));
	assert_non_null(f->upper);
}

size_t tls_fixture_client_read(struct tls_fixture *f, void *out, size_t size)
{
	size_t total = 0, n;

	while (total < size && SSL_read_ex(f->client, (char *)out + total, size - total, &n) == 1)
		total += n;
	return total;
}
