/* The next frames of one kind: so many, of that direction and port, and not the answer to who asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link/drop_next.h"

enum { SYN = FRAME_TCP_SYN, ACK = FRAME_TCP_ACK, SYN_ACK = SYN | ACK, FIN = 1, CLIENT = 40000, SERVER = 80 };

static bool takes_in(struct drop_next *d, uint8_t flags, uint32_t text_len, uint16_t client_port)
{
	const struct frame_ends f = { .is_tcp = true, .src_port = client_port, .dst_port = SERVER, .flags = flags,
				      .text_len = text_len };

	return drop_next_takes(d, &f, true);
}

static bool takes_out(struct drop_next *d, uint8_t flags, uint32_t text_len, uint16_t client_port)
{
	const struct frame_ends f = { .is_tcp = true, .src_port = SERVER, .dst_port = client_port, .flags = flags,
				      .text_len = text_len };

	return drop_next_takes(d, &f, false);
}

static void kinds(void **state)
{
	struct drop_next d = { .kind = DROP_NEXT_SYN_ACK, .left = 9, .rx = true, .tx = true };

	(void)state;
	assert_true(takes_out(&d, SYN_ACK, 0, CLIENT));
	assert_false(takes_in(&d, SYN, 0, CLIENT));
	assert_false(takes_out(&d, ACK, 100, CLIENT));
	d.kind = DROP_NEXT_SYN;
	assert_true(takes_in(&d, SYN, 0, CLIENT));
	assert_true(takes_in(&d, SYN, 10, CLIENT)); /* with data, as in RFC 7413 */
	assert_false(takes_out(&d, SYN_ACK, 0, CLIENT));
	assert_false(takes_in(&d, ACK, 10, CLIENT));
	d.kind = DROP_NEXT_DATA;
	assert_true(takes_in(&d, ACK, 1, CLIENT));
	assert_true(takes_out(&d, ACK | FIN, 1, CLIENT));
	assert_false(takes_in(&d, ACK, 0, CLIENT));
	assert_false(takes_in(&d, ACK | FIN, 0, CLIENT));
	assert_false(takes_in(&d, SYN, 10, CLIENT));
	assert_int_equal(d.left, 4);
}

static void so_many_and_no_more(void **state)
{
	struct drop_next d = { .kind = DROP_NEXT_DATA, .left = 2, .rx = true, .tx = true };

	(void)state;
	assert_true(takes_in(&d, ACK, 1, CLIENT));
	assert_true(takes_in(&d, ACK, 1, CLIENT));
	assert_false(takes_in(&d, ACK, 1, CLIENT));
	assert_int_equal(d.left, 0);
}

static void one_direction(void **state)
{
	struct drop_next d = { .kind = DROP_NEXT_DATA, .left = 2, .tx = true };

	(void)state;
	assert_false(takes_in(&d, ACK, 1, CLIENT));
	assert_true(takes_out(&d, ACK, 1, CLIENT));
	d = (struct drop_next){ .kind = DROP_NEXT_DATA, .left = 2, .rx = true };
	assert_false(takes_out(&d, ACK, 1, CLIENT));
	assert_true(takes_in(&d, ACK, 1, CLIENT));
}

static void a_port_of_either_end(void **state)
{
	struct drop_next d = { .kind = DROP_NEXT_DATA, .left = 9, .rx = true, .tx = true, .port = CLIENT };

	(void)state;
	assert_false(takes_in(&d, ACK, 1, CLIENT + 1));
	assert_true(takes_in(&d, ACK, 1, CLIENT));
	assert_true(takes_out(&d, ACK, 1, CLIENT));
	d.port = SERVER;
	assert_true(takes_in(&d, ACK, 1, CLIENT + 1));
	d.port = SERVER + 1;
	assert_false(takes_in(&d, ACK, 1, CLIENT));
}

static void the_answer_to_who_asked_is_spared_and_what_follows_is_not(void **state)
{
	struct drop_next d = { .kind = DROP_NEXT_DATA, .left = 3, .rx = true, .tx = true, .spared = CLIENT };

	(void)state;
	assert_false(takes_out(&d, ACK, 300, CLIENT));
	assert_false(takes_in(&d, ACK, 0, CLIENT));
	assert_true(takes_out(&d, ACK, 300, CLIENT + 1));
	assert_true(takes_in(&d, ACK, 50, CLIENT)); /* the next request */
	assert_true(takes_out(&d, ACK, 300, CLIENT));
}

static void what_is_no_tcp_passes(void **state)
{
	struct drop_next d = { .kind = DROP_NEXT_DATA, .left = 1, .rx = true, .tx = true };
	const struct frame_ends f = { .text_len = 5 };

	(void)state;
	assert_false(drop_next_takes(&d, &f, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(so_many_and_no_more),
		cmocka_unit_test(one_direction),
		cmocka_unit_test(a_port_of_either_end),
		cmocka_unit_test(the_answer_to_who_asked_is_spared_and_what_follows_is_not),
		cmocka_unit_test(what_is_no_tcp_passes),
	};

	return cmocka_run_group_tests_name("drop_next", tests, NULL, NULL);
}
