/* The error log: form, levels, escaping, the longest line. */
#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

struct captured {
	char text[2 * LOG_LINE_MAX];
	size_t len;
	unsigned lines;
};

static void capture(void *context, const char *line, size_t len)
{
	struct captured *c = context;

	assert_true(len > 0 && len <= LOG_LINE_MAX);
	assert_int_equal(line[len - 1], '\n');
	memcpy(c->text, line, len);
	c->text[len] = '\0';
	c->len = len;
	c->lines++;
	errno = EBADF;
}

static const char *message(const struct captured *c)
{
	const char *colon = strstr(c->text, ": ");

	assert_non_null(colon);
	return colon + 2;
}

static void a_line_has_level_time_room_and_text(void **state)
{
	struct captured c = { .lines = 0 };
	struct log log = { LOG_WARNING, capture, &c };
	static const char pattern[] = "^warning 20[0-9]{2}-[01][0-9]-[0-3][0-9]T"
				      "[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}Z "
				      "arp: 10\\.77\\.0\\.2 is also claimed by 07\n$";
	regex_t form;

	(void)state;
	log_line(&log, LOG_WARNING, "arp", "%s is also claimed by %02x", "10.77.0.2", 7u);
	assert_int_equal(regcomp(&form, pattern, REG_EXTENDED | REG_NOSUB), 0);
	assert_int_equal(regexec(&form, c.text, 0, NULL, 0), 0);
	regfree(&form);
	assert_int_equal(c.lines, 1);
}

static void the_time_is_now_in_utc(void **state)
{
	struct captured c = { .lines = 0 };
	struct log log = { LOG_ERROR, capture, &c };
	struct tm tm = { 0 };
	uint64_t before = clock_wall_us() / 1000000, logged;

	(void)state;
	setenv("TZ", "XYZ-7", 1);
	tzset();
	log_line(&log, LOG_ERROR, "t", "x");
	assert_non_null(strptime(c.text, "error %Y-%m-%dT%H:%M:%S", &tm));
	logged = (uint64_t)timegm(&tm);
	assert_true(logged >= before && logged <= clock_wall_us() / 1000000);
}

static void less_important_lines_are_left_out(void **state)
{
	struct captured c = { .lines = 0 };
	struct log log = { .write = capture, .context = &c };

	(void)state;
	for (int limit = LOG_ERROR; limit <= LOG_DEBUG; limit++) {
		log.level = (enum log_level)limit;
		c.lines = 0;
		for (int level = LOG_ERROR; level <= LOG_DEBUG; level++)
			log_line(&log, (enum log_level)level, "t", "x");
		assert_int_equal(c.lines, limit + 1);
	}
	log_line(NULL, LOG_ERROR, "t", "x");
	assert_int_equal(c.lines, LOG_DEBUG + 1);
}

static void control_bytes_cannot_forge_a_line(void **state)
{
	struct captured c = { .lines = 0 };
	struct log log = { LOG_INFO, capture, &c };

	(void)state;
	log_line(&log, LOG_INFO, "http", "%s", "GET /\r\nerror \t\x1b[2J\x7f\x01 end");
	assert_string_equal(message(&c), "GET /\\x0d\\x0aerror \\x09\\x1b[2J\\x7f\\x01 end\n");
	for (char byte = 1; byte < 0x20; byte++) {
		char want[8];
		log_line(&log, LOG_INFO, "http", "%c", byte);
		snprintf(want, sizeof want, "\\x%02x\n", (unsigned)byte);
		assert_string_equal(message(&c), want);
	}
	log_line(&log, LOG_INFO, "http", "%s", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8d\xba");
	assert_string_equal(message(&c), "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8d\xba\n");
	log_line(&log, LOG_INFO, "http", "%s", "");
	assert_string_equal(message(&c), "\n");
}

static void a_long_line_is_cut_and_says_so(void **state)
{
	struct captured c = { .lines = 0 };
	struct log log = { LOG_INFO, capture, &c };
	char text[5000];

	(void)state;
	for (size_t len = 900; len < sizeof text; len += len < 1100 ? 1 : 97) {
		memset(text, 'x', len);
		text[len] = '\0';
		log_line(&log, LOG_INFO, "t", "%s", text);
		if (strcmp(c.text + c.len - 2, "x\n") == 0)
			assert_int_equal(strlen(message(&c)), len + 1);
		else
			assert_string_equal(c.text + c.len - 5, "x...\n");
		assert_true(len < 1000 || c.len >= LOG_LINE_MAX - 1);
	}
}

static void escapes_and_characters_are_not_cut_in_two(void **state)
{
	struct captured c = { .lines = 0 };
	struct log log = { LOG_INFO, capture, &c };
	char text[3000];

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		memset(text + shift, '\n', sizeof text - shift);
		text[sizeof text - 1] = '\0';
		log_line(&log, LOG_INFO, "t", "%s", text);
		assert_string_equal(c.text + c.len - 8, "\\x0a...\n");
		for (size_t i = shift; i + 3 < sizeof text; i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		log_line(&log, LOG_INFO, "t", "%s", text);
		assert_string_equal(c.text + c.len - 7, "\xe2\x82\xac...\n");
	}
}

static void broken_utf8_neither_stops_nor_overruns(void **state)
{
	static const char *const broken[] = {
		"\xe2", "\xe2\x82", "\xff\xfe", "\x80\x80\x80\x80\x80\x80", "\xc3(",
	};
	struct captured c = { .lines = 0 };
	struct log log = { LOG_INFO, capture, &c };

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		log_line(&log, LOG_INFO, "t", "%s", broken[i]);
		assert_memory_equal(message(&c), broken[i], strlen(broken[i]));
		assert_int_equal(strlen(message(&c)), strlen(broken[i]) + 1);
	}
}

static void errno_is_kept(void **state)
{
	struct captured c = { .lines = 0 };
	struct log log = { LOG_INFO, capture, &c };

	(void)state;
	errno = ENOENT;
	log_line(&log, LOG_INFO, "t", "x");
	assert_int_equal(errno, ENOENT);
	assert_int_equal(c.lines, 1);
}

static void lines_go_to_a_file_descriptor(void **state)
{
	struct log log = { .level = LOG_INFO, .write = log_write_to_fd };
	char text[200];
	ssize_t n;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	log.context = &fds[1];
	log_line(&log, LOG_NOTICE, "server", "ready");
	n = read(fds[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_memory_equal(text, "notice 20", 9);
	assert_string_equal(text + n - 14, "server: ready\n");
	close(fds[0]);
	close(fds[1]);
}

static void level_names_read_back(void **state)
{
	static const char *const names[] = { "error", "warning", "notice", "info", "debug" };

	(void)state;
	for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
		assert_string_equal(log_level_name((enum log_level)level), names[level]);
		assert_int_equal(log_level_parse(names[level]), level);
	}
	assert_int_equal(log_level_parse("Error"), -1);
	assert_int_equal(log_level_parse("warn"), -1);
	assert_int_equal(log_level_parse(""), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_level_time_room_and_text),
		cmocka_unit_test(the_time_is_now_in_utc),
		cmocka_unit_test(less_important_lines_are_left_out),
		cmocka_unit_test(control_bytes_cannot_forge_a_line),
		cmocka_unit_test(a_long_line_is_cut_and_says_so),
		cmocka_unit_test(escapes_and_characters_are_not_cut_in_two),
		cmocka_unit_test(broken_utf8_neither_stops_nor_overruns),
		cmocka_unit_test(errno_is_kept),
		cmocka_unit_test(lines_go_to_a_file_descriptor),
		cmocka_unit_test(level_names_read_back),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
