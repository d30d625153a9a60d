/* The upload location on a stream in memory, a directory on the disk, and a helper
 * that works when it is told to. */
#include <dirent.h>
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

#include "common/http_fixture.h"
#include "server/location.h"
#include "server/worker.h"

#define POST "POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\n"
#define FILE_PART(name) "--B\r\nContent-Disposition: form-data; name=f; filename=\"" name "\"\r\n\r\n"
#define FIELD_PART "--B\r\nContent-Disposition: form-data; name=comment\r\n\r\n"
#define END "\r\n--B--\r\n"

static struct http_fixture fx;
static struct fake_stream s;
static struct config config;
static struct worker worker;
static struct generation generation = { .worker = &worker, .config = &config };
static struct list jobs; /* that the helper has */
static char directory[128], logged[512];
static size_t at;

/* ---- a helper by hand ---- */

static bool submit(struct offload *o, struct offload_job *job)
{
	(void)o;
	job->ran = false;
	list_append(&jobs, &job->node);
	return true;
}

static bool refuse(struct offload *o, struct offload_job *job)
{
	(void)o;
	(void)job;
	return false;
}

static bool conclude_one(bool run)
{
	struct list *node = list_first(&jobs);
	struct offload_job *job;

	if (node == NULL)
		return false;
	job = LIST_ENTRY(node, struct offload_job, node);
	list_remove(node);
	if (run)
		job->run(job);
	job->ran = run;
	job->done(job);
	return true;
}

static void help(void)
{
	while (conclude_one(true))
		;
}

/* ---- the fixture ---- */

static void keep_line(void *context, const char *line, size_t len)
{
	(void)context;
	snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%.*s", (int)len, line);
}

static const struct log log_kept = { .level = LOG_NOTICE, .write = keep_line };

static void open_stream(void)
{
	fake_stream_init(&s, 1 << 20);
	at = 0;
	http_serve(fx.server, &s.stream);
}

static int set_up(void **state)
{
	static struct http_location location;
	static struct http_policy policy;
	struct config_location upload = config_location_default("/up");
	struct config_site *site;
	struct failure why;

	(void)state;
	http_fixture_init(&fx);
	list_init(&jobs);
	logged[0] = '\0';
	snprintf(directory, sizeof directory, "%s/up", fx.outside);
	assert_int_equal(mkdir(directory, 0700), 0);
	config_init(&config);
	assert_int_equal(config_add_site(&config, "x", &site), 0);
	upload.upload = directory;
	upload.upload_max_body = 1 << 20;
	upload.upload_limits.max_file = 200000;
	upload.upload_limits.max_files = 2;
	upload.upload_limits.fsync = false;
	assert_int_equal(config_add_location(&config, site, &upload), 0);
	worker = (struct worker){ .config = &config, .log = &log_kept, .documents.limit = 1 << 20 };
	worker.helper.offload.submit = submit;
	assert_int_equal(uploads_open(&generation.uploads, &config, &worker, &why), 0);
	location = location_for_http(&config.locations[0], &generation, &policy);
	fx.locations = &location;
	fx.n_locations = 1;
	http_fixture_start(&fx);
	open_stream();
	return 0;
}

/* Calls back for each name in the directory. Returns how many. */
static unsigned each_name(void (*visit)(const char *path))
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	char path[512];
	unsigned n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		if (visit != NULL)
			visit(path);
	}
	closedir(d);
	return n;
}

static void remove_file(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_server_free(fx.server);
	fx.server = NULL;
	help();
	assert_int_equal(generation.uploads.items[0].under_way, 0);
	assert_int_equal(generation.uploads.items[0].store.arriving, 0);
	uploads_close(&generation.uploads);
	assert_int_equal(worker.documents.in_use, 0);
	each_name(remove_file);
	assert_int_equal(rmdir(directory), 0);
	http_fixture_fini(&fx);
	config_fini(&config);
	return 0;
}

static void feed_head(size_t body_len)
{
	char head[512];

	snprintf(head, sizeof head, POST "Content-Length: %zu\r\n\r\n", body_len);
	fake_stream_feed_text(&s, head);
}

/* The reply to what was fed; the helper does what it is given. */
static struct http_reply reply(void)
{
	struct http_reply r = { 0 };

	help();
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	return r;
}

static struct http_reply post(const char *body)
{
	feed_head(strlen(body));
	fake_stream_feed_text(&s, body);
	return reply();
}

static void assert_status(const char *body, unsigned status)
{
	struct http_reply r = post(body);
	char value[256];

	assert_int_equal(r.status, status);
	http_reply_field(&r, "Cache-Control", value);
	assert_string_equal(value, "no-store");
	if (status < 400)
		return;
	fake_stream_fini(&s);
	open_stream();
}

static void assert_file(const char *name, const char *content, size_t len)
{
	char path[512];
	char *found = malloc(len + 1);
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(found);
	assert_int_equal(fread(found, 1, len + 1, f), len);
	assert_memory_equal(found, content, len);
	fclose(f);
	free(found);
}

/* ---- tests ---- */

static void files_are_stored_and_fields_dropped(void **state)
{
	(void)state;
	assert_status(FIELD_PART "hello\r\n" FILE_PART("a.txt") "one\r\n" FILE_PART("../b") "two" END, 200);
	assert_int_equal(each_name(NULL), 2);
	assert_file("a.txt", "one", 3);
	assert_file("b", "two", 3);
	assert_status(FILE_PART("a.txt") END, 200);
	assert_file("a-2.txt", "", 0);
}

static void an_input_without_a_file_is_none(void **state)
{
	(void)state;
	assert_status(FILE_PART("") "\r\n" FILE_PART("a") "1" END, 200);
	assert_int_equal(each_name(NULL), 1);
	assert_status(FILE_PART("") END, 400);
	assert_status(FIELD_PART "x" END, 400);
	assert_status(FILE_PART("") "no name" END, 200);
	assert_file("file", "no name", 7);
}

static void programs_are_told_in_json_and_people_on_a_page(void **state)
{
	static const char body[] = FILE_PART("a&b.txt") "one" END;
	static const char json[] = "{\"files\":[{\"name\":\"a&b-2.txt\",\"bytes\":3}]}\n";
	struct http_reply r;
	char value[256];

	(void)state;
	r = post(body);
	http_reply_field(&r, "Content-Type", value);
	assert_string_equal(value, "text/html; charset=utf-8");
	assert_non_null(memmem(r.body, r.body_len, "<li>a&amp;b.txt, bytes: 3\n", 26));
	fake_stream_feed_text(&s, POST "Accept: application/json\r\nContent-Length: 79\r\n\r\n");
	assert_int_equal(strlen(body), 79);
	fake_stream_feed_text(&s, body);
	r = reply();
	assert_int_equal(r.body_len, strlen(json));
	assert_memory_equal(r.body, json, r.body_len);
	config.locations[0].upload_redirect = "/thanks";
	r = post(body);
	assert_int_equal(r.status, 303);
	http_reply_field(&r, "Location", value);
	assert_string_equal(value, "/thanks");
}

static void what_is_no_upload_is_refused(void **state)
{
	struct http_reply r;
	char value[256];

	(void)state;
	fake_stream_feed_text(
		&s, "POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n");
	assert_int_equal(reply().status, 415);
	fake_stream_fini(&s);
	open_stream();
	fake_stream_feed_text(
		&s,
		"POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\n");
	assert_int_equal(reply().status, 400);
	fake_stream_fini(&s);
	open_stream();
	fake_stream_feed_text(&s, "GET /up HTTP/1.1\r\nHost: a\r\n\r\n");
	r = reply();
	assert_int_equal(r.status, 405);
	http_reply_field(&r, "Allow", value);
	assert_string_equal(value, "POST, OPTIONS");
	assert_int_equal(each_name(NULL), 0);
}

static void what_is_malformed_leaves_nothing(void **state)
{
	(void)state;
	assert_status("", 400);
	assert_status(FILE_PART("a") "1\r\n--Bx", 400);
	assert_status(FILE_PART("a") "cut off", 400);
	assert_status(FILE_PART("a") "1\r\n--B\r\nno colon\r\n\r\n" END, 400);
	assert_int_equal(each_name(NULL), 0);
	assert_string_equal(logged, "");
}

static void too_much_is_refused(void **state)
{
	(void)state;
	assert_status(FILE_PART("a") "\r\n" FILE_PART("b") "\r\n" FILE_PART("c") END, 413);
	feed_head((1 << 20) + 1);
	assert_int_equal(reply().status, 413);
	fake_stream_fini(&s);
	open_stream();
	assert_int_equal(each_name(NULL), 0);
	assert_string_equal(logged, "");
}

/* As much of the body as the window lets in, in pieces of n bytes. Returns what is left. */
static struct bytes feed_while_open(struct bytes body, size_t n)
{
	while (body.len > 0 && s.input_len == 0) {
		size_t len = body.len < n ? body.len : n;

		fake_stream_feed(&s, body.data, len);
		bytes_skip(&body, len);
	}
	return body;
}

/* A body of one file of so many bytes that look random. */
static struct bytes make_body(size_t file_len)
{
	static const char before[] = FILE_PART("a.bin"), behind[] = END;
	static uint8_t body[300000];
	size_t len = file_len + strlen(before) + strlen(behind);

	assert_true(len <= sizeof body);
	memcpy(body, before, strlen(before));
	for (size_t i = 0; i < file_len; i++)
		body[strlen(before) + i] = (uint8_t)(i * i * 31 >> 7);
	memcpy(body + len - strlen(behind), behind, strlen(behind));
	return bytes_of(body, len);
}

/* While the helper is busy, no more is taken than the buffers hold; the rest of it waits in the stream. */
static void a_slow_disk_closes_the_window(void **state)
{
	struct bytes body = make_body(150000), left;

	(void)state;
	feed_head(body.len);
	left = feed_while_open(body, 1460);
	assert_true(body.len - left.len > UPLOAD_BUFFER);
	assert_true(body.len - left.len <= UPLOAD_BUFFER + 2 * 1460);
	while (left.len > 0) {
		assert_true(conclude_one(true));
		left = feed_while_open(left, 1460);
	}
	assert_int_equal(reply().status, 200);
	assert_file("a.bin", (const char *)body.data + strlen(FILE_PART("a.bin")), 150000);
}

static void a_file_that_is_too_large_is_refused_on_the_way(void **state)
{
	struct bytes body = make_body(290000), left = body;

	(void)state;
	feed_head(body.len);
	while (left.len > 0 && !s.shut_down) {
		left = feed_while_open(left, 1460);
		conclude_one(true);
	}
	assert_true(left.len > 20000);
	assert_int_equal(reply().status, 413);
	assert_int_equal(each_name(NULL), 0);
}

/* The client leaves while the helper has its bytes, and while it has not. */
static void a_lost_connection_leaves_nothing(void **state)
{
	struct bytes body = make_body(100000);

	(void)state;
	for (unsigned busy = 0; busy < 2; busy++) {
		feed_head(body.len);
		feed_while_open(bytes_of(body.data, 30000), 1460);
		if (!busy)
			help();
		assert_int_equal(generation.uploads.items[0].under_way, 1);
		fake_stream_lose(&s, STREAM_END_RESET);
		help();
		assert_int_equal(generation.uploads.items[0].under_way, 0);
		fake_stream_fini(&s);
		open_stream();
	}
	assert_int_equal(each_name(NULL), 0);
}

static void a_name_that_is_taken_may_be_a_conflict(void **state)
{
	(void)state;
	generation.uploads.items[0].store.limits.numbers = false;
	assert_status(FILE_PART("a") "1" END, 200);
	assert_status(FILE_PART("b") "1\r\n" FILE_PART("a") "1" END, 409);
	assert_int_equal(each_name(NULL), 1);
}

/* Told once, until it goes well again. */
static void no_room_is_told(void **state)
{
	(void)state;
	generation.uploads.items[0].store.limits.max_total = 2;
	assert_status(FILE_PART("a") "123" END, 507);
	assert_non_null(strstr(logged, "upload: "));
	assert_non_null(strstr(logged, ": upload_max_total is reached; requests are refused with 507\n"));
	logged[0] = '\0';
	assert_status(FILE_PART("a") "123" END, 507);
	assert_string_equal(logged, "");
	assert_status(FILE_PART("a") "12" END, 200);
	assert_status(FILE_PART("a") "1" END, 507);
	assert_non_null(strstr(logged, "upload_max_total"));
}

static void a_helper_that_is_busy_is_told(void **state)
{
	(void)state;
	worker.helper.offload.submit = refuse;
	assert_status(FILE_PART("a") "1" END, 503);
	worker.helper.offload.submit = submit;
	assert_status(FILE_PART("a") "1" END, 200);
}

/* It stops while it has a body, and while it stores. */
static void a_helper_that_stops_is_told(void **state)
{
	static const char body[] = FILE_PART("a") "1" END;

	(void)state;
	for (unsigned jobs_done = 0; jobs_done < 2; jobs_done++) {
		feed_head(strlen(body));
		fake_stream_feed_text(&s, body);
		for (unsigned i = 0; i < jobs_done; i++)
			assert_true(conclude_one(true));
		worker.helper.offload.submit = refuse;
		conclude_one(false);
		worker.helper.offload.submit = submit;
		assert_int_equal(reply().status, 503);
		fake_stream_fini(&s);
		open_stream();
	}
	assert_int_equal(each_name(NULL), 0);
}

static void requests_under_way_are_limited(void **state)
{
	(void)state;
	generation.uploads.items[0].under_way = UPLOADS_UNDER_WAY;
	assert_status(FILE_PART("a") "1" END, 503);
	generation.uploads.items[0].under_way = 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(files_are_stored_and_fields_dropped),
		TEST(an_input_without_a_file_is_none),
		TEST(programs_are_told_in_json_and_people_on_a_page),
		TEST(what_is_no_upload_is_refused),
		TEST(what_is_malformed_leaves_nothing),
		TEST(too_much_is_refused),
		TEST(a_slow_disk_closes_the_window),
		TEST(a_file_that_is_too_large_is_refused_on_the_way),
		TEST(a_lost_connection_leaves_nothing),
		TEST(a_name_that_is_taken_may_be_a_conflict),
		TEST(no_room_is_told),
		TEST(a_helper_that_is_busy_is_told),
		TEST(a_helper_that_stops_is_told),
		TEST(requests_under_way_are_limited),
	};

	return cmocka_run_group_tests_name("upload", tests, NULL, NULL);
}
