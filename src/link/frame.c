/* What devices without offloads do to frames: flatten them, and finish their checksums (RFC 1071); and the
 * way back, from bytes to a frame. */
#include "link/frame.h"

#include <string.h>

#include "base/checksum.h"
#include "link/ethernet.h"

enum { UDP_CHECKSUM_OFFSET = 6 };

void tx_wrap(struct tx_frame *f, const uint8_t *data, uint32_t len)
{
	tx_begin(f);
	if (len < ETH_HEADER_LEN)
		return;
	memcpy(tx_push(f, ETH_HEADER_LEN), data, ETH_HEADER_LEN);
	tx_add_payload(f, data + ETH_HEADER_LEN, len - ETH_HEADER_LEN);
}

uint32_t tx_flatten(const struct tx_frame *f, uint8_t *out)
{
	uint8_t *p = out;

	memcpy(p, tx_head(f), tx_head_len(f));
	p += tx_head_len(f);
	for (unsigned i = 1; i <= f->pieces; i++) {
		if (f->iov[i].iov_len == 0)
			continue;
		memcpy(p, f->iov[i].iov_base, f->iov[i].iov_len);
		p += f->iov[i].iov_len;
	}
	return (uint32_t)(p - out);
}

void frame_finish_checksum(uint8_t *frame, uint32_t len, uint16_t start, uint16_t offset)
{
	uint16_t sum;

	assert((uint32_t)start + offset + 2 <= len);
	/* The field holds the pseudo-header's sum and is summed with the rest. */
	sum = checksum_finish(checksum_add(0, frame + start, len - start));
	/* RFC 768: 0 would mean "no checksum" to UDP, which sends the same number as all ones. TCP does not
	 * (RFC 1624 section 3). */
	if (sum == 0 && offset == UDP_CHECKSUM_OFFSET)
		sum = 0xffff;
	memcpy(frame + start + offset, &sum, sizeof sum);
}
