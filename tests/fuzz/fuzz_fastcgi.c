/*
 * libFuzzer target: bytes into what reads an application's answer, records and the head in
 * them. Any input is a good one:
 *
 * the size of the pieces (1 byte), what the application says
 *
 * However it is cut, the same must come of it, and no field may hold the end of a line.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_text.h"
#include "server/cgi_head.h"
#include "server/fastcgi_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was understood. */
struct answer {
	struct cgi_head head;
	enum cgi_head_verdict verdict;
	uint8_t *body, *errors;
	size_t body_len, errors_len;
	unsigned ends;
	bool is_bad;
};

static void take_output(struct answer *a, struct bytes content)
{
	if (a->verdict == CGI_HEAD_MORE)
		a->verdict = cgi_head_read(&a->head, &content);
	if (a->verdict == CGI_HEAD_DONE && content.len > 0) {
		memcpy(a->body + a->body_len, content.data, content.len);
		a->body_len += content.len;
	}
}

/* Reads an exact copy, so that reading past its end is seen. */
static void read_piece(struct answer *a, struct fastcgi_reader *r, struct bytes piece, size_t most)
{
	uint8_t *copy = malloc(piece.len);
	struct bytes left = bytes_of(copy, piece.len), content;
	enum fastcgi_event event;

	assert(copy != NULL);
	memcpy(copy, piece.data, piece.len);
	while ((event = fastcgi_read(r, &left, most, &content)) != FASTCGI_MORE && event != FASTCGI_BAD) {
		if (event == FASTCGI_END) {
			a->ends++;
			continue;
		}
		assert(content.len > 0 && content.len <= most);
		if (event == FASTCGI_OUTPUT) {
			take_output(a, content);
		} else {
			memcpy(a->errors + a->errors_len, content.data, content.len);
			a->errors_len += content.len;
		}
	}
	a->is_bad = event == FASTCGI_BAD;
	assert(a->is_bad || left.len == 0);
	free(copy);
}

static struct answer *understand(struct bytes data, size_t step)
{
	struct answer *a = calloc(1, sizeof *a);
	struct fastcgi_reader r = { 0 };

	assert(a != NULL);
	cgi_head_init(&a->head);
	a->body = malloc(data.len + 1);
	a->errors = malloc(data.len + 1);
	assert(a->body != NULL && a->errors != NULL);
	while (data.len > 0 && !a->is_bad) {
		struct bytes piece = bytes_of(data.data, data.len < step ? data.len : step);

		read_piece(a, &r, piece, step);
		bytes_skip(&data, piece.len);
	}
	return a;
}

static void forget(struct answer *a)
{
	free(a->body);
	free(a->errors);
	free(a);
}

static void check_fields(const struct cgi_head *h)
{
	struct bytes fields = bytes_of(h->fields, h->fields_len);

	while (fields.len > 0) {
		struct bytes line = http_text_take(&fields, '\n'), name;

		assert(line.len > 0 && line.data[line.len - 1] == '\r');
		line.len--;
		name = http_text_take(&line, ':');
		assert(http_text_is_token(name) && http_text_is_field_value(line));
	}
	assert(h->status >= 200 && h->status <= 599);
}

static void check_same(const struct answer *a, const struct answer *b)
{
	assert(a->verdict == b->verdict && a->ends == b->ends && a->is_bad == b->is_bad);
	assert(a->body_len == b->body_len && memcmp(a->body, b->body, a->body_len) == 0);
	assert(a->errors_len == b->errors_len && memcmp(a->errors, b->errors, a->errors_len) == 0);
	assert(a->head.status == b->head.status && a->head.length == b->head.length);
	assert(a->head.fields_len == b->head.fields_len);
	assert(memcmp(a->head.fields, b->head.fields, a->head.fields_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	uint8_t step;
	struct answer *whole, *cut;

	if (!bytes_take_u8(&input, &step))
		return 0;
	whole = understand(input, input.len + 1);
	cut = understand(input, step + 1u);
	check_same(whole, cut);
	if (whole->verdict == CGI_HEAD_DONE)
		check_fields(&whole->head);
	forget(whole);
	forget(cut);
	return 0;
}
