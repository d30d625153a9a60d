/* TCP options: parse and emit (RFC 9293 section 3.2, RFC 7323, RFC 2018, RFC 5482, RFC 7413). */
#ifndef TCP_TCP_OPTIONS_H
#define TCP_TCP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#include "tcp/seq.h"

enum { TCP_OPTIONS_MAX = 40, TCP_MAX_WSCALE = 14, TCP_SACK_BLOCKS = 4,
       TCP_SACK_OPTION_LEN = 4, /* padding, kind and length */
       TCP_SACK_BLOCK_LEN = 8 };

/* Bytes from left to before right have arrived (RFC 2018 section 3). */
struct sack_block {
	struct seq left, right;
};

/* What a SYN says of Fast Open (RFC 7413 section 4.1.1). */
enum tcp_fast_open {
	FAST_OPEN_NONE,
	FAST_OPEN_REQUEST, /* asks for a cookie, or has one of a length that ours never have */
	FAST_OPEN_COOKIE,
};

struct tcp_options {
	bool has_mss, has_wscale, has_timestamp, sack_permitted;
	uint16_t mss;
	uint8_t wscale;  /* at most TCP_MAX_WSCALE (RFC 7323 section 2.3) */
	uint32_t ts_val, ts_ecr;
	uint8_t n_sack;
	struct sack_block sack[TCP_SACK_BLOCKS];
	uint32_t user_timeout_s;   /* seconds; 0: none (RFC 5482) */
	enum tcp_fast_open fast_open;
	uint64_t fast_open_cookie; /* its bytes as they stand in the option */
};

/* False if a length is illegal (RFC 9293 MUST-7). Unknown options are skipped. What SYNs alone may carry is
 * ignored when !syn. */
bool tcp_options_parse(struct bytes options, bool syn, struct tcp_options *out);

/* How many SACK blocks find room beside the other options: three with timestamps, else four (RFC 2018 section
 * 3). */
static inline unsigned tcp_options_sack_room(bool timestamps)
{
	return timestamps ? 3 : TCP_SACK_BLOCKS;
}

/* Writes the options, each padded to a multiple of four with NOPs in front; returns the length. */
unsigned tcp_options_emit(const struct tcp_options *o, uint8_t out[static TCP_OPTIONS_MAX]);

#endif
