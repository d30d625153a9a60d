/*
 * Lines for people: the client on the left, the server on the right, an arrow a segment.
 *
 *      ms #   client     segment                                        server
 *   0.041 #1  SYN-SENT   -- SYN 0+0 win 64240 mss 1460 ------------> SYN-RCVD
 *
 * An arrow of = is a segment sent again, one that ends in x was dropped. ASCII alone, so that it looks alike
 * in every terminal.
 */
#ifndef SERVER_LADDER_LINE_H
#define SERVER_LADDER_LINE_H

#include "server/document.h"
#include "server/ladder_row.h"

enum { LADDER_WIDTH = 80, LADDER_WIDEST = 160 };

struct ladder_look {
	unsigned width; /* columns, LADDER_WIDTH to LADDER_WIDEST */
	bool colour;
};

/* What stands over the columns: the state of the side that is not ours is inferred. */
void ladder_line_head(struct document *out, const struct ladder_look *look, enum ladder_end ours);

/* One line, or two if a note finds no room in the first. */
void ladder_line(struct document *out, const struct ladder_look *look, const struct ladder_row *row);

#endif
