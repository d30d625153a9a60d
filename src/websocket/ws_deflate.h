/*
 * Messages compressed and expanded (RFC 7692 section 7.2) by zlib. Its states are large: they belong to the
 * worker, and are borrowed for the time of a message. What a connection keeps between messages is the text
 * that the next one may refer to, its window, and only if that was agreed on.
 */
#ifndef WEBSOCKET_WS_DEFLATE_H
#define WEBSOCKET_WS_DEFLATE_H

#include "websocket/ws_buffer.h"
#include "websocket/ws_window.h"

/* The worker's states. */
struct ws_codecs;
struct ws_inflater;

enum ws_inflated {
	WS_INFLATED,      /* all is taken */
	WS_INFLATED_BIG,  /* the message is larger than may be */
	WS_INFLATED_BAD,  /* this is no compressed text */
	WS_INFLATED_FULL, /* no memory */
};

#ifdef TH_WITH_ZLIB

/* NULL: no memory. */
struct ws_codecs *ws_codecs_new(void);
void ws_codecs_free(struct ws_codecs *c);

/* For a message that begins, and refers to what is in the window. NULL: no memory. */
struct ws_inflater *ws_inflater_take(struct ws_codecs *c, const struct ws_window *w);
void ws_inflater_give(struct ws_codecs *c, struct ws_inflater *i);
/* Expands a piece of a message behind what is in *to, which may move; most is the limit of a message. */
enum ws_inflated ws_inflate(struct ws_inflater *i, struct bytes piece, struct ws_buffer **to, size_t most);
/* The message's last piece has been expanded. */
enum ws_inflated ws_inflate_finish(struct ws_inflater *i, struct ws_buffer **to, size_t most);

/* A message compressed for this window of 2^bits bytes; NULL: it would not become smaller, or there is no
 * memory, and it is to be sent as it is. The window is the caller's to move on. */
struct ws_buffer *ws_deflate(struct ws_codecs *c, unsigned bits, const struct ws_window *w, struct bytes text,
			     struct ws_budget *budget);

#else /* nothing is ever compressed: ws_codecs_new() gives none, and so nobody agrees to it */

static inline struct ws_codecs *ws_codecs_new(void)
{
	return NULL;
}
static inline void ws_codecs_free(struct ws_codecs *c)
{
	(void)c;
}
static inline struct ws_inflater *ws_inflater_take(struct ws_codecs *c, const struct ws_window *w)
{
	(void)c, (void)w;
	return NULL;
}
static inline void ws_inflater_give(struct ws_codecs *c, struct ws_inflater *i)
{
	(void)c, (void)i;
}
static inline enum ws_inflated ws_inflate(struct ws_inflater *i, struct bytes piece, struct ws_buffer **to,
					  size_t most)
{
	(void)i, (void)piece, (void)to, (void)most;
	return WS_INFLATED_FULL;
}
static inline enum ws_inflated ws_inflate_finish(struct ws_inflater *i, struct ws_buffer **to, size_t most)
{
	(void)i, (void)to, (void)most;
	return WS_INFLATED_FULL;
}
static inline struct ws_buffer *ws_deflate(struct ws_codecs *c, unsigned bits, const struct ws_window *w,
					   struct bytes text, struct ws_budget *budget)
{
	(void)c, (void)bits, (void)w, (void)text, (void)budget;
	return NULL;
}

#endif
#endif
