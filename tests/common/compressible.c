/* Words drawn by a linear congruential generator. */
#include "common/compressible.h"

#include <string.h>

struct bytes compressible_text(uint8_t out[static COMPRESSIBLE_LEN])
{
	static const char *const words[] = { "tap ", "house ", "window ", "segment ", "<p>", "ack ", "\n", "stream " };
	uint32_t state = 1;
	size_t len = 0;

	while (len < COMPRESSIBLE_LEN) {
		const char *word = words[state >> 29];

		for (size_t i = 0; word[i] != '\0' && len < COMPRESSIBLE_LEN; i++)
			out[len++] = (uint8_t)word[i];
		state = state * 1664525 + 1013904223;
	}
	return bytes_of(out, len);
}
