/* What the sender of files is told: their names as they are stored, and their sizes. */
#ifndef SERVER_UPLOAD_ANSWER_H
#define SERVER_UPLOAD_ANSWER_H

#include "http/http.h"
#include "server/document.h"
#include "server/upload_store.h"

/* A page or JSON, whichever the client likes better; instead of the page it is sent to `redirect`, unless
 * that is "". The status that goes with *out. */
unsigned upload_answer(const struct upload_files *files, struct bytes accept, const char *redirect,
		       struct document_budget *budget, struct http_document *out);

#endif
