/* The demo location: which part of it answers. */
#include "server/demo.h"

#include <string.h>

static const struct part {
	const char *name;
	const struct http_handler *handler;
} parts[] = {
	{ "bytes", &demo_bytes_handler },
	{ "flood", &demo_flood_handler },
	{ "object", &demo_object_handler },
	{ "sink", &demo_sink_handler },
};

static const struct http_handler *find_part(const char *path)
{
	size_t len = strcspn(path, "/");

	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
		if (strlen(parts[i].name) == len && memcmp(parts[i].name, path, len) == 0)
			return parts[i].handler;
	return NULL;
}

static unsigned methods_at(const char *path)
{
	const struct http_handler *part = find_part(path);

	return part != NULL ? part->methods : demo_handler.methods;
}

/* From here on the call is the part's. */
static unsigned begin(struct http_call *call)
{
	const struct http_handler *part = find_part(call->path);

	if (part == NULL)
		return 404;
	call->handler = part;
	return part->begin != NULL ? part->begin(call) : 0;
}

const struct http_handler demo_handler = {
	.methods = HTTP_METHODS_READING | HTTP_METHOD_BIT(POST),
	.methods_at = methods_at,
	.begin = begin,
};
