/* Large files that are asked for again: read into memory, of one version, within the cache's limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/hand_offload.h"
#include "common/http_fixture.h"

enum { LEN = 3 << 20 };

static struct http_fixture fx;
static struct hand_offload helper;
static struct fake_stream s;
static size_t at;
static uint8_t contents[LEN];

static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	for (size_t i = 0; i < LEN; i++)
		contents[i] = (uint8_t)(i * 2654435761U >> 13);
	http_fixture_write(&fx, "a.bin", contents, LEN);
	fx.wall_us += 10000000; /* the files have settled */
	fx.config.cache_revalidate_us = UINT64_C(3600) * 1000000;
	hand_offload_init(&helper, 100);
	fx.offload = &helper.offload;
	return 0;
}

static void start(void)
{
	http_fixture_start(&fx);
	fake_stream_init(&s, 8 << 20);
	at = 0;
	http_serve(fx.server, &s.stream);
}

static int tear_down(void **state)
{
	(void)state;
	fake_stream_fini(&s);
	http_fixture_fini(&fx);
	assert_int_equal(helper.waiting, 0);
	return 0;
}

static struct http_usage usage(void)
{
	struct http_usage u;

	http_usage(fx.server, &u);
	return u;
}

/* Asks for path, with a field line or none, and expects this stretch of the contents. */
static void get(const char *path, const char *field, size_t from, size_t len)
{
	struct http_reply r;
	char request[200];

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, field);
	fake_stream_feed_text(&s, request);
	fake_stream_ack_all(&s);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	assert_int_equal(r.body_len, len);
	assert_memory_equal(r.body, contents + from, len);
}

/* Destroys the file where it lies: what is sent from now on is from memory, or cut off. */
static void cut_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", fx.root, name);
	assert_int_equal(truncate(path, 1), 0);
}

static void the_second_request_has_it_read(void **state)
{
	(void)state;
	start();
	get("/a.bin", "", 0, LEN);
	assert_int_equal(helper.waiting, 0);
	get("/a.bin", "", 0, LEN);
	assert_int_equal(usage().cache_warmed, 0);
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	assert_int_equal(usage().cache_warmed, 1);
	cut_file("a.bin");
	get("/a.bin", "", 0, LEN);
	get("/a.bin", "Range: bytes=1000000-1999999\r\n", 1000000, 1000000);
	assert_int_equal(helper.waiting, 0);
}

static void an_answer_under_way_keeps_its_descriptor(void **state)
{
	struct http_reply r;

	(void)state;
	http_fixture_start(&fx);
	fake_stream_init(&s, 100000);
	at = 0;
	http_serve(fx.server, &s.stream);
	for (int i = 0; i < 2; i++)
		fake_stream_feed_text(&s, "GET /a.bin HTTP/1.1\r\nHost: a\r\n\r\n");
	while (helper.waiting == 0)
		fake_stream_ack(&s, 100000);
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	fake_stream_ack_all(&s);
	for (int i = 0; i < 2; i++) {
		assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
		assert_int_equal(r.body_len, LEN);
		assert_memory_equal(r.body, contents, LEN);
	}
}

/* Neither what changed while it was read, nor what was given up before, is used. */
static void what_was_not_read_whole_is_thrown_away(void **state)
{
	uint64_t bytes;

	(void)state;
	http_fixture_write(&fx, "b.bin", contents, LEN);
	start();
	get("/a.bin", "", 0, LEN);
	get("/b.bin", "", 0, LEN);
	bytes = usage().cache_bytes;
	get("/a.bin", "", 0, LEN);
	get("/b.bin", "", 0, LEN);
	assert_true(usage().cache_bytes >= bytes + 2 * LEN); /* memory counts while it is filled */
	cut_file("a.bin");
	cut_file("b.bin");
	assert_int_equal(hand_offload_finish(&helper, true), 2);
	assert_int_equal(usage().cache_warmed, 0);
	assert_int_equal(usage().cache_bytes, bytes);
}

static void a_server_that_stops_reads_nothing_more(void **state)
{
	uint64_t bytes;

	(void)state;
	start();
	get("/a.bin", "", 0, LEN);
	bytes = usage().cache_bytes;
	get("/a.bin", "", 0, LEN);
	assert_int_equal(hand_offload_finish(&helper, false), 1);
	assert_int_equal(usage().cache_bytes, bytes);
	assert_int_equal(usage().cache_warmed, 0);
	get("/a.bin", "", 0, LEN);
}

/* The cache dropped the entry meanwhile: nobody would find its contents. */
static void what_nobody_finds_any_more_is_let_go(void **state)
{
	(void)state;
	fx.config.cache_entries = 1;
	http_fixture_write(&fx, "b.bin", contents, LEN);
	start();
	get("/a.bin", "", 0, LEN);
	get("/a.bin", "", 0, LEN);
	get("/b.bin", "", 0, LEN);
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	assert_int_equal(usage().cache_warmed, 0);
	assert_true(usage().cache_bytes < LEN);
}

static void assert_stays_cold(const char *path, size_t len)
{
	for (int i = 0; i < 4; i++)
		get(path, "", 0, len);
	assert_int_equal(helper.waiting, 0);
}

static void what_is_too_large_stays_on_disk(void **state)
{
	(void)state;
	fx.config.cache_max_warm_file = LEN - 1;
	start();
	assert_stays_cold("/a.bin", LEN);
}

static void one_file_takes_a_quarter_of_the_cache_at_most(void **state)
{
	(void)state;
	fx.config.cache_bytes = 4 * (uint64_t)LEN - 1;
	start();
	assert_stays_cold("/a.bin", LEN);
}

static void what_may_still_change_unseen_stays_on_disk(void **state)
{
	(void)state;
	fx.wall_us -= UINT64_C(3600) * 1000000 + 10000000; /* it was written just now */
	start();
	assert_stays_cold("/a.bin", LEN);
}

static void small_files_need_none_of_it(void **state)
{
	(void)state;
	http_fixture_write(&fx, "small.bin", contents, 1000);
	start();
	assert_stays_cold("/small.bin", 1000);
}

/* A response that goes on slowly keeps the contents that it is sent from. */
static void what_cannot_fit_pushes_nothing_out(void **state)
{
	static struct fake_stream slow[3];
	uint64_t entries;
	char path[16], request[64];

	(void)state;
	fx.config.cache_bytes = 16 << 20; /* of huge pages: a file takes up a quarter */
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%d.bin", i);
		http_fixture_write(&fx, path, contents, LEN);
	}
	http_fixture_write(&fx, "small.bin", contents, 1000);
	start();
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "/%d.bin", i);
		get(path, "", 0, LEN);
		get(path, "", 0, LEN);
		assert_int_equal(hand_offload_finish(&helper, true), 1);
		fake_stream_init(&slow[i], 100000);
		http_serve(fx.server, &slow[i].stream);
		snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
		fake_stream_feed_text(&slow[i], request);
	}
	assert_int_equal(usage().cache_warmed, 3);
	get("/small.bin", "", 0, 1000);
	get("/a.bin", "", 0, LEN);
	entries = usage().cache_entries;
	get("/a.bin", "", 0, LEN);
	assert_int_equal(helper.waiting, 0);
	assert_int_equal(usage().cache_entries, entries);
	for (int i = 0; i < 3; i++) {
		fake_stream_ack_all(&slow[i]);
		fake_stream_end(&slow[i]);
		fake_stream_ack_all(&slow[i]);
		fake_stream_fini(&slow[i]);
	}
	assert_stays_cold("/a.bin", LEN);
}

/* Two at once; who finds no place, and whom nobody takes, stays as it is. */
static void few_are_read_at_once(void **state)
{
	char name[16];

	(void)state;
	fx.config.cache_bytes = 64 << 20;
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "%d.bin", i);
		http_fixture_write(&fx, name, contents, 2000000);
	}
	start();
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof name, "/%d.bin", i / 2);
		get(name, "", 0, 2000000);
	}
	assert_int_equal(hand_offload_finish(&helper, true), 2);
	helper.limit = 0;
	assert_stays_cold("/3.bin", 2000000);
	helper.limit = 1;
	assert_stays_cold("/3.bin", 2000000);
	assert_int_equal(usage().cache_warmed, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_second_request_has_it_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_answer_under_way_keeps_its_descriptor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_not_read_whole_is_thrown_away, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_server_that_stops_reads_nothing_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_nobody_finds_any_more_is_let_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_too_large_stays_on_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_file_takes_a_quarter_of_the_cache_at_most, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_may_still_change_unseen_stays_on_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(small_files_need_none_of_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_fit_pushes_nothing_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(few_are_read_at_once, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
