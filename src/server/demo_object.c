/* Small objects, to be fetched over many connections or over one. */
#include <string.h>

#include "http/http_form.h"
#include "http/http_text.h"
#include "server/demo.h"

enum { OBJECTS = 100 };

/* All are alike: what counts is how they come. Ten lines of a hundred characters. */
#define LINE "taphouse: one of a hundred small objects, to be fetched " \
	     "over as many connections, or all over one..\n"
_Static_assert(sizeof LINE == 100 + 1, "a hundred characters");
static const char object[] = LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE;

static bool is_object(const char *path)
{
	struct bytes rest = bytes_of(path, strlen(path));
	uint64_t number;

	return http_text_take_word(&rest, "object/") && http_text_number(rest, &number) && number < OBJECTS;
}

static enum http_ending ending_of(const struct http_call *call)
{
	struct bytes who;

	if (!http_form_find(call->target->query, "close", &who))
		return HTTP_ENDING_NONE;
	return http_text_is(who, "client") ? HTTP_ENDING_PEERS : HTTP_ENDING_OURS;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	if (!is_object(call->path))
		return 404;
	out->type = "text/plain; charset=utf-8";
	out->body = (struct span){ .data = (const uint8_t *)object, .len = sizeof object - 1 };
	out->ending = ending_of(call);
	return 200;
}

const struct http_handler demo_object_handler = { .methods = HTTP_METHODS_READING, .answer = answer };
