/* System calls: clock_gettime. */
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static uint64_t clock_read_us(clockid_t id)
{
	struct timespec t = { 0 };
	int failed = clock_gettime(id, &t);

	/* Both clocks exist on every Linux; only a wrong id or address makes it fail. */
	assert(!failed);
	(void)failed;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_now_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

uint64_t clock_wall_us(void)
{
	return clock_read_us(CLOCK_REALTIME);
}

char *clock_format(uint64_t wall_us, char out[static CLOCK_TEXT])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, CLOCK_TEXT - n, ".%03uZ", (unsigned)(wall_us / 1000 % 1000));
	return out;
}
