/* The file cache: found again, noticed when it changes, bounded, never changed under who holds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http_fixture.h"
#include "http/http_cache.h"

static struct http_fixture fixture;
static struct http_sites sites;
static struct http_clock clock_;
static struct http_cache cache;
static struct span_owner keeper;

static uint64_t wall_us(void *context)
{
	(void)context;
	return fixture.wall_us;
}

static void keeper_release(struct span_owner *owner)
{
	(void)owner;
}

static uint32_t max_watches;

static void start(uint32_t max_entries, uint64_t max_bytes, uint64_t max_file)
{
	const struct http_site site = { .name = "test", .root = fixture.root };
	const struct http_cache_limits limits = {
		.max_entries = max_entries,
		.max_bytes = max_bytes,
		.max_file = max_file,
		.revalidate_us = 1000000,
		.max_watches = max_watches,
	};
	struct failure why;

	assert_int_equal(http_sites_open(&sites, &fixture.config, &site, 1, NULL, &why), 0);
	assert_int_equal(http_clock_init(&clock_, &fixture.world, wall_us, NULL, true, &keeper), 0);
	assert_int_equal(http_cache_init(&cache, &limits, &sites, &fixture.world, &clock_, &keeper), 0);
}

static int set_up(void **state)
{
	(void)state;
	max_watches = 0;
	span_owner_init(&keeper, keeper_release);
	http_fixture_init(&fixture);
	http_fixture_write_text(&fixture, "a.html", "<p>a");
	http_fixture_write_text(&fixture, "b.txt", "bbb");
	http_fixture_write_text(&fixture, "dir/index.html", "<p>index");
	http_fixture_write_text(&fixture, "dir/empty/x", "x");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_cache_close(&cache);
	http_clock_close(&clock_);
	assert_int_equal(keeper.references, 1);
	http_cache_fini(&cache);
	http_clock_fini(&clock_);
	http_sites_close(&sites);
	http_fixture_fini(&fixture);
	return 0;
}

static unsigned get(const char *path, struct http_entry **e)
{
	struct http_path p;

	p.len = strlen(path);
	memcpy(p.text, path, p.len + 1);
	*e = NULL;
	return http_cache_get(&cache, &sites.sites[0].policy, &p, e);
}

static unsigned status_of(const char *path)
{
	struct http_entry *e;
	unsigned status = get(path, &e);

	http_entry_unref(e);
	return status;
}

static void assert_contents(const char *path, const char *expected)
{
	struct http_entry *e;

	assert_int_equal(get(path, &e), 200);
	assert_int_equal(e->version.size, strlen(expected));
	assert_non_null(e->body);
	assert_memory_equal(e->body, expected, e->version.size);
	http_entry_unref(e);
}

static void an_entry_has_fields_and_contents_side_by_side(void **state)
{
	struct http_entry *e;
	char fields[512];

	(void)state;
	start(10, 1 << 20, 1000);
	assert_int_equal(get("a.html", &e), 200);
	snprintf(fields, sizeof fields, "%.*s", (int)e->fields_len, e->fields);
	assert_non_null(strstr(fields, "Content-Type: text/html; charset=utf-8\r\n"));
	assert_non_null(strstr(fields, "Content-Length: 4\r\n"));
	assert_non_null(strstr(fields, "Last-Modified: "));
	assert_non_null(strstr(fields, "Cache-Control: no-cache\r\n"));
	assert_non_null(strstr(fields, "X-Content-Type-Options: nosniff\r\n"));
	assert_string_equal(fields + e->fields_len - 4, "\r\n\r\n");
	assert_memory_equal(fields + e->validators_at, "Last-Modified: ", 15);
	assert_int_equal(e->validators.etag.len, 20);
	assert_ptr_equal(e->body, e->fields + e->fields_len);
	assert_memory_equal(e->body, "<p>a", 4);
	http_entry_unref(e);
}

static void what_is_no_text_may_be_an_hour_old(void **state)
{
	struct http_entry *e;

	(void)state;
	start(10, 1 << 20, 1000);
	http_fixture_write_text(&fixture, "c.png", "png");
	assert_int_equal(get("b.txt", &e), 200);
	assert_non_null(memmem(e->fields, e->fields_len, "Cache-Control: no-cache\r\n", 25));
	http_entry_unref(e);
	assert_int_equal(get("c.png", &e), 200);
	assert_non_null(memmem(e->fields, e->fields_len, "Cache-Control: max-age=3600\r\n", 29));
	http_entry_unref(e);
}

static void a_path_is_found_again_without_the_file(void **state)
{
	char name[128];

	(void)state;
	start(10, 1 << 20, 1000);
	assert_contents("a.html", "<p>a");
	snprintf(name, sizeof name, "%s/a.html", fixture.root);
	assert_int_equal(unlink(name), 0);
	assert_contents("a.html", "<p>a");
	assert_int_equal(cache.hits, 1);
	assert_int_equal(cache.misses, 1);
	assert_int_equal(cache.entries, 1);
}

static void directories(void **state)
{
	(void)state;
	start(10, 1 << 20, 1000);
	assert_contents("dir/", "<p>index");
	assert_int_equal(status_of("dir"), 301);
	assert_int_equal(status_of("dir/empty/"), 403);
	assert_int_equal(status_of("nothing/"), 404);
	assert_int_equal(status_of("a.html/"), 404);
	assert_int_equal(status_of(""), 403);
	http_fixture_write_text(&fixture, "index.html", "top");
	assert_contents("", "top");
}

static void what_is_no_regular_file_is_not_there(void **state)
{
	char name[128];

	(void)state;
	start(10, 1 << 20, 1000);
	snprintf(name, sizeof name, "%s/fifo", fixture.root);
	assert_int_equal(mkfifo(name, 0644), 0);
	assert_int_equal(status_of("fifo"), 404);
	snprintf(name, sizeof name, "%s/out", fixture.root);
	assert_int_equal(symlink("/etc/passwd", name), 0);
	assert_int_equal(status_of("out"), 404);
	snprintf(name, sizeof name, "%s/in", fixture.root);
	assert_int_equal(symlink("b.txt", name), 0);
	if (http_fixture_has_openat2())
		assert_contents("in", "bbb");
}

static void a_change_is_noticed_after_the_time_to_revalidate(void **state)
{
	(void)state;
	start(10, 1 << 20, 1000);
	http_fixture_advance(&fixture, 5000000); /* the files are old by now */
	assert_contents("b.txt", "bbb");
	http_fixture_write_text(&fixture, "b.txt", "other");
	http_fixture_advance(&fixture, 900000);
	assert_contents("b.txt", "bbb");
	http_fixture_advance(&fixture, 100000);
	assert_contents("b.txt", "other");
	assert_int_equal(cache.entries, 1);
	assert_int_equal(cache.misses, 2);
}

static void an_unchanged_file_is_not_read_again(void **state)
{
	struct http_entry *before, *after;

	(void)state;
	start(10, 1 << 20, 1000);
	http_fixture_advance(&fixture, 5000000);
	assert_int_equal(get("b.txt", &before), 200);
	http_fixture_advance(&fixture, 5000000);
	assert_int_equal(get("b.txt", &after), 200);
	assert_ptr_equal(before, after);
	http_entry_unref(before);
	http_entry_unref(after);
}

/* Two writes within one tick of the file system's clock leave the same times behind. */
static void a_file_read_right_after_it_was_written_is_read_again(void **state)
{
	struct timespec times[2];
	struct stat st;
	char name[128];
	int fd;

	(void)state;
	start(10, 1 << 20, 1000);
	assert_contents("b.txt", "bbb");
	snprintf(name, sizeof name, "%s/b.txt", fixture.root);
	assert_int_equal(stat(name, &st), 0);
	times[0] = times[1] = st.st_mtim;
	fd = open(name, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "ccc", 3), 3);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	http_fixture_advance(&fixture, 1000000);
	assert_contents("b.txt", "ccc");
}

static void a_removed_file_is_gone_after_the_time_to_revalidate(void **state)
{
	char name[128];

	(void)state;
	start(10, 1 << 20, 1000);
	assert_contents("b.txt", "bbb");
	snprintf(name, sizeof name, "%s/b.txt", fixture.root);
	unlink(name);
	http_fixture_advance(&fixture, 1000000);
	assert_int_equal(status_of("b.txt"), 404);
	assert_int_equal(cache.entries, 0);
	assert_int_equal(cache.bytes, 0);
}

static void a_better_index_is_noticed(void **state)
{
	char *index[] = { strdup("first.html"), strdup("index.html"), NULL };
	char **saved;

	(void)state;
	start(10, 1 << 20, 1000);
	saved = sites.sites[0].policy.index;
	sites.sites[0].policy.index = index;
	assert_contents("dir/", "<p>index");
	http_fixture_write_text(&fixture, "dir/first.html", "better");
	http_fixture_advance(&fixture, 1000000);
	assert_contents("dir/", "better");
	sites.sites[0].policy.index = saved;
	free(index[0]);
	free(index[1]);
}

static void an_entry_in_use_outlives_its_place(void **state)
{
	struct http_entry *e;

	(void)state;
	start(1, 1 << 20, 1000);
	assert_int_equal(get("b.txt", &e), 200);
	assert_contents("a.html", "<p>a");
	assert_int_equal(cache.entries, 1);
	assert_memory_equal(e->body, "bbb", 3);
	assert_true(cache.bytes > e->footprint);
	http_entry_unref(e);
}

static void the_least_recently_used_goes_first(void **state)
{
	(void)state;
	start(2, 1 << 20, 1000);
	assert_contents("a.html", "<p>a");
	assert_contents("b.txt", "bbb");
	assert_contents("a.html", "<p>a");
	assert_contents("dir/", "<p>index"); /* drops b.txt */
	assert_contents("a.html", "<p>a");
	assert_int_equal(cache.misses, 3);
	assert_contents("b.txt", "bbb");
	assert_int_equal(cache.misses, 4);
}

static void contents_are_limited_in_all(void **state)
{
	char data[8000], name[16];

	(void)state;
	memset(data, 'x', sizeof data);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "f%d", i);
		http_fixture_write(&fixture, name, data, sizeof data);
	}
	start(100, 32000, 8000);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "f%d", i);
		assert_int_equal(status_of(name), 200);
		assert_true(cache.bytes <= 32000);
	}
	assert_true(cache.entries >= 2);
	assert_true(cache.entries < 5);
}

static void when_all_memory_is_in_use_files_are_sent_from_disk(void **state)
{
	struct http_entry *held[4], *e;
	char data[8000], name[16];

	(void)state;
	memset(data, 'x', sizeof data);
	start(100, 32000, 8000);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "f%d", i);
		http_fixture_write(&fixture, name, data, sizeof data);
		assert_int_equal(get(name, &held[i]), 200);
	}
	assert_non_null(held[0]->body);
	e = held[3];
	assert_null(e->body);
	assert_true(e->fd >= 0);
	for (int i = 0; i < 4; i++)
		http_entry_unref(held[i]);
}

static void large_files_keep_their_descriptor(void **state)
{
	struct http_entry *e;

	(void)state;
	start(10, 1 << 20, 3);
	assert_int_equal(get("b.txt", &e), 200);
	assert_non_null(e->body);
	assert_int_equal(e->fd, -1);
	http_entry_unref(e);
	assert_int_equal(get("a.html", &e), 200);
	assert_null(e->body);
	assert_true(e->fd >= 0);
	assert_true(http_version_is_current(&e->version, e->fd));
	assert_int_equal(cache.descriptors, 1);
	http_fixture_write_text(&fixture, "a.html", "changed");
	assert_false(http_version_is_current(&e->version, e->fd));
	http_entry_unref(e);
}

static void descriptors_are_limited(void **state)
{
	char name[16];

	(void)state;
	start(1000, 1 << 20, 0);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "f%d", i);
		http_fixture_write_text(&fixture, name, "1");
		assert_int_equal(status_of(name), 200);
	}
	assert_int_equal(cache.descriptors, 256);
	assert_int_equal(cache.entries, 256);
	assert_int_equal(status_of("f299"), 200);
	assert_int_equal(cache.hits, 1);
}

static void count_line(void *context, const char *line, size_t len)
{
	(void)line;
	(void)len;
	++*(unsigned *)context;
}

static void without_descriptors_what_is_known_goes_on(void **state)
{
	unsigned lines = 0;
	const struct log log = { .level = LOG_ERROR, .write = count_line, .context = &lines };
	struct rlimit limit, none;

	(void)state;
	start(10, 1 << 20, 1000);
	fixture.world.log = &log;
	assert_contents("b.txt", "bbb");
	http_fixture_advance(&fixture, 5000000);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_contents("b.txt", "bbb");
	assert_int_equal(lines, 0);
	assert_int_equal(status_of("a.html"), 503);
	assert_int_equal(status_of("a.html"), 503);
	assert_int_equal(lines, 1); /* once a second */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_contents("a.html", "<p>a");
}

static void a_cache_without_entries_still_answers(void **state)
{
	(void)state;
	start(0, 1 << 20, 1000);
	assert_contents("b.txt", "bbb");
	assert_contents("b.txt", "bbb");
	assert_int_equal(cache.misses, 2);
	assert_int_equal(cache.bytes, 0);
}

static void etags_differ_by_version(void **state)
{
	struct http_entry *e;
	char first[18];

	(void)state;
	start(10, 1 << 20, 1000);
	assert_int_equal(get("b.txt", &e), 200);
	memcpy(first, e->validators.etag.data, sizeof first);
	http_entry_unref(e);
	http_fixture_write_text(&fixture, "b.txt", "cccc");
	http_fixture_advance(&fixture, 1000000);
	assert_int_equal(get("b.txt", &e), 200);
	assert_memory_not_equal(first, e->validators.etag.data, sizeof first);
	http_entry_unref(e);
}

/* RFC 9110 section 8.8.2.1 */
static void last_modified_is_not_later_than_date(void **state)
{
	struct timespec times[2] = { { .tv_sec = 4102444800 }, { .tv_sec = 4102444800 } };
	struct http_entry *e;
	char name[128];

	(void)state;
	start(10, 1 << 20, 1000);
	snprintf(name, sizeof name, "%s/b.txt", fixture.root);
	assert_int_equal(utimensat(AT_FDCWD, name, times, 0), 0);
	assert_int_equal(get("b.txt", &e), 200);
	assert_int_equal(e->validators.last_modified_s, fixture.wall_us / 1000000);
	http_entry_unref(e);
}

/* RFC 9110 section 8.8.1: a write in the same tick of the file system's clock would not be noticed. */
static void the_etag_is_weak_until_the_file_has_settled(void **state)
{
	struct http_entry *fresh, *settled;

	(void)state;
	start(10, 1 << 20, 1000);
	assert_int_equal(get("a.html", &fresh), 200);
	http_fixture_advance(&fixture, 10000000);
	assert_int_equal(get("a.html", &settled), 200);
	assert_memory_equal(fresh->validators.etag.data, "W/\"", 3);
	assert_int_equal(settled->validators.etag.len, 18);
	assert_memory_equal(settled->validators.etag.data, fresh->validators.etag.data + 2, 18);
	http_entry_unref(fresh);
	http_entry_unref(settled);
}

/* ---- watched directories ---- */

static void start_watching(void)
{
	max_watches = 100;
	fixture.wall_us += 10000000; /* the files have settled */
	start(100, 1 << 20, 1000);
	assert_true(cache.watch.fd >= 0);
}

static const char *in_root(const char *path)
{
	static char names[2][512];
	static int turn;
	char *name = names[turn++ % 2];

	snprintf(name, sizeof names[0], "%s/%s", fixture.root, path);
	return name;
}

/* Changes the first byte of a file through a mapping, of which inotify tells nothing. */
static void write_unseen(const char *path)
{
	int fd = open(in_root(path), O_RDWR | O_CLOEXEC);
	char *map = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_true(map != MAP_FAILED);
	map[0] = '!';
	assert_int_equal(msync(map, 1, MS_SYNC), 0);
	munmap(map, 1);
	close(fd);
}

static void a_change_in_a_watched_directory_is_noticed_at_once(void **state)
{
	(void)state;
	start_watching();
	assert_contents("b.txt", "bbb");
	assert_contents("dir/", "<p>index");
	assert_int_equal(cache.watch.count, 2);
	http_fixture_write_text(&fixture, "b.txt", "other");
	http_fixture_write_text(&fixture, "dir/index.html", "<p>new");
	http_cache_look(&cache);
	assert_contents("b.txt", "other");
	assert_contents("dir/", "<p>new");
	assert_int_equal(unlink(in_root("b.txt")), 0);
	assert_int_equal(rename(in_root("dir"), in_root("rid")), 0);
	http_cache_look(&cache);
	assert_int_equal(status_of("b.txt"), 404);
	assert_int_equal(status_of("dir/"), 404);
	assert_contents("rid/", "<p>new");
	assert_int_equal(rename(in_root("rid"), in_root("dir")), 0);
	http_cache_look(&cache);
	assert_contents("dir/", "<p>new"); /* that it was not there counts no more */
	assert_int_equal(status_of("rid/"), 404);
}

static void between_changes_a_watched_file_is_not_asked_for(void **state)
{
	(void)state;
	start_watching();
	assert_contents("b.txt", "bbb");
	write_unseen("b.txt");
	http_fixture_advance(&fixture, 59000000);
	http_cache_look(&cache);
	assert_contents("b.txt", "bbb");
	http_fixture_advance(&fixture, 2000000);
	assert_contents("b.txt", "!bb");
}

static void assert_goes_by_time(const char *path, const char *before, const char *after)
{
	assert_contents(path, before);
	write_unseen(path);
	http_fixture_advance(&fixture, 2000000);
	assert_contents(path, after);
}

static void what_changes_elsewhere_goes_by_time(void **state)
{
	(void)state;
	assert_int_equal(symlink("b.txt", in_root("symlink.txt")), 0);
	assert_int_equal(link(in_root("a.html"), in_root("hard.html")), 0);
	assert_int_equal(symlink("dir", in_root("way")), 0);
	start_watching();
	assert_goes_by_time("symlink.txt", "bbb", "!bb");
	assert_goes_by_time("hard.html", "<p>a", "!p>a");
	if (http_fixture_has_openat2())
		assert_goes_by_time("way/index.html", "<p>index", "!p>index");
}

static void a_file_just_written_is_read_again_though_it_is_watched(void **state)
{
	(void)state;
	max_watches = 100;
	start(100, 1 << 20, 1000);
	fixture.wall_us = (uint64_t)time(NULL) * 1000000;
	assert_goes_by_time("b.txt", "bbb", "!bb");
}

/* ---- what is not there ---- */

static void what_is_missed_again_costs_no_look(void **state)
{
	(void)state;
	start(100, 1 << 20, 1000);
	assert_int_equal(status_of("late.txt"), 404);
	http_fixture_write_text(&fixture, "late.txt", "late");
	assert_int_equal(status_of("late.txt"), 404);
	assert_int_equal(cache.negative_hits, 1);
	http_fixture_advance(&fixture, 1000000);
	assert_contents("late.txt", "late");
}

static void what_appears_in_a_watched_directory_is_there(void **state)
{
	(void)state;
	start_watching();
	assert_contents("b.txt", "bbb");
	assert_int_equal(status_of("late.txt"), 404);
	http_fixture_write_text(&fixture, "late.txt", "late");
	http_cache_look(&cache);
	assert_contents("late.txt", "late");
}

static void a_flood_of_misses_pushes_no_file_out(void **state)
{
	char path[32];

	(void)state;
	start(2, 1 << 20, 1000);
	assert_contents("b.txt", "bbb");
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 100; i++) {
			snprintf(path, sizeof path, "nothing/%d", i);
			assert_int_equal(status_of(path), 404);
		}
	assert_true(cache.negative_hits > 80);
	assert_int_equal(cache.entries, 1);
	assert_contents("b.txt", "bbb");
	assert_int_equal(cache.hits, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_entry_has_fields_and_contents_side_by_side),
		TEST(the_etag_is_weak_until_the_file_has_settled),
		TEST(what_is_no_text_may_be_an_hour_old),
		TEST(a_path_is_found_again_without_the_file),
		TEST(directories),
		TEST(what_is_no_regular_file_is_not_there),
		TEST(a_change_is_noticed_after_the_time_to_revalidate),
		TEST(an_unchanged_file_is_not_read_again),
		TEST(a_file_read_right_after_it_was_written_is_read_again),
		TEST(a_removed_file_is_gone_after_the_time_to_revalidate),
		TEST(a_better_index_is_noticed),
		TEST(an_entry_in_use_outlives_its_place),
		TEST(the_least_recently_used_goes_first),
		TEST(contents_are_limited_in_all),
		TEST(when_all_memory_is_in_use_files_are_sent_from_disk),
		TEST(large_files_keep_their_descriptor),
		TEST(descriptors_are_limited),
		TEST(without_descriptors_what_is_known_goes_on),
		TEST(a_cache_without_entries_still_answers),
		TEST(etags_differ_by_version),
		TEST(last_modified_is_not_later_than_date),
		TEST(a_change_in_a_watched_directory_is_noticed_at_once),
		TEST(between_changes_a_watched_file_is_not_asked_for),
		TEST(what_changes_elsewhere_goes_by_time),
		TEST(a_file_just_written_is_read_again_though_it_is_watched),
		TEST(what_is_missed_again_costs_no_look),
		TEST(what_appears_in_a_watched_directory_is_there),
		TEST(a_flood_of_misses_pushes_no_file_out),
	};

	return cmocka_run_group_tests_name("http_cache", tests, NULL, NULL);
}
