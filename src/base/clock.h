/* The clocks. Only src/server/ and devices' owners read them; the stack is told the time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in microseconds. */
uint64_t clock_now_us(void);

/* CLOCK_REALTIME in microseconds since 1970-01-01T00:00:00Z. */
uint64_t clock_wall_us(void);

#endif
