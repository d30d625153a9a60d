/* TCP options: parse and emit (RFC 9293 section 3.2, RFC 7323, RFC 2018). */
#ifndef TCP_TCP_OPTIONS_H
#define TCP_TCP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum { TCP_OPTIONS_MAX = 40, TCP_MAX_WSCALE = 14 };

struct tcp_options {
	bool has_mss, has_wscale, has_timestamp, sack_permitted;
	uint16_t mss;
	uint8_t wscale;  /* at most TCP_MAX_WSCALE (RFC 7323 section 2.3) */
	uint32_t ts_val, ts_ecr;
};

/* False if a length is illegal (RFC 9293 MUST-7). Unknown options are skipped. What SYNs alone may carry is
 * ignored when !syn. */
bool tcp_options_parse(struct bytes options, bool syn, struct tcp_options *out);

/* Writes the options, each padded to a multiple of four with NOPs in front; returns the length. */
unsigned tcp_options_emit(const struct tcp_options *o, uint8_t out[static TCP_OPTIONS_MAX]);

#endif
