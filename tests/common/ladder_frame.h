/* A frame with a segment of TCP over IPv4, for tests of the ladder. Checksums are 0: nobody looks at them. */
#ifndef TESTS_LADDER_FRAME_H
#define TESTS_LADDER_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum { LADDER_FRAME_MAX = 2048 };

struct ladder_frame {
	uint32_t src, dst; /* IPv4, in host order */
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	const uint8_t *options; /* a multiple of four bytes */
	size_t options_len;
	const char *text;       /* NULL: none */
	size_t len;             /* of the text; 0: up to its NUL */
};

/* Returns the length. */
size_t ladder_frame_make(const struct ladder_frame *f, uint8_t out[static LADDER_FRAME_MAX]);

#endif
