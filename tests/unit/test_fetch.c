/* The client's side of HTTP: the request, each way a response may end, and what is written of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/fetch.h"

/* A stream whose other end is the test. */
struct fake {
	struct stream stream;
	char sent[1024];
	size_t sent_len;
	int send_result;
	bool closed, aborted;
};

static int fake_send(struct stream *s, const struct span *spans, size_t count, unsigned flags)
{
	struct fake *f = (struct fake *)s;

	(void)flags;
	for (size_t i = 0; i < count && f->send_result == 0; i++) {
		assert_true(f->sent_len + spans[i].len <= sizeof f->sent);
		memcpy(f->sent + f->sent_len, spans[i].data, spans[i].len);
		f->sent_len += spans[i].len;
	}
	return f->send_result;
}

static void fake_close(struct stream *s)
{
	((struct fake *)s)->closed = true;
}

static void fake_abort(struct stream *s)
{
	((struct fake *)s)->aborted = true;
}

static const struct stream_ops fake_ops = { .send = fake_send, .close = fake_close, .abort = fake_abort };

struct client {
	struct fake fake;
	struct fetch fetch;
	struct url url;
	char path[32];
};

static int make_client(void **state)
{
	struct client *c = calloc(1, sizeof *c);
	int fd;

	assert_non_null(c);
	strcpy(c->path, "/tmp/test_fetch.XXXXXX");
	fd = mkstemp(c->path);
	assert_true(fd >= 0);
	close(fd);
	unlink(c->path);
	*state = c;
	return 0;
}

static int free_client(void **state)
{
	struct client *c = *state;

	unlink(c->path);
	free(c);
	return 0;
}

static void start_with(struct client *c, const char *url, struct fetch_config config)
{
	struct failure why;

	assert_int_equal(url_parse(url, &c->url, &why), 0);
	config.url = &c->url;
	config.server = "SERVER";
	if (config.output == NULL)
		config.output = c->path;
	assert_int_equal(fetch_init(&c->fetch, &config, &why), 0);
	c->fake.stream = (struct stream){ .ops = &fake_ops, .handler = &fetch_handler, .user = &c->fetch };
	c->fetch.stream = &c->fake.stream;
	fetch_handler.on_open(&c->fake.stream);
}

static void start(struct client *c)
{
	start_with(c, "http://h/", (struct fetch_config){ .url = NULL });
}

static void receive(struct client *c, const char *text)
{
	size_t len = strlen(text);

	assert_false(c->fake.closed || c->fake.aborted);
	assert_int_equal(fetch_handler.on_receive(&c->fake.stream, bytes_of(text, len)), len);
}

/* Finishes, and compares the output file; NULL: there must be none. */
static void assert_written(struct client *c, const char *expected)
{
	char text[4096];
	struct failure why;
	FILE *f;
	size_t n;

	assert_int_equal(fetch_fini(&c->fetch, &why), 0);
	f = fopen(c->path, "r");
	assert_int_equal(f != NULL, expected != NULL);
	if (f == NULL)
		return;
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	fclose(f);
	assert_string_equal(text, expected);
}

static void assert_failed(struct client *c, const char *expected)
{
	struct failure why;

	assert_int_equal(c->fetch.state, FETCH_FAILED);
	assert_string_equal(c->fetch.why.text, expected);
	assert_null(c->fetch.stream);
	assert_int_equal(fetch_fini(&c->fetch, &why), 0);
}

static void test_request(void **state)
{
	struct client *c = *state;
	struct failure why;

	start_with(c, "http://example.org:81/a?b", (struct fetch_config){ .url = NULL });
	c->fake.sent[c->fake.sent_len] = '\0';
	assert_string_equal(c->fake.sent,
			    "GET /a?b HTTP/1.1\r\nHost: example.org:81\r\nUser-Agent: taphouse\r\n"
			    "Accept: */*\r\nConnection: close\r\n\r\n");
	assert_int_equal(fetch_fini(&c->fetch, &why), 0);
	c->fake.sent_len = 0;
	start_with(c, "http://h/", (struct fetch_config){ .head = true });
	assert_memory_equal(c->fake.sent, "HEAD / HTTP/1.1\r\nHost: h\r\n", 26);
	assert_int_equal(fetch_fini(&c->fetch, &why), 0);
}

static void test_body_with_length(void **state)
{
	struct client *c = *state;

	start(c);
	receive(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
	assert_false(fetch_is_done(&c->fetch));
	receive(c, "lo");
	assert_int_equal(c->fetch.state, FETCH_COMPLETE);
	assert_int_equal(c->fetch.status, 200);
	assert_true(c->fake.closed);
	assert_null(c->fetch.stream);
	assert_written(c, "hello");
}

static void test_chunked_body_byte_by_byte(void **state)
{
	static const char response[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				       "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
	struct client *c = *state;

	start_with(c, "http://h/", (struct fetch_config){ .include = true });
	for (const char *p = response; *p != '\0'; p++)
		receive(c, (char[]){ *p, '\0' });
	assert_int_equal(c->fetch.state, FETCH_COMPLETE);
	assert_written(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello");
}

static void test_body_until_the_end_of_the_stream(void **state)
{
	struct client *c = *state;

	start(c);
	receive(c, "HTTP/1.0 200 OK\r\n\r\nhel");
	receive(c, "lo");
	assert_false(fetch_is_done(&c->fetch));
	fetch_handler.on_end(&c->fake.stream);
	assert_int_equal(c->fetch.state, FETCH_COMPLETE);
	assert_true(c->fake.closed);
	assert_written(c, "hello");
}

static void test_empty_body_makes_an_empty_file(void **state)
{
	struct client *c = *state;

	start(c);
	receive(c, "HTTP/1.1 204 No Content\r\n\r\n");
	assert_int_equal(c->fetch.state, FETCH_COMPLETE);
	assert_written(c, "");
}

static void test_head_prints_the_header_and_waits_for_no_body(void **state)
{
	struct client *c = *state;

	start_with(c, "http://h/", (struct fetch_config){ .head = true });
	receive(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX:  y \r\n\r\n");
	assert_int_equal(c->fetch.state, FETCH_COMPLETE);
	assert_written(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y \r\n\r\n");
}

static void test_status_line_without_a_reason(void **state)
{
	struct client *c = *state;

	start_with(c, "http://h/", (struct fetch_config){ .include = true });
	receive(c, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(c->fetch.state, FETCH_COMPLETE);
	assert_written(c, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
}

static void test_interim_responses_are_passed_over(void **state)
{
	struct client *c = *state;

	start(c);
	receive(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
	assert_false(fetch_is_done(&c->fetch));
	receive(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
	assert_int_equal(c->fetch.state, FETCH_COMPLETE);
	assert_int_equal(c->fetch.status, 404);
	assert_written(c, "no");
}

static void test_fail_silences_an_error_response(void **state)
{
	struct client *c = *state;

	start_with(c, "http://h/", (struct fetch_config){ .fail = true, .include = true });
	receive(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
	assert_int_equal(c->fetch.state, FETCH_COMPLETE);
	assert_int_equal(c->fetch.status, 404);
	assert_written(c, NULL);
}

static void test_truncated_body_is_a_failure(void **state)
{
	struct client *c = *state;

	start(c);
	receive(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
	fetch_handler.on_end(&c->fake.stream);
	assert_true(c->fake.aborted);
	assert_failed(c, "SERVER: the connection was closed in the middle of the response, "
		      "after 3 bytes of its body");
}

static void test_end_without_a_response_is_a_failure(void **state)
{
	struct client *c = *state;

	start(c);
	fetch_handler.on_end(&c->fake.stream);
	assert_failed(c, "SERVER: the connection was closed without a response");
}

static void test_what_is_not_http_is_a_failure(void **state)
{
	struct client *c = *state;
	struct failure why;

	start(c);
	receive(c, "SSH-2.0-OpenSSH_9.2p1\r\n");
	assert_int_equal(c->fetch.state, FETCH_FAILED);
	assert_true(c->fake.aborted);
	assert_memory_equal(c->fetch.why.text, "SERVER: this is not a proper HTTP response: ", 44);
	assert_int_equal(fetch_fini(&c->fetch, &why), 0);
}

static void test_smuggled_lengths_are_a_failure(void **state)
{
	struct client *c = *state;
	struct failure why;

	start(c);
	receive(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello");
	assert_int_equal(c->fetch.state, FETCH_FAILED);
	assert_int_equal(fetch_fini(&c->fetch, &why), 0);
}

static void test_every_end_of_the_stream_has_its_text(void **state)
{
	static const char *const texts[] = {
		[STREAM_END_NORMAL] = "SERVER: the connection was closed before the response was complete",
		[STREAM_END_RESET] = "SERVER: the connection was reset",
		[STREAM_END_REFUSED] = "SERVER: connection refused: nothing listens there",
		[STREAM_END_TIMEOUT] = "SERVER: no answer: the connection timed out",
		[STREAM_END_UNREACHABLE] = "SERVER: not reachable: a router says so",
		[STREAM_END_ERROR] = "SERVER: the connection failed on our side",
	};
	struct client *c = *state;

	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		c->fake.sent_len = 0;
		start(c);
		fetch_handler.on_closed(&c->fake.stream, (enum stream_end)i);
		assert_failed(c, texts[i]);
	}
}

static void test_request_that_cannot_be_sent_is_a_failure(void **state)
{
	struct client *c = *state;

	c->fake.send_result = -ENOMEM;
	start(c);
	assert_true(c->fake.aborted);
	assert_failed(c, "SERVER: the request cannot be sent: Cannot allocate memory");
}

static void test_output_that_cannot_be_opened_is_a_failure(void **state)
{
	struct client *c = *state;

	start_with(c, "http://h/", (struct fetch_config){ .output = "/nonexistent/x" });
	receive(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	assert_true(c->fake.aborted);
	assert_failed(c, "/nonexistent/x: cannot be opened: No such file or directory");
}

static void test_full_disk_shows_at_the_latest_at_the_end(void **state)
{
	struct client *c = *state;
	struct failure why;

	start_with(c, "http://h/", (struct fetch_config){ .output = "/dev/full" });
	receive(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	assert_int_equal(fetch_fini(&c->fetch, &why), -ENOSPC);
	assert_string_equal(why.text, "what was received cannot be written: No space left on device");
}

#define WITH_CLIENT(test) cmocka_unit_test_setup_teardown(test, make_client, free_client)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CLIENT(test_request),
		WITH_CLIENT(test_body_with_length),
		WITH_CLIENT(test_chunked_body_byte_by_byte),
		WITH_CLIENT(test_body_until_the_end_of_the_stream),
		WITH_CLIENT(test_empty_body_makes_an_empty_file),
		WITH_CLIENT(test_head_prints_the_header_and_waits_for_no_body),
		WITH_CLIENT(test_status_line_without_a_reason),
		WITH_CLIENT(test_interim_responses_are_passed_over),
		WITH_CLIENT(test_fail_silences_an_error_response),
		WITH_CLIENT(test_truncated_body_is_a_failure),
		WITH_CLIENT(test_end_without_a_response_is_a_failure),
		WITH_CLIENT(test_what_is_not_http_is_a_failure),
		WITH_CLIENT(test_smuggled_lengths_are_a_failure),
		WITH_CLIENT(test_every_end_of_the_stream_has_its_text),
		WITH_CLIENT(test_request_that_cannot_be_sent_is_a_failure),
		WITH_CLIENT(test_output_that_cannot_be_opened_is_a_failure),
		WITH_CLIENT(test_full_disk_shows_at_the_latest_at_the_end),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
