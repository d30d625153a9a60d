/* Who owns a frame: one owner for all of a flow, whatever brings it; all owners alike; and no frame, however
 * cut, without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "common/flow_frame.h"
#include "link/steer_rule.h"

enum { FLOWS = 8000, MORE_FRAGMENTS = 0x2000, DONT_FRAGMENT = 0x4000 };

static const uint64_t key = 0x0123456789abcdef;

static int owner_of(const struct steer_rule *r, const struct flow *f)
{
	uint8_t room[FLOW_FRAME];

	return steer_owner(r, flow_frame(f, DONT_FRAGMENT, room));
}

static void each_worker_gets_its_share(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 8; n++) {
		struct steer_rule r = steer_rule_make(STEER_FLOW, n, key);
		unsigned count[8] = { 0 };

		for (unsigned i = 0; i < FLOWS; i++) {
			struct flow f = flow_number(i);
			int owner = owner_of(&r, &f);

			assert_in_range(owner, 0, n - 1);
			count[owner]++;
		}
		for (unsigned i = 0; i < n; i++)
			assert_in_range(count[i], FLOWS / n * 9 / 10, FLOWS / n * 11 / 10 + 1);
	}
}

/* As a client's ports do: for each key each worker gets some of fifty, which by chance alone one of four misses
 * in one of four hundred thousand. */
static void ports_that_follow_one_another_go_to_all(void **state)
{
	enum { PORTS = 50 };
	struct random random;

	(void)state;
	random_init(&random, 1);
	for (unsigned k = 0; k < 2000; k++) {
		struct steer_rule r = steer_rule_make(STEER_FLOW, 4, random_u64(&random));
		struct flow f = { .remote = 0x0a4d0001, .local = 0x0a4d0002, .local_port = 80, .protocol = FLOW_TCP };
		unsigned count[4] = { 0 };

		f.remote_port = (uint16_t)random_u32(&random);
		for (unsigned i = 0; i < PORTS; i++, f.remote_port = (uint16_t)(f.remote_port + 1 + k % 3))
			count[owner_of(&r, &f)]++;
		for (unsigned i = 0; i < 4; i++)
			assert_in_range(count[i], 1, PORTS * 3 / 5);
	}
}

static void another_key_gives_other_owners(void **state)
{
	struct steer_rule a = steer_rule_make(STEER_FLOW, 2, key), b = steer_rule_make(STEER_FLOW, 2, ~key);
	unsigned differ = 0;

	(void)state;
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow f = flow_number(i);

		differ += owner_of(&a, &f) != owner_of(&b, &f);
	}
	assert_in_range(differ, FLOWS * 2 / 5, FLOWS * 3 / 5);
}

static void by_address_a_peer_has_one_owner(void **state)
{
	struct steer_rule r = steer_rule_make(STEER_ADDRESS, 4, key);
	unsigned count[4] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct flow f = { .remote = 0x0a000001 + i, .local = 0x0a4d0002, .protocol = FLOW_TCP };
		int owner = owner_of(&r, &f);

		count[owner]++;
		f.remote_port = (uint16_t)(1024 + i);
		f.local_port = 443;
		assert_int_equal(owner_of(&r, &f), owner);
		f.protocol = FLOW_ICMP;
		assert_int_equal(owner_of(&r, &f), owner);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(count[i], 200, 300);
}

/* In what is quoted we are the sender. */
static void errors_are_the_owners_of_what_they_quote(void **state)
{
	static const uint8_t errors[] = { 3, 4, 5, 11, 12 };
	uint8_t room[FLOW_ERROR];

	(void)state;
	for (enum steer_mode mode = STEER_FLOW; mode <= STEER_ADDRESS; mode++) {
		struct steer_rule r = steer_rule_make(mode, 8, key);

		for (unsigned i = 0; i < FLOWS; i++) {
			struct flow f = flow_number(i);
			struct bytes error = flow_error(&f, errors[i % ARRAY_LENGTH(errors)], room);

			assert_int_equal(steer_owner(&r, error), owner_of(&r, &f));
		}
	}
}

static void fragments_are_the_owners_of_their_address(void **state)
{
	struct steer_rule by_flow = steer_rule_make(STEER_FLOW, 8, key);
	struct steer_rule by_address = steer_rule_make(STEER_ADDRESS, 8, key);
	uint8_t room[FLOW_FRAME];

	(void)state;
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow f = flow_number(i);
		int owner = owner_of(&by_address, &f);

		assert_int_equal(steer_owner(&by_flow, flow_frame(&f, MORE_FRAGMENTS, room)), owner);
		assert_int_equal(steer_owner(&by_flow, flow_frame(&f, MORE_FRAGMENTS | 100, room)), owner);
		assert_int_equal(steer_owner(&by_flow, flow_frame(&f, 200, room)), owner);
		assert_int_equal(steer_owner(&by_address, flow_frame(&f, 200, room)), owner);
	}
}

/* The ports are behind the options. */
static void options_do_not_hide_the_ports(void **state)
{
	struct steer_rule r = steer_rule_make(STEER_FLOW, 8, key);
	uint8_t plain[FLOW_FRAME], room[FLOW_FRAME + 8];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct flow f = flow_number(i);

		flow_frame(&f, 0, plain);
		memcpy(room, plain, 34);
		room[14] = 0x47;
		memset(room + 34, 1, 8);
		memcpy(room + 42, plain + 34, FLOW_FRAME - 34);
		assert_int_equal(steer_owner(&r, bytes_of(room, sizeof room)), owner_of(&r, &f));
	}
}

static void what_is_of_no_flow_is_the_first_ones(void **state)
{
	struct steer_rule r = steer_rule_make(STEER_FLOW, 8, key);
	uint8_t room[FLOW_FRAME];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		struct flow f = flow_number(i);

		f.protocol = FLOW_ICMP; /* type 156: no error */
		assert_int_equal(owner_of(&r, &f), 0);
		flow_frame(&f, 0, room);
		room[34] = 8; /* echo */
		assert_int_equal(steer_owner(&r, bytes_of(room, sizeof room)), 0);
		store_be16(room + 12, 0x86dd); /* IPv6 */
		assert_int_equal(steer_owner(&r, bytes_of(room, sizeof room)), 0);
		store_be16(room + 12, 0x0806); /* ARP */
		assert_int_equal(steer_owner(&r, bytes_of(room, sizeof room)), STEER_ALL);
	}
}

/* A frame of so many bytes in memory of its own, so that AddressSanitizer sees who reads on. */
static int owner_of_cut(const struct steer_rule *r, struct bytes frame, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	int owner;

	assert_non_null(copy);
	memcpy(copy, frame.data, len);
	owner = steer_owner(r, bytes_of(copy, len));
	free(copy);
	return owner;
}

static void cut_or_damaged_anywhere_it_has_an_owner(void **state)
{
	struct steer_rule r = steer_rule_make(STEER_FLOW, 8, key);
	uint8_t room[FLOW_ERROR];
	struct random random;

	(void)state;
	random_init(&random, 1);
	for (unsigned i = 0; i < 20000; i++) {
		struct flow f = flow_number(i);
		struct bytes frame = i % 2 == 0 ? flow_frame(&f, 0, room) : flow_error(&f, 3, room);

		room[random_below(&random, (uint32_t)frame.len)] ^= (uint8_t)random_u32(&random);
		assert_in_range(owner_of_cut(&r, frame, i % (frame.len + 1)) + 1, 0, 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_worker_gets_its_share),
		cmocka_unit_test(ports_that_follow_one_another_go_to_all),
		cmocka_unit_test(another_key_gives_other_owners),
		cmocka_unit_test(by_address_a_peer_has_one_owner),
		cmocka_unit_test(errors_are_the_owners_of_what_they_quote),
		cmocka_unit_test(fragments_are_the_owners_of_their_address),
		cmocka_unit_test(options_do_not_hide_the_ports),
		cmocka_unit_test(what_is_of_no_flow_is_the_first_ones),
		cmocka_unit_test(cut_or_damaged_anywhere_it_has_an_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
