/* The access log's file: lines reach it, with the time in the format's own form. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/access_log.h"

struct place {
	char path[32];
	int fd;
	struct access_log log;
};

static void open_place(struct place *p, enum access_format format)
{
	struct failure why;

	strcpy(p->path, "/tmp/test_access_log.XXXXXX");
	p->fd = mkstemp(p->path);
	assert_true(p->fd >= 0);
	assert_int_equal(access_log_open(&p->log, p->path, format, NULL, &why), 0);
}

static void close_place(struct place *p)
{
	access_log_close(&p->log);
	close(p->fd);
	unlink(p->path);
}

static void add(struct place *p, const char *target)
{
	struct http_log_record r = {
		.method = "GET", .method_len = 3,
		.target = target, .target_len = strlen(target),
		.version_major = 1, .version_minor = 1,
		.status = 200,
	};

	access_log_add(&p->log, &r);
}

static void assert_is_now(time_t then)
{
	assert_in_range(then, time(NULL) - 60, time(NULL));
}

static void test_lines_reach_the_file_with_the_time(void **state)
{
	struct place p;
	char text[1024];
	struct tm tm = { 0 };
	ssize_t n;

	(void)state;
	open_place(&p, ACCESS_COMBINED);
	add(&p, "/one");
	add(&p, "/two");
	assert_int_equal(read(p.fd, text, sizeof text), 0); /* buffered */
	log_file_flush(&p.log.file);
	n = read(p.fd, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strptime(strchr(text, '['), "[%d/%b/%Y:%H:%M:%S %z]", &tm));
	tm.tm_isdst = -1;
	assert_is_now(timegm(&tm) - tm.tm_gmtoff);
	assert_non_null(strstr(text, "] \"GET /one HTTP/1.1\" 200 0"));
	assert_non_null(strstr(strchr(text, '\n') + 1, "] \"GET /two HTTP/1.1\" 200 0"));
	assert_int_equal(p.log.file.lines, 2);
	close_place(&p);
}

static void test_json_has_its_own_time(void **state)
{
	struct place p;
	char text[1024];
	struct tm tm = { 0 };
	ssize_t n;

	(void)state;
	open_place(&p, ACCESS_JSON);
	add(&p, "/one");
	log_file_flush(&p.log.file);
	n = read(p.fd, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strptime(text, "{\"time\":\"%Y-%m-%dT%H:%M:%S.", &tm));
	assert_is_now(timegm(&tm));
	close_place(&p);
}

static int change(struct place *p, const char *path, enum access_format format)
{
	struct access_log next;
	struct failure why;
	int r = access_log_prepare(&p->log, path, format, &next, &why);

	if (r == 0)
		access_log_succeed(&p->log, &next);
	return r;
}

static void test_change_to_another_file_off_and_back(void **state)
{
	struct place p, other;
	struct failure why;
	struct stat st;

	(void)state;
	open_place(&p, ACCESS_COMBINED);
	open_place(&other, ACCESS_COMBINED);
	add(&p, "/one");
	assert_int_equal(change(&p, "/nowhere/a.log", ACCESS_JSON), -ENOENT);
	add(&p, "/two");
	assert_int_equal(change(&p, other.path, ACCESS_JSON), 0);
	assert_int_equal(fstat(p.fd, &st), 0); /* what was buffered is where it belongs */
	assert_true(st.st_size > 0);
	add(&p, "/three");
	assert_int_equal(change(&p, "off", ACCESS_JSON), 0);
	assert_int_equal(fstat(other.fd, &st), 0);
	assert_true(st.st_size > 0);
	add(&p, "/four");
	access_log_flush(&p.log);
	assert_int_equal(access_log_reopen(&p.log, &why), 0);
	assert_int_equal(change(&p, p.path, ACCESS_COMBINED), 0);
	add(&p, "/five");
	assert_int_equal(p.log.file.lines, 4);
	close_place(&other);
	close_place(&p);
}

static void test_what_was_prepared_in_vain_changes_nothing(void **state)
{
	struct place p, other;
	struct access_log next;
	struct failure why;
	struct stat st;

	(void)state;
	open_place(&p, ACCESS_COMBINED);
	open_place(&other, ACCESS_COMBINED);
	assert_int_equal(access_log_prepare(&p.log, other.path, ACCESS_JSON, &next, &why), 0);
	access_log_discard(&p.log, &next);
	assert_int_equal(access_log_prepare(&p.log, p.path, ACCESS_JSON, &next, &why), 0);
	access_log_discard(&p.log, &next);
	add(&p, "/one");
	access_log_flush(&p.log);
	assert_int_equal(fstat(p.fd, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(p.log.format, ACCESS_COMBINED);
	close_place(&other);
	close_place(&p);
}

/* What it would close otherwise is descriptor 0. */
static void test_one_that_could_not_be_opened_closes_nothing(void **state)
{
	int before = fcntl(STDIN_FILENO, F_GETFD);
	struct access_log log;
	struct failure why;

	(void)state;
	assert_int_equal(access_log_open(&log, "/nonexistent/access.log", ACCESS_COMBINED, NULL, &why), -ENOENT);
	access_log_close(&log);
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_that_could_not_be_opened_closes_nothing),
		cmocka_unit_test(test_lines_reach_the_file_with_the_time),
		cmocka_unit_test(test_json_has_its_own_time),
		cmocka_unit_test(test_change_to_another_file_off_and_back),
		cmocka_unit_test(test_what_was_prepared_in_vain_changes_nothing),
	};

	return cmocka_run_group_tests_name("access_log", tests, NULL, NULL);
}
