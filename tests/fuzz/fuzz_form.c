/*
 * libFuzzer target: bytes into what turns the body of a form into a line of JSON. Any input is a good one:
 *
 * the Content-Type's length (1 byte), the Content-Type, the body
 *
 * What is taken must be one line and a JSON object, whatever was sent.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/form_line.h"
#include "server/json_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct document_budget budget = { .limit = 64 << 20 };

static void check_line(const struct document *d, size_t body_len)
{
	assert(!d->failed && d->len <= FORM_EXPANSION * body_len + FORM_ENVELOPE);
	assert(memchr(d->text, '\n', d->len) == d->text + d->len - 1);
	assert(memchr(d->text, '\r', d->len) == NULL);
	assert(json_is_object(bytes_of(d->text, d->len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document *d = document_new(&budget, 32 << 20);
	struct bytes input = bytes_of(data, size);
	struct form_submission s = { .client = "192.0.2.1", .honeypot = "trap" };
	bool trapped;
	uint8_t len;

	assert(d != NULL);
	if (bytes_take_u8(&input, &len) && input.len > len) {
		s.content_type = bytes_of(input.data, len);
		bytes_skip(&input, len);
		s.len = input.len;
		s.body = malloc(s.len);
		assert(s.body != NULL);
		memcpy(s.body, input.data, s.len);
		if (form_write_line(d, &s, &trapped) == 0)
			check_line(d, s.len);
		free(s.body);
	}
	span_owner_unref(&d->owner);
	assert(budget.in_use == 0);
	return 0;
}
