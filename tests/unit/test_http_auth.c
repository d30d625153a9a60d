/*
 * Basic authentication as clients see it, with the hashing done when the test says so: files and
 * handlers, bodies that wait, what counts for a while, attempts that are limited, a file that
 * changes, and ends in the middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/hand_offload.h"
#include "common/http_fixture.h"
#include "http/http_call.h"

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: a\r\n"
#define ALADDIN "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" /* Aladdin:open sesame */
#define WRONG "Authorization: Basic QWxhZGRpbjp3cm9uZw==\r\n"           /* Aladdin:wrong */
#define STRANGER "Authorization: Basic bm9ib2R5Om9wZW4gc2VzYW1l\r\n"    /* nobody:open sesame */
#define HASH "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
#define OTHER_HASH "$5$rounds=1000$salt$bNpYMFIfAIhG7T8Aq/dbZPkv6Sz54LDaoVFhs0ioLy1"
#define SECOND UINT64_C(1000000)

static struct http_fixture fx;
static struct fake_stream s;
static size_t at;
static struct hand_offload offload;
static struct http_policy policy;
static struct http_location locations[2];
static char users[128];
static char taken[64];

static unsigned take(struct http_call *call, struct bytes data)
{
	(void)call;
	strncat(taken, (const char *)data.data, data.len);
	return 0;
}

static unsigned answer(struct http_call *call, struct http_document *out)
{
	if (http_call_value(call, "upgrade").data != NULL)
		return 101;
	*out = (struct http_document){ .type = "text/plain", .body = { .data = (const uint8_t *)"ok", .len = 2 } };
	return 200;
}

static void ignore(struct stream *stream, enum stream_end why)
{
	(void)stream;
	(void)why;
}

static size_t receive(struct stream *stream, struct bytes data)
{
	(void)stream;
	if (data.len > 0)
		strncat(taken, (const char *)data.data, data.len);
	return data.len;
}

static size_t take_over(struct http_call *call, struct stream *stream, struct bytes rest, bool ended)
{
	static const struct stream_handler owner = { .on_receive = receive, .on_closed = ignore };

	(void)call;
	(void)ended;
	stream->handler = &owner;
	return receive(stream, rest);
}

static const struct http_handler handler = {
	.methods = HTTP_METHODS_READING | HTTP_METHOD_BIT(POST),
	.take = take, .answer = answer, .take_over = take_over,
};

static void write_users(const char *hash)
{
	FILE *f = fopen(users, "w");

	assert_non_null(f);
	fprintf(f, "Aladdin:%s\n", hash);
	assert_int_equal(fclose(f), 0);
}

/* All of the site, and /post as the site is; /open/ is for everybody. */
static int set_up(void **state)
{
	static const struct http_policy open_to_all;

	(void)state;
	http_fixture_init(&fx);
	http_fixture_write_text(&fx, "a.txt", "aaaa");
	http_fixture_write_text(&fx, "open/a.txt", "open");
	snprintf(users, sizeof users, "%s/users", fx.outside);
	write_users(HASH);
	hand_offload_init(&offload, 1000);
	fx.offload = &offload.offload;
	fx.site.policy = (struct http_policy){
		.auth = {
			.realm = "The cave", .users = users,
			.attempts = { .interval_us = 10 * SECOND, .burst = 2 },
		},
	};
	policy = fx.site.policy;
	locations[0] = (struct http_location){ .prefix = "/post", .policy = &policy, .handler = &handler };
	locations[1] = (struct http_location){ .prefix = "/open/", .policy = &open_to_all };
	fx.locations = locations;
	fx.n_locations = 2;
	taken[0] = '\0';
	http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
	at = 0;
	http_serve(fx.server, &s.stream);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_server_free(fx.server);
	fx.server = NULL;
	hand_offload_finish(&offload, false);
	http_fixture_fini(&fx);
	return 0;
}

static void assert_nothing(void)
{
	assert_int_equal(at, s.sent_len);
}

static struct http_reply reply(void)
{
	struct http_reply r = { 0 };

	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	return r;
}

/* The status, after so many passwords were hashed. */
static unsigned status_of(const char *request, unsigned hashed)
{
	fake_stream_feed_text(&s, request);
	if (hashed > 0)
		assert_nothing();
	assert_int_equal(hand_offload_finish(&offload, true), hashed);
	return reply().status;
}

static struct http_usage usage_now(void)
{
	struct http_usage usage;

	http_usage(fx.server, &usage);
	return usage;
}

static void without_credentials_a_request_is_challenged(void **state)
{
	char value[256];
	struct http_reply r;

	(void)state;
	fake_stream_feed_text(&s, REQUEST("GET", "/a.txt") "\r\n");
	r = reply();
	assert_int_equal(r.status, 401);
	assert_true(http_reply_field(&r, "WWW-Authenticate", value));
	assert_string_equal(value, "Basic realm=\"The cave\", charset=\"UTF-8\"");
	assert_false(http_reply_field(&r, "Connection", value));
	assert_int_equal(status_of(REQUEST("GET", "/nothing") "\r\n", 0), 401);
	assert_int_equal(status_of(REQUEST("POST", "/a.txt") "Content-Length: 1\r\n\r\nx", 0), 401);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") "Authorization: Bearer x\r\n\r\n", 0), 401);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN ALADDIN "\r\n", 0), 401);
	assert_int_equal(status_of(REQUEST("GET", "/open/a.txt") "\r\n", 0), 200);
	assert_int_equal(usage_now().auth_failures, 0);
}

static void the_right_password_opens_and_counts_for_a_while(void **state)
{
	(void)state;
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 1), 200);
	assert_string_equal(fx.logs[0].user, "Aladdin");
	for (int i = 0; i < 5; i++)
		assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 0), 200);
	assert_int_equal(status_of(REQUEST("GET", "/post") ALADDIN "\r\n", 0), 200); /* shares it */
	fake_stream_ack_all(&s);
	for (int i = 0; i < 6; i++) {
		http_fixture_advance(&fx, 60 * SECOND);
		assert_int_equal(status_of(REQUEST("GET", "/open/a.txt") "\r\n", 0), 200);
		fake_stream_ack_all(&s);
	}
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 1), 200);
}

static void a_wrong_password_and_a_stranger_take_as_long(void **state)
{
	(void)state;
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") WRONG "\r\n", 1), 401);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") STRANGER "\r\n", 1), 401);
	assert_string_equal(fx.logs[0].user, "");
	assert_int_equal(usage_now().auth_failures, 2);
}

static void attempts_are_limited_and_right_ones_cost_nothing(void **state)
{
	char value[256];
	struct http_reply r;

	(void)state;
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 1), 200);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") WRONG "\r\n", 1), 401);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") WRONG "\r\n", 1), 401);
	fake_stream_feed_text(&s, REQUEST("GET", "/a.txt") WRONG "\r\n");
	r = reply();
	assert_int_equal(r.status, 429);
	assert_true(http_reply_field(&r, "Retry-After", value));
	assert_string_equal(value, "10");
	assert_int_equal(status_of(REQUEST("GET", "/post") WRONG "\r\n", 0), 429); /* no other door */
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 0), 200); /* who is known gets in */
	http_fixture_advance(&fx, 10 * SECOND);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") WRONG "\r\n", 1), 401);
	assert_int_equal(usage_now().auth_limited, 2);
}

static void requests_with_the_same_password_wait_for_one_attempt(void **state)
{
	struct fake_stream others[3];

	(void)state;
	fake_stream_feed_text(&s, REQUEST("GET", "/a.txt") ALADDIN "\r\n");
	for (int i = 0; i < 3; i++) {
		fake_stream_init(&others[i], 1 << 20);
		http_serve(fx.server, &others[i].stream);
		fake_stream_feed_text(&others[i], REQUEST("GET", "/a.txt") ALADDIN "\r\n");
	}
	fake_stream_lose(&others[1], STREAM_END_RESET);
	assert_int_equal(hand_offload_finish(&offload, true), 1);
	assert_int_equal(reply().status, 200);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(others[i].sent_len > 0, i != 1);
		fake_stream_fini(&others[i]);
	}
}

static void a_body_waits_until_its_sender_is_known(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, REQUEST("POST", "/post") ALADDIN "Content-Length: 6\r\n\r\nabc");
	assert_nothing();
	fake_stream_feed_text(&s, "def" REQUEST("GET", "/a.txt") ALADDIN "\r\n");
	assert_string_equal(taken, "");
	assert_true(s.input_len > 6);
	hand_offload_finish(&offload, true);
	assert_string_equal(taken, "abcdef");
	assert_int_equal(reply().status, 200);
	assert_int_equal(reply().status, 200);
	assert_nothing();
}

/* However a request is cut, and whenever the password is found right. */
static void a_request_is_the_same_however_it_is_cut(void **state)
{
	static const char request[] =
		REQUEST("POST", "/post") ALADDIN "Content-Length: 6\r\n\r\nabcdef" REQUEST("GET", "/a.txt") ALADDIN "\r\n";

	(void)state;
	for (size_t cut = 1; cut < sizeof request - 1; cut++) {
		fake_stream_feed(&s, request, cut);
		if (cut % 2 == 0)
			hand_offload_finish(&offload, true);
		fake_stream_feed(&s, request + cut, sizeof request - 1 - cut);
		hand_offload_finish(&offload, true);
		assert_int_equal(reply().status, 200);
		assert_int_equal(reply().status, 200);
		assert_nothing();
		assert_string_equal(taken, "abcdef");
		taken[0] = '\0';
		fake_stream_ack_all(&s);
		http_fixture_advance(&fx, 15 * SECOND); /* every twentieth time it is forgotten */
	}
}

static void the_body_of_a_stranger_is_never_given_to_the_handler(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, REQUEST("POST", "/post") STRANGER "Content-Length: 6\r\n\r\nabc");
	hand_offload_finish(&offload, true);
	fake_stream_feed_text(&s, "def");
	assert_int_equal(reply().status, 401);
	assert_string_equal(taken, "");
	assert_int_equal(status_of(REQUEST("GET", "/open/a.txt") "\r\n", 0), 200);
}

static void who_waits_to_go_on_is_told_when_the_password_is_right(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, REQUEST("POST", "/post") ALADDIN
			      "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	assert_nothing();
	hand_offload_finish(&offload, true);
	assert_int_equal(reply().status, 100);
	fake_stream_feed_text(&s, "abc");
	assert_int_equal(reply().status, 200);
	fake_stream_feed_text(&s, REQUEST("POST", "/post") WRONG
			      "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	hand_offload_finish(&offload, true);
	assert_int_equal(reply().status, 401);
	assert_true(s.shut_down);
}

static void a_stream_is_handed_over_behind_a_password(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, REQUEST("GET", "/post") ALADDIN
			      "Connection: upgrade\r\nUpgrade: x\r\n\r\nbehind it");
	assert_nothing();
	hand_offload_finish(&offload, true);
	assert_non_null(strstr(s.sent, "HTTP/1.1 101 "));
	assert_string_equal(taken, "behind it");
	fake_stream_feed_text(&s, ", and more");
	assert_string_equal(taken, "behind it, and more");
}

static void a_stream_is_handed_over_with_nothing_behind_the_request(void **state)
{
	(void)state;
	fake_stream_feed_text(&s,
			      REQUEST("GET", "/post") ALADDIN "Connection: upgrade\r\nUpgrade: x\r\n\r\n");
	hand_offload_finish(&offload, true);
	assert_non_null(strstr(s.sent, "HTTP/1.1 101 "));
	fake_stream_feed_text(&s, "first");
	assert_string_equal(taken, "first");
}

static void too_many_attempts_at_once_are_503(void **state)
{
	(void)state;
	offload.limit = 0;
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 0), 503);
}

static void what_was_not_hashed_when_the_server_stops_is_503(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, REQUEST("GET", "/a.txt") ALADDIN "\r\n");
	hand_offload_finish(&offload, false);
	assert_int_equal(reply().status, 503);
}

static void an_attempt_outlives_who_made_it_and_the_server(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, REQUEST("GET", "/a.txt") ALADDIN "\r\n");
	fake_stream_lose(&s, STREAM_END_RESET);
	http_server_free(fx.server);
	fx.server = NULL;
	assert_int_equal(hand_offload_finish(&offload, true), 1);
}

static void a_client_that_ends_while_it_waits_is_answered(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, REQUEST("GET", "/a.txt") ALADDIN "\r\n");
	fake_stream_end(&s);
	hand_offload_finish(&offload, true);
	assert_int_equal(reply().status, 200);
	assert_true(s.closed);
}

static void who_waits_too_long_gets_504(void **state)
{
	(void)state;
	fake_stream_feed_text(&s, REQUEST("GET", "/a.txt") ALADDIN "\r\n");
	http_fixture_advance(&fx, fx.config.answer_timeout_us + SECOND);
	assert_int_equal(reply().status, 504);
	assert_int_equal(hand_offload_finish(&offload, true), 1);
	assert_nothing();
}

static void a_file_that_changes_is_read_again(void **state)
{
	(void)state;
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 1), 200);
	write_users(OTHER_HASH);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 0), 200); /* not looked at yet */
	http_fixture_advance(&fx, SECOND);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 1), 401);
	write_users(HASH);
	http_fixture_advance(&fx, 10 * SECOND);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 1), 200);
}

static void a_file_that_is_gone_or_wrong_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 1), 200);
	write_users("plain");
	http_fixture_advance(&fx, SECOND);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 0), 200);
	assert_int_equal(unlink(users), 0);
	http_fixture_advance(&fx, SECOND);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 0), 200);
	write_users(OTHER_HASH);
	http_fixture_advance(&fx, SECOND);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 1), 401);
}

/* A password that was right by the file as it was must not count by the file as it is. */
static void what_is_found_right_while_the_file_changes_is_not_kept(void **state)
{
	struct fake_stream other;

	(void)state;
	fake_stream_feed_text(&s, REQUEST("GET", "/a.txt") ALADDIN "\r\n");
	write_users(OTHER_HASH);
	http_fixture_advance(&fx, SECOND);
	fake_stream_init(&other, 1000);
	http_serve(fx.server, &other.stream);
	fake_stream_feed_text(&other, REQUEST("GET", "/a.txt") WRONG "\r\n"); /* makes it look at the file */
	assert_int_equal(hand_offload_finish(&offload, true), 2);
	assert_int_equal(reply().status, 200);
	assert_int_equal(status_of(REQUEST("GET", "/a.txt") ALADDIN "\r\n", 1), 401);
	fake_stream_fini(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_credentials_a_request_is_challenged),
		TEST(the_right_password_opens_and_counts_for_a_while),
		TEST(a_wrong_password_and_a_stranger_take_as_long),
		TEST(attempts_are_limited_and_right_ones_cost_nothing),
		TEST(requests_with_the_same_password_wait_for_one_attempt),
		TEST(a_body_waits_until_its_sender_is_known),
		TEST(a_request_is_the_same_however_it_is_cut),
		TEST(the_body_of_a_stranger_is_never_given_to_the_handler),
		TEST(who_waits_to_go_on_is_told_when_the_password_is_right),
		TEST(a_stream_is_handed_over_behind_a_password),
		TEST(a_stream_is_handed_over_with_nothing_behind_the_request),
		TEST(too_many_attempts_at_once_are_503),
		TEST(what_was_not_hashed_when_the_server_stops_is_503),
		TEST(an_attempt_outlives_who_made_it_and_the_server),
		TEST(a_client_that_ends_while_it_waits_is_answered),
		TEST(who_waits_too_long_gets_504),
		TEST(a_file_that_changes_is_read_again),
		TEST(a_file_that_is_gone_or_wrong_changes_nothing),
		TEST(what_is_found_right_while_the_file_changes_is_not_kept),
	};

	return cmocka_run_group_tests_name("http/http_auth", tests, NULL, NULL);
}
