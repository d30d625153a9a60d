/* Where callgrind is to count: it then need not follow what leads there (--instr-atstart=no). Without valgrind's
 * header the program is the same, and nothing is counted. */
#ifndef TESTS_GUARD_COUNTING_H
#define TESTS_GUARD_COUNTING_H

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#endif

static inline void counting_begins(void)
{
	CALLGRIND_START_INSTRUMENTATION;
}

static inline void counting_ends(void)
{
	CALLGRIND_STOP_INSTRUMENTATION;
}

#endif
