/* Gathers records, and keeps text. */
#include "tls/tls_input.h"

#include <string.h>

#include "base/minmax.h"

/* How long that is which begins so, as far as can be told. */
static size_t whole_length(const uint8_t *data, size_t len)
{
	return len < TLS_HEADER ? TLS_HEADER : tls_record_length(data);
}

/* The same in a buffer that has the room for it. */
static bool make_room(struct tls_input *in, struct tls_buffers *b, size_t wanted)
{
	struct tls_buffer *small = in->partial, *large;

	if (wanted <= small->room)
		return true;
	large = tls_buffer_take(b, wanted);
	if (large == NULL)
		return false;
	memcpy(large->data, small->data, small->len);
	large->len = small->len;
	tls_buffer_release(small);
	in->partial = large;
	return true;
}

static void move(struct tls_buffer *to, struct bytes *from, size_t up_to)
{
	size_t n = min_u64(from->len, up_to - to->len);

	memcpy(to->data + to->len, from->data, n);
	to->len += (uint32_t)n;
	bytes_skip(from, n);
}

/* The header first, as only that tells how much room is needed. */
static enum tls_input_result gather(struct tls_input *in, struct tls_buffers *b, struct bytes *data,
				    struct bytes *record)
{
	size_t wanted;

	if (in->partial->len < TLS_HEADER)
		move(in->partial, data, TLS_HEADER);
	if (in->partial->len < TLS_HEADER)
		return TLS_INPUT_AWAITED;
	wanted = tls_record_length(in->partial->data);
	if (wanted > TLS_BUFFER_LARGE)
		return TLS_INPUT_TOO_LONG;
	if (!make_room(in, b, wanted))
		return TLS_INPUT_NO_MEMORY;
	move(in->partial, data, wanted);
	if (in->partial->len < wanted)
		return TLS_INPUT_AWAITED;
	*record = bytes_of(in->partial->data, wanted);
	return TLS_INPUT_RECORD;
}

enum tls_input_result tls_input_take(struct tls_input *in, struct tls_buffers *b, struct bytes *data,
				     struct bytes *record)
{
	size_t wanted;

	if (data->len == 0)
		return TLS_INPUT_AWAITED;
	if (in->partial == NULL) {
		wanted = whole_length(data->data, data->len);
		if (wanted > TLS_BUFFER_LARGE)
			return TLS_INPUT_TOO_LONG;
		if (bytes_take(data, wanted, record))
			return TLS_INPUT_RECORD;
		in->partial = tls_buffer_take(b, wanted);
		if (in->partial == NULL)
			return TLS_INPUT_NO_MEMORY;
	}
	return gather(in, b, data, record);
}

void tls_input_drop_record(struct tls_input *in)
{
	tls_buffer_release(in->partial);
	in->partial = NULL;
}

bool tls_input_keep(struct tls_input *in, struct tls_buffers *b, struct bytes text)
{
	in->rest = tls_buffer_take(b, text.len);
	if (in->rest == NULL)
		return false;
	memcpy(in->rest->data, text.data, text.len);
	in->rest->len = (uint32_t)text.len;
	return true;
}

void tls_input_skip(struct tls_input *in, size_t n)
{
	in->rest->start += (uint32_t)n;
	if (in->rest->start < in->rest->len)
		return;
	tls_buffer_release(in->rest);
	in->rest = NULL;
}

void tls_input_free(struct tls_input *in)
{
	tls_input_drop_record(in);
	tls_buffer_release(in->rest);
	in->rest = NULL;
}
