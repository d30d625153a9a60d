/* The error log's file: appended to, opened anew, exchanged for another or not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/error_log.h"

static char directory[] = "/tmp/test_error_log.XXXXXX";
static char first[64], second[64], moved[64];
static struct error_log errors;

static int set_up(void **state)
{
	struct failure why;

	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(first, sizeof first, "%s/first", directory);
	snprintf(second, sizeof second, "%s/second", directory);
	snprintf(moved, sizeof moved, "%s/moved", directory);
	assert_int_equal(error_log_open(&errors, first, LOG_NOTICE, &why), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	error_log_close(&errors);
	unlink(first);
	unlink(second);
	unlink(moved);
	rmdir(directory);
	return 0;
}

static void say(const char *text)
{
	log_line(&errors.log, LOG_NOTICE, "test", "%s", text);
}

static void assert_holds(const char *path, const char *text)
{
	char content[512] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_true(fread(content, 1, sizeof content - 1, file) < sizeof content);
	fclose(file);
	assert_non_null(strstr(content, text));
	assert_ptr_equal(strchr(content, '\n') + 1, content + strlen(content)); /* one line */
}

static void a_renamed_file_is_left(void **state)
{
	(void)state;
	say("before");
	assert_int_equal(rename(first, moved), 0);
	error_log_reopen(&errors);
	say("after");
	assert_holds(moved, "test: before\n");
	assert_holds(first, "test: after\n");
}

static void one_that_cannot_be_opened_anew_is_kept(void **state)
{
	(void)state;
	errors.path = "/nonexistent/log";
	error_log_reopen(&errors);
	assert_holds(first, "log file /nonexistent/log: cannot be opened: No such file or directory\n");
}

static void another_takes_its_place_with_its_level(void **state)
{
	struct failure why;
	int fd = error_log_prepare(&errors, second, &why);

	(void)state;
	assert_true(fd >= 0);
	say("before");
	error_log_succeed(&errors, second, fd, LOG_ERROR);
	say("not important enough");
	log_line(&errors.log, LOG_ERROR, "test", "after");
	assert_holds(first, "test: before\n");
	assert_holds(second, "test: after\n");
}

static void what_is_discarded_changes_nothing(void **state)
{
	struct failure why;
	int fd;

	(void)state;
	fd = error_log_prepare(&errors, second, &why);
	error_log_discard(&errors, fd);
	fd = error_log_prepare(&errors, first, &why);
	assert_int_equal(fd, errors.fd);
	error_log_discard(&errors, fd);
	assert_int_equal(error_log_prepare(&errors, "/nonexistent/log", &why), -ENOENT);
	say("here");
	assert_holds(first, "test: here\n");
}

static void off_says_nothing_anywhere(void **state)
{
	struct failure why;

	(void)state;
	error_log_succeed(&errors, "off", error_log_prepare(&errors, "off", &why), LOG_NOTICE);
	say("nothing");
	assert_int_equal(access("off", F_OK), -1);
}

#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOG(a_renamed_file_is_left),
		WITH_LOG(one_that_cannot_be_opened_anew_is_kept),
		WITH_LOG(another_takes_its_place_with_its_level),
		WITH_LOG(what_is_discarded_changes_nothing),
		WITH_LOG(off_says_nothing_anywhere),
	};

	return cmocka_run_group_tests_name("error_log", tests, NULL, NULL);
}
