/* Tells an event to everybody who wants events of its kind. */
#include "base/trace.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

void observers_tell(struct observer *first, const struct trace_event *event)
{
	struct observer *next;

	for (struct observer *o = first; o != NULL; o = next) {
		next = o->next; /* an observer may take itself out */
		if (o->kinds & event->kind)
			o->on_event(o->context, event);
	}
}

void trace_text(const struct trace_event *e, char out[static TRACE_TEXT])
{
	const char *note = e->note != NULL ? e->note : "";

	switch (e->kind) {
	case TRACE_TCP_RECOVERY:
		snprintf(out, TRACE_TEXT, "%s, cwnd %" PRIu64 " -> %" PRIu64, note, e->old_value,
			 e->new_value);
		break;
	case TRACE_TCP_MTU:
		snprintf(out, TRACE_TEXT, "path MTU %" PRIu64 " -> %" PRIu64 ": %s", e->old_value,
			 e->new_value, note);
		break;
	case TRACE_TCP_RTO:
		snprintf(out, TRACE_TEXT, "retransmission timeout, the next one after %" PRIu64 " ms",
			 e->new_value / 1000);
		break;
	default:
		snprintf(out, TRACE_TEXT, "%s", note);
	}
}
