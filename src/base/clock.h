/* The clocks. Only src/server/ and devices' owners read them; the stack is told the time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in microseconds. */
uint64_t clock_now_us(void);

/* CLOCK_REALTIME in microseconds since 1970-01-01T00:00:00Z. */
uint64_t clock_wall_us(void);

enum { CLOCK_TEXT = 40 }; /* room for the text and its NUL */

/* Writes a time of day as RFC 3339 has it, in UTC, "2026-11-22T21:14:03.125Z", and returns out. */
char *clock_format(uint64_t wall_us, char out[static CLOCK_TEXT]);

#endif
