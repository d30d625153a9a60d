/* The directory of uploads: what gets a name there, what does not, and how much of it. */
#include <dirent.h>
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
#include <unistd.h>

#include <cmocka.h>

#include "server/upload_store.h"

static char directory[64];
static struct upload_store store;
static struct failure why;

static void open_store(struct upload_limits limits)
{
	assert_int_equal(upload_store_open(&store, directory, &limits, &why), 0);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof directory, "/tmp/taphouse-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	open_store(
		(struct upload_limits){ .max_files = 3, .max_file = 100, .max_total = 250, .numbers = true });
	return 0;
}

static void in_directory(char path[static 512], const char *name)
{
	snprintf(path, 512, "%s/%s", directory, name);
}

static void remove_file(const char *name)
{
	char path[512];

	in_directory(path, name);
	assert_int_equal(unlink(path), 0);
}

/* Calls back for each name in there. Returns how many. */
static unsigned each_name(void (*visit)(const char *name))
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	unsigned n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		n++;
		if (visit != NULL)
			visit(entry->d_name);
	}
	closedir(d);
	return n;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(store.arriving, 0);
	assert_int_equal(store.open, 0);
	upload_store_close(&store);
	each_name(remove_file);
	assert_int_equal(rmdir(directory), 0);
	return 0;
}

static void assert_file(const char *name, const char *content)
{
	char path[512], found[256];
	FILE *f;

	in_directory(path, name);
	f = fopen(path, "r");
	assert_non_null(f);
	found[fread(found, 1, sizeof found - 1, f)] = '\0';
	assert_string_equal(found, content);
	fclose(f);
}

static void begin(struct upload_files *f)
{
	assert_int_equal(upload_files_init(f, &store), 0);
}

static void add(struct upload_files *f, const char *name, const char *content)
{
	assert_int_equal(upload_files_add(f, name, &why), 0);
	assert_int_equal(upload_files_write(f, bytes_of(content, strlen(content)), &why), 0);
}

static unsigned store_one(const char *name, const char *content)
{
	struct upload_files f;
	unsigned status;

	begin(&f);
	add(&f, name, content);
	status = upload_files_store(&f, &why);
	upload_files_fini(&f);
	return status;
}

static unsigned write_bytes(struct upload_files *f, size_t len)
{
	char *data = calloc(1, len);
	unsigned status;

	assert_non_null(data);
	status = upload_files_write(f, bytes_of(data, len), &why);
	free(data);
	return status;
}

static void files_get_their_names_together(void **state)
{
	struct upload_files f;
	struct stat st;
	char path[512];

	(void)state;
	begin(&f);
	add(&f, "a", "one");
	assert_int_equal(upload_files_write(&f, bytes_of(" more", 5), &why), 0);
	add(&f, "b", "two");
	assert_int_equal(upload_files_add(&f, "empty", &why), 0);
	assert_int_equal(each_name(NULL), 0);
	assert_int_equal(upload_files_store(&f, &why), 0);
	assert_int_equal(f.items[0].len, 8);
	upload_files_fini(&f);
	assert_int_equal(each_name(NULL), 3);
	assert_file("a", "one more");
	assert_file("b", "two");
	assert_file("empty", "");
	in_directory(path, "a");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
}

static void what_is_given_up_leaves_nothing(void **state)
{
	struct upload_files f;

	(void)state;
	begin(&f);
	add(&f, "a", "one");
	upload_files_fini(&f);
	assert_int_equal(each_name(NULL), 0);
}

static void names_that_are_taken_get_numbers(void **state)
{
	struct upload_files f;

	(void)state;
	assert_int_equal(store_one("a.txt", "1"), 0);
	assert_int_equal(store_one("a.txt", "2"), 0);
	begin(&f);
	add(&f, "a.txt", "3");
	add(&f, "a.txt", "4");
	assert_int_equal(upload_files_store(&f, &why), 0);
	assert_string_equal(f.items[0].name, "a-3.txt");
	assert_string_equal(f.items[1].name, "a-4.txt");
	upload_files_fini(&f);
	assert_file("a.txt", "1");
	assert_file("a-2.txt", "2");
	assert_file("a-3.txt", "3");
	assert_file("a-4.txt", "4");
}

static void or_are_refused_and_then_none_is_stored(void **state)
{
	struct upload_files f;

	(void)state;
	store.limits.numbers = false;
	assert_int_equal(store_one("b", "1"), 0);
	begin(&f);
	add(&f, "a", "2");
	add(&f, "b", "3");
	assert_int_equal(upload_files_store(&f, &why), 409);
	upload_files_fini(&f);
	assert_int_equal(each_name(NULL), 1);
	assert_file("b", "1");
}

/* A symlink that stands where the file should is not written through. */
static void a_symlink_is_a_name_that_is_taken(void **state)
{
	char path[512];

	(void)state;
	in_directory(path, "a");
	assert_int_equal(symlink("/nonexistent/b", path), 0);
	assert_int_equal(store_one("a", "1"), 0);
	assert_file("a-2", "1");
}

static void files_and_requests_have_limits(void **state)
{
	struct upload_files f;

	(void)state;
	begin(&f);
	add(&f, "a", "");
	assert_int_equal(write_bytes(&f, 60), 0);
	assert_int_equal(write_bytes(&f, 41), 413);
	assert_int_equal(write_bytes(&f, 40), 0);
	assert_int_equal(write_bytes(&f, 1), 413);
	add(&f, "b", "");
	add(&f, "c", "");
	assert_int_equal(upload_files_add(&f, "d", &why), 413);
	upload_files_fini(&f);
}

/* What is arriving counts with what is there; what is taken away makes room. */
static void the_directory_has_a_limit(void **state)
{
	struct upload_files f, g;
	char hundred[101];

	(void)state;
	snprintf(hundred, sizeof hundred, "%0100d", 0);
	assert_int_equal(store_one("a", hundred), 0);
	begin(&f);
	begin(&g);
	add(&f, "b", hundred);
	add(&g, "c", "");
	assert_int_equal(write_bytes(&g, 50), 0);
	assert_int_equal(write_bytes(&g, 1), 507);
	assert_non_null(strstr(why.text, "upload_max_total"));
	upload_files_fini(&g);
	assert_int_equal(upload_files_store(&f, &why), 0);
	upload_files_fini(&f);
	begin(&g);
	add(&g, "c", "");
	assert_int_equal(write_bytes(&g, 51), 507);
	remove_file("a");
	assert_int_equal(write_bytes(&g, 51), 0);
	upload_files_fini(&g);
}

static void what_others_put_there_counts(void **state)
{
	struct upload_files f;
	char path[512];
	FILE *other;

	(void)state;
	in_directory(path, "other");
	other = fopen(path, "w");
	assert_non_null(other);
	fprintf(other, "%0200d", 0);
	fclose(other);
	begin(&f);
	add(&f, "a", "");
	assert_int_equal(write_bytes(&f, 51), 507);
	assert_int_equal(write_bytes(&f, 50), 0);
	upload_files_fini(&f);
}

static void what_another_worker_stores_meanwhile_counts(void **state)
{
	struct upload_store other;
	struct upload_files first, second;

	(void)state;
	store.is_shared = true;
	assert_int_equal(upload_store_open(&other, directory, &store.limits, &why), 0);
	begin(&first);
	add(&first, "a", "mine");
	assert_int_equal(upload_files_init(&second, &other), 0);
	assert_int_equal(upload_files_add(&second, "b", &why), 0);
	assert_int_equal(write_bytes(&second, 100), 0);
	assert_int_equal(upload_files_store(&second, &why), 0);
	upload_files_fini(&second);
	assert_int_equal(upload_files_store(&first, &why), 0);
	upload_files_fini(&first);
	begin(&first);
	add(&first, "c", "");
	assert_int_equal(store.stored, 104);
	upload_files_fini(&first);
	upload_store_close(&other);
}

static void what_was_there_before_counts(void **state)
{
	struct upload_limits limits = store.limits;
	char hundred[101];

	(void)state;
	snprintf(hundred, sizeof hundred, "%0100d", 0);
	assert_int_equal(store_one("a", hundred), 0);
	upload_store_close(&store);
	open_store(limits);
	assert_int_equal(store.stored, 100);
}

/* RLIMIT_FSIZE is as good as a disk that is full. */
static void a_full_disk_is_told(void **state)
{
	struct rlimit before, limit;
	struct upload_files f;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ .rlim_cur = 50, .rlim_max = before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	begin(&f);
	add(&f, "a", "");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(write_bytes(&f, 51), 507);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(why.text, "cannot write: "));
	upload_files_fini(&f);
	assert_int_equal(each_name(NULL), 0);
}

static void too_many_open_files_are_told(void **state)
{
	struct rlimit before, limit;
	struct upload_files f;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	begin(&f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(upload_files_add(&f, "a", &why), 503);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	upload_files_fini(&f);
}

/* Whoever sends many does not take all descriptors. */
static void files_on_their_way_are_limited(void **state)
{
	struct upload_files f, g;

	(void)state;
	begin(&f);
	begin(&g);
	add(&f, "a", "1");
	store.open = UPLOAD_OPEN_FILES;
	assert_int_equal(upload_files_add(&g, "b", &why), 503);
	store.open = 1;
	assert_int_equal(upload_files_add(&g, "b", &why), 0);
	assert_int_equal(store.open, 2);
	upload_files_fini(&f);
	upload_files_fini(&g);
}

static void a_bad_directory_is_refused_at_start(void **state)
{
	struct upload_limits limits = store.limits;
	struct upload_store bad;

	(void)state;
	assert_int_equal(upload_store_open(&bad, "/nonexistent", &limits, &why), -ENOENT);
	assert_string_equal(why.text,
			    "upload directory /nonexistent: cannot be opened: No such file or directory");
	assert_true(upload_store_open(&bad, "/proc", &limits, &why) < 0);
	assert_non_null(strstr(why.text, "upload directory /proc: "));
}

static void files_are_synced_first_by_choice(void **state)
{
	struct upload_files f;

	(void)state;
	store.limits = (struct upload_limits){ .max_files = 1, .max_file = 16 << 20, .max_total = 16 << 20, .fsync = true };
	assert_int_equal(store_one("a", "1"), 0);
	assert_file("a", "1");
	begin(&f);
	add(&f, "large", "");
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(write_bytes(&f, 1 << 20), 0);
	assert_int_equal(upload_files_store(&f, &why), 0);
	upload_files_fini(&f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(files_get_their_names_together),
		TEST(what_is_given_up_leaves_nothing),
		TEST(names_that_are_taken_get_numbers),
		TEST(or_are_refused_and_then_none_is_stored),
		TEST(a_symlink_is_a_name_that_is_taken),
		TEST(files_and_requests_have_limits),
		TEST(the_directory_has_a_limit),
		TEST(what_others_put_there_counts),
		TEST(what_another_worker_stores_meanwhile_counts),
		TEST(what_was_there_before_counts),
		TEST(a_full_disk_is_told),
		TEST(too_many_open_files_are_told),
		TEST(files_on_their_way_are_limited),
		TEST(a_bad_directory_is_refused_at_start),
		TEST(files_are_synced_first_by_choice),
	};

	return cmocka_run_group_tests_name("upload_store", tests, NULL, NULL);
}
