/* Headers and masks. */
#include "websocket/ws_frame.h"

/* What the first two bytes decide. NULL: nothing is wrong with them. */
static const char *find_fault(uint8_t first, uint8_t second)
{
	uint8_t opcode = first & 0x0f, len = second & 0x7f;

	if ((first & (WS_RSV2 | WS_RSV3)) != 0)
		return "reserved bit set";
	if ((opcode & 0x7) > WS_BINARY)
		return "reserved opcode";
	if ((second & WS_MASKED) == 0)
		return "frame not masked";
	if (!ws_opcode_is_control(opcode))
		return NULL;
	if ((first & WS_FIN) == 0)
		return "fragmented control frame";
	if (len > WS_CONTROL_MAX)
		return "control frame too long";
	return (first & WS_RSV1) != 0 ? "reserved bit set" : NULL;
}

static size_t length_size(uint8_t second)
{
	uint8_t len = second & 0x7f;

	return len == 127 ? 8 : len == 126 ? 2 : 0;
}

/* How long the header is, as far as can be told. */
static size_t wanted(const struct ws_header_reader *r)
{
	return r->len < 2 ? 2 : 2 + length_size(r->text[1]) + 4;
}

static uint64_t read_length(const uint8_t *text)
{
	uint64_t high;

	switch (length_size(text[1])) {
	case 0:
		return text[1] & 0x7f;
	case 2:
		return load_be16(text + 2);
	default:
		high = load_be32(text + 2);
		return high << 32 | load_be32(text + 6);
	}
}

/* Section 5.2: the minimal number of bytes must be used, and the highest bit of 64 is 0. */
static const char *find_length_fault(const uint8_t *text, uint64_t len)
{
	if (ws_header_emit_size(len) != 2 + length_size(text[1]))
		return "length not minimal";
	return len > INT64_MAX ? "length beyond 63 bits" : NULL;
}

static enum ws_header_verdict finish(struct ws_header_reader *r, struct ws_header *out, const char **why)
{
	out->fin = (r->text[0] & WS_FIN) != 0;
	out->rsv1 = (r->text[0] & WS_RSV1) != 0;
	out->opcode = r->text[0] & 0x0f;
	out->len = read_length(r->text);
	memcpy(out->mask, r->text + r->len - 4, 4);
	*why = find_length_fault(r->text, out->len);
	r->len = 0;
	return *why != NULL ? WS_HEADER_BAD : WS_HEADER_DONE;
}

enum ws_header_verdict ws_header_take(struct ws_header_reader *r, struct bytes *data, struct ws_header *out,
				      const char **why)
{
	while (data->len > 0) {
		size_t missing = wanted(r) - r->len, n = data->len < missing ? data->len : missing;

		memcpy(r->text + r->len, data->data, n);
		bytes_skip(data, n);
		r->len += (uint8_t)n;
		if (n < missing)
			break;
		if (r->len > 2)
			return finish(r, out, why);
		*why = find_fault(r->text[0], r->text[1]);
		if (*why != NULL)
			return WS_HEADER_BAD;
	}
	return WS_HEADER_MORE;
}

size_t ws_header_emit(uint8_t out[static WS_HEADER_MAX_SENT], uint8_t first, uint64_t len)
{
	size_t size = ws_header_emit_size(len);

	out[0] = first;
	out[1] = (uint8_t)(size == 2 ? len : size == 4 ? 126 : 127);
	if (size == 4)
		store_be16(out + 2, (uint16_t)len);
	if (size == 10) {
		store_be32(out + 2, (uint32_t)(len >> 32));
		store_be32(out + 6, (uint32_t)len);
	}
	return size;
}

/* The mask is turned to where the payload stands, and doubled: eight bytes at a time, which compilers
 * widen. */
void ws_mask_copy(uint8_t *to, const uint8_t *from, size_t len, const uint8_t mask[static 4], uint64_t at)
{
	uint8_t turned[8];
	uint64_t word, key;

	for (size_t i = 0; i < sizeof turned; i++)
		turned[i] = mask[(at + i) % 4];
	memcpy(&key, turned, sizeof key);
	for (; len >= sizeof word; len -= sizeof word, to += sizeof word, from += sizeof word) {
		memcpy(&word, from, sizeof word);
		word ^= key;
		memcpy(to, &word, sizeof word);
	}
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] ^ turned[i];
}
