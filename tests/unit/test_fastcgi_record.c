/* Records of FastCGI: what is sent, byte by byte, and what comes, however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/fastcgi_record.h"

#define RECORD(type, id, length, padding) "\x01" type "\x00" id "\x00" length padding "\x00"
#define END_BODY(status) "\x00\x00\x00\x00" status "\x00\x00\x00"

/* What a reader made of some data. */
struct heard {
	char output[64], errors[64];
	size_t output_len, errors_len;
	unsigned ends;
	uint8_t status;
	bool is_bad, is_between;
};

static void gather(char *to, size_t *len, struct bytes content)
{
	assert_true(content.len > 0);
	assert_true(*len + content.len <= 64);
	memcpy(to + *len, content.data, content.len);
	*len += content.len;
}

/* Feeds the data in two pieces. */
static struct heard hear(const char *data, size_t len, size_t cut, size_t most)
{
	struct fastcgi_reader r = { 0 };
	struct heard h = { 0 };

	for (int i = 0; i < 2 && !h.is_bad; i++) {
		struct bytes piece = i == 0 ? bytes_of(data, cut) : bytes_of(data + cut, len - cut), content;
		enum fastcgi_event event;

		while ((event = fastcgi_read(&r, &piece, most, &content)) != FASTCGI_MORE &&
		       event != FASTCGI_BAD) {
			if (event == FASTCGI_END) {
				h.ends++;
				h.status = r.protocol_status;
				continue;
			}
			assert_true(content.len <= most);
			if (event == FASTCGI_OUTPUT)
				gather(h.output, &h.output_len, content);
			else
				gather(h.errors, &h.errors_len, content);
		}
		h.is_bad = event == FASTCGI_BAD;
		assert_true(h.is_bad || piece.len == 0);
	}
	h.is_between = fastcgi_is_between(&r);
	return h;
}

static const char answer[] = RECORD("\x06", "\x01", "\x05", "\x03") "hello" "ppp"
			     RECORD("\x07", "\x01", "\x04", "\x00") "oops"
			     RECORD("\x0a", "\x00", "\x03", "\x01") "???p"
			     RECORD("\x06", "\x01", "\x06", "\x00") " world"
			     RECORD("\x07", "\x01", "\x00", "\x00")
			     RECORD("\x06", "\x01", "\x00", "\x08") "pppppppp"
			     RECORD("\x03", "\x01", "\x08", "\x02") END_BODY("\x02") "pp"
			     RECORD("\x06", "\x01", "\x01", "\x00") "!"
			     RECORD("\x03", "\x01", "\x08", "\x00") END_BODY("\x00");

static void an_answer_is_the_same_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t most = 1; most < 8; most++)
		for (size_t cut = 0; cut < sizeof answer; cut++) {
			struct heard h = hear(answer, sizeof answer - 1, cut, most);

			assert_false(h.is_bad);
			assert_int_equal(h.output_len, 12);
			assert_memory_equal(h.output, "hello world!", 12);
			assert_int_equal(h.errors_len, 4);
			assert_memory_equal(h.errors, "oops", 4);
			assert_int_equal(h.ends, 2);
			assert_int_equal(h.status, 0);
			assert_true(h.is_between);
		}
}

static void an_end_says_how(void **state)
{
	static const char end[] = RECORD("\x03", "\x01", "\x08", "\x00") END_BODY("\x02");

	(void)state;
	assert_int_equal(hear(end, sizeof end - 1, 0, 1).status, FASTCGI_OVERLOADED);
}

static void what_is_cut_short_is_not_between(void **state)
{
	(void)state;
	for (size_t len = 1; len < 16; len++)
		assert_false(hear(answer, len, 0, SIZE_MAX).is_between);
	assert_true(hear(answer, 16, 0, SIZE_MAX).is_between);
}

static void what_is_no_record_is_bad(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} all[] = {
#define BAD(text) { text, sizeof text - 1 }
		BAD("HTTP/1.1 200 OK"),
		BAD("\x02\x06\x00\x01\x00\x01\x00\x00x"),              /* another version */
		BAD(RECORD("\x06", "\x02", "\x01", "\x00") "x"),        /* another request */
		BAD(RECORD("\x05", "\x01", "\x01", "\x00") "x"),        /* STDIN: our own side */
		BAD(RECORD("\x01", "\x01", "\x08", "\x00") "xxxxxxxx"),
		BAD(RECORD("\x0b", "\x01", "\x08", "\x00") "xxxxxxxx"), /* management, of a request */
		BAD(RECORD("\x03", "\x01", "\x07", "\x00") "xxxxxxx"),  /* an end of another form */
		BAD(RECORD("\x03", "\x01", "\x09", "\x00") "xxxxxxxxx"),
#undef BAD
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++)
		for (size_t cut = 0; cut <= all[i].len; cut++) {
			struct heard h = hear(all[i].data, all[i].len, cut, SIZE_MAX);

			assert_true(h.is_bad);
			assert_int_equal(h.output_len + h.errors_len + h.ends, 0);
		}
}

static void headers_say_type_and_length(void **state)
{
	uint8_t header[FASTCGI_HEADER];

	(void)state;
	fastcgi_put_header(header, FASTCGI_STDIN, 0x1234);
	assert_memory_equal(header, "\x01\x05\x00\x01\x12\x34\x00\x00", sizeof header);
}

static void a_request_begins_for_a_responder_that_keeps_the_connection(void **state)
{
	uint8_t begin[FASTCGI_BEGIN];

	(void)state;
	fastcgi_put_begin(begin);
	assert_memory_equal(begin,
			    "\x01\x01\x00\x01\x00\x08\x00\x00"
			    "\x00\x01\x01\x00\x00\x00\x00\x00",
			    sizeof begin);
}

static void lengths_take_a_byte_or_four(void **state)
{
	uint8_t out[FASTCGI_LENGTHS_MAX];

	(void)state;
	assert_int_equal(fastcgi_put_lengths(out, 0, 127), 2);
	assert_memory_equal(out, "\x00\x7f", 2);
	assert_int_equal(fastcgi_put_lengths(out, 128, 127), 5);
	assert_memory_equal(out, "\x80\x00\x00\x80\x7f", 5);
	assert_int_equal(fastcgi_put_lengths(out, 1, 0x123456), 5);
	assert_memory_equal(out, "\x01\x80\x12\x34\x56", 5);
	assert_int_equal(fastcgi_put_lengths(out, 128, 128), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_the_same_however_it_is_cut),
		cmocka_unit_test(an_end_says_how),
		cmocka_unit_test(what_is_cut_short_is_not_between),
		cmocka_unit_test(what_is_no_record_is_bad),
		cmocka_unit_test(headers_say_type_and_length),
		cmocka_unit_test(a_request_begins_for_a_responder_that_keeps_the_connection),
		cmocka_unit_test(lengths_take_a_byte_or_four),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
