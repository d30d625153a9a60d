/* A text that compressors make something of: words in an order that repeats late, the same at every call. */
#ifndef COMMON_COMPRESSIBLE_H
#define COMMON_COMPRESSIBLE_H

#include "base/bytes.h"

enum { COMPRESSIBLE_LEN = 20000 };

struct bytes compressible_text(uint8_t out[static COMPRESSIBLE_LEN]);

#endif
