/*
 * Bytes that came from outside, and numbers in network byte order.
 *
 * Packet bytes are reached only through a checked span (struct bytes): taking
 * more than there is fails, so a parser cannot run past the end of its input.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A read-only run of bytes that somebody else owns. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define be16_swap(v) __builtin_bswap16(v)
#define be32_swap(v) __builtin_bswap32(v)
#define be64_swap(v) __builtin_bswap64(v)
#else
#define be16_swap(v) (v)
#define be32_swap(v) (v)
#define be64_swap(v) (v)
#endif

static inline uint16_t load_be16(const void *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return be16_swap(v);
}

static inline uint32_t load_be32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return be32_swap(v);
}

static inline uint64_t load_be64(const void *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return be64_swap(v);
}

static inline void store_be16(void *p, uint16_t v)
{
	v = be16_swap(v);
	memcpy(p, &v, sizeof v);
}

static inline void store_be32(void *p, uint32_t v)
{
	v = be32_swap(v);
	memcpy(p, &v, sizeof v);
}

static inline struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){ .data = data, .len = len };
}

/* Cuts the first n bytes off b into head; false, and nothing changed, if there are fewer. */
static inline bool bytes_take(struct bytes *b, size_t n, struct bytes *head)
{
	if (n > b->len)
		return false;
	*head = (struct bytes){ .data = b->data, .len = n };
	b->data += n;
	b->len -= n;
	return true;
}

/* Drops the first n bytes, or all of them if there are fewer. */
static inline void bytes_skip(struct bytes *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (n == 0) /* data may be NULL then, of which nothing may be reckoned */
		return;
	b->data += n;
	b->len -= n;
}

static inline bool bytes_take_u8(struct bytes *b, uint8_t *v)
{
	if (b->len < 1)
		return false;
	*v = b->data[0];
	bytes_skip(b, 1);
	return true;
}

static inline bool bytes_take_be16(struct bytes *b, uint16_t *v)
{
	if (b->len < 2)
		return false;
	*v = load_be16(b->data);
	bytes_skip(b, 2);
	return true;
}

static inline bool bytes_take_be32(struct bytes *b, uint32_t *v)
{
	if (b->len < 4)
		return false;
	*v = load_be32(b->data);
	bytes_skip(b, 4);
	return true;
}

#endif
