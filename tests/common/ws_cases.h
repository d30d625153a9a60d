/*
 * What a client may send, by the case families of the well-known conformance suite, and what comes of it: for
 * tests of the reader, and of connections over a wire.
 */
#ifndef TESTS_WS_CASES_H
#define TESTS_WS_CASES_H

#include "common/ws_client.h"

enum { WS_CASE_MAX_MESSAGE = 1 << 20 };

/* A frame of a case. text NULL: len bytes of a pattern. */
struct ws_case_part {
	uint8_t first;
	const char *text;
	size_t len;
};

struct ws_case {
	const char *family;
	const char *story; /* NULL: only that it is the same however it is cut, and has no fault */
	struct ws_case_part parts[8];
};

extern const struct ws_case ws_cases[];
extern const size_t ws_cases_count;
/* Where compression has been agreed on. */
extern const struct ws_case ws_packed_cases[];
extern const size_t ws_packed_cases_count;

/* len bytes of the pattern, up to one more than WS_CASE_MAX_MESSAGE. */
struct bytes ws_case_pattern(size_t len);

/* Adds the frames of a case. */
void ws_case_frames(const struct ws_case *c, struct ws_bytes *out);

#endif
