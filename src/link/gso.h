/*
 * Cuts a received super-frame into the frames that it stands for, as they would have been on a wire: what a
 * network card does for a sender (TCP segmentation), needed here where frames must be single.
 */
#ifndef LINK_GSO_H
#define LINK_GSO_H

#include <stdbool.h>
#include <stdint.h>

#include "link/frame.h"

struct gso_cut {
	const struct rx_frame *frame;
	uint32_t ip, tcp, payload; /* where they begin, from the frame's first byte */
	uint32_t next;             /* payload that was cut off already */
	uint16_t index;            /* of the next segment */
};

/* False if the frame is no TCP segment with the headers that frame->gso promises. */
bool gso_cut_begin(struct gso_cut *c, const struct rx_frame *frame);

/* The length of each frame but the last, which may be shorter. */
uint32_t gso_cut_size(const struct gso_cut *c);

/* Writes the next frame, checksums finished, to out (room for gso_cut_size()). Its length, 0 after the
 * last. */
uint32_t gso_cut_next(struct gso_cut *c, uint8_t *out);

#endif
