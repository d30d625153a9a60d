/* Characters of ASCII, whatever the locale says of them: protocols have no other digits and letters (RFC 5234
 * appendix B.1). Any octet may be asked about, as a char or as a byte. */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <stdbool.h>
#include <stddef.h>

static inline bool ascii_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_is_upper(int c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool ascii_is_letter(int c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool ascii_is_alphanumeric(int c)
{
	return ascii_is_letter(c) || ascii_is_digit(c);
}

/* A graphic character; the space is none. */
static inline bool ascii_is_visible(int c)
{
	return c > ' ' && c <= '~';
}

static inline bool ascii_is_control(int c)
{
	return (c >= 0 && c < ' ') || c == 0x7f;
}

static inline char ascii_to_lower(int c)
{
	return (char)(ascii_is_upper(c) ? c | 0x20 : c);
}

/* Two texts of this length differ in the case of letters at most. */
static inline bool ascii_is_same(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < len; i++)
		if (ascii_to_lower(x[i]) != ascii_to_lower(y[i]))
			return false;
	return true;
}

/* The value of a hexadecimal digit; -1: it is none. */
static inline int ascii_hex(int c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool ascii_is_hex(int c)
{
	return ascii_hex(c) >= 0;
}

#endif
