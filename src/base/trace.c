/* Tells an event to everybody who wants events of its kind. */
#include "base/trace.h"

#include <stddef.h>

void observers_tell(struct observer *first, const struct trace_event *event)
{
	struct observer *next;

	for (struct observer *o = first; o != NULL; o = next) {
		next = o->next; /* an observer may take itself out */
		if (o->kinds & event->kind)
			o->on_event(o->context, event);
	}
}
