/*
 * Frames as they stand on a wire: what a device hands over merged is cut, what it hands over unfinished is
 * finished.
 */
#ifndef LINK_SINGLES_H
#define LINK_SINGLES_H

#include "link/gso.h"

struct singles {
	const struct rx_frame *frame;
	struct gso_cut cut; /* of a super-frame */
	bool is_over;
};

/* False if the frame cannot be had in pieces of at most `room` bytes. It stays where it is until the last
 * one is taken. */
bool singles_begin(struct singles *s, const struct rx_frame *frame, uint32_t room);

/* Writes the next one to out (room for what was given). Its length, 0 after the last. */
uint32_t singles_next(struct singles *s, uint8_t *out);

/* A frame to be sent, as if it had been received; its bytes are written to flat (room for tx_len()). */
struct rx_frame singles_of_tx(const struct tx_frame *frame, uint8_t *flat);

#endif
