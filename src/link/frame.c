/* What devices without offloads do to frames: flatten them, finish their checksums (RFC 1071), or find out
 * that somebody else has not; and the way back, from bytes to a frame. */
#include "link/frame.h"

#include <string.h>

#include "base/checksum.h"
#include "base/ip4_fields.h"
#include "link/ethernet.h"

enum {
	UDP_CHECKSUM_OFFSET = 6,
	TCP_CHECKSUM_OFFSET = 16,
	IP4_SOURCE = 12,
	IP4_ADDRESSES = 8,
};

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

/* What the field holds when the sender has summed the pseudo-header (RFC 9293 section 3.1) and no more. */
static uint16_t pseudo_sum(const uint8_t *ip, uint8_t protocol, uint32_t len)
{
	uint32_t sum = checksum_add(0, ip + IP4_SOURCE, IP4_ADDRESSES);

	return checksum_fold(checksum_add_be32(checksum_add_be16(sum, protocol), len));
}

void frame_find_unfinished(struct rx_frame *f)
{
	const uint8_t *ip = f->data + ETH_HEADER_LEN;
	uint32_t room = f->len - ETH_HEADER_LEN, header, total, offset;
	uint8_t protocol;
	uint16_t field;

	if (f->len < ETH_HEADER_LEN + IP4_HEADER_LEN || load_be16(ip - 2) != ETH_TYPE_IPV4)
		return;
	header = ip4_header_len(ip);
	total = ip4_total_len(ip);
	protocol = ip4_protocol(ip);
	offset = protocol == IP_PROTO_TCP ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET;
	if ((protocol != IP_PROTO_TCP && protocol != IP_PROTO_UDP) || ip4_is_fragment(ip) ||
	    header < IP4_HEADER_LEN || total > room || header + offset + sizeof field > total)
		return;
	memcpy(&field, ip + header + offset, sizeof field);
	if (field != pseudo_sum(ip, protocol, total - header))
		return;
	f->flags |= RX_CHECKSUM_VALID | RX_CHECKSUM_PARTIAL;
	f->checksum_start = (uint16_t)(ETH_HEADER_LEN + header);
	f->checksum_offset = (uint16_t)offset;
}
