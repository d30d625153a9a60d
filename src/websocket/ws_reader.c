/* Frames become messages. */
#include "websocket/ws_reader.h"

enum {
	PIECE = 4096,      /* unmasked at once on the way to the inflater */
	FIRST_ROOM = 4096, /* for a frame of which less is here: what is announced is not believed */
};

void ws_reader_init(struct ws_reader *r, struct ws_budget *budget, struct ws_codecs *codecs,
		    struct ws_window *window, size_t max_message)
{
	*r = (struct ws_reader){
		.budget = budget, .codecs = codecs, .window = window, .max_message = max_message,
	};
}

/* No message is under way any more. */
static void leave_message(struct ws_reader *r)
{
	ws_inflater_give(r->codecs, r->inflater);
	r->inflater = NULL;
	r->in_message = false;
	r->fragments = 0;
}

void ws_reader_fini(struct ws_reader *r)
{
	ws_buffer_give(ws_reader_message(r));
	leave_message(r);
}

static enum ws_event fail(struct ws_reader *r, unsigned code, const char *why)
{
	r->code = code;
	r->why = why;
	return WS_EVENT_FAIL;
}

static enum ws_event fail_full(struct ws_reader *r)
{
	return fail(r, WS_CLOSE_TRY_AGAIN_LATER, "no memory for the message");
}

static enum ws_event fail_big(struct ws_reader *r)
{
	return fail(r, WS_CLOSE_TOO_BIG, "message too big");
}

static enum ws_event fail_utf8(struct ws_reader *r)
{
	return fail(r, WS_CLOSE_INVALID_DATA, "text is not UTF-8");
}

/* ---- frames ---- */

static size_t message_len(const struct ws_reader *r)
{
	return r->message != NULL ? r->message->len : 0;
}

static enum ws_event begin_message(struct ws_reader *r, const struct ws_header *h)
{
	r->in_message = true;
	r->opcode = h->opcode;
	r->is_compressed = h->rsv1;
	r->utf8 = (struct ws_utf8){ 0 };
	if (!h->rsv1)
		return WS_EVENT_NONE;
	r->inflater = ws_inflater_take(r->codecs, r->window);
	return r->inflater != NULL ? WS_EVENT_NONE : fail_full(r);
}

/* Section 5.4, and RFC 7692 section 6: the first frame of a message alone says whether it is compressed. */
static enum ws_event begin_data_frame(struct ws_reader *r, const struct ws_header *h)
{
	bool continues = h->opcode == WS_CONTINUATION;

	if (continues != r->in_message)
		return fail(r, WS_CLOSE_PROTOCOL_ERROR, continues ? "continuation of nothing"
								  : "message within a message");
	if (h->rsv1 && (continues || r->codecs == NULL))
		return fail(r, WS_CLOSE_PROTOCOL_ERROR, "reserved bit set");
	if (++r->fragments > WS_FRAGMENTS_MAX)
		return fail(r, WS_CLOSE_POLICY, "too many fragments");
	if (!continues && begin_message(r, h) == WS_EVENT_FAIL)
		return WS_EVENT_FAIL;
	if (r->inflater == NULL && h->len > r->max_message - message_len(r))
		return fail_big(r);
	return WS_EVENT_NONE;
}

static enum ws_event take_header(struct ws_reader *r, struct bytes *data)
{
	const char *why;

	switch (ws_header_take(&r->header_reader, data, &r->header, &why)) {
	case WS_HEADER_MORE:
		return WS_EVENT_NONE;
	case WS_HEADER_BAD:
		return fail(r, WS_CLOSE_PROTOCOL_ERROR, why);
	case WS_HEADER_DONE:
	default:
		r->in_frame = true;
		r->at = 0;
		r->control_len = 0;
		return ws_opcode_is_control(r->header.opcode) ? WS_EVENT_NONE
							       : begin_data_frame(r, &r->header);
	}
}

/* ---- payloads ---- */

static size_t frame_left(const struct ws_reader *r)
{
	return (size_t)(r->header.len - r->at);
}

static void take_control(struct ws_reader *r, struct bytes piece)
{
	ws_mask_copy(r->control + r->control_len, piece.data, piece.len, r->header.mask, r->at);
	r->control_len += (uint8_t)piece.len;
}

/* Room for a piece. Of what is announced only some KiB are believed before they are there. */
static bool make_room(struct ws_reader *r, size_t piece)
{
	size_t left = frame_left(r), expected = left < FIRST_ROOM ? left : FIRST_ROOM;

	if (r->message != NULL)
		return ws_buffer_grow(&r->message, piece,
				      r->header.fin ? r->message->len + left : r->max_message);
	r->message = ws_buffer_new(r->budget, piece > expected ? piece : expected);
	return r->message != NULL;
}

static enum ws_event take_plain(struct ws_reader *r, struct bytes piece)
{
	uint8_t *to;

	if (!make_room(r, piece.len))
		return fail_full(r);
	to = r->message->data + r->message->len;
	ws_mask_copy(to, piece.data, piece.len, r->header.mask, r->at);
	r->message->len += piece.len;
	if (r->opcode == WS_TEXT && !ws_utf8_feed(&r->utf8, bytes_of(to, piece.len)))
		return fail_utf8(r);
	return WS_EVENT_NONE;
}

/* before: how much of the message was there before the inflater added to it. */
static enum ws_event after_inflating(struct ws_reader *r, enum ws_inflated result, size_t before)
{
	switch (result) {
	case WS_INFLATED_BIG:
		return fail_big(r);
	case WS_INFLATED_FULL:
		return fail_full(r);
	case WS_INFLATED_BAD:
		return fail(r, WS_CLOSE_INVALID_DATA, "compressed data is broken");
	case WS_INFLATED:
	default:
		break;
	}
	if (r->opcode == WS_TEXT &&
	    !ws_utf8_feed(&r->utf8, bytes_of(r->message->data + before, r->message->len - before)))
		return fail_utf8(r);
	return WS_EVENT_NONE;
}

static enum ws_event take_compressed(struct ws_reader *r, struct bytes piece)
{
	uint8_t text[PIECE];
	enum ws_event event = WS_EVENT_NONE;

	if (r->message == NULL && (r->message = ws_buffer_new(r->budget, 0)) == NULL)
		return fail_full(r);
	for (uint64_t at = r->at; event == WS_EVENT_NONE && piece.len > 0;) {
		size_t len = piece.len < PIECE ? piece.len : PIECE, before = r->message->len;

		ws_mask_copy(text, piece.data, len, r->header.mask, at);
		event = after_inflating(r, ws_inflate(r->inflater, bytes_of(text, len), &r->message,
						      r->max_message), before);
		bytes_skip(&piece, len);
		at += len;
	}
	return event;
}

static enum ws_event take_payload(struct ws_reader *r, struct bytes *data)
{
	struct bytes piece;
	enum ws_event event = WS_EVENT_NONE;

	bytes_take(data, data->len < frame_left(r) ? data->len : frame_left(r), &piece);
	if (piece.len == 0)
		return WS_EVENT_NONE;
	if (ws_opcode_is_control(r->header.opcode))
		take_control(r, piece);
	else
		event = r->inflater != NULL ? take_compressed(r, piece) : take_plain(r, piece);
	r->at += piece.len;
	return event;
}

/* ---- the end of a frame ---- */

static enum ws_event finish_compressed(struct ws_reader *r)
{
	size_t before = message_len(r);
	enum ws_event event;

	if (r->message == NULL && (r->message = ws_buffer_new(r->budget, 0)) == NULL)
		return fail_full(r);
	event = after_inflating(r, ws_inflate_finish(r->inflater, &r->message, r->max_message), before);
	if (event == WS_EVENT_NONE && !ws_window_add(r->window, bytes_of(r->message->data, r->message->len)))
		return fail_full(r);
	return event;
}

static enum ws_event finish_message(struct ws_reader *r)
{
	if (r->inflater != NULL && finish_compressed(r) == WS_EVENT_FAIL)
		return WS_EVENT_FAIL;
	if (r->opcode == WS_TEXT && !ws_utf8_is_whole(&r->utf8))
		return fail_utf8(r);
	if (r->message == NULL && (r->message = ws_buffer_new(r->budget, 0)) == NULL)
		return fail_full(r);
	ws_buffer_fit(&r->message);
	leave_message(r);
	return WS_EVENT_MESSAGE;
}

static enum ws_event finish_frame(struct ws_reader *r)
{
	r->in_frame = false;
	switch (r->header.opcode) {
	case WS_PING:
		return WS_EVENT_PING;
	case WS_PONG:
		return WS_EVENT_PONG;
	case WS_CLOSE:
		return WS_EVENT_CLOSE;
	default:
		return r->header.fin ? finish_message(r) : WS_EVENT_NONE;
	}
}

enum ws_event ws_reader_take(struct ws_reader *r, struct bytes *data)
{
	enum ws_event event = WS_EVENT_NONE;

	while (event == WS_EVENT_NONE && data->len > 0) {
		if (!r->in_frame)
			event = take_header(r, data);
		else
			event = take_payload(r, data);
		if (event == WS_EVENT_NONE && r->in_frame && frame_left(r) == 0)
			event = finish_frame(r);
	}
	return event;
}
