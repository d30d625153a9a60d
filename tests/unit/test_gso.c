/* Cutting a super-frame: the segments carry its bytes, and are right in themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/random.h"
#include "link/gso.h"

enum {
	ETH = 14,
	TCP_OPTIONS = 12,
	TCP = 20 + TCP_OPTIONS,
	SEQ = 0xfffffff0,
	ALL_FLAGS = 0x80 | 0x10 | 0x08 | 0x01, /* CWR, ACK, PSH, FIN */
};

/* A TCP frame of payload_len counting bytes; ip_len 20 to 60 for IPv4, or 40 with gso TCP6. */
static struct rx_frame make(uint8_t *out, enum gso_kind kind, uint32_t ip_len, uint32_t payload_len,
			    uint16_t mss)
{
	uint8_t *ip = out + ETH, *tcp = ip + ip_len;
	uint32_t len = ETH + ip_len + TCP + payload_len;

	memset(out, 0, len);
	memset(out, 0x02, 12);
	if (kind == GSO_TCP4) {
		store_be16(out + 12, 0x0800);
		ip[0] = (uint8_t)(0x40 | ip_len / 4);
		store_be16(ip + 2, (uint16_t)(len - ETH));
		store_be16(ip + 4, 0xfffe); /* identification, about to wrap */
		ip[8] = 64;
		ip[9] = 6;
		memcpy(ip + 12, "\x0a\x4d\x00\x01\x0a\x4d\x00\x02", 8);
		memset(ip + 20, 1, ip_len - 20); /* no-operation options */
	} else {
		store_be16(out + 12, 0x86dd);
		ip[0] = 0x60;
		store_be16(ip + 4, (uint16_t)(len - ETH - 40));
		ip[6] = 6;
		ip[7] = 64;
		memset(ip + 8, 0xfd, 32);
	}
	store_be16(tcp, 40000);
	store_be16(tcp + 2, 80);
	store_be32(tcp + 4, SEQ);
	tcp[12] = TCP / 4 << 4;
	tcp[13] = ALL_FLAGS;
	memset(tcp + 20, 1, TCP_OPTIONS);
	for (uint32_t i = 0; i < payload_len; i++)
		tcp[TCP + i] = (uint8_t)(i * 7 + i / 256);
	return (struct rx_frame){ .data = out, .len = len, .gso = (uint8_t)kind, .gso_size = mss };
}

static void assert_checksums(const uint8_t *frame, uint32_t len, enum gso_kind kind, uint32_t ip_len)
{
	const uint8_t *ip = frame + ETH, *tcp = ip + ip_len;
	uint32_t tcp_len = len - ETH - ip_len, sum;

	if (kind == GSO_TCP4) {
		assert_int_equal(checksum_finish(checksum_add(0, ip, ip_len)), 0);
		sum = checksum_add(0, ip + 12, 8);
	} else {
		sum = checksum_add(0, ip + 8, 32);
	}
	sum = checksum_add_be16(checksum_add_be32(sum, tcp_len), 6);
	assert_int_equal(checksum_finish(checksum_add(sum, tcp, tcp_len)), 0);
}

static void assert_cut_right(enum gso_kind kind, uint32_t ip_len, uint32_t payload_len, uint16_t mss)
{
	static uint8_t whole[ETH + 65535];
	struct rx_frame f = make(whole, kind, ip_len, payload_len, mss);
	uint32_t count = 0, at = 0, head = ETH + ip_len + TCP, len;
	struct gso_cut cut;
	uint8_t *out;

	assert_true(gso_cut_begin(&cut, &f));
	assert_int_equal(gso_cut_size(&cut), head + mss);
	out = malloc(head + mss);
	assert_non_null(out);
	while ((len = gso_cut_next(&cut, out)) > 0) {
		const uint8_t *ip = out + ETH, *tcp = ip + ip_len;
		bool first = at == 0, last = at + len - head == payload_len;

		assert_true(len <= head + mss);
		assert_true(last || len == head + mss);
		assert_checksums(out, len, kind, ip_len);
		if (kind == GSO_TCP4) {
			assert_int_equal(load_be16(ip + 2), len - ETH);
			assert_int_equal(load_be16(ip + 4), (uint16_t)(0xfffe + count));
		} else {
			assert_int_equal(load_be16(ip + 4), len - ETH - 40);
		}
		assert_int_equal(load_be32(tcp + 4), (uint32_t)(SEQ + at));
		assert_int_equal(tcp[13], 0x10 | (first ? 0x80 : 0) | (last ? 0x09 : 0));
		assert_memory_equal(out, whole, ETH);
		assert_memory_equal(tcp + TCP, whole + head + at, len - head);
		at += len - head;
		count++;
	}
	assert_int_equal(at, payload_len);
	assert_int_equal(count, (payload_len + mss - 1) / mss);
	free(out);
}

static void segments_carry_the_payload_with_right_headers(void **state)
{
	(void)state;
	assert_cut_right(GSO_TCP4, 20, 65535 - 20 - TCP, 1448);
	assert_cut_right(GSO_TCP4, 60, 20000, 1448);
	assert_cut_right(GSO_TCP6, 40, 65535 - 40 - TCP, 1428);
}

static void edges_of_the_segment_size(void **state)
{
	(void)state;
	assert_cut_right(GSO_TCP4, 20, 1448, 1448);
	assert_cut_right(GSO_TCP4, 20, 1449, 1448);
	assert_cut_right(GSO_TCP4, 20, 2896, 1448);
	assert_cut_right(GSO_TCP4, 20, 1, 1448);
	assert_cut_right(GSO_TCP4, 20, 3, 1);
	assert_cut_right(GSO_TCP6, 40, 70, 65535);
}

static void frames_that_are_not_what_they_promise_are_refused(void **state)
{
	uint8_t b[200];
	struct rx_frame f;
	struct gso_cut c;

	(void)state;
	f = make(b, GSO_TCP4, 20, 100, 10);
	assert_true(gso_cut_begin(&c, &f));
	f.gso_size = 0;
	assert_false(gso_cut_begin(&c, &f));
	f = make(b, GSO_TCP4, 20, 0, 10);
	assert_false(gso_cut_begin(&c, &f)); /* no payload */
	f = make(b, GSO_TCP4, 20, 100, 10);
	b[ETH + 9] = 17;
	assert_false(gso_cut_begin(&c, &f)); /* UDP */
	f = make(b, GSO_TCP4, 20, 100, 10);
	b[ETH] = 0x44;
	assert_false(gso_cut_begin(&c, &f)); /* IP header of 16 bytes */
	f = make(b, GSO_TCP4, 20, 100, 10);
	b[ETH + 20 + 12] = 0x40;
	assert_false(gso_cut_begin(&c, &f)); /* TCP header of 16 bytes */
	f = make(b, GSO_TCP4, 20, 10, 10);
	b[ETH + 20 + 12] = 0xf0;
	assert_false(gso_cut_begin(&c, &f)); /* TCP header longer than the frame */
	f = make(b, GSO_TCP4, 20, 100, 10);
	f.gso = GSO_TCP6;
	assert_false(gso_cut_begin(&c, &f));
	f = make(b, GSO_TCP6, 40, 100, 10);
	b[ETH + 6] = 44;
	assert_false(gso_cut_begin(&c, &f)); /* a fragment header first */
}

static void no_length_or_content_leads_out_of_the_frame(void **state)
{
	struct random random;
	unsigned cut = 0;

	(void)state;
	random_init(&random, 7);
	for (int i = 0; i < 50000; i++) {
		uint8_t b[200], out[ETH + 60 + 60 + 64];
		struct rx_frame f = make(b, i % 2 ? GSO_TCP4 : GSO_TCP6, i % 2 ? 20 : 40, 60, 16);
		uint32_t total = f.len;
		struct gso_cut c;
		uint8_t *exact;

		f.len = random_below(&random, f.len + 1);
		for (int n = 0; n < 3; n++)
			b[ETH + random_below(&random, total - ETH)] ^= (uint8_t)random_u32(&random);
		exact = malloc(f.len + 1);
		assert_non_null(exact);
		memcpy(exact, b, f.len);
		f.data = exact;
		f.gso_size = (uint16_t)(1 + random_below(&random, 64));
		if (gso_cut_begin(&c, &f)) {
			assert_true(gso_cut_size(&c) <= sizeof out);
			while (gso_cut_next(&c, out) > 0)
				cut++;
		}
		free(exact);
	}
	assert_true(cut > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_carry_the_payload_with_right_headers),
		cmocka_unit_test(edges_of_the_segment_size),
		cmocka_unit_test(frames_that_are_not_what_they_promise_are_refused),
		cmocka_unit_test(no_length_or_content_leads_out_of_the_frame),
	};

	return cmocka_run_group_tests_name("gso", tests, NULL, NULL);
}
