/* Frames for tests of the ladder. */
#include "common/ladder_frame.h"

#include <string.h>

#include "base/bytes.h"
#include "link/ethernet.h"

enum { IP_AT = ETH_HEADER_LEN, TCP_AT = IP_AT + 20 };

size_t ladder_frame_make(const struct ladder_frame *f, uint8_t out[static LADDER_FRAME_MAX])
{
	size_t text_at = TCP_AT + 20 + f->options_len;
	size_t len = f->text == NULL ? 0 : f->len > 0 ? f->len : strlen(f->text);

	memset(out, 0, text_at);
	store_be16(out + 12, ETH_TYPE_IPV4);
	out[IP_AT] = 0x45;
	store_be16(out + IP_AT + 2, (uint16_t)(text_at - IP_AT + len));
	out[IP_AT + 9] = 6;
	store_be32(out + IP_AT + 12, f->src);
	store_be32(out + IP_AT + 16, f->dst);
	store_be16(out + TCP_AT, f->src_port);
	store_be16(out + TCP_AT + 2, f->dst_port);
	store_be32(out + TCP_AT + 4, f->seq);
	store_be32(out + TCP_AT + 8, f->ack);
	out[TCP_AT + 12] = (uint8_t)((20 + f->options_len) / 4 << 4);
	out[TCP_AT + 13] = f->flags;
	store_be16(out + TCP_AT + 14, f->window);
	if (f->options_len > 0)
		memcpy(out + TCP_AT + 20, f->options, f->options_len);
	if (len > 0)
		memcpy(out + text_at, f->text, len);
	return text_at + len;
}
