/*
 * libFuzzer target: bytes into the reader of WebSocket frames, the negotiation of compression, and close
 * payloads. Any input is a good one:
 *
 * flags (1 byte): bit 0: compression has been agreed on; bit 1: the rest is a Sec-WebSocket-Extensions value,
 * and no frames. Length of a piece, less one (1 byte)
 *
 * Frames are read whole, and in pieces: what comes of them must be the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "websocket/ws_extension.h"
#include "websocket/ws_reader.h"

enum { COMPRESSED = 1, EXTENSION = 2, MAX_MESSAGE = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ws_budget budget = { .limit = 1 << 20 };

/* A sum over all that came of it. */
struct outcome {
	uint64_t sum;
	unsigned events, code;
};

static void note(struct outcome *o, enum ws_event event, struct bytes data)
{
	o->events++;
	o->sum = o->sum * 31 + (uint64_t)event;
	for (size_t i = 0; i < data.len; i++)
		o->sum = o->sum * 31 + data.data[i];
}

static void check_text(struct bytes text)
{
	struct ws_utf8 utf8 = { 0 };

	assert(ws_utf8_feed(&utf8, text) && ws_utf8_is_whole(&utf8));
}

static void check_close(struct bytes payload)
{
	uint8_t out[2 + WS_CLOSE_REASON_MAX];
	struct bytes reason;
	unsigned code;

	if (ws_close_parse(payload, &code, &reason) != 0)
		return;
	assert(code == WS_CLOSE_NO_STATUS || ws_close_code_is_valid(code));
	assert(ws_close_format(out, code, reason) == payload.len &&
	       memcmp(out, payload.data, payload.len) == 0);
}

static void take_message(struct ws_reader *r, struct outcome *o)
{
	struct ws_buffer *message = ws_reader_message(r);
	struct bytes text = bytes_of(message->data, message->len);

	assert(message->len <= MAX_MESSAGE && message->owner.references == 1);
	if (r->opcode == WS_TEXT)
		check_text(text);
	note(o, WS_EVENT_MESSAGE, text);
	ws_buffer_give(message);
}

/* False: nothing is to be read any more. */
static bool take(struct ws_reader *r, struct bytes data, struct outcome *o)
{
	for (;;) {
		enum ws_event event = ws_reader_take(r, &data);

		if (event == WS_EVENT_NONE) {
			assert(data.len == 0);
			return true;
		}
		if (event == WS_EVENT_MESSAGE)
			take_message(r, o);
		else if (event != WS_EVENT_FAIL)
			note(o, event, ws_reader_control(r));
		if (event == WS_EVENT_CLOSE)
			check_close(ws_reader_control(r));
		if (event == WS_EVENT_FAIL) {
			assert(ws_close_code_is_valid(r->code) && r->why != NULL);
			o->code = r->code;
		}
		if (event == WS_EVENT_FAIL || event == WS_EVENT_CLOSE)
			return false;
	}
}

static struct outcome read_in_pieces(struct bytes data, size_t piece, struct ws_codecs *codecs)
{
	struct ws_window window = { .bits = 9 };
	struct outcome o = { .sum = 1 };
	struct ws_reader r;

	ws_reader_init(&r, &budget, codecs, &window, MAX_MESSAGE);
	while (data.len > 0) {
		size_t len = data.len < piece ? data.len : piece;
		uint8_t *copy = malloc(len); /* so that reading past its end is seen */
		bool goes_on;

		assert(copy != NULL);
		memcpy(copy, data.data, len);
		goes_on = take(&r, bytes_of(copy, len), &o);
		free(copy);
		bytes_skip(&data, len);
		if (!goes_on)
			break;
	}
	ws_reader_fini(&r);
	ws_window_fini(&window);
	assert(budget.in_use == 0);
	return o;
}

static void read_frames(struct bytes data, size_t piece, bool compressed)
{
	struct ws_codecs *codecs = compressed ? ws_codecs_new() : NULL;
	struct outcome whole = read_in_pieces(data, SIZE_MAX, codecs),
		       cut = read_in_pieces(data, piece, codecs);

	assert(whole.sum == cut.sum && whole.events == cut.events && whole.code == cut.code);
	ws_codecs_free(codecs);
}

static void negotiate(struct bytes value)
{
	struct ws_deflate_params p = { .agreed = false };
	char answer[WS_EXTENSION_ANSWER];

	if (!ws_extension_negotiate(value, WS_COMPRESSION_TAKEOVER, 12, &p) || !p.agreed)
		return;
	assert(p.server_bits >= WS_WINDOW_BITS_MIN && p.server_bits <= 12);
	assert(p.client_bits <= 12 || p.client_no_takeover);
	ws_extension_format(&p, answer);
	assert(strlen(answer) < sizeof answer - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	uint8_t flags, piece;

	if (!bytes_take_u8(&input, &flags) || !bytes_take_u8(&input, &piece))
		return 0;
	if (flags & EXTENSION)
		negotiate(input);
	else
		read_frames(input, (size_t)piece + 1, (flags & COMPRESSED) != 0);
	return 0;
}
