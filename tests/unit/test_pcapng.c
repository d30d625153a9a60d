/*
 * The pcapng writer: files are read back byte by byte after the format's draft (sections 3 and 4), and by
 * tshark. Needs tshark.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "link/frame.h"
#include "link/pcapng.h"

static const uint64_t wall_us = 1700000000000000; /* 2023-11-14T22:13:20Z */

static char directory[] = "/tmp/taphouse-pcapng-XXXXXX";
static char path[64];

/* Connections are told apart by address only. */
static const char conn_memory[2];

static const struct tcp_conn *conn(unsigned i)
{
	return (const struct tcp_conn *)(const void *)&conn_memory[i];
}

static struct pcapng *open_file(void)
{
	struct failure why = { "" };
	struct pcapng *p;

	if (pcapng_open(path, "tap:test0", wall_us, &p, &why) != 0)
		fail_msg("%s", why.text);
	return p;
}

static void tell(struct pcapng *p, struct trace_event e)
{
	observers_tell(pcapng_observer(p), &e);
}

static void frame_in(struct pcapng *p, uint64_t at_us, const void *data, uint32_t len)
{
	struct rx_frame rx = { .data = data, .len = len };

	tell(p, (struct trace_event){ .kind = TRACE_FRAME_IN, .now_us = at_us, .rx = &rx });
}

static void frame_out(struct pcapng *p, uint64_t at_us, const struct tcp_conn *c)
{
	struct tx_frame tx;

	tx_begin(&tx);
	memset(tx_push(&tx, 60), 0, 60);
	tx.conn = c;
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_OUT, .now_us = at_us, .tx = &tx });
}

static void state_change(struct pcapng *p, uint64_t at_us, const struct tcp_conn *c, const char *text)
{
	tell(p, (struct trace_event){ .kind = TRACE_TCP_STATE, .now_us = at_us, .conn = c, .note = text });
}

/* ---- reading back byte by byte ---- */

struct file {
	uint8_t *data;
	size_t len;
};

static struct file read_file(void)
{
	struct file f = { 0 };
	struct stat st;
	FILE *in = fopen(path, "rb");

	assert_non_null(in);
	assert_int_equal(fstat(fileno(in), &st), 0);
	f.len = (size_t)st.st_size;
	f.data = malloc(f.len + 1);
	assert_non_null(f.data);
	assert_int_equal(fread(f.data, 1, f.len, in), f.len);
	fclose(in);
	return f;
}

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static uint16_t u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* The block at *at, and moves on; NULL at the end of the file. Section 3.1: both lengths agree. */
static const uint8_t *next_block(const struct file *f, size_t *at, uint32_t *len)
{
	const uint8_t *block = f->data + *at;

	if (*at == f->len)
		return NULL;
	assert_true(f->len - *at >= 12);
	*len = u32(block + 4);
	assert_int_equal(*len % 4, 0);
	assert_in_range(*len, 12, f->len - *at);
	assert_int_equal(u32(block + *len - 4), *len);
	*at += *len;
	return block;
}

/* The value of an option between from and the end of the block, section 3.5; NULL if it is not there. */
static const uint8_t *find_option(const uint8_t *block, uint32_t from, uint32_t block_len, uint16_t code,
				  uint16_t *len)
{
	uint32_t at = from;

	for (;;) {
		uint16_t this_code = u16(block + at);

		*len = u16(block + at + 2);
		if (this_code == 0) {
			assert_int_equal(*len, 0);
			assert_int_equal(at + 4, block_len - 4);
			return NULL;
		}
		if (this_code == code)
			return block + at + 4;
		at += 4 + (*len + 3U) / 4 * 4;
		assert_true(at < block_len - 4);
	}
}

static void assert_option_text(const uint8_t *block, uint32_t from, uint32_t block_len, uint16_t code,
			       const char *text)
{
	uint16_t len;
	const uint8_t *value = find_option(block, from, block_len, code, &len);

	if (text == NULL) {
		assert_null(value);
		return;
	}
	assert_non_null(value);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(value, text, len);
}

static void the_file_begins_with_section_and_interface(void **state)
{
	struct pcapng *p = open_file();
	struct file f;
	size_t at = 0;
	uint32_t len;
	uint16_t n;
	const uint8_t *b, *resolution;

	(void)state;
	f = read_file(); /* even before the first flush: a reader may be waiting */
	b = next_block(&f, &at, &len);
	assert_int_equal(u32(b), 0x0a0d0d0a);
	assert_int_equal(u32(b + 8), 0x1a2b3c4d);
	assert_int_equal(u16(b + 12), 1);
	assert_int_equal(u16(b + 14), 0);
	assert_memory_equal(b + 16, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_option_text(b, 24, len, 4, "taphouse " TH_VERSION);
	b = next_block(&f, &at, &len);
	assert_int_equal(u32(b), 1);
	assert_int_equal(u16(b + 8), 1); /* LINKTYPE_ETHERNET */
	assert_true(u32(b + 12) >= 65535 + 14);
	assert_option_text(b, 16, len, 2, "tap:test0");
	resolution = find_option(b, 16, len, 9, &n);
	assert_non_null(resolution);
	assert_int_equal(n, 1);
	assert_int_equal(resolution[0], 6);
	assert_null(next_block(&f, &at, &len));
	free(f.data);
	assert_int_equal(pcapng_close(p), 0);
}

/* The n-th packet block (from 0) of f. */
static const uint8_t *packet_block(const struct file *f, unsigned n, uint32_t *len)
{
	const uint8_t *b;
	size_t at = 0;

	while ((b = next_block(f, &at, len)) != NULL)
		if (u32(b) == 6 && n-- == 0)
			return b;
	return NULL;
}

static void frames_of_every_length_are_padded_right(void **state)
{
	struct pcapng *p = open_file();
	uint8_t bytes[70];
	struct file f;
	uint32_t len;

	(void)state;
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(0xa0 + i);
	for (uint32_t n = 0; n < sizeof bytes; n++)
		frame_in(p, 1000000 + n, bytes, n);
	assert_int_equal(pcapng_close(p), 0);
	f = read_file();
	for (uint32_t n = 0; n < sizeof bytes; n++) {
		const uint8_t *b = packet_block(&f, n, &len), *flags;
		uint16_t flags_len;

		assert_non_null(b);
		assert_int_equal(u32(b + 8), 0);
		assert_int_equal((uint64_t)u32(b + 12) << 32 | u32(b + 16), wall_us + 1000000 + n);
		assert_int_equal(u32(b + 20), n);
		assert_int_equal(u32(b + 24), n);
		assert_memory_equal(b + 28, bytes, n);
		flags = find_option(b, 28 + (n + 3) / 4 * 4, len, 2, &flags_len);
		assert_non_null(flags);
		assert_int_equal(flags_len, 4);
		assert_int_equal(u32(flags), 1);
	}
	assert_null(packet_block(&f, sizeof bytes, &len));
	free(f.data);
}

static void outgoing_frames_are_gathered_from_their_pieces(void **state)
{
	struct pcapng *p = open_file();
	struct tx_frame tx;
	struct file f;
	uint16_t n;
	uint32_t len;
	const uint8_t *b;

	(void)state;
	tx_begin(&tx);
	tx_add_payload(&tx, "one", 3);
	tx_add_payload(&tx, "", 0);
	tx_add_payload(&tx, "three", 5);
	memcpy(tx_push(&tx, 14), "ethernetheader", 14);
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_OUT, .tx = &tx });
	assert_int_equal(pcapng_close(p), 0);
	f = read_file();
	b = packet_block(&f, 0, &len);
	assert_non_null(b);
	assert_int_equal(u32(b + 20), 22);
	assert_memory_equal(b + 28, "ethernetheaderonethree", 22);
	assert_int_equal(u32(find_option(b, 28 + 24, len, 2, &n)), 2);
	free(f.data);
}

/* ---- comments ---- */

/* The comment of the n-th packet; lengths are those of the frames of this test. */
static void assert_comment(unsigned n, const char *text)
{
	struct file f = read_file();
	uint32_t len;
	const uint8_t *b = packet_block(&f, n, &len);

	assert_non_null(b);
	assert_option_text(b, 28 + (u32(b + 20) + 3) / 4 * 4, len, 1, text);
	free(f.data);
}

static void drops_and_notes_become_comments(void **state)
{
	struct pcapng *p = open_file();
	struct rx_frame rx = { .data = (const uint8_t *)"frame", .len = 5 };
	struct tx_frame tx;

	(void)state;
	frame_in(p, 1, "frame", 5);
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_IN, .rx = &rx, .drop = DROP_TCP_CHECKSUM });
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_IN,
				      .rx = &rx,
				      .drop = DROP_TCP_PAWS,
				      .note = "3 ticks old" });
	tx_begin(&tx);
	memset(tx_push(&tx, 14), 0, 14);
	tx.note = "window probe";
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_OUT, .tx = &tx });
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_OUT, .tx = &tx, .note = "retransmission (RTO)" });
	assert_int_equal(pcapng_close(p), 0);
	assert_comment(0, NULL);
	assert_comment(1, "dropped: TCP checksum is wrong");
	assert_comment(2, "dropped: timestamp older than the last (PAWS); 3 ticks old");
	assert_comment(3, "window probe");
	assert_comment(4, "retransmission (RTO)");
}

static void state_changes_go_to_the_frame_that_caused_them(void **state)
{
	struct pcapng *p = open_file();
	char reused[32] = "LISTEN -> SYN-RECEIVED";

	(void)state;
	state_change(p, 10, conn(0), reused);
	memset(reused, 'x', sizeof reused - 1); /* the text was valid during the call only */
	frame_in(p, 10, "syn", 3);
	frame_out(p, 10, conn(0));
	state_change(p, 20, conn(0), "SYN-RECEIVED -> ESTABLISHED");
	state_change(p, 20, conn(0), "ESTABLISHED -> CLOSE-WAIT");
	frame_in(p, 20, "fin", 3);
	assert_int_equal(pcapng_close(p), 0);
	assert_comment(0, "LISTEN -> SYN-RECEIVED");
	assert_comment(1, NULL);
	assert_comment(2, "SYN-RECEIVED -> ESTABLISHED; ESTABLISHED -> CLOSE-WAIT");
}

static void recovery_and_path_mtu_are_said_with_their_numbers(void **state)
{
	struct pcapng *p = open_file();
	struct trace_event loss = { .kind = TRACE_TCP_RECOVERY,
				    .now_us = 10,
				    .conn = conn(0),
				    .note = "loss: RACK",
				    .old_value = 29200,
				    .new_value = 14600 };
	struct trace_event mtu = { .kind = TRACE_TCP_MTU,
				   .now_us = 10,
				   .conn = conn(0),
				   .note = "a router reported it",
				   .old_value = 1500,
				   .new_value = 1400 };

	(void)state;
	tell(p, loss);
	tell(p, mtu);
	frame_in(p, 10, "ack", 3);
	assert_int_equal(pcapng_close(p), 0);
	assert_comment(0, "loss: RACK, cwnd 29200 -> 14600; path MTU 1500 -> 1400: a router reported it");
}

static void outgoing_frames_get_the_changes_of_their_own_connection(void **state)
{
	struct pcapng *p = open_file();

	(void)state;
	state_change(p, 30, conn(0), "ESTABLISHED -> FIN-WAIT-1");
	state_change(p, 30, conn(1), "CLOSE-WAIT -> LAST-ACK");
	frame_out(p, 30, NULL);
	frame_out(p, 30, conn(1));
	frame_out(p, 30, conn(0));
	assert_int_equal(pcapng_close(p), 0);
	assert_comment(0, NULL);
	assert_comment(1, "CLOSE-WAIT -> LAST-ACK");
	assert_comment(2, "ESTABLISHED -> FIN-WAIT-1");
}

static void changes_without_a_frame_are_forgotten_when_time_moves_on(void **state)
{
	struct pcapng *p = open_file();

	(void)state;
	state_change(p, 40, conn(0), "TIME-WAIT -> CLOSED");
	state_change(p, 40, NULL, "TIME-WAIT -> CLOSED");
	frame_in(p, 41, "other", 5);
	frame_out(p, 41, conn(0));
	assert_int_equal(pcapng_close(p), 0);
	assert_comment(0, NULL);
	assert_comment(1, NULL);
}

static void comments_are_bounded(void **state)
{
	struct pcapng *p = open_file();
	char note[2000];
	struct file f;
	uint32_t len;
	uint16_t n;
	const uint8_t *b;

	(void)state;
	memset(note, 'n', sizeof note - 1);
	note[sizeof note - 1] = '\0';
	for (unsigned i = 0; i < 100; i++)
		state_change(p, 50, conn(0), note);
	state_change(p, 50, conn(0), NULL);
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_IN,
				      .now_us = 50,
				      .rx = &(struct rx_frame){ .data = (const uint8_t *)"f", .len = 1 },
				      .note = note });
	assert_int_equal(pcapng_close(p), 0);
	f = read_file();
	b = packet_block(&f, 0, &len);
	assert_non_null(b);
	assert_non_null(find_option(b, 32, len, 1, &n));
	assert_in_range(n, 100, 1000);
	free(f.data);
}

/* ---- frames as tshark sees them ---- */

/* IPv4 and TCP, 10.77.0.1:40000 to 10.77.0.2:80, payload_len bytes; the checksum is the pseudo-header's
 * sum. */
static uint32_t make_tcp(uint8_t *out, uint32_t payload_len)
{
	static const uint8_t headers[54] = {
		2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 0, /* Ethernet */
		0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2,
		0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0,
	};
	uint16_t sum;

	memcpy(out, headers, sizeof headers);
	memset(out + 54, 'p', payload_len);
	store_be16(out + 16, (uint16_t)(40 + payload_len));
	sum = checksum_finish(checksum_add(0, out + 14, 20));
	memcpy(out + 24, &sum, sizeof sum);
	sum = checksum_fold(checksum_add_be16(checksum_add_be16(checksum_add(0, out + 26, 8), 6),
					      (uint16_t)(20 + payload_len)));
	memcpy(out + 50, &sum, sizeof sum);
	return 54 + payload_len;
}

/* One line a frame, as tshark prints the fields. */
static void assert_tshark(const char *fields, const char *expected)
{
	char command[512], got[4096];
	size_t len;
	FILE *in;

	snprintf(command, sizeof command,
		 "tshark -n -r %s -o tcp.check_checksum:TRUE -T fields -E separator=, %s 2>%s/errors", path,
		 fields, directory);
	in = popen(command, "r");
	assert_non_null(in);
	len = fread(got, 1, sizeof got - 1, in);
	got[len] = '\0';
	if (pclose(in) != 0)
		fail_msg("tshark failed: is it installed? See %s", command);
	assert_string_equal(got, expected);
}

static void tshark_reads_times_directions_and_comments(void **state)
{
	struct pcapng *p = open_file();
	uint8_t frame[100];
	struct rx_frame rx = { .data = frame, .len = make_tcp(frame, 0) };

	(void)state;
	state_change(p, 5, conn(0), "SYN-RECEIVED -> ESTABLISHED");
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_IN, .now_us = 5, .rx = &rx });
	frame_out(p, 1500000, NULL);
	assert_int_equal(pcapng_flush(p), 0);
	assert_tshark("-e frame.number -e frame.time_epoch -e frame.len -e frame.packet_flags_direction "
		      "-e frame.interface_name -e frame.comment",
		      "1,1700000000.000005000,54,0x00000001,tap:test0,SYN-RECEIVED -> ESTABLISHED\n"
		      "2,1700000001.500000000,60,0x00000002,tap:test0,\n");
	assert_int_equal(pcapng_close(p), 0);
}

static void single_frames_are_written_with_finished_checksums(void **state)
{
	struct pcapng *p = open_file();
	uint8_t frame[200] = { 0 }, before[200];
	struct rx_frame rx = { .data = frame, .checksum_start = 34, .checksum_offset = 16 };
	struct tx_frame tx;

	(void)state;
	rx.len = make_tcp(frame, 101);
	memcpy(before, frame, sizeof frame);
	rx.flags = RX_CHECKSUM_PARTIAL | RX_CHECKSUM_VALID;
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_IN, .rx = &rx });
	tx_begin(&tx);
	tx_add_payload(&tx, frame + 54, 101);
	memcpy(tx_push(&tx, 54), frame, 54);
	tx.flags = TX_CHECKSUM_PARTIAL;
	tx.checksum_start = 34;
	tx.checksum_offset = 16;
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_OUT, .tx = &tx });
	assert_memory_equal(frame, before, sizeof frame); /* only the copy was touched */
	assert_memory_equal(tx_head(&tx), before, 54);
	/* And one that is wrong, to see that tshark looks. It may take the pseudo-header's sum for right. */
	rx.flags = 0;
	frame[rx.checksum_start + rx.checksum_offset] ^= 1;
	tell(p, (struct trace_event){ .kind = TRACE_FRAME_IN, .rx = &rx });
	assert_int_equal(pcapng_close(p), 0);
	assert_tshark("-e tcp.checksum.status", "1\n1\n0\n");
}

/* As one long segment, both ways. */
static void super_frames_are_written_whole_with_finished_checksums(void **state)
{
	struct pcapng *p = open_file();
	static uint8_t frame[14 + 65535];
	struct rx_frame rx = { .data = frame, .gso = GSO_TCP4, .gso_size = 1448 };
	struct tx_frame tx;

	(void)state;
	rx.len = make_tcp(frame, 65535 - 40);
	rx.flags = RX_CHECKSUM_PARTIAL | RX_CHECKSUM_VALID;
	rx.checksum_start = 34;
	rx.checksum_offset = 16;
	tx_wrap(&tx, frame, rx.len);
	tx.gso = GSO_TCP4;
	tx.gso_size = 1448;
	tx.flags = TX_CHECKSUM_PARTIAL;
	tx.checksum_start = 34;
	tx.checksum_offset = 16;
	for (int i = 0; i < 3; i++) {
		tell(p, (struct trace_event){ .kind = TRACE_FRAME_IN, .rx = &rx });
		tell(p, (struct trace_event){ .kind = TRACE_FRAME_OUT, .tx = &tx });
	}
	assert_int_equal(pcapng_close(p), 0);
	assert_tshark("-e frame.len -e tcp.checksum.status",
		      "65549,1\n65549,1\n65549,1\n65549,1\n65549,1\n65549,1\n");
}

static void more_frames_than_the_buffer_holds_all_arrive_in_order(void **state)
{
	struct pcapng *p = open_file();
	struct file f;
	size_t at = 0;
	uint32_t len, next = 0;
	const uint8_t *b;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++)
		frame_in(p, i, &i, sizeof i);
	assert_int_equal(pcapng_close(p), 0);
	f = read_file();
	while ((b = next_block(&f, &at, &len)) != NULL)
		if (u32(b) == 6)
			assert_int_equal(u32(b + 28), next++);
	assert_int_equal(next, 20000);
	free(f.data);
}

/* ---- errors ---- */

static void a_full_disk_stops_writing_and_leaves_whole_blocks(void **state)
{
	struct pcapng *p = open_file();
	struct rlimit unlimited, limit;
	uint8_t frame[1000] = { 0 };
	struct file f;
	size_t at = 0, frames = 0;
	uint32_t len;
	const uint8_t *b;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	limit = unlimited;
	limit.rlim_cur = 10000;
	for (unsigned i = 0; i < 5; i++)
		frame_in(p, i, frame, sizeof frame);
	assert_int_equal(pcapng_flush(p), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (unsigned i = 0; i < 2000; i++)
		frame_in(p, i, frame, sizeof frame);
	assert_int_equal(pcapng_flush(p), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	/* It does not start again: what is missing would not be seen. */
	frame_in(p, 1, frame, sizeof frame);
	assert_int_equal(pcapng_observer(p)->kinds, 0);
	assert_int_equal(pcapng_flush(p), -EFBIG);
	assert_int_equal(pcapng_close(p), -EFBIG);
	f = read_file();
	while ((b = next_block(&f, &at, &len)) != NULL)
		frames += u32(b) == 6;
	assert_int_equal(frames, 5);
	free(f.data);
}

static void a_file_that_cannot_be_written_is_named(void **state)
{
	struct failure why = { "" };
	struct pcapng *p;

	(void)state;
	assert_int_equal(pcapng_open("/nonexistent/x.pcapng", "tap", 0, &p, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nonexistent/x.pcapng"));
	assert_int_equal(pcapng_open("/tmp", "tap", 0, &p, &why), -EISDIR);
	assert_int_equal(pcapng_open("/dev/full", "tap", 0, &p, &why), -ENOSPC);
	assert_non_null(strstr(why.text, "/dev/full"));
}

static void an_old_file_is_replaced(void **state)
{
	struct pcapng *p = open_file();
	struct file f;
	uint32_t len;

	(void)state;
	frame_in(p, 1, "old", 3);
	assert_int_equal(pcapng_close(p), 0);
	assert_int_equal(pcapng_close(open_file()), 0);
	f = read_file();
	assert_null(packet_block(&f, 0, &len));
	free(f.data);
}

/* Section 4.7: in front of the frame that they open; and from then on nobody else reads the file. */
static void secrets_stand_before_the_frame_and_make_the_file_private(void **state)
{
	enum { DECRYPTION_SECRETS = 10, TLS_KEY_LOG = 0x544c534b };
	char label[] = "CLIENT_RANDOM 00 ", secret[] = "11\n";
	const struct iovec parts[] = { { label, strlen(label) }, { secret, strlen(secret) } };
	struct pcapng *p = open_file();
	struct stat st;
	struct file f;
	size_t at = 0;
	uint32_t len;
	const uint8_t *block;

	(void)state;
	chmod(path, 0644);
	pcapng_secrets(p, parts, ARRAY_LENGTH(parts));
	frame_in(p, 1, "sealed", 6);
	assert_int_equal(pcapng_close(p), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	f = read_file();
	next_block(&f, &at, &len);
	next_block(&f, &at, &len);
	block = next_block(&f, &at, &len);
	assert_non_null(block);
	assert_int_equal(u32(block), DECRYPTION_SECRETS);
	assert_int_equal(u32(block + 8), TLS_KEY_LOG);
	assert_int_equal(u32(block + 12), 20);
	assert_memory_equal(block + 16, "CLIENT_RANDOM 00 11\n", 20);
	block = next_block(&f, &at, &len);
	assert_non_null(block);
	assert_int_equal(u32(block), 6);
	free(f.data);
}

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/t.pcapng", directory);
	return 0;
}

static int remove_directory(void **state)
{
	char errors[64];

	(void)state;
	snprintf(errors, sizeof errors, "%s/errors", directory);
	unlink(errors);
	unlink(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_begins_with_section_and_interface),
		cmocka_unit_test(frames_of_every_length_are_padded_right),
		cmocka_unit_test(outgoing_frames_are_gathered_from_their_pieces),
		cmocka_unit_test(drops_and_notes_become_comments),
		cmocka_unit_test(state_changes_go_to_the_frame_that_caused_them),
		cmocka_unit_test(recovery_and_path_mtu_are_said_with_their_numbers),
		cmocka_unit_test(outgoing_frames_get_the_changes_of_their_own_connection),
		cmocka_unit_test(changes_without_a_frame_are_forgotten_when_time_moves_on),
		cmocka_unit_test(comments_are_bounded),
		cmocka_unit_test(tshark_reads_times_directions_and_comments),
		cmocka_unit_test(single_frames_are_written_with_finished_checksums),
		cmocka_unit_test(super_frames_are_written_whole_with_finished_checksums),
		cmocka_unit_test(more_frames_than_the_buffer_holds_all_arrive_in_order),
		cmocka_unit_test(a_full_disk_stops_writing_and_leaves_whole_blocks),
		cmocka_unit_test(a_file_that_cannot_be_written_is_named),
		cmocka_unit_test(an_old_file_is_replaced),
		cmocka_unit_test(secrets_stand_before_the_frame_and_make_the_file_private),
	};

	return cmocka_run_group_tests_name("pcapng", tests, make_directory, remove_directory);
}
