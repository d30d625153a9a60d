/* The buffered log file: what becomes of lines when all is well, and when it is not. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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
#include <unistd.h>

#include <cmocka.h>

#include "server/log_file.h"

struct told {
	struct log log;
	unsigned lines;
	char last[512];
};

static void on_line(void *context, const char *line, size_t len)
{
	struct told *t = context;

	t->lines++;
	snprintf(t->last, sizeof t->last, "%.*s", (int)len, line);
}

static void told_init(struct told *t)
{
	*t = (struct told){ .log = { .level = LOG_NOTICE, .write = on_line, .context = t } };
}

static void add(struct log_file *f, const char *line)
{
	char *room = log_file_reserve(f, strlen(line));

	if (room == NULL)
		return;
	memcpy(room, line, strlen(line));
	log_file_commit(f, strlen(line));
}

static size_t read_file(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(out, 1, size - 1, file);
	out[n] = '\0';
	fclose(file);
	return n;
}

static void test_appends_and_flushes_when_full(void **state)
{
	char path[] = "/tmp/test_log_file.XXXXXX";
	int fd = mkstemp(path);
	struct log_file f;
	struct failure why;
	struct stat st;
	char line[1001];

	(void)state;
	assert_true(fd >= 0 && write(fd, "old\n", 4) == 4);
	memset(line, 'x', 999);
	memcpy(line + 999, "\n", 2);
	assert_int_equal(log_file_open(&f, path, NULL, &why), 0);
	for (int i = 0; i < 200; i++)
		add(&f, line);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4 + 131 * 1000); /* as many as the buffer holds */
	log_file_close(&f);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4 + 200 * 1000);
	assert_int_equal(f.lost, 0);
	close(fd);
	unlink(path);
}

static void test_reopen_follows_the_path(void **state)
{
	char path[] = "/tmp/test_log_file.XXXXXX", moved[64], text[64];
	int fd = mkstemp(path);
	struct log_file f;
	struct failure why;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	snprintf(moved, sizeof moved, "%s.1", path);
	assert_int_equal(log_file_open(&f, path, NULL, &why), 0);
	add(&f, "one\n");
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(log_file_reopen(&f, &why), 0);
	add(&f, "two\n");
	log_file_close(&f);
	read_file(moved, text, sizeof text);
	assert_string_equal(text, "one\n"); /* what was buffered belongs to the old file */
	read_file(path, text, sizeof text);
	assert_string_equal(text, "two\n");
	unlink(path);
	unlink(moved);
}

static void test_failed_reopen_keeps_the_old_file(void **state)
{
	char directory[] = "/tmp/test_log_file.XXXXXX", path[64], moved[64], text[64];
	struct log_file f;
	struct failure why;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/log", directory);
	snprintf(moved, sizeof moved, "%s/moved", directory);
	assert_int_equal(log_file_open(&f, path, NULL, &why), 0);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(log_file_reopen(&f, &why), -EISDIR);
	assert_non_null(strstr(why.text, "cannot be opened: Is a directory"));
	add(&f, "still\n");
	log_file_close(&f);
	read_file(moved, text, sizeof text);
	assert_string_equal(text, "still\n");
	unlink(moved);
	rmdir(path);
	rmdir(directory);
}

static void test_missing_directory_is_an_error_that_names_the_file(void **state)
{
	struct log_file f;
	struct failure why;

	(void)state;
	assert_int_equal(log_file_open(&f, "/nonexistent/a.log", NULL, &why), -ENOENT);
	assert_string_equal(why.text,
			    "log file /nonexistent/a.log: cannot be opened: No such file or directory");
}

static void test_full_disk_loses_lines_and_tells_once(void **state)
{
	struct log_file f;
	struct failure why;
	struct told told;

	(void)state;
	told_init(&told);
	assert_int_equal(log_file_open(&f, "/dev/full", &told.log, &why), 0);
	for (int i = 0; i < 3; i++) {
		add(&f, "a\n");
		add(&f, "b\n");
		log_file_flush(&f);
	}
	assert_int_equal(f.lost, 6);
	assert_int_equal(told.lines, 1);
	assert_non_null(strstr(told.last, "log: /dev/full: lines are being lost: No space left on device"));
	log_file_close(&f);
}

/* A pipe that nobody reads fills; the log must neither block nor grow, and go on when it is read again. */
static void test_reader_that_stands_still_loses_lines_not_time(void **state)
{
	char directory[] = "/tmp/test_log_file.XXXXXX", path[64], line[1001];
	static char sink[1 << 20];
	struct log_file f;
	struct failure why;
	struct told told;
	ssize_t n = 1;
	int reader, rounds;

	(void)state;
	told_init(&told);
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/pipe", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	assert_int_equal(log_file_open(&f, path, &told.log, &why), 0);
	unlink(path);
	rmdir(directory);
	memset(line, 'x', 999);
	memcpy(line + 999, "\n", 2);
	for (int i = 0; i < 1000; i++)
		add(&f, line);
	assert_true(f.lost > 0);
	assert_int_equal(told.lines, 1);
	assert_non_null(strstr(told.last, "nobody reads them"));
	for (rounds = 0; n > 0 && rounds < 100; rounds++) {
		n = read(reader, sink, sizeof sink);
		log_file_flush(&f);
	}
	assert_int_equal(f.used, 0);
	assert_int_equal(told.lines, 2);
	assert_non_null(strstr(told.last, "works again, "));
	log_file_close(&f);
	close(reader);
}

/* A file may grow to 10 bytes, and then no more: the second line is torn. */
static void test_line_after_a_torn_one_begins_anew(void **state)
{
	char path[] = "/tmp/test_log_file.XXXXXX", text[64];
	const struct rlimit small = { .rlim_cur = 10, .rlim_max = RLIM_INFINITY };
	struct rlimit before;
	int fd = mkstemp(path);
	struct log_file f;
	struct failure why;
	struct told told;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	told_init(&told);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(log_file_open(&f, path, &told.log, &why), 0);
	add(&f, "0123456\n");
	add(&f, "torn\n");
	add(&f, "gone\n");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	log_file_flush(&f);
	for (int i = 0; i < 2; i++) { /* it stays full for a while */
		add(&f, "gone\n");
		log_file_flush(&f);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(f.lost, 4);
	add(&f, "next\n");
	log_file_close(&f);
	read_file(path, text, sizeof text);
	assert_string_equal(text, "0123456\nto\nnext\n");
	assert_int_equal(told.lines, 2);
	assert_non_null(strstr(told.last, "works again, 4 lines were lost"));
	unlink(path);
}

/* ---- several that write to one file ---- */

enum { WRITERS = 3, WRITER_LINES = 400, LONGEST = 9000 };

struct writer {
	struct log_file file;
	pthread_t thread;
	char letter;
};

static void *write_lines(void *context)
{
	struct writer *w = context;
	char line[LONGEST + 2];

	for (unsigned i = 0; i < WRITER_LINES; i++) {
		size_t len = 1 + i * 7919u % LONGEST;

		memset(line, w->letter, len);
		memcpy(line + len, "\n", 2);
		add(&w->file, line);
		do
			log_file_flush(&w->file);
		while (w->file.used > LOG_FILE_BUFFER / 2);
	}
	while (w->file.used > 0)
		log_file_flush(&w->file);
	return NULL;
}

/* A line, all of one letter, whoever wrote it. Its bytes. */
static size_t read_line(FILE *from)
{
	int first = fgetc(from), c = first;
	size_t len = 0;

	for (; c != '\n'; c = fgetc(from), len++)
		assert_int_equal(c, first);
	assert_int_not_equal(len, 0);
	return len + 1;
}

static void test_lines_of_several_writers_stay_whole(void **state)
{
	struct writer writers[WRITERS];
	struct log_turn turn;
	struct failure why;
	size_t bytes = 0, expected = 0;
	FILE *from;
	int ends[2];

	(void)state;
	log_turn_init(&turn);
	assert_int_equal(pipe(ends), 0);
	for (unsigned i = 0; i < WRITERS; i++) {
		struct writer *w = &writers[i];

		w->letter = (char)('a' + i);
		assert_int_equal(log_file_open_fd(&w->file, dup(ends[1]), "pipe", &why), 0);
		w->file.turn = &turn;
		assert_int_equal(pthread_create(&w->thread, NULL, write_lines, w), 0);
	}
	close(ends[1]);
	for (unsigned i = 0; i < WRITER_LINES; i++)
		expected += WRITERS * (1 + i * 7919u % LONGEST + 1);
	from = fdopen(ends[0], "r");
	for (unsigned i = 0; i < WRITERS * WRITER_LINES; i++)
		bytes += read_line(from);
	assert_int_equal(bytes, expected);
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		assert_int_equal(writers[i].file.lost, 0);
		log_file_close(&writers[i].file);
	}
	assert_int_equal(fgetc(from), EOF);
	fclose(from);
	log_turn_fini(&turn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends_and_flushes_when_full),
		cmocka_unit_test(test_reopen_follows_the_path),
		cmocka_unit_test(test_failed_reopen_keeps_the_old_file),
		cmocka_unit_test(test_missing_directory_is_an_error_that_names_the_file),
		cmocka_unit_test(test_full_disk_loses_lines_and_tells_once),
		cmocka_unit_test(test_reader_that_stands_still_loses_lines_not_time),
		cmocka_unit_test(test_line_after_a_torn_one_begins_anew),
		cmocka_unit_test(test_lines_of_several_writers_stay_whole),
	};

	return cmocka_run_group_tests_name("log_file", tests, NULL, NULL);
}
