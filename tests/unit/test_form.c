/* The form location on a stream in memory and a file on the disk: what is
 * appended, and what the client is told. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "server/worker.h"

#define POST "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
#define LENGTH(n) "Content-Length: " #n "\r\n\r\n"

static struct http_fixture fx;
static struct offload_job *given; /* to the helper */
static struct fake_stream s;
static struct config config;
static struct worker worker;
static struct forms forms;
static char file[128], moved[128];
static size_t at;

/* The helper, by hand: one job at a time. */
static bool submit(struct offload *o, struct offload_job *job)
{
	(void)o;
	if (given != NULL)
		return false;
	given = job;
	return true;
}

static void conclude(bool run)
{
	struct offload_job *job = given;

	assert_non_null(job);
	given = NULL;
	if (run)
		job->run(job);
	job->ran = run;
	job->done(job);
}

static void open_stream(void)
{
	fake_stream_init(&s, 1 << 20);
	assert_true(ip_addr_parse("192.0.2.1", &s.facts.remote));
	at = 0;
	http_serve(fx.server, &s.stream);
}

static int set_up(void **state)
{
	static struct http_location location;
	struct config_location form;
	struct config_site *site;
	struct failure why;

	(void)state;
	http_fixture_init(&fx);
	snprintf(file, sizeof file, "%s/forms.jsonl", fx.outside);
	snprintf(moved, sizeof moved, "%s/forms.old", fx.outside);
	config_init(&config);
	assert_int_equal(config_add_site(&config, "x", &site), 0);
	form = config_location_default("/form");
	form.form = file;
	form.form_max_body = 1000;
	form.form_honeypot = "trap";
	assert_int_equal(config_add_location(&config, site, &form), 0);
	worker = (struct worker){ .config = &config, .bodies.limit = 1 << 20 };
	worker.helper.offload.submit = submit;
	given = NULL;
	assert_int_equal(forms_open(&forms, &config, &worker, &why), 0);
	location = (struct http_location){ .prefix = "/form", .handler = &form_handler,
					   .context = forms_find(&forms, &config.locations[0]) };
	fx.locations = &location;
	fx.n_locations = 1;
	http_fixture_start(&fx);
	open_stream();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_fixture_fini(&fx);
	forms_close(&forms);
	assert_int_equal(worker.bodies.in_use, 0);
	config_fini(&config);
	unlink(file);
	unlink(moved);
	return 0;
}

static struct http_reply ask(const char *request)
{
	struct http_reply r = { 0 };

	fake_stream_feed_text(&s, request);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	return r;
}

static void assert_status(const char *request, unsigned status)
{
	struct http_reply r = ask(request);
	char value[256];

	assert_int_equal(r.status, status);
	http_reply_field(&r, "Cache-Control", value);
	assert_string_equal(value, "no-store");
}

/* As above, on a connection of its own, for it ends there. */
static void assert_refused(const char *request, unsigned status)
{
	assert_status(request, status);
	assert_true(s.shut_down);
	fake_stream_fini(&s);
	open_stream();
}

static void assert_lines(const char *path, unsigned lines, const char *last)
{
	FILE *f = fopen(path, "r");
	char line[2000];
	unsigned n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL)
		n++;
	fclose(f);
	assert_int_equal(n, lines);
	if (lines > 0 && strstr(line, last) == NULL)
		fail_msg("%s is not in %s", last, line);
}

static void each_post_is_a_line(void **state)
{
	struct stat st;

	(void)state;
	assert_status(POST LENGTH(5) "a=b+c", 200);
	assert_lines(file, 1, "\"client\":\"192.0.2.1\",\"fields\":{\"a\":\"b c\"}}\n");
	assert_status(POST "Transfer-Encoding: chunked\r\n\r\n2\r\na=\r\n1\r\nd\r\n0\r\n\r\n", 200);
	assert_lines(file, 2, "\"fields\":{\"a\":\"d\"}}\n");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void the_client_is_sent_on_or_told_in_json(void **state)
{
	struct http_reply r;
	char value[256];

	(void)state;
	config.locations[0].form_redirect = "/thanks?x";
	r = ask(POST LENGTH(3) "a=b");
	assert_int_equal(r.status, 303);
	http_reply_field(&r, "Location", value);
	assert_string_equal(value, "/thanks?x");
	r = ask(POST "Accept: application/json\r\n" LENGTH(3) "a=b");
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body_len, strlen("{\"ok\":true}\n"));
	assert_memory_equal(r.body, "{\"ok\":true}\n", r.body_len);
	assert_lines(file, 2, "a");
}

static void other_methods_are_405(void **state)
{
	struct http_reply r = ask("GET /form HTTP/1.1\r\nHost: a\r\n\r\n");
	char value[256];

	(void)state;
	assert_int_equal(r.status, 405);
	http_reply_field(&r, "Allow", value);
	assert_string_equal(value, "POST, OPTIONS");
	assert_lines(file, 0, "");
}

static void what_is_refused_is_not_written(void **state)
{
	char chunked[2000];

	(void)state;
	assert_refused(POST LENGTH(0), 400);
	assert_refused(POST LENGTH(2) "&&", 400);
	assert_refused(POST LENGTH(1001), 413);
	snprintf(chunked, sizeof chunked, POST "Transfer-Encoding: chunked\r\n\r\n3e9\r\n%01001d", 0);
	assert_refused(chunked, 413);
	assert_refused("POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n" LENGTH(3) "a=b", 415);
	assert_refused("POST /form HTTP/1.1\r\nHost: a\r\n" LENGTH(3) "a=b", 415);
	assert_lines(file, 0, "");
}

static void a_trap_is_answered_and_not_written(void **state)
{
	(void)state;
	assert_status(POST LENGTH(10) "a=b&trap=x", 200);
	assert_lines(file, 0, "");
}

static void the_file_has_a_limit(void **state)
{
	(void)state;
	assert_status(POST LENGTH(3) "a=b", 200);
	config.locations[0].form_max_file = 150;
	assert_refused(POST LENGTH(3) "a=b", 503);
	assert_lines(file, 1, "a");
	config.locations[0].form_max_file = 1000;
	assert_status(POST LENGTH(3) "a=b", 200);
	assert_lines(file, 2, "a");
}

static const char *interjection; /* what another worker appends before the next write() */

ssize_t write(int fd, const void *data, size_t len)
{
	if (interjection != NULL) {
		int other = open(file, O_WRONLY | O_APPEND);

		assert_true(syscall(SYS_write, other, interjection, strlen(interjection)) > 0);
		close(other);
		interjection = NULL;
	}
	return syscall(SYS_write, fd, data, len);
}

/* A disk that is full in the middle of a line: RLIMIT_FSIZE has the same effect. */
static void a_torn_line_is_taken_back(void **state)
{
	struct rlimit before, limit;

	(void)state;
	assert_status(POST LENGTH(3) "a=b", 200);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ .rlim_cur = 120, .rlim_max = before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_refused(POST LENGTH(3) "a=c", 500);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_lines(file, 1, "\"a\":\"b\"}}\n");
	assert_status(POST LENGTH(3) "a=d", 200);
	assert_lines(file, 2, "\"a\":\"d\"}}\n");
}

static void nothing_else_is_taken_back(void **state)
{
	struct rlimit before, limit;

	(void)state;
	assert_status(POST LENGTH(3) "a=b", 200);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ .rlim_cur = 120, .rlim_max = before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	interjection = "{}\n";
	assert_refused(POST LENGTH(3) "a=c", 500);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_lines(file, 2, "{}\n");
}

/* The answer waits for the disk, and goes to the file that was the form's when the line came. */
static void a_line_is_synced_first_by_choice(void **state)
{
	struct http_reply r;

	(void)state;
	config.locations[0].form_fsync = true;
	fake_stream_feed_text(&s, POST LENGTH(3) "a=b");
	assert_false(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(rename(file, moved), 0);
	forms_reopen(&forms);
	conclude(true);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(r.status, 200);
	assert_lines(moved, 1, "\"a\":\"b\"");
	config.locations[0].form_max_file = 10;
	fake_stream_feed_text(&s, POST LENGTH(3) "a=c");
	conclude(true);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(r.status, 503);
	assert_lines(file, 0, "");
}

/* The client leaves, the helper is busy, or stops. */
static void a_line_that_nobody_waits_for_is_written(void **state)
{
	struct http_reply r;

	(void)state;
	config.locations[0].form_fsync = true;
	fake_stream_feed_text(&s, POST LENGTH(3) "a=b");
	fake_stream_lose(&s, STREAM_END_RESET);
	fake_stream_fini(&s);
	open_stream();
	assert_refused(POST LENGTH(3) "a=c", 503);
	conclude(true);
	assert_lines(file, 1, "\"a\":\"b\"");
	fake_stream_feed_text(&s, POST LENGTH(3) "a=d");
	conclude(false);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(r.status, 503);
	assert_lines(file, 1, "\"a\":\"b\"");
}

static void a_renamed_file_is_made_anew(void **state)
{
	(void)state;
	assert_status(POST LENGTH(3) "a=b", 200);
	assert_int_equal(rename(file, moved), 0);
	assert_status(POST LENGTH(3) "a=c", 200);
	forms_reopen(&forms);
	assert_status(POST LENGTH(3) "a=d", 200);
	assert_lines(moved, 2, "\"a\":\"c\"");
	assert_lines(file, 1, "\"a\":\"d\"");
}

static void what_is_no_file_is_refused_at_start(void **state)
{
	struct forms none;
	struct failure why;

	(void)state;
	config.locations[0].form = "/dev/null";
	assert_int_equal(forms_open(&none, &config, &worker, &why), -EINVAL);
	assert_string_equal(why.text, "form file /dev/null: is not a regular file");
	config.locations[0].form = "/nonexistent/x";
	assert_int_equal(forms_open(&none, &config, &worker, &why), -ENOENT);
}

static void memory_for_bodies_is_limited(void **state)
{
	(void)state;
	worker.bodies.limit = 1000;
	assert_refused(POST LENGTH(3) "a=b", 503);
	assert_lines(file, 0, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_post_is_a_line),
		TEST(the_client_is_sent_on_or_told_in_json),
		TEST(other_methods_are_405),
		TEST(what_is_refused_is_not_written),
		TEST(a_trap_is_answered_and_not_written),
		TEST(the_file_has_a_limit),
		TEST(a_torn_line_is_taken_back),
		TEST(nothing_else_is_taken_back),
		TEST(a_line_is_synced_first_by_choice),
		TEST(a_line_that_nobody_waits_for_is_written),
		TEST(a_renamed_file_is_made_anew),
		TEST(what_is_no_file_is_refused_at_start),
		TEST(memory_for_bodies_is_limited),
	};

	return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
