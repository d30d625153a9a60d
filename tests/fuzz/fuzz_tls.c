/*
 * libFuzzer target: TLS from a broken peer. OpenSSL's client talks to our side over a stream in memory, and
 * the input says what becomes of its bytes on the way. Any input is a good one:
 *
 * setting (1 byte): version, resumption, how many bytes are offered at once, how much our application takes
 * then pairs of an operation and an argument: the next bytes pass, are cut off, changed, doubled, held back
 * and let through behind later ones, or made up; the client writes, asks for new keys, or closes; time
 * passes; acknowledgements come; the end comes, in order or not.
 *
 * Whatever happens, what our application is given is what the client wrote, from its beginning on, and
 * nothing is left behind.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "../common/fake_stream.h"
#include "base/world.h"
#include "tls/tls.h"
#include "tls/tls_context.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOWER_ROOM = 40000, TEXT = 4000, SECOND = 1000000 };

enum setting { TLS_1_2 = 1, RESUME = 2, SMALL_PIECES = 4, DAWDLE = 8, ANSWER = 16 };

enum operation { PASS, CUT, CHANGE, DOUBLE, HOLD, RELEASE, INVENT, WRITE, NEW_KEYS, CLOSE, WAIT, ACK, END, LOSE, OPERATIONS };

static struct world world;
static struct tls *tls;
static struct tls_context *context;
static struct tls_self_signed own;
static SSL_CTX *client_ctx;
static SSL_SESSION *session;
static uint8_t setting;

/* One connection. */
static struct fake_stream lower;
static SSL *client;
static size_t to_client;
static struct bytes held;
static struct stream *upper;
static size_t received, written, takes;

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

/* ---- our application ---- */

static void answer(struct stream *s)
{
	static uint8_t text[TEXT];
	struct span span = { .data = text, .len = sizeof text };

	if ((setting & ANSWER) != 0 && stream_room(s) > 0)
		stream_send(s, &span, 1, 0);
}

static size_t on_receive(struct stream *s, struct bytes data)
{
	size_t n = (setting & DAWDLE) != 0 && takes++ % 2 == 0 ? data.len / 2 : data.len;

	for (size_t i = 0; i < n; i++)
		assert(data.data[i] == pattern(received + i));
	received += n;
	assert(received <= written);
	answer(s);
	return n;
}

static void on_writable(struct stream *s)
{
	(void)s;
}

static void on_end(struct stream *s)
{
	upper = NULL;
	stream_close(s);
}

static void on_closed(struct stream *s, enum stream_end why)
{
	(void)s;
	(void)why;
	upper = NULL;
}

static const struct stream_handler handler = {
	.on_receive = on_receive,
	.on_writable = on_writable,
	.on_drained = on_writable,
	.on_end = on_end,
	.on_closed = on_closed,
};

static void on_accepted(void *unused, struct stream *s)
{
	(void)unused;
	upper = s;
	s->handler = &handler;
	stream_resume(s);
}

static const struct tls_acceptor acceptor = { .on_accepted = on_accepted };

/* ---- the client ---- */

static void client_works(void)
{
	char text[TEXT];
	size_t n;

	if (to_client < lower.sent_len)
		BIO_write(SSL_get_rbio(client), lower.sent + to_client, (int)(lower.sent_len - to_client));
	to_client = lower.sent_len;
	if (SSL_do_handshake(client) == 1)
		while (SSL_read_ex(client, text, sizeof text, &n) == 1)
			;
	ERR_clear_error();
}

static void client_writes(size_t len)
{
	uint8_t text[256];
	size_t n;

	for (size_t i = 0; i < len; i++)
		text[i] = pattern(written + i);
	if (SSL_is_init_finished(client) && len > 0 && SSL_write_ex(client, text, len, &n) == 1)
		written += n;
	ERR_clear_error();
}

/* ---- what is between them ---- */

static void turn(uint64_t us)
{
	world_advance(&world, world.now_us + us);
}

static void feed(const uint8_t *data, size_t len)
{
	size_t piece = (setting & SMALL_PIECES) != 0 ? 1 : len;

	for (size_t at = 0; at < len && !lower.ended; at += piece) {
		fake_stream_feed(&lower, data + at, piece);
		turn(100);
	}
}

/* The client's next bytes, to be freed: so many of them, or all. */
static struct bytes take_from_client(size_t most)
{
	BIO *out = SSL_get_wbio(client);
	size_t len = BIO_ctrl_pending(out);
	uint8_t *copy;

	client_works();
	len = BIO_ctrl_pending(out);
	len = most > 0 && most < len ? most : len;
	copy = malloc(len + 1);
	assert(copy != NULL);
	if (len > 0)
		BIO_read(out, copy, (int)len);
	return bytes_of(copy, len);
}

static void pass(struct bytes b, unsigned times)
{
	while (times-- > 0)
		feed(b.data, b.len);
	free((void *)(uintptr_t)b.data);
}

static void change(uint8_t how)
{
	struct bytes b = take_from_client(0);

	if (b.len > 0)
		((uint8_t *)(uintptr_t)b.data)[how % b.len] ^= (uint8_t)(how | 1);
	pass(b, 1);
}

static void hold(uint8_t len)
{
	if (held.data == NULL)
		held = take_from_client(len);
}

static void let_through(void)
{
	pass(held, 1);
	held = (struct bytes){ 0 };
}

static void do_one(enum operation operation, uint8_t argument)
{
	switch (operation) {
	case PASS:
		pass(take_from_client(argument), 1);
		return;
	case CUT:
		pass(take_from_client(argument), 0);
		return;
	case CHANGE:
		change(argument);
		return;
	case DOUBLE:
		pass(take_from_client(argument), 2);
		return;
	case HOLD:
		hold(argument);
		return;
	case RELEASE:
		let_through();
		return;
	case INVENT:
		feed(&argument, 1);
		return;
	case WRITE:
		client_writes(argument);
		return;
	case NEW_KEYS:
		SSL_key_update(client, argument % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
		ERR_clear_error();
		return;
	case CLOSE:
		SSL_shutdown(client);
		ERR_clear_error();
		return;
	case WAIT:
		turn((uint64_t)argument * SECOND / 4);
		return;
	case ACK:
		fake_stream_ack(&lower, (size_t)argument * 100);
		return;
	case END:
		if (!lower.ended)
			fake_stream_end(&lower);
		return;
	case LOSE:
		fake_stream_lose(&lower, STREAM_END_RESET);
		return;
	case OPERATIONS:
		return;
	}
}

/* ---- a connection, from beginning to end ---- */

static void begin(void)
{
	to_client = received = written = takes = 0;
	upper = NULL;
	fake_stream_init(&lower, LOWER_ROOM);
	client = SSL_new(client_ctx);
	assert(client != NULL);
	SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(client);
	if ((setting & TLS_1_2) != 0)
		SSL_set_max_proto_version(client, TLS1_2_VERSION);
	if ((setting & RESUME) != 0)
		SSL_set_session(client, session);
	tls_accept(tls, context, &lower.stream, &acceptor);
}

static void finish(void)
{
	struct tls_usage usage;

	let_through();
	if (upper != NULL)
		stream_abort(upper);
	fake_stream_ack_all(&lower);
	if (!lower.ended && !fake_stream_is_over(&lower))
		fake_stream_end(&lower);
	turn(UINT64_C(100) * SECOND); /* all that waits for anything gives up */
	assert(fake_stream_is_over(&lower));
	fake_stream_fini(&lower);
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN);
	SSL_free(client);
	tls_usage(tls, &usage);
	assert(usage.connections == 0 && usage.handshakes == 0);
	assert(ERR_peek_error() == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const names[] = { "fuzz.example", NULL };
	struct tls_identity_config identity = { .names = names, .n_pairs = 1, .pairs = { { .own = &own } } };
	struct tls_context_config config = { .identities = &identity, .n_identities = 1 };
	struct tls_config limits;
	struct failure why;
	int error;

	(void)argc;
	(void)argv;
	error = world_init(&world, SECOND, 1, NULL);
	tls_config_default(&limits);
	error |= tls_new(&limits, &world, NULL, &tls, &why);
	error |= tls_self_signed_make(&own, names, NULL, 0, 1800000000, &why);
	error |= tls_context_new(tls, &config, &context, &why);
	client_ctx = SSL_CTX_new(TLS_client_method());
	assert(error == 0 && client_ctx != NULL);
	setting = 0;
	begin();
	for (int i = 0; i < 4; i++)
		do_one(PASS, 0);
	fake_stream_ack_all(&lower);
	client_works();
	session = SSL_get1_session(client);
	assert(session != NULL && SSL_SESSION_is_resumable(session) == 1);
	finish();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	setting = data[0];
	begin();
	for (size_t i = 1; i + 1 < size; i += 2)
		do_one((enum operation)(data[i] % OPERATIONS), data[i + 1]);
	finish();
	return 0;
}

#include "../common/fake_stream.c"
