/* Windows: moved on by a message, not by a byte. */
#include "websocket/ws_window.h"

#include <stdlib.h>

bool ws_window_add(struct ws_window *w, struct bytes text)
{
	size_t size = (size_t)1 << w->bits, kept = w->len;

	if (w->bits == 0 || text.len == 0)
		return true;
	if (w->data == NULL && (w->data = malloc(size)) == NULL)
		return false;
	if (text.len > size)
		bytes_skip(&text, text.len - size);
	if (kept > size - text.len)
		kept = size - text.len;
	memmove(w->data, w->data + w->len - kept, kept);
	memcpy(w->data + kept, text.data, text.len);
	w->len = (uint16_t)(kept + text.len);
	return true;
}

void ws_window_fini(struct ws_window *w)
{
	free(w->data);
	*w = (struct ws_window){ 0 };
}
