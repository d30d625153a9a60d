/* The connections to an application, which the test plays: who gets one, who
 * waits, who is refused, what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fastcgi_peer.h"
#include "server/fastcgi_pool.h"

#define SECOND UINT64_C(1000000)

static const char end[] = "\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

struct user {
	struct fastcgi_ticket ticket;
	struct fastcgi_conn *conn; /* that it got */
	unsigned status;           /* that it was refused with */
};

static struct world world;
static struct poller poller;
static struct fastcgi_peer peer;
static struct fastcgi_pool pool;
static unsigned lines;

static void count_line(void *context, const char *line, size_t len)
{
	(void)context;
	(void)line;
	(void)len;
	lines++;
}

static void on_event(struct fastcgi_conn *c)
{
	(void)c;
}

static void on_granted(struct fastcgi_ticket *t, struct fastcgi_conn *c)
{
	struct user *u = CONTAINER_OF(t, struct user, ticket);

	assert_null(u->conn);
	u->conn = c;
	c->on_event = on_event;
	fastcgi_conn_begin(c, (struct bytes){ 0 });
}

static void on_refused(struct fastcgi_ticket *t, unsigned status)
{
	struct user *u = CONTAINER_OF(t, struct user, ticket);

	assert_int_equal(u->status, 0);
	u->status = status;
}

/* Time goes on, and what is ready is told. */
static void turn(uint64_t us)
{
	world_advance(&world, world.now_us + us);
	poller_look(&poller);
	world_advance(&world, world.now_us + TIMER_TICK_US);
}

static bool ask(struct user *u)
{
	bool fresh = u->ticket.wants_fresh;

	*u = (struct user){ .ticket = { .on_granted = on_granted, .on_refused = on_refused, .wants_fresh = fresh } };
	return fastcgi_pool_ask(&pool, &u->ticket);
}

static void get(struct user *u)
{
	assert_true(ask(u));
	turn(0);
	assert_non_null(u->conn);
}

static void start(int backlog, uint32_t connections, uint32_t waiting)
{
	static const struct log log = { .level = LOG_DEBUG, .write = count_line };
	struct fastcgi_limits limits = {
		.connections = connections, .waiting = waiting,
		.connect_timeout_us = 5 * SECOND, .idle_timeout_us = 10 * SECOND,
	};

	fastcgi_peer_listen(&peer, backlog);
	fastcgi_pool_init(&pool, "app", &peer.address, &limits, &poller, &world, &log);
}

static int set_up(void **state)
{
	struct failure why;

	(void)state;
	lines = 0;
	assert_int_equal(world_init(&world, SECOND, 1, NULL), 0);
	return poller_open(&poller, &why);
}

static int tear_down(void **state)
{
	(void)state;
	fastcgi_pool_fini(&pool);
	assert_int_equal(pool.n_conns, 0);
	assert_int_equal(pool.n_waiting, 0);
	assert_int_equal(poller.awaited, 0);
	assert_int_equal(world.timers.armed, 0);
	poller_close(&poller);
	fastcgi_peer_close(&peer);
	return 0;
}

/* The application answers, and the request on c is over. */
static void finish(struct fastcgi_conn *c, int fd)
{
	enum fastcgi_event event;
	struct bytes content;

	assert_int_equal(write(fd, end, sizeof end - 1), sizeof end - 1);
	assert_int_equal(fastcgi_conn_read(c, SIZE_MAX, &event, &content), FASTCGI_READ_EVENT);
	assert_int_equal(event, FASTCGI_END);
	fastcgi_pool_return(&pool, c);
}

static void a_connection_is_kept_and_used_again(void **state)
{
	struct user u = { 0 };
	int fd;

	(void)state;
	start(8, 2, 0);
	get(&u);
	fd = fastcgi_peer_accept(&peer);
	assert_false(u.conn->is_reused);
	for (int i = 0; i < 3; i++) {
		finish(u.conn, fd);
		assert_int_equal(poller.awaited, 0);
		get(&u);
		assert_true(u.conn->is_reused);
	}
	assert_false(fastcgi_peer_has_one(&peer));
	fastcgi_pool_discard(&pool, u.conn);
	close(fd);
}

static void who_wants_a_fresh_one_gets_it_in_the_place_of_an_old_one(void **state)
{
	struct user u = { 0 };
	int fd;

	(void)state;
	start(8, 1, 0);
	get(&u);
	fd = fastcgi_peer_accept(&peer);
	finish(u.conn, fd);
	u.ticket.wants_fresh = true;
	get(&u);
	assert_false(u.conn->is_reused);
	assert_int_equal(pool.n_conns, 1);
	fastcgi_pool_discard(&pool, u.conn);
	close(fd);
}

static void so_many_at_once_and_so_many_wait(void **state)
{
	struct user u[5] = { 0 };
	int fd;

	(void)state;
	start(8, 2, 2);
	for (int i = 0; i < 4; i++)
		assert_true(ask(&u[i]));
	assert_false(ask(&u[4]));
	turn(0);
	assert_true(u[0].conn != NULL && u[1].conn != NULL && u[2].conn == NULL && u[3].conn == NULL);
	assert_false(ask(&u[4]));
	fd = fastcgi_peer_accept(&peer);
	fastcgi_pool_discard(&pool, u[1].conn);
	turn(0);
	assert_non_null(u[2].conn);
	fastcgi_ticket_give_back(&u[3].ticket);
	fastcgi_pool_discard(&pool, u[0].conn);
	turn(0);
	assert_null(u[3].conn);
	fastcgi_pool_discard(&pool, u[2].conn);
	close(fd);
}

static void who_waits_too_long_is_503(void **state)
{
	struct user first = { 0 }, second = { 0 };

	(void)state;
	start(8, 1, 1);
	get(&first);
	assert_true(ask(&second));
	turn(4 * SECOND);
	assert_int_equal(second.status, 0);
	turn(2 * SECOND);
	assert_int_equal(second.status, 503);
	fastcgi_pool_discard(&pool, first.conn);
	turn(0);
	assert_null(second.conn);
}

static void an_unused_one_is_closed_in_time_and_when_the_application_closes(void **state)
{
	struct user u = { 0 };

	(void)state;
	start(8, 2, 0);
	for (int closes = 0; closes < 2; closes++) {
		int fd;

		get(&u);
		fd = fastcgi_peer_accept(&peer);
		finish(u.conn, fd);
		turn(9 * SECOND);
		assert_int_equal(pool.n_conns, 1);
		if (closes)
			close(fd);
		turn(closes ? 0 : 2 * SECOND);
		assert_int_equal(pool.n_conns, 0);
		if (!closes)
			close(fd);
	}
}

/* The application has closed it, and nobody was told yet. */
static void one_that_was_just_closed_is_not_given(void **state)
{
	struct user u = { 0 };
	struct fastcgi_conn *before;
	int fd;

	(void)state;
	start(8, 2, 0);
	get(&u);
	fd = fastcgi_peer_accept(&peer);
	before = u.conn;
	finish(before, fd);
	close(fd);
	assert_true(ask(&u));
	world_advance(&world, world.now_us + TIMER_TICK_US);
	assert_non_null(u.conn);
	assert_false(u.conn->is_reused);
	fastcgi_pool_discard(&pool, u.conn);
}

static void an_unused_one_gives_way_to_one_that_may_not_be_accepted(void **state)
{
	struct user u[2] = { 0 };
	int fd;

	(void)state;
	start(8, 2, 0);
	get(&u[0]);
	get(&u[1]);
	fd = fastcgi_peer_accept(&peer);
	finish(u[0].conn, fd);
	assert_int_equal(pool.n_conns, 1);
	close(fd);
	fd = fastcgi_peer_accept(&peer);
	finish(u[1].conn, fd);
	assert_int_equal(pool.n_conns, 1);
	close(fd);
}

static void what_is_left_of_an_answer_is_read_within_bounds(void **state)
{
	static char block[8 + 60000] = "\x01\x06\x00\x01\xea\x60\x00\x00";
	struct user u = { 0 };
	int fd;

	(void)state;
	start(8, 2, 0);
	get(&u);
	fd = fastcgi_peer_accept(&peer);
	assert_int_equal(write(fd, block, sizeof block), sizeof block);
	fastcgi_pool_return(&pool, u.conn);
	assert_int_equal(poller.awaited, 1);
	assert_int_equal(write(fd, end, sizeof end - 1), sizeof end - 1);
	turn(0);
	assert_int_equal(poller.awaited, 0);
	assert_int_equal(pool.n_conns, 1);
	get(&u); /* it is this one */
	assert_true(u.conn->is_reused);
	for (int i = 0; i < 2; i++)
		assert_int_equal(write(fd, block, sizeof block), sizeof block);
	fastcgi_pool_return(&pool, u.conn);
	assert_int_equal(pool.n_conns, 0); /* too much */
	close(fd);
	get(&u);
	fd = fastcgi_peer_accept(&peer);
	fastcgi_pool_return(&pool, u.conn);
	turn(6 * SECOND);
	assert_int_equal(pool.n_conns, 0); /* too long */
	close(fd);
}

static void one_that_cannot_be_reached_is_502_and_told_once(void **state)
{
	struct user u = { 0 };

	(void)state;
	start(8, 2, 0);
	fastcgi_peer_stop(&peer);
	for (int i = 0; i < 3; i++) {
		assert_true(ask(&u));
		turn(0);
		assert_int_equal(u.status, 502);
	}
	assert_int_equal(lines, 1);
}

/* Linux has the queue of a unix socket full at one more than the backlog, and then connect(2) is EAGAIN. */
static void a_full_queue_of_the_application_is_tried_again(void **state)
{
	struct user u[3] = { 0 };
	int fd;

	(void)state;
	start(0, 3, 0);
	get(&u[0]);
	assert_true(ask(&u[1]));
	turn(0);
	assert_true(u[1].conn == NULL && u[1].status == 0);
	fd = fastcgi_peer_accept(&peer);
	turn(SECOND / 10);
	turn(0);
	assert_non_null(u[1].conn);
	assert_true(ask(&u[2]));
	turn(6 * SECOND);
	assert_int_equal(u[2].status, 503);
	fastcgi_pool_discard(&pool, u[0].conn);
	fastcgi_pool_discard(&pool, u[1].conn);
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_connection_is_kept_and_used_again),
		TEST(who_wants_a_fresh_one_gets_it_in_the_place_of_an_old_one),
		TEST(so_many_at_once_and_so_many_wait),
		TEST(who_waits_too_long_is_503),
		TEST(an_unused_one_is_closed_in_time_and_when_the_application_closes),
		TEST(one_that_was_just_closed_is_not_given),
		TEST(an_unused_one_gives_way_to_one_that_may_not_be_accepted),
		TEST(what_is_left_of_an_answer_is_read_within_bounds),
		TEST(one_that_cannot_be_reached_is_502_and_told_once),
		TEST(a_full_queue_of_the_application_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
