/* Single frames: those of a super-frame by segmentation, others as they are. */
#include "link/singles.h"

#include <string.h>

bool singles_begin(struct singles *s, const struct rx_frame *frame, uint32_t room)
{
	*s = (struct singles){ .frame = frame };
	if (frame->gso != GSO_NONE)
		return gso_cut_begin(&s->cut, frame) && gso_cut_size(&s->cut) <= room;
	return frame->len <= room && (frame->flags & RX_TRUNCATED) == 0;
}

uint32_t singles_next(struct singles *s, uint8_t *out)
{
	const struct rx_frame *f = s->frame;

	if (f->gso != GSO_NONE)
		return gso_cut_next(&s->cut, out);
	if (s->is_over)
		return 0;
	s->is_over = true;
	memcpy(out, f->data, f->len);
	if ((f->flags & RX_CHECKSUM_PARTIAL) != 0)
		frame_finish_checksum(out, f->len, f->checksum_start, f->checksum_offset);
	return f->len;
}

struct rx_frame singles_of_tx(const struct tx_frame *frame, uint8_t *flat)
{
	bool is_partial = (frame->flags & TX_CHECKSUM_PARTIAL) != 0;

	return (struct rx_frame){
		.data = flat,
		.len = tx_flatten(frame, flat),
		.gso = frame->gso,
		.gso_size = frame->gso_size,
		.flags = is_partial ? RX_CHECKSUM_PARTIAL : 0,
		.checksum_start = frame->checksum_start,
		.checksum_offset = frame->checksum_offset,
	};
}
