/* Compression into the cache: made once, for who takes it, of one version of a file, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/compressible.h"
#include "common/hand_offload.h"
#include "common/http_fixture.h"
#include "http/http_codec.h"

static struct http_fixture fx;
static struct hand_offload helper;
static struct fake_stream s;
static size_t at;
static uint8_t text[COMPRESSIBLE_LEN], coded[COMPRESSIBLE_LEN];

static void write_file(const char *path)
{
	http_fixture_write(&fx, path, text, sizeof text);
}

static int set_up(void **state)
{
	(void)state;
	http_fixture_init(&fx);
	compressible_text(text);
	write_file("a.txt");
	fx.wall_us += 10000000; /* the files have settled */
	fx.site.policy.precompressed = true;
	fx.site.policy.compress = true;
	hand_offload_init(&helper, 100);
	fx.offload = &helper.offload;
	return 0;
}

static void start(void)
{
	http_fixture_start(&fx);
	fake_stream_init(&s, 1 << 20);
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

static struct http_reply get(const char *path, const char *fields)
{
	struct http_reply r;
	char request[2000];

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, fields);
	fake_stream_feed_text(&s, request);
	assert_true(http_reply_next(s.sent, s.sent_len, &at, false, &r));
	fake_stream_ack_all(&s);
	return r;
}

static struct http_usage usage(void)
{
	struct http_usage u;

	http_usage(fx.server, &u);
	return u;
}

/* The coding of the answer to a client who takes these; its body is what the compressor makes. */
static const char *coding_for(const char *path, const char *accept)
{
	static char coding[256];
	char fields[256];
	struct http_reply r;

	snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\n", accept);
	r = get(path, fields);
	assert_int_equal(r.status, 200);
	http_reply_field(&r, "Content-Encoding", coding);
	if (*coding == '\0') {
		assert_int_equal(r.body_len, sizeof text);
		assert_memory_equal(r.body, text, sizeof text);
	}
	return coding;
}

static void a_file_is_compressed_once_for_who_takes_it(void **state)
{
	size_t len = http_gzip(bytes_of(text, sizeof text), fx.config.gzip_level, coded, sizeof coded);
	struct http_reply r;

	(void)state;
	start();
	assert_string_equal(coding_for("/a.txt", "gzip"), "");
	assert_string_equal(coding_for("/a.txt", "gzip"), "");
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	r = get("/a.txt", "Accept-Encoding: gzip\r\n");
	assert_int_equal(r.body_len, len);
	assert_memory_equal(r.body, coded, len);
	assert_string_equal(coding_for("/a.txt", "gzip"), "gzip");
	assert_string_equal(coding_for("/a.txt", "deflate"), "");
	assert_string_equal(coding_for("/a.txt", "gzip;q=0"), "");
	assert_int_equal(helper.waiting, 0);
	assert_int_equal(usage().cache_compressed, 1);
	assert_int_equal(usage().cache_compressed_saved, sizeof text - len);
}

static void each_coding_has_a_tag_of_its_own(void **state)
{
	char plain[256], gzip[256], date[256], value[256];
	struct http_reply r;
	char fields[512];

	(void)state;
	start();
	r = get("/a.txt", "Accept-Encoding: gzip\r\n");
	http_reply_field(&r, "ETag", plain);
	http_reply_field(&r, "Last-Modified", date);
	hand_offload_finish(&helper, true);
	r = get("/a.txt", "Accept-Encoding: gzip\r\n");
	assert_true(http_reply_field(&r, "ETag", gzip));
	assert_int_equal(gzip[0], '"'); /* strong: these bytes */
	assert_string_not_equal(gzip, plain);
	http_reply_field(&r, "Last-Modified", value);
	assert_string_equal(value, date);
	http_reply_field(&r, "Vary", value);
	assert_string_equal(value, "Accept-Encoding");
	http_reply_field(&r, "Content-Type", value);
	assert_string_equal(value, "text/plain; charset=utf-8");
	snprintf(fields, sizeof fields, "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", gzip);
	assert_int_equal(get("/a.txt", fields).status, 304);
	snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", gzip);
	assert_int_equal(get("/a.txt", fields).status, 200);
}

static struct http_reply get_unless(const char *accept, const char *etags)
{
	char fields[512];

	snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\nIf-None-Match: %s\r\n", accept, etags);
	return get("/a.txt", fields);
}

static void assert_kept(const char *accept, const char *etags, const char *kept)
{
	struct http_reply r = get_unless(accept, etags);
	char value[256];

	assert_int_equal(r.status, 304);
	assert_true(http_reply_field(&r, "ETag", value));
	assert_string_equal(value, kept);
	assert_true(http_reply_field(&r, "Vary", value));
}

/* The first answer is the file as it is: who asks again, when the compressed one is there, has it still. */
static void who_has_one_that_it_takes_keeps_it(void **state)
{
	char plain[256], gzip[256], both[515];
	struct http_reply r;

	(void)state;
	start();
	r = get("/a.txt", "Accept-Encoding: gzip\r\n");
	http_reply_field(&r, "ETag", plain);
	hand_offload_finish(&helper, true);
	r = get("/a.txt", "Accept-Encoding: gzip\r\n");
	http_reply_field(&r, "ETag", gzip);
	snprintf(both, sizeof both, "%s, %s", plain, gzip);
	assert_kept("gzip", plain, plain);
	assert_kept("gzip", gzip, gzip);
	assert_kept("gzip", both, gzip);
	assert_kept("gzip", "*", gzip);
	assert_kept("gzip, identity;q=0.1", plain, plain);
	assert_kept("identity, gzip;q=0.1", gzip, gzip);
	assert_int_equal(get_unless("gzip, identity;q=0", plain).status, 200);
	assert_int_equal(get_unless("br, gzip;q=0", gzip).status, 200);
	assert_int_equal(get_unless("gzip", "\"another\"").status, 200);
	hand_offload_finish(&helper, true);
}

static void brotli_is_made_for_who_likes_both(void **state)
{
	(void)state;
	if (http_codec_find(HTTP_CODING_BR) == NULL)
		skip();
	start();
	assert_string_equal(coding_for("/a.txt", "gzip"), "");
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	assert_string_equal(coding_for("/a.txt", "gzip, br"), "gzip");
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	assert_string_equal(coding_for("/a.txt", "gzip, br"), "br");
	assert_string_equal(coding_for("/a.txt", "gzip, br;q=0.5"), "gzip");
	assert_string_equal(coding_for("/a.txt", "br;q=0.5, identity"), "");
	assert_int_equal(helper.waiting, 0);
}

static void a_site_s_own_compressed_file_wins(void **state)
{
	(void)state;
	http_fixture_write(&fx, "a.txt.gz", text, sizeof text - 1); /* larger than what we would make */
	start();
	assert_string_equal(coding_for("/a.txt", "gzip, br"), "gzip");
	assert_int_equal(helper.waiting, 0);
	if (http_codec_find(HTTP_CODING_BR) == NULL)
		return;
	coding_for("/a.txt", "br"); /* of which it has none */
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	assert_string_equal(coding_for("/a.txt", "br"), "br");
	assert_string_equal(coding_for("/a.txt", "gzip, br"), "gzip");
}

static void what_is_not_worth_it_stays_as_it_is(void **state)
{
	static uint8_t noise[COMPRESSIBLE_LEN], large[COMPRESSIBLE_LEN + 1];
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof noise; i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24);
	}
	http_fixture_write(&fx, "noise.txt", noise, sizeof noise);
	http_fixture_write(&fx, "small.txt", text, 511);
	http_fixture_write(&fx, "empty.txt", text, 0);
	write_file("a.png");
	fx.config.cache_max_file = sizeof text;
	http_fixture_write(&fx, "large.txt", large, sizeof large);
	start();
	coding_for("/a.png", "gzip");
	get("/large.txt", "Accept-Encoding: gzip\r\n");
	get("/small.txt", "Accept-Encoding: gzip\r\n");
	get("/empty.txt", "Accept-Encoding: gzip\r\n");
	assert_int_equal(helper.waiting, 0);
	get("/noise.txt", "Accept-Encoding: gzip\r\n");
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	get("/noise.txt", "Accept-Encoding: gzip\r\n");
	assert_int_equal(helper.waiting, 0);
	assert_int_equal(usage().cache_compressed, 0);
}

static void a_policy_says_which_types_and_whether(void **state)
{
	static const char *const types[] = { "application/x-odd", "image/*", NULL };
	static const char *const bad[] = { "png", NULL };
	struct http_server *server;
	struct failure why;
	char vary[256];
	struct http_reply r;

	(void)state;
	write_file("a.png");
	fx.site.policy.compress_types = bad;
	assert_int_not_equal(http_server_new(&fx.config, &fx.site, 1, &fx.world, NULL, &server, &why), 0);
	assert_string_equal(why.text, "site \"test\": \"png\" is not a media type");
	fx.site.policy.compress_types = types;
	start();
	r = get("/a.png", "Accept-Encoding: gzip\r\n");
	http_reply_field(&r, "Vary", vary);
	assert_string_equal(vary, "Accept-Encoding");
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	assert_string_equal(coding_for("/a.png", "gzip"), "gzip");
}

static void nothing_is_made_where_it_is_off(void **state)
{
	(void)state;
	fx.site.policy.compress = false;
	start();
	assert_string_equal(coding_for("/a.txt", "gzip"), "");
	assert_int_equal(helper.waiting, 0);
}

static void a_file_that_changed_meanwhile_is_begun_anew(void **state)
{
	(void)state;
	start();
	assert_string_equal(coding_for("/a.txt", "gzip"), "");
	text[0] ^= 1;
	http_fixture_write(&fx, "a.txt", text, sizeof text);
	http_fixture_advance(&fx, 5000000);
	assert_string_equal(coding_for("/a.txt", "gzip"), ""); /* the new one: asserted there */
	assert_int_equal(hand_offload_finish(&helper, true), 2);
	assert_int_equal(usage().cache_compressed, 1);
	http_gzip(bytes_of(text, sizeof text), fx.config.gzip_level, coded, sizeof coded);
	assert_memory_equal(get("/a.txt", "Accept-Encoding: gzip\r\n").body, coded, 1000);
}

static void it_lasts_while_the_file_does(void **state)
{
	(void)state;
	start();
	coding_for("/a.txt", "gzip");
	hand_offload_finish(&helper, true);
	for (int i = 0; i < 3; i++) {
		http_fixture_advance(&fx, 5000000); /* compared with the disk again */
		assert_string_equal(coding_for("/a.txt", "gzip"), "gzip");
	}
	http_fixture_write(&fx, "a.txt.gz", text, 100);
	fx.wall_us += 10000000;
	http_fixture_advance(&fx, 5000000);
	assert_int_equal(get("/a.txt", "Accept-Encoding: gzip\r\n").body_len, 100);
	assert_int_equal(usage().cache_compressed, 1);
}

static void jobs_are_few_and_none_is_lost(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof name, "%d.txt", i);
		write_file(name);
	}
	start();
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 6; i++) {
			snprintf(name, sizeof name, "/%d.txt", i);
			assert_string_equal(coding_for(name, "gzip"), round == 1 && i < 4 ? "gzip" : "");
			if (round == 0 && i == 5)
				assert_int_equal(hand_offload_finish(&helper, true), 4);
		}
	assert_int_equal(hand_offload_finish(&helper, true), 2);
	helper.limit = 0; /* refused: tried again when it is asked for */
	assert_string_equal(coding_for("/a.txt", "gzip"), "");
	helper.limit = 1;
	assert_string_equal(coding_for("/a.txt", "gzip"), "");
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	assert_int_equal(usage().cache_compressed, 7);
}

static void memory_counts_as_the_cache_s(void **state)
{
	uint64_t during, after;
	char name[16];

	(void)state;
	fx.config.cache_bytes = 8 * sizeof text;
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "%d.txt", i);
		write_file(name);
	}
	start();
	coding_for("/a.txt", "gzip");
	during = usage().cache_bytes;
	assert_true(during >= 2 * sizeof text - 1);
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	after = usage().cache_bytes;
	assert_true(after > sizeof text + 2000 && after < during);
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "/%d.txt", i);
		coding_for(name, "deflate");
		assert_true(usage().cache_bytes <= fx.config.cache_bytes);
	}
	assert_string_equal(coding_for("/a.txt", "gzip"), ""); /* it has gone with its file */
	assert_int_equal(hand_offload_finish(&helper, true), 1);
}

static void what_would_fill_the_cache_is_not_made(void **state)
{
	(void)state;
	fx.config.cache_bytes = 8 * sizeof text - 1;
	start();
	assert_string_equal(coding_for("/a.txt", "gzip"), "");
	assert_int_equal(helper.waiting, 0);
}

static void a_server_that_stops_lets_go_of_jobs(void **state)
{
	(void)state;
	start();
	coding_for("/a.txt", "gzip");
	http_server_free(fx.server);
	fx.server = NULL;
	fake_stream_fini(&s);
	assert_int_equal(hand_offload_finish(&helper, true), 1);
	start();
	coding_for("/a.txt", "gzip");
	assert_int_equal(hand_offload_finish(&helper, false), 1);
	assert_int_equal(usage().cache_compressed, 0);
}

static void several_ranges_are_of_what_is_sent(void **state)
{
	char expected[1000];
	const char *boundary;
	struct http_reply r;
	char type[256];
	int len;

	(void)state;
	start();
	coding_for("/a.txt", "gzip");
	hand_offload_finish(&helper, true);
	len = (int)http_gzip(bytes_of(text, sizeof text), fx.config.gzip_level, coded, sizeof coded);
	r = get("/a.txt", "Accept-Encoding: gzip\r\nRange: bytes=0-1,-2\r\n");
	assert_int_equal(r.status, 206);
	assert_false(http_reply_field(&r, "Content-Encoding", type));
	assert_true(http_reply_field(&r, "Content-Type", type));
	boundary = strstr(type, "boundary=") + 9;
#define HEAD "--%1$s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Encoding: gzip\r\nContent-Range: bytes "
	snprintf(expected, sizeof expected, HEAD "0-1/%2$d\r\n\r\n\x1f\x8b\r\n" HEAD "%3$d-%4$d/%2$d\r\n\r\n",
		 boundary, len, len - 2, len - 1);
	assert_memory_equal(r.body, expected, strlen(expected));
	assert_memory_equal(r.body + strlen(expected), coded + len - 2, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_compressed_once_for_who_takes_it),
		TEST(each_coding_has_a_tag_of_its_own),
		TEST(who_has_one_that_it_takes_keeps_it),
		TEST(brotli_is_made_for_who_likes_both),
		TEST(a_site_s_own_compressed_file_wins),
		TEST(what_is_not_worth_it_stays_as_it_is),
		TEST(a_policy_says_which_types_and_whether),
		TEST(nothing_is_made_where_it_is_off),
		TEST(a_file_that_changed_meanwhile_is_begun_anew),
		TEST(it_lasts_while_the_file_does),
		TEST(jobs_are_few_and_none_is_lost),
		TEST(memory_counts_as_the_cache_s),
		TEST(what_would_fill_the_cache_is_not_made),
		TEST(a_server_that_stops_lets_go_of_jobs),
		TEST(several_ranges_are_of_what_is_sent),
	};

	return cmocka_run_group_tests_name("http_compress", tests, NULL, NULL);
}
