/*
 * What a client may send, case by case of the well-known conformance suite, and what an endpoint that echoes
 * has to answer: always the suite's strict outcome.
 *
 * Names are the suite's numbers:
 *  1 framing, 2 pings and pongs, 3 reserved bits, 4 opcodes, 5 fragmentation, 6 UTF-8, 7 closing: all of its
 *     cases. Where it leaves the outcome open (7.1.6, 7.5.1, 7.13.x) ours is that of RFC 6455.
 *  9 limits: all of its cases. 9.7 and 9.8 send their 1,000 messages in a row, and do not wait for each
 *     echo.
 *  10 fragments made by the client's library: its one case.
 *  12, 13 compression: ws_packed_cases are single frames; the sizes and offers stand in test_ws_packed.c.
 *  8 and 11 hold no cases there.
 * A number with a letter behind it is ours. Where the suite chops what it sends, the case says so; whoever
 * runs it may cut it in other ways as well.
 */
#ifndef TESTS_WS_CASES_H
#define TESTS_WS_CASES_H

#include "common/ws_client.h"

enum { WS_CASE_MAX_MESSAGE = 16 << 20, WS_CASE_PARTS = 12 };

/* A frame of a case. text NULL: len bytes of a pattern. */
struct ws_case_part {
	uint8_t first;
	const char *text;
	size_t len;
	const char *fault; /* the close frame that answers it, code and reason; NULL: it is fine */
	size_t fragment;   /* not 0: sent in frames of so many bytes at most, first begins the first */
};

struct ws_case {
	char name[16];
	struct ws_case_part parts[WS_CASE_PARTS];
	unsigned repeat;   /* the parts are sent so many times more */
	size_t chop;       /* not 0: sent in pieces of so many bytes */
	const char *story; /* what is answered; NULL: that follows from the parts */
};

/* Visits all but those of compression. */
void ws_cases_each(void (*visit)(const struct ws_case *c, void *context), void *context);

/* Where compression has been agreed on. */
extern const struct ws_case ws_packed_cases[];
extern const size_t ws_packed_cases_count;

/* len bytes of the pattern, up to one more than WS_CASE_MAX_MESSAGE. */
struct bytes ws_case_pattern(size_t len);

/* Adds the frames of a case, and a close frame, which ends it if nothing before has. */
void ws_case_frames(const struct ws_case *c, struct ws_bytes *out);
/* Adds a message in frames of so many bytes at most. */
void ws_case_fragments(struct ws_bytes *out, uint8_t first, struct bytes payload, size_t fragment);

/* Payloads of all parts. */
size_t ws_case_size(const struct ws_case *c);

/* ---- what is answered, in words: "text 5:Hello pong 0: close 1000"; long contents as length and sum ---- */

void ws_story_tell(struct ws_bytes *story, const char *what, struct bytes data);
/* What the answer has to be. */
void ws_case_story(const struct ws_case *c, struct ws_bytes *story);
/* What a server's frames say. */
void ws_story_of(struct bytes frames, struct ws_bytes *story);

#endif
