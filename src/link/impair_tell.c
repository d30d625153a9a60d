/* Telling fates. A copy of a frame that is not the first is told as one of its own. */
#include "link/impair_tell.h"

#include <string.h>

#include "link/ethernet.h"
#include "link/frame_ends.h"

static bool is_lost(enum impair_fate fate)
{
	return fate == IMPAIR_LOST || fate == IMPAIR_FULL;
}

static void count(struct world *w, const struct impair_fates *fates)
{
	for (unsigned i = 0; i < fates->n; i++)
		if (is_lost(fates->of[i]))
			world_drop(w, DROP_WIRE);
}

void impair_tell_in(struct world *w, const uint8_t *data, uint32_t len, const struct impair_fates *fates)
{
	const struct rx_frame frame = { .data = data, .len = len };

	if (w == NULL)
		return;
	count(w, fates);
	if (!world_is_observed(w, TRACE_FRAME_IN))
		return;
	for (unsigned i = 0; i < fates->n; i++)
		if (is_lost(fates->of[i]))
			observers_tell(w->observer, &(struct trace_event){ .kind = TRACE_FRAME_IN,
									   .now_us = w->now_us,
									   .rx = &frame,
									   .drop = DROP_WIRE });
}

/* Why the frame was sent, or else what happened to it. */
static const char *note_of(const struct tx_frame *f, unsigned copy, enum impair_fate fate)
{
	if (copy > 0)
		return "duplicated on the wire";
	if (f->note != NULL || fate != IMPAIR_DAMAGED)
		return f->note;
	return "damaged on the wire";
}

static void tell_copy(struct world *w, const struct tx_frame *f, const char *note, enum impair_fate fate)
{
	observers_tell(w->observer,
		       &(struct trace_event){ .kind = TRACE_FRAME_OUT,
					      .now_us = w->now_us,
					      .conn = f->conn,
					      .tx = f,
					      .drop = fate != IMPAIR_ARRIVES ? DROP_WIRE : DROP_NONE,
					      .note = note });
}

/* Its headers in the header block, where observers look for them. */
static void wrap(struct tx_frame *out, const struct tx_frame *from, const uint8_t *data, uint32_t len)
{
	struct frame_ends ends;
	uint32_t head = ETH_HEADER_LEN;

	if (frame_ends_parse(bytes_of(data, len), &ends) && ends.is_tcp)
		head = ends.head_len;
	tx_begin(out);
	memcpy(tx_push(out, head), data, head);
	if (len > head)
		tx_add_payload(out, data + head, len - head);
	out->note = from->note;
	out->conn = from->conn;
}

void impair_tell_out(struct world *w, const struct tx_frame *from, const uint8_t *data, uint32_t len,
		     const struct impair_fates *fates)
{
	bool was_told = (from->flags & TX_TOLD) != 0;
	struct tx_frame f;

	if (w == NULL)
		return;
	count(w, fates);
	if (!world_is_observed(w, TRACE_FRAME_OUT))
		return;
	wrap(&f, from, data, len);
	for (unsigned i = 0; i < fates->n; i++)
		if (!was_told || fates->of[i] != IMPAIR_ARRIVES)
			tell_copy(w, &f, note_of(from, i, fates->of[i]), fates->of[i]);
}
