/* Writing HTML to a document. */
#ifndef SERVER_HTML_H
#define SERVER_HTML_H

#include "base/bytes.h"
#include "server/document.h"

/* Any bytes, as text or inside of a value in double quotes. */
void html_text(struct document *d, struct bytes text);

#endif
