/*
 * Sequence numbers are modulo 2^32 (RFC 9293 section 3.4). A one-field struct keeps them from being compared
 * with < : the wrong comparison at the wrap does not compile.
 */
#ifndef TCP_SEQ_H
#define TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

struct seq {
	uint32_t n;
};

static inline struct seq seq_of(uint32_t n)
{
	return (struct seq){ n };
}

static inline struct seq seq_add(struct seq s, uint32_t n)
{
	return (struct seq){ s.n + n };
}

static inline struct seq seq_sub(struct seq s, uint32_t n)
{
	return (struct seq){ s.n - n };
}

/* How far b is behind a: negative if a comes before b. Meaningful when they are less than 2^31 apart. */
static inline int32_t seq_diff(struct seq a, struct seq b)
{
	return (int32_t)(a.n - b.n);
}

/* The distance from b up to a, where a is known not to be before b. */
static inline uint32_t seq_len(struct seq a, struct seq b)
{
	return a.n - b.n;
}

static inline bool seq_eq(struct seq a, struct seq b)
{
	return a.n == b.n;
}

static inline bool seq_lt(struct seq a, struct seq b)
{
	return seq_diff(a, b) < 0;
}

static inline bool seq_le(struct seq a, struct seq b)
{
	return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(struct seq a, struct seq b)
{
	return seq_diff(a, b) > 0;
}

static inline bool seq_ge(struct seq a, struct seq b)
{
	return seq_diff(a, b) >= 0;
}

static inline struct seq seq_max(struct seq a, struct seq b)
{
	return seq_gt(a, b) ? a : b;
}

static inline struct seq seq_min(struct seq a, struct seq b)
{
	return seq_lt(a, b) ? a : b;
}

#endif
