/* The instance: made, given streams, asked, freed. */
#include "tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "tls/tls_internal.h"

enum { SECOND = 1000000 };

void tls_config_default(struct tls_config *c)
{
	*c = (struct tls_config){
		.handshake_timeout_us = 10ull * SECOND,
		.linger_timeout_us = 5ull * SECOND,
		.ticket_rotation_us = 12ull * 3600 * SECOND,
		.ticket_lifetime_us = 3600ull * SECOND,
		.max_connections = 65536,
		.max_handshakes = 1024,
		.handshakes_per_turn = 8,
		.buffers = 8192,
	};
}

/* The last buffer has come back. */
static void free_memory(struct span_owner *keeper)
{
	struct tls *tls = CONTAINER_OF(keeper, struct tls, keeper);

	tls_buffers_fini(&tls->buffers);
	tls_buffers_fini(&tls->inputs);
	free(tls);
}

_Static_assert((int)TLS_SHARED_SECRET == (int)TLS_TICKET_SECRET, "the ratchet begins with what is shared");

bool tls_share_tickets(struct tls *tls, const uint8_t secret[static TLS_SHARED_SECRET], uint64_t since_us)
{
	return tls_tickets_init(&tls->tickets, secret, tls->config.ticket_rotation_us, since_us);
}

static bool init_tickets(struct tls *tls)
{
	uint8_t secret[TLS_TICKET_SECRET];
	bool ok = RAND_bytes(secret, sizeof secret) == 1 &&
		  tls_share_tickets(tls, secret, tls->world->now_us);

	OPENSSL_cleanse(secret, sizeof secret);
	return ok;
}

int tls_new(const struct tls_config *config, struct world *world, const struct tls_hooks *hooks,
	    struct tls **out, struct failure *why)
{
	struct tls *tls = calloc(1, sizeof *tls);

	if (tls == NULL)
		return failure_set(why, -ENOMEM, "no memory for TLS");
	span_owner_init(&tls->keeper, free_memory);
	tls->config = *config;
	if (hooks != NULL)
		tls->hooks = *hooks;
	tls->world = world;
	list_init(&tls->all);
	list_init(&tls->under_way);
	turns_init(&tls->turns, world, config->handshakes_per_turn, tls_handshake_on_turn);
	tls_buffers_init(&tls->buffers, "tls_small_buffer", "tls_large_buffer", config->buffers,
			 &tls->keeper);
	tls_buffers_init(&tls->inputs, "tls_small_input", "tls_large_input", config->max_connections,
			 &tls->keeper);
	pool_init(&tls->streams, "tls_connection", sizeof(struct tls_stream), config->max_connections);
	tls->bio = tls_bio_method();
	if (tls->bio == NULL || !tls_algorithms_init(&tls->algorithms) || !init_tickets(tls)) {
		ERR_clear_error();
		tls_free(tls);
		return failure_set(why, -ENOMEM,
				   "OpenSSL has no memory, no random numbers, or not all ciphers");
	}
	*out = tls;
	return 0;
}

void tls_free(struct tls *tls)
{
	struct list *n;

	if (tls == NULL)
		return;
	while ((n = list_first(&tls->all)) != NULL) {
		struct tls_stream *s = LIST_ENTRY(n, struct tls_stream, node);

		tls_stream_enter(s);
		tls_stream_abort(s);
		tls_stream_leave(s);
	}
	turns_fini(&tls->turns);
	tls_tickets_fini(&tls->tickets);
	tls_tickets_fini(&tls->own);
	tls_algorithms_fini(&tls->algorithms);
	BIO_meth_free(tls->bio);
	pool_fini(&tls->streams);
	span_owner_unref(&tls->keeper);
}

static bool are_own(const struct tls_tickets *t)
{
	return t->period_us > 0;
}

static int use_file(struct tls *tls, const char *file, struct failure *why)
{
	struct tls_tickets loaded;
	int r = tls_tickets_load(&loaded, file, why);

	if (r < 0)
		return r;
	if (are_own(&tls->tickets))
		tls->own = tls->tickets;
	tls->tickets = loaded;
	tls_tickets_fini(&loaded);
	return 0;
}

/* The ratchet goes on where it was. The turns that are due by now come before another period begins, so that
 * all instances that share a secret have made the same ones. */
static void use_own(struct tls *tls)
{
	if (!are_own(&tls->tickets)) {
		tls->tickets = tls->own;
		tls_tickets_fini(&tls->own);
	}
	tls_tickets_turn(&tls->tickets, tls->world->now_us);
	tls->tickets.period_us = tls->config.ticket_rotation_us;
}

static int set_tickets(struct tls *tls, const char *file, struct failure *why)
{
	if (*file != '\0')
		return use_file(tls, file, why);
	use_own(tls);
	return 0;
}

int tls_set(struct tls *tls, const struct tls_config *config, const char *ticket_keys, struct failure *why)
{
	struct tls_config before = tls->config;
	int r;

	tls->config = *config;
	r = set_tickets(tls, ticket_keys, why);
	if (r < 0) {
		tls->config = before;
		return r;
	}
	tls->turns.most = config->handshakes_per_turn;
	tls->streams.limit = config->max_connections;
	tls->inputs.small.limit = tls->inputs.large.limit = config->max_connections;
	tls->buffers.small.limit = tls->buffers.large.limit = config->buffers;
	return 0;
}

void tls_accept(struct tls *tls, struct tls_context *context, struct stream *lower,
		const struct tls_acceptor *acceptor)
{
	struct tls_stream *s = tls_stream_new(tls, context, lower);

	if (s == NULL) {
		tls->usage.failed[TLS_FAILED_TOO_MANY]++;
		stream_abort(lower);
		return;
	}
	tls_stream_enter(s);
	s->acceptor = acceptor;
	SSL_set_accept_state(s->ssl);
	tls_handshake_begin(s);
	if (!tls_stream_is_dead(s))
		stream_resume(lower);
	tls_stream_leave(s);
}

/* The certificate must have the name, or the address if it is one. */
static bool set_name(SSL *ssl, const char *name)
{
	char copy[TLSEXT_MAXLEN_host_name + 1];
	struct ip_addr address;

	if (snprintf(copy, sizeof copy, "%s", name) >= (int)sizeof copy)
		return false;
	if (ip_addr_parse(name, &address))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	return SSL_set_tlsext_host_name(ssl, copy) == 1 && SSL_set1_host(ssl, name) == 1;
}

int tls_connect(struct tls *tls, struct tls_context *context, struct stream *lower, const char *name,
		const struct stream_handler *handler, void *user, struct stream **out)
{
	const struct stream_handler *before = lower->handler;
	void *user_before = lower->user;
	struct tls_stream *s = tls_stream_new(tls, context, lower);

	if (s == NULL)
		return -ENOMEM;
	tls_stream_enter(s);
	s->flags |= TLS_CLIENT;
	s->stream.handler = handler;
	s->stream.user = user;
	SSL_set_connect_state(s->ssl);
	tls_handshake_begin(s);
	if (!set_name(s->ssl, name)) {
		lower->handler = before;
		lower->user = user_before;
		tls_stream_forget(s);
		tls_stream_leave(s);
		return -ENOMEM;
	}
	tls_stream_leave(s);
	*out = &s->stream;
	return 0;
}

void tls_usage(const struct tls *tls, struct tls_usage *out)
{
	*out = tls->usage;
	out->connections = tls->streams.in_use;
}

void tls_each_pool(const struct tls *tls, pool_visit_fn *visit, void *context)
{
	visit(context, &tls->streams);
	visit(context, &tls->buffers.small);
	visit(context, &tls->buffers.large);
	visit(context, &tls->inputs.small);
	visit(context, &tls->inputs.large);
}
