/*
 * Chapters 12 and 13 of the conformance suite that ws_cases.h follows: compressed messages of 18 sizes, some
 * in fragments, of five kinds of data (12.1 to 12.5), and with seven sets of offers (13.1 to 13.7). The
 * client is zlib itself, with windows of exactly the size that was agreed on. The suite sends 1,000 messages
 * a case; ours are as many as make 128 KiB, but 3 at least and 1,000 at most. Its files are not ours to
 * have: ours are made, of the same kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "common/ws_cases.h"
#include "common/ws_fixture.h"

enum { DATA = 300000, BUFFER = 1 << 20, CASE_BYTES = 128 << 10 };

static const struct size {
	size_t len, fragment;
} sizes[] = {
	{ 16, 0 },        { 64, 0 },        { 256, 0 },        { 1024, 0 },    { 4096, 0 },
	{ 8192, 0 },      { 16384, 0 },     { 32768, 0 },      { 65536, 0 },   { 131072, 0 },
	{ 8192, 256 },    { 16384, 256 },   { 32768, 256 },    { 65536, 256 }, { 131072, 256 },
	{ 131072, 1024 }, { 131072, 4096 }, { 131072, 32768 },
};

/* ---- data ---- */

static void write_words(uint8_t *out, const char *const *words, struct random *random)
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	for (size_t len = 0; len < DATA;) {
		const char *word = words[random_below(random, (uint32_t)n)];

		for (; *word != '\0' && len < DATA; len++)
			out[len] = (uint8_t)*word++;
	}
}

static void write_prose(uint8_t *out, struct random *random)
{
	static const char *const words[] = { "the ",    "old ",        "house ", "by ",  "a ",       "river",
					     ", ",      ". ",          "taps ",  "and ", "barrels ", "stood ",
					     "nobody ", "remembered ", "how ",   NULL };

	write_words(out, words, random);
}

/* A picture: what is beside a point is like it. */
static void write_picture(uint8_t *out, struct random *random)
{
	uint8_t grey = 128;

	for (size_t i = 0; i < DATA; i++)
		out[i] = grey = (uint8_t)(grey + random_below(random, 5) - 2);
}

/* A file that is compressed already. */
static void write_noise(uint8_t *out, struct random *random)
{
	for (size_t i = 0; i < DATA; i++)
		out[i] = (uint8_t)random_u32(random);
}

static void write_json(uint8_t *out, struct random *random)
{
	static const char *const words[] = { "{\"id\":", "\"name\":\"",  "\",",  "},\n",       "17",
					     "4711",     "null",         "true", "\"tags\":[", "],",
					     "\"beer\"", "\"a\\u00e4\"", NULL };

	write_words(out, words, random);
}

static void write_html(uint8_t *out, struct random *random)
{
	static const char *const words[] = {
		"<p class=\"lead\">", "</p>\n", "<a href=\"/index.html\">", "</a>", "<li>", "</li>\n",
		"taphouse ", "serves ", "&amp; ", "<br>", NULL,
	};

	write_words(out, words, random);
}

static const struct kind {
	const char *family;
	uint8_t opcode;
	void (*write)(uint8_t *out, struct random *random);
	bool shrinks;
} kinds[] = {
	{ "12.1", WS_BINARY, write_prose, true },
	{ "12.2", WS_BINARY, write_picture, false },
	{ "12.3", WS_BINARY, write_noise, false },
	{ "12.4", WS_TEXT, write_json, true },
	{ "12.5", WS_TEXT, write_html, true },
};

static uint8_t data[DATA];

static void write_data(const struct kind *kind)
{
	struct random random;

	random_init(&random, 12);
	kind->write(data, &random);
}

/* ---- the client ---- */

static struct ws_fixture fx;
static struct ws_test_client client;
static z_stream packer, unpacker;
static bool packer_forgets, unpacker_forgets;

static void echo(struct ws_conn *c, enum ws_opcode opcode, struct ws_buffer *message)
{
	ws_send_buffer(c, opcode, message);
}

static int bits_of(const char *answer, const char *parameter)
{
	const char *at = strstr(answer, parameter);

	return at != NULL ? atoi(at + strlen(parameter)) : 15;
}

static void connect_client(const char *family, const char *offer, const char *agreed)
{
	char field[512], line[512];

	snprintf(field, sizeof field, "Sec-WebSocket-Extensions: %s\r\n", offer);
	snprintf(line, sizeof line, "\r\nSec-WebSocket-Extensions: %s\r\n", agreed);
	assert_int_equal(ws_test_connect(&fx, &client, "/ws/", field, BUFFER), 101);
	client.s.instant = true;
	if (strstr(client.s.sent, line) == NULL)
		fail_msg("%s: %s instead of %s", family, client.s.sent, agreed);
	packer = unpacker = (z_stream){ 0 };
	assert_int_equal(
		deflateInit2(&packer, 1, Z_DEFLATED, -bits_of(agreed, "client_max_window_bits="), 8, 0),
		Z_OK);
	assert_int_equal(inflateInit2(&unpacker, -bits_of(agreed, "server_max_window_bits=")), Z_OK);
	packer_forgets = strstr(agreed, "client_no_context_takeover") != NULL;
	unpacker_forgets = strstr(agreed, "server_no_context_takeover") != NULL;
}

static void disconnect_client(void)
{
	ws_test_send_close(&client, WS_CLOSE_NORMAL);
	ws_test_expect_close(&client, WS_CLOSE_NORMAL);
	ws_test_expect_nothing(&client);
	deflateEnd(&packer);
	inflateEnd(&unpacker);
	ws_test_fini(&client);
	http_fixture_advance(&fx.http, TIMER_TICK_US);
}

static void send_packed(uint8_t opcode, struct bytes message, size_t fragment)
{
	static uint8_t packed[2 * (128 << 10)];

	packer.next_in = message.data;
	packer.avail_in = (uInt)message.len;
	packer.next_out = packed;
	packer.avail_out = sizeof packed;
	assert_int_equal(deflate(&packer, Z_SYNC_FLUSH), Z_OK);
	assert_true(packer.avail_out > 0);
	ws_case_fragments(&client.out, opcode | WS_RSV1,
			  bytes_of(packed, sizeof packed - packer.avail_out - 4),
			  fragment > 0 ? fragment : SIZE_MAX);
	ws_test_flush(&client);
	if (packer_forgets)
		deflateReset(&packer);
}

/* In small pieces: only what is in its window can then be referred to. */
static void unpack_piece(struct bytes payload, struct bytes message)
{
	enum { STEP = 64 };
	const uint8_t *end = message.data + message.len;

	unpacker.next_in = payload.data;
	unpacker.avail_in = (uInt)payload.len;
	do {
		size_t left = (size_t)(end - unpacker.next_out);

		assert_true(left > 0);
		unpacker.avail_out = left < STEP ? (uInt)left : STEP;
		assert_in_range(inflate(&unpacker, Z_SYNC_FLUSH) - Z_BUF_ERROR, 0, Z_OK - Z_BUF_ERROR);
	} while (unpacker.avail_out == 0);
	assert_int_equal(unpacker.avail_in, 0);
}

static struct bytes unpack(struct bytes payload)
{
	static const uint8_t tail[] = { 0x00, 0x00, 0xff, 0xff };
	static uint8_t message[(128 << 10) + 1];

	unpacker.next_out = message;
	unpack_piece(payload, bytes_of(message, sizeof message));
	unpack_piece(bytes_of(tail, sizeof tail), bytes_of(message, sizeof message));
	if (unpacker_forgets)
		inflateReset(&unpacker);
	return bytes_of(message, (size_t)(unpacker.next_out - message));
}

static void expect_echo(const char *family, uint8_t opcode, struct bytes message)
{
	struct ws_server_frame frame;
	struct bytes got;

	assert_true(ws_server_frame_next(client.s.sent, client.s.sent_len, &client.at, &frame));
	assert_int_equal(frame.first & ~WS_RSV1, WS_FIN | opcode);
	got = frame.first & WS_RSV1 ? unpack(frame.payload) : frame.payload;
	if (got.len != message.len || memcmp(got.data, message.data, got.len) != 0)
		fail_msg("%s: %zu bytes come back otherwise, as %zu", family, message.len, got.len);
}

/* ---- cases ---- */

static unsigned count_of(const struct size *size)
{
	size_t n = CASE_BYTES / size->len;

	return n < 3 ? 3 : n > 1000 ? 1000 : (unsigned)n;
}

static void run_case(const char *family, const struct kind *kind, const struct size *size, const char *offer,
		     const char *agreed)
{
	uint64_t before = ws_fixture_usage(&fx).compressed_out;
	unsigned n = count_of(size);
	size_t at = 0;

	connect_client(family, offer, agreed);
	for (unsigned i = 0; i < n; i++) {
		struct bytes message = bytes_of(data + at, size->len);

		send_packed(kind->opcode, message, size->fragment);
		expect_echo(family, kind->opcode, message);
		at = (at + size->len) % (DATA - (128 << 10));
		http_fixture_advance(&fx.http, TIMER_TICK_US); /* a turn has an end */
	}
	if (kind->shrinks && size->len >= 256)
		assert_int_equal(ws_fixture_usage(&fx).compressed_out - before, n);
	disconnect_client();
}

static void run_sizes(const char *family, const struct kind *kind, const char *offer, const char *agreed)
{
	write_data(kind);
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
		run_case(family, kind, &sizes[i], offer, agreed);
}

static int set_up(void **state)
{
	(void)state;
	ws_fixture_init(&fx);
	fx.handler.on_message = echo;
	ws_fixture_start(&fx);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ws_fixture_fini(&fx);
	return 0;
}

#define PMD "permessage-deflate"
#define FORGET "; client_no_context_takeover"
#define BITS "; client_max_window_bits"
#define OURS BITS "=12"

static void every_kind_of_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		run_sizes(kinds[i].family, &kinds[i], PMD FORGET BITS, PMD FORGET OURS);
}

/* The last three are ours: as browsers offer it, with windows both ways, and without a word. */
static void every_set_of_offers(void **state)
{
	static const struct {
		const char *family, *offer, *agreed;
	} sets[] = {
		{ "13.1", PMD FORGET BITS, PMD FORGET OURS },
		{ "13.2", PMD FORGET BITS "; server_no_context_takeover",
		  PMD "; server_no_context_takeover" FORGET OURS },
		{ "13.3", PMD FORGET BITS "; server_max_window_bits=8",
		  PMD FORGET "; server_max_window_bits=8" OURS },
		{ "13.4", PMD FORGET BITS "; server_max_window_bits=15",
		  PMD FORGET "; server_max_window_bits=12" OURS },
		{ "13.5", PMD FORGET BITS "; server_no_context_takeover; server_max_window_bits=8",
		  PMD "; server_no_context_takeover" FORGET "; server_max_window_bits=8" OURS },
		{ "13.6", PMD FORGET BITS "; server_no_context_takeover; server_max_window_bits=15",
		  PMD "; server_no_context_takeover" FORGET "; server_max_window_bits=12" OURS },
		{ "13.7",
		  PMD FORGET BITS "; server_no_context_takeover; server_max_window_bits=8, " PMD FORGET BITS
				  "; server_no_context_takeover, " PMD FORGET BITS,
		  PMD "; server_no_context_takeover" FORGET "; server_max_window_bits=8" OURS },
		{ "13b", PMD BITS, PMD OURS },
		{ "13c", PMD BITS "=9; server_max_window_bits=9",
		  PMD "; server_max_window_bits=9" BITS "=9" },
		{ "13d", PMD, PMD FORGET },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sets); i++)
		run_sizes(sets[i].family, &kinds[3], sets[i].offer, sets[i].agreed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_data),
		cmocka_unit_test(every_set_of_offers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
