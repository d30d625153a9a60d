/* Connections to applications, which the test plays: what goes out and waits,
 * what comes in, and who hangs up. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fastcgi_peer.h"
#include "server/fastcgi_conn.h"

#define OUTPUT(len, text) "\x01\x06\x00\x01\x00" len "\x00\x00" text
#define END OUTPUT("\x00", "") "\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

static struct poller poller;
static struct fastcgi_peer peer;
static struct fastcgi_conn *conn;
static unsigned told;
static int fd; /* the application's end */

static void on_event(struct fastcgi_conn *c)
{
	assert_ptr_equal(c, conn);
	told++;
}

static int set_up(void **state)
{
	struct failure why;

	(void)state;
	assert_int_equal(poller_open(&poller, &why), 0);
	fastcgi_peer_listen(&peer, 8);
	assert_int_equal(fastcgi_conn_open(&poller, &peer.address, &conn), 0);
	conn->on_event = on_event;
	fd = fastcgi_peer_accept(&peer);
	told = 0;
	fastcgi_conn_begin(conn, bytes_of("first", 5));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fastcgi_conn_close(conn);
	if (fd >= 0)
		close(fd);
	fastcgi_peer_close(&peer);
	assert_int_equal(poller_look(&poller), 0);
	poller_close(&poller);
	return 0;
}

static void say(const char *data, size_t len)
{
	assert_int_equal(write(fd, data, len), len);
}
#define SAY(text) say(text, sizeof text - 1)

static void hang_up(void)
{
	close(fd);
	fd = -1;
}

/* Reads what the application gets, up to len bytes, without waiting. */
static size_t hear(uint8_t *to, size_t len)
{
	size_t heard = 0;
	ssize_t n;

	while (heard < len && (n = recv(fd, to + heard, len - heard, MSG_DONTWAIT)) > 0)
		heard += (size_t)n;
	return heard;
}

static void assert_reads(const char *expected, size_t most)
{
	enum fastcgi_event event;
	struct bytes content;

	assert_int_equal(fastcgi_conn_read(conn, most, &event, &content), FASTCGI_READ_EVENT);
	assert_int_equal(event, FASTCGI_OUTPUT);
	assert_int_equal(content.len, strlen(expected));
	assert_memory_equal(content.data, expected, content.len);
}

static void assert_reads_end(void)
{
	enum fastcgi_event event;
	struct bytes content;

	assert_int_equal(fastcgi_conn_read(conn, SIZE_MAX, &event, &content), FASTCGI_READ_EVENT);
	assert_int_equal(event, FASTCGI_END);
}

static void assert_result(enum fastcgi_read expected)
{
	enum fastcgi_event event;
	struct bytes content;

	assert_int_equal(fastcgi_conn_read(conn, SIZE_MAX, &event, &content), expected);
}

static void what_is_added_goes_out_behind_the_first_bytes(void **state)
{
	uint8_t heard[64];

	(void)state;
	fastcgi_conn_add(conn, bytes_of("abc", 3));
	fastcgi_conn_add(conn, (struct bytes){ 0 });
	assert_false(fastcgi_conn_is_flushed(conn));
	fastcgi_conn_flush(conn);
	assert_true(fastcgi_conn_is_flushed(conn));
	assert_int_equal(hear(heard, sizeof heard), 5 + 11 + 8);
	assert_memory_equal(heard,
			    "first"
			    "\x01\x05\x00\x01\x00\x03\x00\x00"
			    "abc"
			    "\x01\x05\x00\x01\x00\x00\x00\x00",
			    24);
}

static void what_does_not_go_out_waits_in_bounded_memory(void **state)
{
	static uint8_t block[FASTCGI_BUFFER], heard[1 << 16];
	size_t added = 0, got = 0, n;

	(void)state;
	while ((n = fastcgi_conn_room(conn)) > 0) {
		fastcgi_conn_add(conn, bytes_of(block, n));
		added += n + 8;
		fastcgi_conn_flush(conn);
	}
	fastcgi_conn_add(conn, (struct bytes){ 0 }); /* for which there always is room */
	assert_true(conn->out_len <= FASTCGI_BUFFER);
	while ((n = hear(heard, sizeof heard)) > 0) {
		got += n;
		while (poller_look(&poller) > 0)
			fastcgi_conn_flush(conn);
	}
	assert_true(told > 0); /* that it takes more */
	assert_true(fastcgi_conn_is_flushed(conn));
	assert_int_equal(got, 5 + added + 8);
	assert_true(fastcgi_conn_room(conn) > FASTCGI_BUFFER / 2);
	assert_int_equal(poller_look(&poller), 0); /* and it is not told again */
}

static void events_come_as_they_are_asked_for(void **state)
{
	(void)state;
	fastcgi_conn_flush(conn);
	assert_result(FASTCGI_READ_NOTHING);
	assert_int_equal(poller_look(&poller), 0);
	SAY(OUTPUT("\x05", "hello"));
	assert_int_equal(poller_look(&poller), 1);
	assert_int_equal(told, 1);
	assert_reads("he", 2);
	assert_reads("llo", 10);
	assert_result(FASTCGI_READ_NOTHING);
	SAY(END);
	assert_reads_end();
	assert_true(fastcgi_conn_is_clean(conn));
	assert_true(fastcgi_conn_is_alive(conn));
	fastcgi_conn_begin(conn, (struct bytes){ 0 });
	assert_true(conn->is_reused && !conn->has_answered);
}

static void nobody_is_told_while_nobody_asks(void **state)
{
	(void)state;
	fastcgi_conn_flush(conn);
	SAY(OUTPUT("\x05", "hello"));
	assert_reads("he", 2);
	SAY(END);
	poller_look(&poller); /* it may be told once, and not again and again */
	assert_int_equal(poller_look(&poller), 0);
	assert_int_equal(told, 0);
	hang_up();
	poller_look(&poller);
	assert_int_equal(poller_look(&poller), 0);
	assert_reads("llo", 10);
	assert_reads_end();
	assert_result(FASTCGI_READ_BROKEN);
	assert_false(fastcgi_conn_is_clean(conn));
	assert_false(fastcgi_conn_is_alive(conn));
}

static void an_answer_before_hanging_up_is_read(void **state)
{
	static uint8_t block[FASTCGI_BUFFER];
	size_t n;

	(void)state;
	SAY(OUTPUT("\x02", "no") END);
	hang_up();
	while ((n = fastcgi_conn_room(conn)) > 0 && !conn->is_unwritable) {
		fastcgi_conn_add(conn, bytes_of(block, n));
		fastcgi_conn_flush(conn);
	}
	assert_true(conn->is_unwritable);
	assert_true(fastcgi_conn_is_flushed(conn)); /* it is thrown away */
	assert_reads("no", 10);
	assert_reads_end();
}

static void the_end_may_be_seen_before_it_is_read(void **state)
{
	(void)state;
	SAY(OUTPUT("\x05", "hello"));
	assert_reads("he", 2);
	assert_false(fastcgi_conn_holds_end(conn));
	SAY(END);
	assert_false(fastcgi_conn_holds_end(conn));
	fastcgi_conn_look_ahead(conn);
	assert_true(fastcgi_conn_holds_end(conn));
	assert_reads("llo", 10);
	assert_true(fastcgi_conn_holds_end(conn));
	assert_reads_end();
	assert_false(fastcgi_conn_holds_end(conn));
}

static void looking_ahead_is_bounded(void **state)
{
	static const uint8_t header[] = { 1, 6, 0, 1, 0xea, 0x60, 0, 0 }; /* 60000 bytes */
	static char block[60000];

	(void)state;
	fastcgi_conn_flush(conn);
	say((const char *)header, sizeof header);
	say(block, sizeof block);
	fastcgi_conn_look_ahead(conn);
	assert_int_equal(conn->in_len, FASTCGI_BUFFER);
	fastcgi_conn_look_ahead(conn);
	poller_look(&poller);
	assert_int_equal(poller_look(&poller), 0); /* the rest waits with the kernel */
	assert_false(fastcgi_conn_holds_end(conn));
}

static void content_may_be_put_back(void **state)
{
	(void)state;
	fastcgi_conn_flush(conn);
	SAY(OUTPUT("\x05", "hello") END);
	assert_reads("hello", 10);
	fastcgi_conn_unread(conn, 2);
	assert_reads("lo", 10);
	assert_reads_end();
	assert_true(fastcgi_conn_is_clean(conn));
}

static void garbage_breaks(void **state)
{
	(void)state;
	SAY("HTTP/1.1 200 OK");
	assert_result(FASTCGI_READ_BROKEN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_added_goes_out_behind_the_first_bytes),
		TEST(what_does_not_go_out_waits_in_bounded_memory),
		TEST(events_come_as_they_are_asked_for),
		TEST(nobody_is_told_while_nobody_asks),
		TEST(an_answer_before_hanging_up_is_read),
		TEST(the_end_may_be_seen_before_it_is_read),
		TEST(looking_ahead_is_bounded),
		TEST(content_may_be_put_back),
		TEST(garbage_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
