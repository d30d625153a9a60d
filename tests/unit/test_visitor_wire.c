/* A visitor's wire in words: what a POST may say, within which bounds, and what is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/visitor_wire.h"

static bool reads(const char *body, struct visitor_wire *wire)
{
	static const char type[] = "application/x-www-form-urlencoded";
	struct pairs p;

	assert_true(pairs_begin(&p, bytes_of(type, sizeof type - 1), bytes_of(body, strlen(body))));
	return visitor_wire_read(&p, wire);
}

static struct visitor_wire read_wire(const char *body)
{
	struct visitor_wire wire = { .expires_us = 0 };

	if (!reads(body, &wire))
		fail_msg("%s is refused", body);
	return wire;
}

static void both_ways_or_one(void **state)
{
	struct visitor_wire w = read_wire("loss=0.02&rx.delay_ms=200&tx.rate_kbit=512&tx.loss=0.1");

	(void)state;
	assert_int_equal(w.rx.loss_ppm, 20000);
	assert_int_equal(w.tx.loss_ppm, 100000);
	assert_int_equal(w.rx.delay_us, 200000);
	assert_int_equal(w.tx.delay_us, 0);
	assert_int_equal(w.rx.rate_bps, 0);
	assert_int_equal(w.tx.rate_bps, 512000);
}

static void shares(void **state)
{
	(void)state;
	assert_int_equal(read_wire("loss=0").rx.loss_ppm, 0);
	assert_int_equal(read_wire("loss=0.3").rx.loss_ppm, 300000);
	assert_int_equal(read_wire("loss=0.000001").rx.loss_ppm, 1);
	assert_int_equal(read_wire("loss=0.0200000").rx.loss_ppm, 20000);
	assert_int_equal(read_wire("loss=2%25").rx.loss_ppm, 20000);
	assert_int_equal(read_wire("loss=0.5%25").rx.loss_ppm, 5000);
	assert_int_equal(read_wire("corrupt=30%25").rx.corrupt_ppm, 300000);
	assert_int_equal(read_wire("reorder=0.1&duplicate=0.2").tx.duplicate_ppm, 200000);
}

static void what_is_refused(void **state)
{
	static const char *const bodies[] = {
		"", "los=0.1", "loss", "loss=", "loss=-0.1", "loss=.1", "loss=0.", "loss=0.1x", "loss=0.31", "loss=1",
		"loss=31%25", "loss=%25", "loss=1e-1", "loss=0.0000001", "loss=99999999999999999999", "loss= 0.1",
		"loss=nan", "delay_ms=2001", "delay_ms=1.5", "delay_ms=-1", "delay_ms=99999999999999999999999",
		"jitter_ms=1001", "rate_kbit=63", "rate_kbit=10000001", "queue=9", "queue=1001", "seed=1", "rx.", "rx.rx.loss=0.1",
		"drop_next=synack", "drop_next=synack:", "drop_next=synack:11", "drop_next=fin:1", "drop_next=syn:-1",
		"drop_next=synack:1x", "port=65536", "port=x", "rx.port=1", "loss=0.1&los=1",
	};
	struct visitor_wire wire;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++)
		if (reads(bodies[i], &wire))
			fail_msg("\"%s\" is not refused", bodies[i]);
}

static void what_is_not_named_stays(void **state)
{
	struct visitor_wire w = read_wire("loss=0.1&delay_ms=5&drop_next=syn:2&port=80");

	(void)state;
	assert_true(reads("rx.loss=0", &w));
	assert_int_equal(w.rx.loss_ppm, 0);
	assert_int_equal(w.tx.loss_ppm, 100000);
	assert_int_equal(w.rx.delay_us, 5000);
	assert_int_equal(w.next.left, 2);
	assert_int_equal(w.next.port, 80);
}

static void frames_to_drop(void **state)
{
	struct visitor_wire w = read_wire("drop_next=synack:1");

	(void)state;
	assert_int_equal(w.next.kind, DROP_NEXT_SYN_ACK);
	assert_int_equal(w.next.left, 1);
	assert_true(w.next.rx && w.next.tx);
	assert_int_equal(w.next.port, 0);
	w = read_wire("port=40000&tx.drop_next=data:10");
	assert_int_equal(w.next.kind, DROP_NEXT_DATA);
	assert_true(w.next.tx && !w.next.rx);
	assert_int_equal(w.next.port, 40000);
	w = read_wire("drop_next=syn:3&drop_next=");
	assert_int_equal(w.next.left, 0);
}

static void it_is_described(void **state)
{
	struct visitor_wire w = read_wire("loss=0.02&tx.delay_ms=7&tx.rate_kbit=64&tx.queue=40&tx.drop_next=data:3&port=80");
	const struct visitor_counters c = { .rx = { .frames = 10, .lost = 1, .queue_full = 2 },
					    .tx = { .frames = 20, .corrupted = 4, .unusable = 1 }, .dropped = 5 };
	char text[VISITOR_WIRE_DOCUMENT + 1] = "";
	struct document d = document_in(text, VISITOR_WIRE_DOCUMENT);

	(void)state;
	visitor_wire_write(&d, &w, &c, 599000000);
	assert_false(d.failed);
	text[d.len] = '\0';
	assert_string_equal(
		text,
		"{\"loss\":0.020000,\"reorder\":0.000000,\"duplicate\":0.000000,\"corrupt\":0.000000,\"delay_ms\":7,"
		"\"jitter_ms\":0,\"rate_kbit\":64,\"queue\":40,\"frames\":30,\"lost\":4,\"reordered\":0,\"duplicated\":0,"
		"\"corrupted\":4,\"drop_next\":\"tx.data:3\",\"port\":80,\"dropped\":5,\"expires_in\":599.000000,"
		"\"rx\":{\"loss\":0.020000,\"reorder\":0.000000,\"duplicate\":0.000000,\"corrupt\":0.000000,"
		"\"delay_ms\":0,\"jitter_ms\":0,\"rate_kbit\":0,\"queue\":1000,\"frames\":10,\"lost\":3,\"reordered\":0,"
		"\"duplicated\":0,\"corrupted\":0},\n"
		"\"tx\":{\"loss\":0.020000,\"reorder\":0.000000,\"duplicate\":0.000000,\"corrupt\":0.000000,"
		"\"delay_ms\":7,\"jitter_ms\":0,\"rate_kbit\":64,\"queue\":40,\"frames\":20,\"lost\":1,\"reordered\":0,"
		"\"duplicated\":0,\"corrupted\":4}}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_or_one),
		cmocka_unit_test(shares),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(what_is_not_named_stays),
		cmocka_unit_test(frames_to_drop),
		cmocka_unit_test(it_is_described),
	};

	return cmocka_run_group_tests_name("visitor_wire", tests, NULL, NULL);
}
