/*
 * Answers that come later, and bodies that a handler gives piece by piece: in which order
 * they leave, how their end is told, that the handler is asked for no more than there is room
 * for, and what ends them too early.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/minmax.h"
#include "common/http_fixture.h"
#include "http/http_call.h"

#define SECOND UINT64_C(1000000)
#define REQUEST(method, path, version) method " " path " HTTP/" version "\r\nHost: a\r\n\r\n"
#define GET(path) REQUEST("GET", path, "1.1")

enum { CONTENT = 300000 };

/* What the handler does, and what became of it. */
struct script {
	unsigned begin_status, answer_status;
	struct http_document document; /* of answer() */
	size_t length;    /* of the content that it gives */
	size_t ready;     /* that it has by now */
	size_t piece;     /* most that it gives at once; 0: all */
	bool breaks;      /* at the end of what is ready */
	size_t given;
	size_t most_asked;
	unsigned begun, ended;
	struct http_call *call;
};

static struct http_fixture fx;
static struct fake_stream s;
static struct script script;
static uint8_t content[CONTENT];
static unsigned references; /* of content */
static size_t at;

static void release(struct span_owner *owner)
{
	references--;
	free(owner);
}

static struct span_owner *new_owner(void)
{
	struct span_owner *owner = malloc(sizeof *owner);

	assert_non_null(owner);
	span_owner_init(owner, release);
	references++;
	return owner;
}

static unsigned begin(struct http_call *call)
{
	script.begun++;
	script.call = call;
	return script.begin_status;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	(void)call;
	*out = script.document;
	return script.answer_status;
}

static enum http_give give(struct http_call *call, size_t most, struct span *out)
{
	size_t n = script.ready - script.given;

	assert_ptr_equal(call, script.call);
	assert_true(most > 0);
	if (most > script.most_asked)
		script.most_asked = most;
	if (n == 0)
		return script.breaks ? HTTP_GIVE_BROKEN :
		       script.given < script.length ? HTTP_GIVE_LATER : HTTP_GIVE_END;
	n = min_u64(n, most);
	if (script.piece > 0)
		n = min_u64(n, script.piece);
	*out = (struct span){ .data = content + script.given, .len = n, .owner = new_owner() };
	script.given += n;
	return HTTP_GIVE_PIECE;
}

static void end(struct http_call *call)
{
	assert_ptr_equal(call, script.call);
	script.ended++;
	script.call = NULL;
}

static const struct http_handler handler = {
	.methods = HTTP_METHODS_ALL, .begin = begin, .answer = answer, .give = give, .end = end,
};

static void start(size_t buffer)
{
	static const struct http_location locations[] = { { .prefix = "/later", .handler = &handler } };

	fx.locations = locations;
	fx.n_locations = 1;
	http_fixture_start(&fx);
	fake_stream_init(&s, buffer);
	http_serve(fx.server, &s.stream);
}

static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "a.txt", "aaaa");
	for (size_t i = 0; i < CONTENT; i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
	script = (struct script){ .answer_status = HTTP_LATER };
	references = 0;
	at = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_fixture_fini(&fx);
	assert_int_equal(references, 0);
	return 0;
}

/* The handler answers at once with a body that it gives. */
static void script_body(uint64_t announced, size_t length, size_t ready)
{
	script.answer_status = 200;
	script.document = (struct http_document){ .is_given = true, .length = announced };
	script.length = length;
	script.ready = ready;
}

static struct http_reply reply(void)
{
	struct http_reply r = { 0 };

	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	return r;
}

static void assert_nothing_more(void)
{
	assert_int_equal(at, s.sent_len);
}

static void assert_field(const struct http_reply *r, const char *name, const char *expected)
{
	char value[256];

	http_reply_field(r, name, value);
	assert_string_equal(value, expected);
}

/* The head of a reply whose body has no length. */
static struct http_reply head(void)
{
	const char *end = strstr(s.sent + at, "\r\n\r\n");
	struct http_reply r = { .head = s.sent + at };

	assert_non_null(end);
	r.head_len = (size_t)(end + 4 - r.head);
	r.status = (unsigned)atoi(r.head + 9);
	at += r.head_len;
	return r;
}

/* Reads a chunk; its length. */
static size_t take_chunk(size_t from)
{
	char *end;
	size_t len = strtoul(s.sent + at, &end, 16);

	assert_memory_equal(end, "\r\n", 2);
	at = (size_t)(end + 2 - s.sent);
	assert_true(at + len + 2 <= s.sent_len);
	assert_memory_equal(s.sent + at, content + from, len);
	at += len;
	assert_memory_equal(s.sent + at, "\r\n", 2);
	at += 2;
	return len;
}

static void assert_chunks(size_t total)
{
	size_t done = 0, len;

	while ((len = take_chunk(done)) > 0)
		done += len;
	assert_int_equal(done, total);
}

static void complete(unsigned status, struct http_document document)
{
	http_call_complete(script.call, status, &document);
}

/* ---- later ---- */

static void an_answer_may_come_in_a_later_turn(void **state)
{
	struct http_reply r;

	(void)state;
	start(1 << 20);
	fake_stream_feed_text(&s, GET("/later"));
	assert_nothing_more();
	http_fixture_advance(&fx, SECOND);
	complete(200, (struct http_document){
		.type = "text/plain",
		.body = { .data = content, .len = 5, .owner = new_owner() },
	});
	r = reply();
	assert_int_equal(r.status, 200);
	assert_memory_equal(r.body, content, 5);
	assert_int_equal(r.body_len, 5);
	assert_int_equal(script.ended, 1);
	assert_int_equal(fx.logs[0].finished_us - fx.logs[0].started_us, SECOND);
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_int_equal(reply().status, 200);
}

static void requests_behind_it_wait_and_are_answered_in_order(void **state)
{
	(void)state;
	start(1 << 20);
	fake_stream_feed_text(&s, GET("/a.txt") GET("/later") GET("/none") GET("/later"));
	fake_stream_feed_text(&s, GET("/a.txt"));
	assert_int_equal(reply().status, 200);
	assert_nothing_more();
	http_call_resume(script.call); /* there is nothing to give yet */
	http_call_complete(script.call, 403, NULL);
	assert_int_equal(reply().status, 403);
	assert_int_equal(reply().status, 404);
	assert_nothing_more();
	complete(303, (struct http_document){ .location = "/there" });
	assert_field(&(struct http_reply){ .head = s.sent + at, .head_len = s.sent_len - at }, "Location",
		     "/there");
	assert_int_equal(reply().status, 303);
	assert_int_equal(reply().status, 200);
	assert_nothing_more();
	assert_int_equal(script.ended, 2);
}

static void one_that_does_not_come_is_504(void **state)
{
	(void)state;
	start(1 << 20);
	fake_stream_feed_text(&s, GET("/later"));
	http_fixture_advance(&fx, fx.config.answer_timeout_us - SECOND);
	fake_stream_feed_text(&s, GET("/a.txt")); /* wins no time */
	assert_nothing_more();
	http_fixture_advance(&fx, 2 * SECOND);
	assert_int_equal(reply().status, 504);
	assert_nothing_more();
	assert_true(s.shut_down);
	assert_int_equal(script.ended, 1);
	assert_int_equal(fx.logs[0].status, 504);
}

static void its_call_is_over_before_the_504_has_left(void **state)
{
	static const char *const pages[] = { "504 /504.html", NULL };

	(void)state;
	http_fixture_write(&fx, "504.html", content, CONTENT);
	fx.site.policy.error_page = pages;
	start(20000);
	fake_stream_feed_text(&s, GET("/later"));
	http_fixture_advance(&fx, fx.config.answer_timeout_us + SECOND);
	assert_true(s.sent_len < CONTENT);
	assert_int_equal(script.ended, 1);
	while (fake_stream_in_flight(&s) > 0)
		fake_stream_ack(&s, 10000);
	assert_int_equal(reply().body_len, CONTENT);
	assert_int_equal(script.ended, 1);
}

static void a_client_that_has_said_all_is_still_answered(void **state)
{
	(void)state;
	start(1 << 20);
	fake_stream_feed_text(&s, GET("/later"));
	fake_stream_end(&s);
	assert_nothing_more();
	assert_int_equal(script.ended, 0);
	http_call_complete(script.call, 404, NULL);
	assert_int_equal(reply().status, 404);
	assert_true(s.closed);
}

static void a_client_that_leaves_meanwhile_ends_the_call(void **state)
{
	(void)state;
	start(1 << 20);
	fake_stream_feed_text(&s, GET("/later"));
	fake_stream_lose(&s, STREAM_END_RESET);
	assert_int_equal(script.ended, 1);
	assert_int_equal(fx.logs[0].status, 499);
}

static void freeing_the_server_ends_what_is_awaited(void **state)
{
	(void)state;
	start(1 << 20);
	fake_stream_feed_text(&s, GET("/later"));
	http_server_free(fx.server);
	fx.server = NULL;
	assert_int_equal(script.ended, 1);
}

static void a_handler_that_refuses_is_not_asked_again(void **state)
{
	(void)state;
	start(1 << 20);
	script.begin_status = 503;
	fake_stream_feed_text(&s, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
	assert_int_equal(reply().status, 503);
	assert_int_equal(script.begun, 1);
	assert_int_equal(script.ended, 0);
}

/* ---- given bodies ---- */

static void a_body_of_known_length_has_its_length(void **state)
{
	struct http_reply r;

	(void)state;
	start(1 << 20);
	script_body(1000, 1000, 1000);
	script.piece = 7;
	fake_stream_feed_text(&s, GET("/later"));
	fake_stream_ack_all(&s);
	r = reply();
	assert_int_equal(r.body_len, 1000);
	assert_memory_equal(r.body, content, 1000);
	assert_field(&r, "Transfer-Encoding", "");
	assert_nothing_more();
	assert_int_equal(script.ended, 1);
	assert_int_equal(fx.logs[0].body_bytes_sent, 1000);
}

static void a_handler_gives_no_more_than_it_announced(void **state)
{
	(void)state;
	start(1 << 20);
	script_body(10, 1000, 1000);
	fake_stream_feed_text(&s, GET("/later") GET("/a.txt"));
	assert_int_equal(reply().body_len, 10);
	assert_int_equal(script.given, 10);
	assert_int_equal(reply().status, 200);
	assert_nothing_more();
}

static void a_body_of_unknown_length_is_chunked(void **state)
{
	struct http_reply r;

	(void)state;
	start(1 << 20);
	script_body(HTTP_LENGTH_UNKNOWN, 300, 300);
	script.piece = 100;
	fake_stream_feed_text(&s, GET("/later") GET("/a.txt"));
	r = head();
	assert_int_equal(r.status, 200);
	assert_field(&r, "Transfer-Encoding", "chunked");
	assert_field(&r, "Content-Length", "");
	assert_field(&r, "Connection", "");
	assert_chunks(300);
	assert_int_equal(fx.logs[0].body_bytes_sent, 300);
	assert_int_equal(reply().status, 200);
	assert_nothing_more();
}

static void an_empty_one_is_the_last_chunk_alone(void **state)
{
	(void)state;
	start(1 << 20);
	script_body(HTTP_LENGTH_UNKNOWN, 0, 0);
	fake_stream_feed_text(&s, GET("/later"));
	head();
	assert_string_equal(s.sent + at, "0\r\n\r\n");
}

static void for_http_1_0_the_connection_ends_with_it(void **state)
{
	struct http_reply r;

	(void)state;
	start(1 << 20);
	script_body(HTTP_LENGTH_UNKNOWN, 300, 300);
	fake_stream_feed_text(&s, "GET /later HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
	r = head();
	assert_field(&r, "Transfer-Encoding", "");
	assert_field(&r, "Content-Length", "");
	assert_field(&r, "Connection", "close");
	assert_int_equal(s.sent_len - at, 300);
	assert_memory_equal(s.sent + at, content, 300);
	assert_true(s.shut_down);
}

static void head_is_answered_without_asking_for_the_body(void **state)
{
	(void)state;
	start(1 << 20);
	script_body(HTTP_LENGTH_UNKNOWN, 300, 300);
	fake_stream_feed_text(&s, REQUEST("HEAD", "/later", "1.1"));
	head();
	assert_nothing_more();
	script_body(300, 300, 300);
	fake_stream_feed_text(&s, REQUEST("HEAD", "/later", "1.1"));
	assert_field(&(struct http_reply){ .head = s.sent + at, .head_len = s.sent_len - at },
		     "Content-Length", "300");
	head();
	assert_nothing_more();
	assert_int_equal(script.given, 0);
	assert_int_equal(script.ended, 2);
	assert_int_equal(fx.logs[1].body_bytes_sent, 0);
	assert_false(s.shut_down);
}

static void statuses_without_content_have_none(void **state)
{
	static const unsigned statuses[] = { 204, 304, 205 };

	(void)state;
	start(1 << 20);
	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
		struct http_reply r;

		script_body(HTTP_LENGTH_UNKNOWN, 300, 300);
		script.answer_status = statuses[i];
		fake_stream_feed_text(&s, GET("/later"));
		r = head();
		assert_int_equal(r.status, statuses[i]);
		assert_field(&r, "Transfer-Encoding", "");
		assert_field(&r, "Content-Length", statuses[i] == 205 ? "0" : "");
		assert_field(&r, "Allow", ""); /* it is the handler's own answer, whole */
		assert_nothing_more();
	}
	assert_int_equal(script.given, 0);
}

static void a_given_answer_has_its_own_fields_and_any_status(void **state)
{
	static const char fields[] = "Content-Type: a/b\r\nX-Own: 1\r\nCache-Control: max-age=9\r\n";
	static const unsigned statuses[] = { 200, 418, 599, 404, 301, 405, 206, 416 };

	(void)state;
	start(1 << 20);
	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
		char line[32];
		struct http_reply r;

		script_body(3, 3, 3);
		script.given = 0;
		script.answer_status = statuses[i];
		script.document.fields = bytes_of(fields, sizeof fields - 1);
		script.document.tells_caching = true;
		fake_stream_feed_text(&s, REQUEST("POST", "/later", "1.1"));
		r = reply();
		snprintf(line, sizeof line, "HTTP/1.1 %u ", statuses[i]);
		assert_memory_equal(r.head, line, strlen(line));
		assert_field(&r, "X-Own", "1");
		assert_field(&r, "Cache-Control", "max-age=9");
		assert_memory_equal(r.body, content, 3);
		assert_int_equal(fx.logs[i].status, statuses[i]);
	}
	script.given = 0;
	script.document.tells_caching = false;
	script.document.fields = (struct bytes){ 0 };
	fake_stream_feed_text(&s, GET("/later"));
	assert_field(&(struct http_reply){ .head = s.sent + at, .head_len = s.sent_len - at },
		     "Cache-Control", "no-store");
}

static void many_fields_fit(void **state)
{
	static char fields[HTTP_DOCUMENT_FIELDS + 1];
	struct http_reply r;
	char value[256];

	(void)state;
	start(1 << 20);
	script_body(3, 3, 3);
	memset(fields, 'x', HTTP_DOCUMENT_FIELDS);
	memcpy(fields, "X-Long: ", 8);
	memcpy(fields + HTTP_DOCUMENT_FIELDS - 2, "\r\n", 2);
	script.answer_status = 599;
	script.document.fields = bytes_of(fields, HTTP_DOCUMENT_FIELDS);
	fake_stream_feed_text(&s, GET("/later"));
	r = reply();
	assert_true(http_reply_field(&r, "X-Long", value));
	assert_int_equal(r.body_len, 3);
}

/* ---- flow ---- */

static void pieces_that_come_in_time_are_sent_as_they_come(void **state)
{
	(void)state;
	start(1 << 20);
	fake_stream_feed_text(&s, GET("/later") GET("/a.txt"));
	script_body(HTTP_LENGTH_UNKNOWN, 500, 0);
	complete(200, script.document);
	head();
	assert_nothing_more();
	for (size_t ready = 100; ready <= 500; ready += 100) {
		http_fixture_advance(&fx, fx.config.answer_timeout_us - SECOND);
		script.ready = ready;
		if (ready == 500)
			break;
		http_call_resume(script.call);
		http_call_resume(script.call); /* nothing new */
	}
	http_call_resume(script.call);
	assert_chunks(500);
	assert_int_equal(reply().status, 200);
	assert_nothing_more();
}

static void a_slow_client_is_not_given_more_than_it_takes(void **state)
{
	(void)state;
	start(40000);
	script_body(CONTENT, CONTENT, CONTENT);
	fake_stream_feed_text(&s, GET("/later"));
	assert_true(script.given <= 40000 + 16384);
	assert_true(script.most_asked <= 40000);
	while (script.call != NULL) {
		size_t before = script.given;

		http_call_resume(script.call); /* in vain: it is not the handler that is waited for */
		assert_int_equal(script.given, before);
		fake_stream_ack(&s, 20000);
		assert_true(script.given <= s.acked + 40000 + 16384);
	}
	assert_int_equal(reply().body_len, CONTENT);
	assert_memory_equal(s.sent + at - CONTENT, content, CONTENT);
}

static void chunk_lines_need_little_memory(void **state)
{
	(void)state;
	fx.config.max_requests = 1; /* so many small buffers are there, and the head takes one */
	start(1 << 20);
	script_body(HTTP_LENGTH_UNKNOWN, 600, 600);
	script.piece = 1;
	fake_stream_feed_text(&s, GET("/later"));
	assert_int_equal(script.given, 0);
	fake_stream_ack_all(&s);
	head();
	assert_chunks(600);
}

/* ---- endings ---- */

static void a_body_shorter_than_announced_aborts(void **state)
{
	(void)state;
	start(1 << 20);
	script_body(100, 50, 50);
	fake_stream_feed_text(&s, GET("/later"));
	assert_true(s.aborted);
	assert_int_equal(script.ended, 1);
}

static void a_body_that_breaks_aborts(void **state)
{
	(void)state;
	start(1 << 20);
	script_body(HTTP_LENGTH_UNKNOWN, 100, 50);
	fake_stream_feed_text(&s, GET("/later"));
	assert_false(s.aborted);
	script.breaks = true;
	http_call_resume(script.call);
	assert_true(s.aborted);
	assert_null(strstr(s.sent, "\r\n0\r\n"));
	assert_int_equal(script.ended, 1);
}

static void a_body_that_does_not_go_on_aborts(void **state)
{
	(void)state;
	start(1 << 20);
	script_body(HTTP_LENGTH_UNKNOWN, 100, 50);
	fake_stream_feed_text(&s, GET("/later"));
	http_fixture_advance(&fx, fx.config.answer_timeout_us + SECOND);
	assert_true(s.aborted);
	assert_int_equal(script.ended, 1);
}

static void a_client_that_does_not_read_is_given_up(void **state)
{
	(void)state;
	start(40000);
	script_body(CONTENT, CONTENT, CONTENT);
	fake_stream_feed_text(&s, GET("/later"));
	http_fixture_advance(&fx, fx.config.send_timeout_us + SECOND);
	assert_true(s.aborted);
	assert_int_equal(script.ended, 1);
}

static void a_client_that_leaves_in_the_middle_ends_the_call(void **state)
{
	(void)state;
	start(40000);
	script_body(CONTENT, CONTENT, CONTENT);
	fake_stream_feed_text(&s, GET("/later"));
	fake_stream_lose(&s, STREAM_END_RESET);
	assert_int_equal(script.ended, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_answer_may_come_in_a_later_turn),
		TEST(requests_behind_it_wait_and_are_answered_in_order),
		TEST(one_that_does_not_come_is_504),
		TEST(its_call_is_over_before_the_504_has_left),
		TEST(a_client_that_has_said_all_is_still_answered),
		TEST(a_client_that_leaves_meanwhile_ends_the_call),
		TEST(freeing_the_server_ends_what_is_awaited),
		TEST(a_handler_that_refuses_is_not_asked_again),
		TEST(a_body_of_known_length_has_its_length),
		TEST(a_handler_gives_no_more_than_it_announced),
		TEST(a_body_of_unknown_length_is_chunked),
		TEST(an_empty_one_is_the_last_chunk_alone),
		TEST(for_http_1_0_the_connection_ends_with_it),
		TEST(head_is_answered_without_asking_for_the_body),
		TEST(statuses_without_content_have_none),
		TEST(a_given_answer_has_its_own_fields_and_any_status),
		TEST(many_fields_fit),
		TEST(pieces_that_come_in_time_are_sent_as_they_come),
		TEST(a_slow_client_is_not_given_more_than_it_takes),
		TEST(chunk_lines_need_little_memory),
		TEST(a_body_shorter_than_announced_aborts),
		TEST(a_body_that_breaks_aborts),
		TEST(a_body_that_does_not_go_on_aborts),
		TEST(a_client_that_does_not_read_is_given_up),
		TEST(a_client_that_leaves_in_the_middle_ends_the_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
