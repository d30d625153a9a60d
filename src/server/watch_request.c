/* The message, read by jansson; what is not known or of another type is refused. */
#include "server/watch_request.h"

#include <jansson.h>
#include <string.h>

static bool take_word(const char *word, struct watch_request *out)
{
	if (strcmp(word, "mine") == 0)
		out->what = WATCH_MINE;
	else if (strcmp(word, "all") == 0)
		out->what = WATCH_ALL;
	else
		return false;
	return true;
}

static bool take_numbers(const json_t *list, struct watch_request *out)
{
	size_t n = json_array_size(list);

	if (n > WATCH_CONNECTIONS)
		return false;
	out->what = WATCH_NAMED;
	for (size_t i = 0; i < n; i++) {
		const json_t *number = json_array_get(list, i);

		if (!json_is_integer(number) || json_integer_value(number) <= 0)
			return false;
		out->connections[out->n++] = (uint64_t)json_integer_value(number);
	}
	return true;
}

static bool take_watch(const json_t *watch, struct watch_request *out)
{
	if (json_is_null(watch))
		return true;
	if (json_is_string(watch))
		return take_word(json_string_value(watch), out);
	return json_is_array(watch) && take_numbers(watch, out);
}

static bool take_samples(json_int_t ms, struct watch_request *out)
{
	if (ms < WATCH_SAMPLES_MIN_MS || ms > WATCH_SAMPLES_MAX_MS)
		return false;
	out->samples_us = (uint64_t)ms * 1000;
	return true;
}

static bool take_members(json_t *root, struct watch_request *out)
{
	json_t *watch, *samples = NULL;
	int segments = true;

	if (json_unpack_ex(root, NULL, JSON_STRICT, "{s:o, s?b, s?o}", "watch", &watch, "segments", &segments,
			   "samples", &samples) < 0)
		return false;
	out->segments = segments != 0;
	if (samples != NULL && (!json_is_integer(samples) || !take_samples(json_integer_value(samples), out)))
		return false;
	return take_watch(watch, out);
}

bool watch_request_parse(struct bytes text, struct watch_request *out)
{
	json_t *root;
	bool is_one;

	*out = (struct watch_request){ .what = WATCH_NOTHING };
	if (text.len > WATCH_MESSAGE)
		return false;
	root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	is_one = root != NULL && take_members(root, out);
	json_decref(root);
	return is_one;
}
