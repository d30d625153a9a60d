/* What goes over a WebSocket connection, in words. What a client sent is told in printable ASCII. */
#include "websocket/ws_trace.h"

#include <stdio.h>

#include "base/ascii.h"
#include "tcp/tcp.h"
#include "tls/tls.h"

static const char *name_of(enum ws_opcode opcode)
{
	switch (opcode) {
	case WS_CONTINUATION:
		return "continuation";
	case WS_TEXT:
		return "text";
	case WS_BINARY:
		return "binary";
	case WS_CLOSE:
		return "close";
	case WS_PING:
		return "ping";
	case WS_PONG:
		return "pong";
	}
	return "frame";
}

static void write_close(struct bytes payload, char note[static TRACE_TEXT])
{
	struct bytes reason;
	unsigned code;

	if (ws_close_parse(payload, &code, &reason) != 0)
		snprintf(note, TRACE_TEXT, "WebSocket close: malformed");
	else if (code == WS_CLOSE_NO_STATUS)
		snprintf(note, TRACE_TEXT, "WebSocket close: without a code");
	else
		snprintf(note, TRACE_TEXT, "WebSocket close: %u%s%.*s", code, reason.len > 0 ? " " : "",
			 (int)reason.len, (const char *)reason.data);
}

static void make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text != ' ' && !ascii_is_visible(*text))
			*text = '?';
}

void ws_trace_tell(const struct ws_conn *c, enum trace_doer doer, uint8_t first, struct bytes payload)
{
	const struct world *w = ws_conn_server(c)->world;
	enum ws_opcode opcode = first & 0xf;
	char note[TRACE_TEXT];

	if (opcode == WS_CLOSE)
		write_close(payload, note);
	else
		snprintf(note, TRACE_TEXT, "WebSocket %s: %zu bytes%s", name_of(opcode), payload.len,
			 (first & WS_RSV1) != 0 ? ", compressed" : "");
	make_printable(note);
	observers_tell(w->observer, &(struct trace_event){
		.kind = TRACE_LAYER,
		.now_us = w->now_us,
		.conn = tcp_conn_of_stream(tls_stream_under(c->stream)),
		.note = note,
		.new_value = doer,
	});
}

void ws_trace_tell_event(const struct ws_conn *c, enum ws_event event)
{
	const struct ws_reader *r = &c->reader;
	uint8_t packed = r->is_compressed ? WS_RSV1 : 0;

	switch (event) {
	case WS_EVENT_MESSAGE:
		ws_trace_tell(c, TRACE_PEERS, r->opcode | packed,
			      bytes_of(r->message->data, r->message->len));
		return;
	case WS_EVENT_PING:
		ws_trace_tell(c, TRACE_PEERS, WS_PING, ws_reader_control(r));
		return;
	case WS_EVENT_PONG:
		ws_trace_tell(c, TRACE_PEERS, WS_PONG, ws_reader_control(r));
		return;
	case WS_EVENT_CLOSE:
		ws_trace_tell(c, TRACE_PEERS, WS_CLOSE, ws_reader_control(r));
		return;
	case WS_EVENT_FAIL:
	case WS_EVENT_NONE:
		return;
	}
}
