/*
 * What becomes of frames on a bad wire, told to the world's observers, frame by frame as they stand on the
 * wire. Of those that come in only what does not reach the stack is told: the rest it tells itself.
 */
#ifndef LINK_IMPAIR_TELL_H
#define LINK_IMPAIR_TELL_H

#include "base/world.h"
#include "link/impair_line.h"

/* A single frame on its way in. w may be NULL: nothing is told. */
void impair_tell_in(struct world *w, const uint8_t *data, uint32_t len, const struct impair_fates *fates);

/* A single frame on its way out, finished, that came of this one. */
void impair_tell_out(struct world *w, const struct tx_frame *from, const uint8_t *data, uint32_t len,
		     const struct impair_fates *fates);

#endif
