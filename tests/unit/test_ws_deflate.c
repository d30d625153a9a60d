/*
 * Compression both ways: what is compressed here is expanded here, for every window and with what came
 * before; zlib itself, with a window of the size that was agreed on, expands it too; and what a hostile peer
 * may send ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "websocket/ws_deflate.h"
#include "websocket/ws_extension.h"

static struct ws_codecs *codecs;
static struct ws_budget budget = { .limit = 64 << 20 };

static int set_up(void **state)
{
	(void)state;
	codecs = ws_codecs_new();
	return codecs == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	ws_codecs_free(codecs);
	return budget.in_use != 0;
}

/* Words of a small language, which compress, and repeat over any distance. */
static void make_text(uint8_t *text, size_t len, uint64_t seed)
{
	struct random random;

	random_init(&random, seed);
	for (size_t i = 0; i < len; i++)
		text[i] = (uint8_t)("eatins rdl"[random_below(&random, 10)]);
}

/* Expanded in pieces; the result's code in *result. NULL unless it is WS_INFLATED. */
static struct ws_buffer *expand(struct bytes data, const struct ws_window *w, size_t piece, size_t most,
				enum ws_inflated *result)
{
	struct ws_inflater *i = ws_inflater_take(codecs, w);
	struct ws_buffer *b = ws_buffer_new(&budget, 0);
	struct bytes part;

	*result = WS_INFLATED;
	while (data.len > 0 && *result == WS_INFLATED) {
		bytes_take(&data, data.len < piece ? data.len : piece, &part);
		*result = ws_inflate(i, part, &b, most);
	}
	if (*result == WS_INFLATED)
		*result = ws_inflate_finish(i, &b, most);
	ws_inflater_give(codecs, i);
	if (*result == WS_INFLATED)
		return b;
	ws_buffer_give(b);
	return NULL;
}

static void assert_expands(const void *data, size_t len, const char *text)
{
	for (size_t piece = 1; piece <= len; piece++) {
		const struct ws_window none = { .bits = 0 };
		enum ws_inflated result;
		struct ws_buffer *b = expand(bytes_of(data, len), &none, piece, 1000, &result);

		assert_non_null(b);
		assert_int_equal(b->len, strlen(text));
		assert_memory_equal(b->data, text, b->len);
		ws_buffer_give(b);
	}
}

/* RFC 7692 section 7.2.3. */
static void the_examples_of_the_rfc(void **state)
{
	(void)state;
	assert_expands("\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "Hello");
	assert_expands("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11, "Hello"); /* not compressed */
	assert_expands("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8, "Hello"); /* a final block */
	assert_expands("\xf3\x48\xcd\xc9\xc9\x07\x00", 7, "Hello"); /* the same, and nothing behind it */
	assert_expands("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13, "Hello"); /* two blocks */
	assert_expands("\x00", 1, "");
}

/* zlib with a window of these bits and what it has expanded so far. */
static void assert_zlib_expands(z_stream *z, const struct ws_buffer *b, struct bytes text)
{
	static uint8_t out[1 << 16];
	uint8_t *in = malloc(b->len + 4);

	memcpy(in, b->data, b->len);
	memcpy(in + b->len, "\x00\x00\xff\xff", 4);
	z->next_in = in;
	z->avail_in = (uInt)b->len + 4;
	z->next_out = out;
	z->avail_out = sizeof out;
	assert_int_equal(inflate(z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(z->avail_in, 0);
	assert_int_equal(sizeof out - z->avail_out, text.len);
	assert_memory_equal(out, text.data, text.len);
	free(in);
}

static void messages_go_both_ways(unsigned bits, bool takeover)
{
	static uint8_t text[30000];
	struct ws_window ours = { .bits = takeover ? (uint8_t)bits : 0 }, theirs = ours;
	z_stream z = { 0 };

	assert_int_equal(inflateInit2(&z, bits < 9 ? -9 : -(int)bits), Z_OK);
	for (uint64_t seed = 1; seed < 30; seed++) {
		size_t len = (size_t)(seed * 1021 % sizeof text) + 64;
		struct bytes plain = bytes_of(text, len);
		struct ws_buffer *b, *expanded;
		enum ws_inflated result;

		make_text(text, len, seed / 3);
		b = ws_deflate(codecs, bits, &ours, plain, &budget);
		assert_non_null(b);
		assert_true(b->len < len);
		expanded = expand(bytes_of(b->data, b->len), &theirs, 700, sizeof text, &result);
		assert_non_null(expanded);
		assert_int_equal(expanded->len, len);
		assert_memory_equal(expanded->data, text, len);
		if (!takeover)
			inflateReset(&z);
		assert_zlib_expands(&z, b, plain);
		assert_true(ws_window_add(&ours, plain));
		assert_true(ws_window_add(&theirs, plain));
		ws_buffer_give(b);
		ws_buffer_give(expanded);
	}
	inflateEnd(&z);
	ws_window_fini(&ours);
	ws_window_fini(&theirs);
}

static void every_window_and_takeover(void **state)
{
	(void)state;
	for (unsigned bits = WS_WINDOW_BITS_MIN; bits <= WS_WINDOW_BITS_MAX; bits++) {
		messages_go_both_ways(bits, false);
		messages_go_both_ways(bits, true);
	}
}

static void what_came_before_makes_a_message_smaller(void **state)
{
	static uint8_t text[2000];
	struct ws_window w = { .bits = 12 };
	struct ws_buffer *first, *second;

	(void)state;
	make_text(text, sizeof text, 7);
	first = ws_deflate(codecs, 12, &w, bytes_of(text, sizeof text), &budget);
	ws_window_add(&w, bytes_of(text, sizeof text));
	second = ws_deflate(codecs, 12, &w, bytes_of(text, sizeof text), &budget);
	assert_true(second->len * 10 < first->len);
	ws_buffer_give(first);
	ws_buffer_give(second);
	ws_window_fini(&w);
}

static void what_does_not_shrink_is_not_compressed(void **state)
{
	const struct ws_window none = { .bits = 0 };
	uint8_t noise[500];
	struct random random;

	(void)state;
	random_init(&random, 1);
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)random_u32(&random);
	assert_null(ws_deflate(codecs, 12, &none, bytes_of(noise, sizeof noise), &budget));
	assert_null(ws_deflate(codecs, 12, &none, bytes_of("", 0), &budget));
	assert_null(ws_deflate(codecs, 12, &none, bytes_of("a", 1), &budget));
}

static void a_limit_holds_after_inflation(void **state)
{
	const struct ws_window none = { .bits = 0 };
	uint8_t *zeros = calloc(1, 1 << 20);
	struct ws_buffer *b = ws_deflate(codecs, 15, &none, bytes_of(zeros, 1 << 20), &budget), *expanded;
	enum ws_inflated result;

	(void)state;
	assert_true(b->len < 10000);
	assert_null(expand(bytes_of(b->data, b->len), &none, 4096, (1 << 20) - 1, &result));
	assert_int_equal(result, WS_INFLATED_BIG);
	expanded = expand(bytes_of(b->data, b->len), &none, 4096, 1 << 20, &result);
	assert_non_null(expanded);
	ws_buffer_give(expanded);
	ws_buffer_give(b);
	free(zeros);
}

/* Neither may keep the worker busy for long, or grow. */
static void what_expands_to_nothing_ends(void **state)
{
	static uint8_t blocks[600000];
	const struct ws_window none = { .bits = 0 };
	enum ws_inflated result;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof blocks; i += 2)
		memcpy(blocks + i, "\x03\x00", 2); /* a final block with nothing in it */
	assert_null(expand(bytes_of(blocks, sizeof blocks), &none, 4096, 1 << 20, &result));
	assert_int_equal(result, WS_INFLATED_BAD);
	for (size_t i = 0; i + 4 < sizeof blocks; i += 5)
		memcpy(blocks + i, "\x00\x00\x00\xff\xff", 5);
	assert_null(expand(bytes_of(blocks, sizeof blocks), &none, 4096, 1000, &result));
	assert_int_equal(result, WS_INFLATED_BIG);
}

static void what_is_not_compressed_text_is_refused(void **state)
{
	const struct ws_window none = { .bits = 0 };
	enum ws_inflated result;

	(void)state;
	assert_null(expand(bytes_of("\xff\xff\xff\xff", 4), &none, 4, 1000, &result));
	assert_int_equal(result, WS_INFLATED_BAD);
	assert_null(expand(bytes_of("\xf2\x48\xcd\xc9", 4), &none, 4, 1000, &result)); /* cut short */
	/* Refers to text before the message, of which there is none. */
	assert_null(expand(bytes_of("\xf2\x00\x11\x00\x00", 5), &none, 4, 1000, &result));
	assert_int_equal(result, WS_INFLATED_BAD);
}

static void no_memory_is_told(void **state)
{
	struct ws_budget small = { .limit = 600 };
	const struct ws_window none = { .bits = 0 };
	struct ws_inflater *i = ws_inflater_take(codecs, &none);
	struct ws_buffer *b = ws_buffer_new(&small, 0), *zeros = ws_buffer_new(&budget, 10000), *packed;

	(void)state;
	memset(zeros->data, 0, zeros->room);
	packed = ws_deflate(codecs, 15, &none, bytes_of(zeros->data, zeros->room), &budget);
	assert_int_equal(ws_inflate(i, bytes_of(packed->data, packed->len), &b, 10000), WS_INFLATED_FULL);
	assert_null(ws_deflate(codecs, 15, &none, bytes_of(zeros->data, zeros->room), &small));
	ws_buffer_give(b);
	ws_buffer_give(zeros);
	ws_buffer_give(packed);
	ws_inflater_give(codecs, i);
	assert_int_equal(small.in_use, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_rfc),
		cmocka_unit_test(every_window_and_takeover),
		cmocka_unit_test(what_came_before_makes_a_message_smaller),
		cmocka_unit_test(what_does_not_shrink_is_not_compressed),
		cmocka_unit_test(a_limit_holds_after_inflation),
		cmocka_unit_test(what_expands_to_nothing_ends),
		cmocka_unit_test(what_is_not_compressed_text_is_refused),
		cmocka_unit_test(no_memory_is_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
