/* TCP options: parse and emit. */
#include "tcp/tcp_options.h"

enum {
	KIND_END = 0,
	KIND_NOP = 1,
	KIND_MSS = 2,
	KIND_WSCALE = 3,
	KIND_SACK_PERMITTED = 4,
	KIND_SACK = 5,
	KIND_TIMESTAMP = 8,
	KIND_USER_TIMEOUT = 28,
	KIND_FAST_OPEN = 34,
};

/* Blocks beyond those that a header can hold cannot come; empty and backward ones are the scoreboard's to
 * refuse. */
static bool parse_sack(struct bytes value, struct tcp_options *o)
{
	if (value.len == 0 || value.len % 8 != 0)
		return false;
	o->n_sack = 0;
	while (value.len > 0 && o->n_sack < TCP_SACK_BLOCKS) {
		o->sack[o->n_sack++] = (struct sack_block){ seq_of(load_be32(value.data)),
							    seq_of(load_be32(value.data + 4)) };
		bytes_skip(&value, 8);
	}
	return true;
}

/* RFC 7413 section 4.1.1: of a wrong length, or not in a SYN, it is ignored. */
static void parse_fast_open(struct bytes value, bool syn, struct tcp_options *o)
{
	if (!syn || value.len % 2 != 0 || value.len == 2 || value.len > 16)
		return;
	o->fast_open = value.len == 8 ? FAST_OPEN_COOKIE : FAST_OPEN_REQUEST;
	if (value.len == 8)
		memcpy(&o->fast_open_cookie, value.data, sizeof o->fast_open_cookie);
}

enum { UTO_MINUTES = 0x8000, UTO_VALUE = 0x7fff };

/* RFC 5482 section 3.3: the first bit says whether the rest counts minutes. */
static uint32_t user_timeout(uint16_t v)
{
	return (v & UTO_VALUE) * ((v & UTO_MINUTES) != 0 ? 60u : 1u);
}

static void take_timestamp(const uint8_t *value, struct tcp_options *o)
{
	o->has_timestamp = true;
	o->ts_val = load_be32(value);
	o->ts_ecr = load_be32(value + 4);
}

/* One option's value. The length of those we know must be theirs: another one is illegal. */
static bool parse_value(uint8_t kind, struct bytes value, bool syn, struct tcp_options *o)
{
	switch (kind) {
	case KIND_MSS:
		if (value.len != 2)
			return false;
		o->has_mss = syn;
		o->mss = load_be16(value.data);
		return true;
	case KIND_WSCALE:
		if (value.len != 1)
			return false;
		o->has_wscale = syn;
		o->wscale = value.data[0] > TCP_MAX_WSCALE ? TCP_MAX_WSCALE : value.data[0];
		return true;
	case KIND_SACK_PERMITTED:
		if (value.len != 0)
			return false;
		o->sack_permitted = syn;
		return true;
	case KIND_SACK:
		return parse_sack(value, o);
	case KIND_TIMESTAMP:
		if (value.len != 8)
			return false;
		take_timestamp(value.data, o);
		return true;
	case KIND_USER_TIMEOUT:
		if (value.len != 2)
			return false;
		o->user_timeout_s = user_timeout(load_be16(value.data));
		return true;
	case KIND_FAST_OPEN:
		parse_fast_open(value, syn, o);
		return true;
	default:
		return true; /* MUST-6: unknown ones are skipped by their length */
	}
}

/* A timestamp and nothing else, as all segments but the first have it (RFC 7323 appendix A). */
static bool is_usual(struct bytes options)
{
	enum { NOP_NOP_TIMESTAMP = KIND_NOP << 24 | KIND_NOP << 16 | KIND_TIMESTAMP << 8 | 10 };

	return options.len == 12 && load_be32(options.data) == NOP_NOP_TIMESTAMP;
}

bool tcp_options_parse(struct bytes options, bool syn, struct tcp_options *out)
{
	uint8_t kind, len;

	memset(out, 0, sizeof *out);
	if (LIKELY(is_usual(options))) {
		take_timestamp(options.data + 4, out);
		return true;
	}
	while (bytes_take_u8(&options, &kind)) {
		struct bytes value;
		if (kind == KIND_END)
			return true;
		if (kind == KIND_NOP)
			continue;
		/* The length counts kind and length themselves: less than 2, or past the end, is illegal. */
		if (!bytes_take_u8(&options, &len) || len < 2 || !bytes_take(&options, len - 2u, &value))
			return false;
		if (!parse_value(kind, value, syn, out))
			return false;
	}
	return true;
}

/* Each put_ writes one option, with NOPs before it that end it at a multiple of four, and returns its end. */
static uint8_t *put_mss(uint8_t *p, uint16_t mss)
{
	p[0] = KIND_MSS;
	p[1] = 4;
	store_be16(p + 2, mss);
	return p + 4;
}

static uint8_t *put_sack_permitted(uint8_t *p)
{
	p[0] = KIND_NOP;
	p[1] = KIND_NOP;
	p[2] = KIND_SACK_PERMITTED;
	p[3] = 2;
	return p + 4;
}

/* The values are aligned (RFC 7323 appendix A). */
static uint8_t *put_timestamp(uint8_t *p, uint32_t val, uint32_t ecr)
{
	p[0] = KIND_NOP;
	p[1] = KIND_NOP;
	p[2] = KIND_TIMESTAMP;
	p[3] = 10;
	store_be32(p + 4, val);
	store_be32(p + 8, ecr);
	return p + 12;
}

static uint8_t *put_wscale(uint8_t *p, uint8_t shift)
{
	p[0] = KIND_NOP;
	p[1] = KIND_WSCALE;
	p[2] = 3;
	p[3] = shift;
	return p + 4;
}

static uint8_t *put_fast_open(uint8_t *p, const struct tcp_options *o)
{
	unsigned len = o->fast_open == FAST_OPEN_COOKIE ? 10 : 2;

	p[0] = KIND_NOP;
	p[1] = KIND_NOP;
	p[2] = KIND_FAST_OPEN;
	p[3] = (uint8_t)len;
	if (len > 2)
		memcpy(p + 4, &o->fast_open_cookie, sizeof o->fast_open_cookie);
	return p + 2 + len;
}

static uint8_t *put_user_timeout(uint8_t *p, uint32_t s)
{
	p[0] = KIND_USER_TIMEOUT;
	p[1] = 4;
	store_be16(p + 2, (uint16_t)(s <= UTO_VALUE ? s : UTO_MINUTES | s / 60));
	return p + 4;
}

static uint8_t *put_sack(uint8_t *p, const struct tcp_options *o)
{
	p[0] = KIND_NOP;
	p[1] = KIND_NOP;
	p[2] = KIND_SACK;
	p[3] = (uint8_t)(2 + 8 * o->n_sack);
	p += 4;
	for (unsigned i = 0; i < o->n_sack; i++, p += 8) {
		store_be32(p, o->sack[i].left.n);
		store_be32(p + 4, o->sack[i].right.n);
	}
	return p;
}

unsigned tcp_options_emit(const struct tcp_options *o, uint8_t out[static TCP_OPTIONS_MAX])
{
	uint8_t *p = out;

	if (o->has_mss)
		p = put_mss(p, o->mss);
	if (o->sack_permitted)
		p = put_sack_permitted(p);
	if (o->has_timestamp)
		p = put_timestamp(p, o->ts_val, o->ts_ecr);
	if (o->has_wscale)
		p = put_wscale(p, o->wscale);
	if (o->user_timeout_s != 0)
		p = put_user_timeout(p, o->user_timeout_s);
	if (o->fast_open != FAST_OPEN_NONE)
		p = put_fast_open(p, o);
	if (o->n_sack > 0)
		p = put_sack(p, o);
	return (unsigned)(p - out);
}
