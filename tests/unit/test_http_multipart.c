/* Multipart bodies as browsers and curl send them, and as nobody should (RFC 7578, RFC 2046 section 5.1),
 * each in one piece, cut once at every byte, and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "http/http_multipart.h"

#define TYPE "multipart/form-data; boundary=B"
#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

enum { SHOWN = 1 << 16, PARTS = 5 };

/* What has come out, as "name=content|", a file as "name(filename)=content|"; "!" if the body is malformed,
 * "+" if it has too much. */
struct shown {
	struct http_multipart m;
	enum http_multipart_event last;
	size_t len;
	char text[SHOWN];
};

static struct bytes text(const char *s)
{
	return bytes_of(s, strlen(s));
}

static void show(struct shown *s, struct bytes b)
{
	assert_true(s->len + b.len < sizeof s->text);
	if (b.len > 0)
		memcpy(s->text + s->len, b.data, b.len);
	s->len += b.len;
	s->text[s->len] = '\0';
}

static void show_part(struct shown *s, const struct http_part *part)
{
	show(s, part->name);
	if (http_part_is_file(part)) {
		show(s, text("("));
		show(s, part->filename);
		if (part->extended_filename.data != NULL)
			show(s, text("*"));
		show(s, part->extended_filename);
		show(s, text(")"));
	}
	show(s, text("="));
}

/* False: nothing may be fed any more. */
static bool show_event(struct shown *s, struct bytes run)
{
	switch (s->last) {
	case HTTP_MULTIPART_PART:
		show_part(s, &s->m.part);
		return true;
	case HTTP_MULTIPART_DATA:
		assert_int_not_equal(run.len, 0);
		show(s, run);
		return true;
	case HTTP_MULTIPART_PART_END:
		show(s, text("|"));
		return true;
	case HTTP_MULTIPART_BAD:
		show(s, text("!"));
		return false;
	case HTTP_MULTIPART_TOO_LARGE:
		show(s, text("+"));
		return false;
	case HTTP_MULTIPART_MORE:
		break;
	}
	return false;
}

static void begin(struct shown *s, const char *type)
{
	assert_true(http_multipart_init(&s->m, text(type), PARTS));
	s->last = HTTP_MULTIPART_MORE;
	s->len = 0;
	s->text[0] = '\0';
}

/* The piece is copied to where it has no neighbours, so that reading past its end is seen. */
static void feed(struct shown *s, struct bytes piece)
{
	uint8_t *copy = malloc(piece.len + 1);
	struct bytes left, run;

	assert_non_null(copy);
	memcpy(copy + 1, piece.data, piece.len);
	left = bytes_of(copy + 1, piece.len);
	if (s->last != HTTP_MULTIPART_BAD && s->last != HTTP_MULTIPART_TOO_LARGE)
		do
			s->last = http_multipart_next(&s->m, &left, &run);
		while (show_event(s, run));
	if (s->last == HTTP_MULTIPART_MORE)
		assert_int_equal(left.len, 0);
	free(copy);
}

static void end(struct shown *s)
{
	if (s->last == HTTP_MULTIPART_MORE && !http_multipart_has_ended(&s->m))
		show(s, text("!"));
}

static void assert_parts_of(const char *type, struct bytes body, const char *expected)
{
	static struct shown s;

	for (size_t cut = 0; cut <= body.len; cut++) {
		begin(&s, type);
		feed(&s, bytes_of(body.data, cut));
		feed(&s, bytes_of(body.data + cut, body.len - cut));
		end(&s);
		assert_string_equal(s.text, expected);
	}
	begin(&s, type);
	for (size_t i = 0; i < body.len; i++)
		feed(&s, bytes_of(body.data + i, 1));
	end(&s);
	assert_string_equal(s.text, expected);
}

static void assert_parts(const char *type, const char *body, const char *expected)
{
	assert_parts_of(type, text(body), expected);
}

static void parts_are_found(void **state)
{
	(void)state;
	assert_parts(TYPE, "--B\r\n" FIELD("a") "1\r\n--B\r\n" FIELD("b") "\r\n--B--\r\n", "a=1|b=|");
	assert_parts(TYPE, "--B--", "");
	assert_parts(TYPE, "x--B\r\n" FIELD("a") "1\r\n--B--", ""); /* all before a delimiter is preamble */
	assert_parts(TYPE, "x--B\r\n" FIELD("a") "1\r\n--B\r\n" FIELD("b") "2\r\n--B--", "b=2|");
	assert_parts(TYPE, "before\r\n--B \t\r\n" FIELD("a") "1\r\n--B--\r\nbehind\r\n--B\r\n", "a=1|");
	assert_parts(TYPE, "\r\n--B\r\n" FIELD("a") "1\r\n--B--", "a=1|");
	assert_parts("multipart/form-data; charset=utf-8; Boundary=\"x;y=z\"",
		     "--x;y=z\r\n" FIELD("a") "1\r\n--x;y=z--", "a=1|");
	assert_parts(TYPE, "--B\r\nX: y\r\ncontent-disposition:form-data;name=a\r\nContent-Type: text/plain\r\n\r\n1"
			   "\r\n--B--", "a=1|");
	assert_parts(TYPE, "--B\r\n" FIELD("a%22\\") "1\r\n--B--", "a%22\\=1|");
}

static void files_have_names(void **state)
{
	(void)state;
	assert_parts(TYPE, "--B\r\nContent-Disposition: form-data; filename=\"c;d.txt\"; name=\"f\"\r\n\r\nhello"
			   "\r\n--B--", "f(c;d.txt)=hello|");
	assert_parts(TYPE,
		     "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n\r\n\r\n--B--",
		     "f()=|");
	assert_parts(TYPE, "--B\r\nContent-Disposition: form-data; name=f; filename=e; filename*=UTF-8''%c3%a9\r\n\r\n1"
			   "\r\n--B--", "f(e*UTF-8''%c3%a9)=1|");
}

/* What begins like a delimiter and goes on differently is content, whole. */
static void content_may_look_like_a_delimiter(void **state)
{
	(void)state;
	assert_parts(TYPE, "--B\r\n" FIELD("a") "x--B\n--B\r\n-\r\n--\r\n--B--", "a=x--B\n--B\r\n-\r\n--|");
	assert_parts(TYPE, "--B\r\n" FIELD("a") "\r\r\n\r\r\n-\r\n-\r\n\r\n--A\r\n--\r\n--B--",
		     "a=\r\r\n\r\r\n-\r\n-\r\n\r\n--A\r\n--|");
	assert_parts(TYPE, "--B\r\n" FIELD("a") "--B\r\n--B--", "a=--B|");
	assert_parts("multipart/form-data; boundary=--", "----\r\n" FIELD("a") "\r\n---\r\n------",
		     "a=\r\n---|");
}

static void malformed_bodies_are_told(void **state)
{
	(void)state;
	assert_parts(TYPE, "", "!");
	assert_parts(TYPE, "--", "!");
	assert_parts(TYPE, "--B", "!");
	assert_parts(TYPE, "--B-", "!");
	assert_parts(TYPE, "--B -", "!");
	assert_parts(TYPE, "--B-x", "!");
	assert_parts(TYPE, "--B\r\n", "!");
	assert_parts(TYPE, "--B\rx", "!");
	assert_parts(TYPE, "--B\r \r\n" FIELD("a") "1\r\n--B--", "!");
	assert_parts(TYPE, "--B \r-\r\n" FIELD("a") "1\r\n--B--", "!");
	assert_parts(TYPE, "--B\n", "!");
	assert_parts(TYPE, "--C\r\n" FIELD("a") "1\r\n--C--", "!");
	assert_parts(TYPE, "--B\r\n" FIELD("a") "1\r\n--B", "a=1|!");
	assert_parts(TYPE, "--B\r\n" FIELD("a") "1\r\n--B\r\n" FIELD("b") "2", "a=1|b=2!");
	assert_parts(TYPE, "--Bx\r\n" FIELD("a") "1\r\n--B--", "!");
	assert_parts(TYPE, "--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--", "!");
	assert_parts(TYPE, "--B\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--B--", "!");
	assert_parts(TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\n--B--", "!");
	assert_parts(TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\nno colon\r\n\r\n1\r\n--B--",
		     "!");
	assert_parts(TYPE, "--B\r\n\r\n1\r\n--B--", "!");
}

static void a_boundary_has_1_to_70_characters(void **state)
{
	static struct http_multipart m;
	char type[128];

	(void)state;
	assert_false(http_multipart_init(&m, text("multipart/form-data"), 1));
	assert_false(http_multipart_init(&m, text("multipart/form-data; boundary="), 1));
	assert_false(http_multipart_init(&m, text("multipart/form-data; boundary=\"\""), 1));
	assert_false(http_multipart_init(&m, text("multipart/form-data; boundary=\"a\rb\""), 1));
	snprintf(type, sizeof type, "multipart/form-data; boundary=%070d", 0);
	assert_true(http_multipart_init(&m, text(type), 1));
	snprintf(type, sizeof type, "multipart/form-data; boundary=%071d", 0);
	assert_false(http_multipart_init(&m, text(type), 1));
}

static void parts_are_limited(void **state)
{
	char body[1024] = "", expected[64] = "";

	(void)state;
	for (unsigned i = 0; i < PARTS; i++) {
		strcat(body, i > 0 ? "\r\n--B\r\n" : "--B\r\n");
		strcat(body, FIELD("a") "1");
		strcat(expected, "a=1|");
	}
	strcat(body, "\r\n--B--");
	assert_parts(TYPE, body, expected);
	strcpy(body + strlen(body) - 2, "\r\n" FIELD("a") "1\r\n--B--");
	strcat(expected, "+");
	assert_parts(TYPE, body, expected);
}

static void fields_of_a_part_are_limited(void **state)
{
	static char body[2 * HTTP_PART_FIELDS];
	int padding = HTTP_PART_FIELDS - (int)strlen("X: \r\n" FIELD("a"));

	(void)state;
	snprintf(body, sizeof body, "--B\r\nX: %0*d\r\n" FIELD("a") "1\r\n--B--", padding, 0);
	assert_parts(TYPE, body, "a=1|");
	snprintf(body, sizeof body, "--B\r\nX: %0*d\r\n" FIELD("a") "1\r\n--B--", padding + 1, 0);
	assert_parts(TYPE, body, "+");
}

/* ---- bodies made from a seed ---- */

/* Content of few characters, so that it often looks like a delimiter. Returns its length. */
static size_t make_content(struct random *r, char *to)
{
	static const char *const pieces[] = { "\r", "\n", "-", "--", "\r\n", "\r\n--", "B", "\r\n--b", "x", "\r\n-B" };
	size_t len = 0;

	for (uint32_t n = random_below(r, 20); n > 0; n--)
		len += (size_t)sprintf(to + len, "%s", pieces[random_below(r, ARRAY_LENGTH(pieces))]);
	to[len] = '\0';
	return strstr(to, "\r\n--B") == NULL ? len : make_content(r, to);
}

static void feed_in_pieces(struct shown *s, struct random *r, struct bytes body)
{
	uint32_t most = 1 + random_below(r, 40);

	while (body.len > 0) {
		size_t n = 1 + random_below(r, most);
		struct bytes piece = bytes_of(body.data, n < body.len ? n : body.len);

		feed(s, piece);
		bytes_skip(&body, piece.len);
	}
	end(s);
}

static void what_is_put_in_comes_out_however_it_is_cut(void **state)
{
	static struct shown s;
	struct random r;

	(void)state;
	for (uint64_t seed = 1; seed <= 3000; seed++) {
		char body[4096], content[128], expected[1024] = "";
		size_t len = 0;

		random_init(&r, seed);
		for (uint32_t parts = random_below(&r, PARTS + 1); parts > 0; parts--) {
			make_content(&r, content);
			len += (size_t)sprintf(body + len, "\r\n--B\r\n" FIELD("a") "%s", content);
			sprintf(expected + strlen(expected), "a=%s|", content);
		}
		len += (size_t)sprintf(body + len, "\r\n--B--\r\n");
		begin(&s, TYPE);
		feed_in_pieces(&s, &r, bytes_of(body, len));
		if (strcmp(s.text, expected) != 0)
			fail_msg("seed %llu: %s is not %s", (unsigned long long)seed, s.text, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_found),
		cmocka_unit_test(files_have_names),
		cmocka_unit_test(content_may_look_like_a_delimiter),
		cmocka_unit_test(malformed_bodies_are_told),
		cmocka_unit_test(a_boundary_has_1_to_70_characters),
		cmocka_unit_test(parts_are_limited),
		cmocka_unit_test(fields_of_a_part_are_limited),
		cmocka_unit_test(what_is_put_in_comes_out_however_it_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
