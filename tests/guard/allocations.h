/* How often memory was asked of the system's allocator. The guard is linked so that these calls come by here. */
#ifndef TESTS_GUARD_ALLOCATIONS_H
#define TESTS_GUARD_ALLOCATIONS_H

#include <stdint.h>

uint64_t allocations(void);

#endif
