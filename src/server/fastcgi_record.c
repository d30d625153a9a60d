/* Records: a header of eight bytes, content, padding. */
#include "server/fastcgi_record.h"

enum { VERSION = 1, REQUEST_ID = 1, ROLE_RESPONDER = 1, FLAG_KEEP_CONN = 1 };

/* ---- what is sent ---- */

void fastcgi_put_header(uint8_t out[static FASTCGI_HEADER], enum fastcgi_type type, size_t len)
{
	out[0] = VERSION;
	out[1] = (uint8_t)type;
	store_be16(out + 2, REQUEST_ID);
	store_be16(out + 4, (uint16_t)len);
	out[6] = out[7] = 0;
}

void fastcgi_put_begin(uint8_t out[static FASTCGI_BEGIN])
{
	uint8_t *body = out + FASTCGI_HEADER;

	fastcgi_put_header(out, FASTCGI_BEGIN_REQUEST, FASTCGI_HEADER);
	memset(body, 0, FASTCGI_HEADER);
	store_be16(body, ROLE_RESPONDER);
	body[2] = FLAG_KEEP_CONN;
}

/* Section 3.4: one byte, or four with the first bit set. */
static size_t put_length(uint8_t *out, uint32_t len)
{
	if (len < 0x80) {
		*out = (uint8_t)len;
		return 1;
	}
	store_be32(out, len | UINT32_C(0x80000000));
	return 4;
}

size_t fastcgi_put_lengths(uint8_t out[static FASTCGI_LENGTHS_MAX], uint32_t name_len, uint32_t value_len)
{
	size_t len = put_length(out, name_len);

	return len + put_length(out + len, value_len);
}

/* ---- what comes ---- */

/* Copies up to `size` bytes in all. True when they are all there. */
static bool gather(uint8_t *to, uint8_t *len, uint8_t size, struct bytes *data)
{
	while (*len < size && bytes_take_u8(data, to + *len))
		(*len)++;
	return *len == size;
}

static uint16_t request_id(const struct fastcgi_reader *r)
{
	return load_be16(r->header + 2);
}

/* Records of request 0 are about the application as a whole: none is asked for, and none is needed. */
static bool is_expected(const struct fastcgi_reader *r)
{
	uint8_t type = r->header[1];

	if (r->header[0] != VERSION)
		return false;
	if (request_id(r) == 0)
		return true;
	if (request_id(r) != REQUEST_ID)
		return false;
	return type == FASTCGI_STDOUT || type == FASTCGI_STDERR ||
	       (type == FASTCGI_END_REQUEST && load_be16(r->header + 4) == FASTCGI_HEADER);
}

/* The header is there, and then all of it is used. */
static bool begin_record(struct fastcgi_reader *r)
{
	r->left = load_be16(r->header + 4);
	r->padding = r->header[6];
	r->end_len = 0;
	return is_expected(r);
}

static enum fastcgi_event read_piece(struct fastcgi_reader *r, struct bytes *data, size_t most,
				     struct bytes *content)
{
	size_t n = r->left < data->len ? r->left : data->len;

	bytes_take(data, n < most ? n : most, content);
	r->left = (uint16_t)(r->left - content->len);
	if (request_id(r) == 0 || content->len == 0)
		return FASTCGI_MORE;
	return r->header[1] == FASTCGI_STDOUT ? FASTCGI_OUTPUT : FASTCGI_ERRORS;
}

/* Content of a record; FASTCGI_MORE: nothing to tell of. */
static enum fastcgi_event read_content(struct fastcgi_reader *r, struct bytes *data, size_t most,
				       struct bytes *content)
{
	size_t before = data->len;

	if (request_id(r) == 0 || r->header[1] != FASTCGI_END_REQUEST)
		return read_piece(r, data, most, content);
	r->has_ended = gather(r->end, &r->end_len, FASTCGI_HEADER, data);
	r->left = (uint16_t)(r->left - (before - data->len));
	return FASTCGI_MORE;
}

/* The record is over; the event, if it was the last one of its request. */
static enum fastcgi_event end_record(struct fastcgi_reader *r)
{
	bool has_ended = r->has_ended;
	uint8_t status = r->end[4];

	*r = (struct fastcgi_reader){ .protocol_status = status };
	return has_ended ? FASTCGI_END : FASTCGI_MORE;
}

enum fastcgi_event fastcgi_read(struct fastcgi_reader *r, struct bytes *data, size_t most,
				struct bytes *content)
{
	enum fastcgi_event event = FASTCGI_MORE;

	while (event == FASTCGI_MORE) {
		bool is_new = r->header_len < FASTCGI_HEADER;

		if (is_new && !gather(r->header, &r->header_len, FASTCGI_HEADER, data))
			return FASTCGI_MORE;
		if (is_new && !begin_record(r))
			return FASTCGI_BAD;
		if (r->left > 0) {
			if (data->len == 0)
				return FASTCGI_MORE;
			event = read_content(r, data, most, content);
			continue;
		}
		while (r->padding > 0 && data->len > 0) {
			bytes_skip(data, 1);
			r->padding--;
		}
		if (r->padding > 0)
			return FASTCGI_MORE;
		event = end_record(r);
	}
	return event;
}
