/*
 * libFuzzer target: frames into a whole stack (10.77.0.2/24, an echo server on TCP port 80) on no device, and
 * a look at every frame that comes out. Any input is a good one:
 *
 *   mode, settings, then records of: length and flags (2 bytes, big endian), time step (1 byte), the frame
 *
 * Half of all modes mend checksums, and half take what a segment repeats of the stack's own as relative to
 * what the stack has sent, so that a mutated input still gets past the first checks and through the
 * handshake. See enum mode and enum settings.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/checksum.h"
#include "stack/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum mode {
	MODE_MEND_CHECKSUMS = 1, /* IP header, TCP, UDP and ICMP */
	MODE_RELATIVE = 2, /* acknowledgement numbers, SACK blocks and sequence numbers that ICMP errors quote
			      count from SND.NXT of the stack's last segment to that port, echoed timestamps
			      from its last one; a Fast Open cookie is xored with the stack's last one */
	MODE_OFFLOAD = 4,      /* the device cuts and checksums what we send */
	MODE_SMALL_MTU = 8,    /* 576 instead of 1500 */
	MODE_SLOW_READER = 16, /* the server takes at most 100 bytes at a time */
	MODE_SERVER_CLOSES = 32, /* the server closes after its first answer */
	MODE_SERVER_ABORTS = 64, /* it resets then */
	MODE_SERVER_TALKS = 128, /* each answer ends in a long text */
};

enum settings {
	SETTINGS_CONGESTION = 3, /* an index into `congestion` */
	SETTINGS_COOKIES = 4,    /* every SYN is answered by a cookie */
	SETTINGS_PROBING = 8,    /* for the path's MTU, from a small one on */
	SETTINGS_SCARCE = 16,    /* little memory, small buffers */
};

enum {
	RECORD_CHECKSUM_VALID = 0x8000, /* the device vouches for the transport checksum */
	RECORD_GSO = 0x4000,            /* it merged segments of 536 bytes */
	RECORD_LENGTH = 0x3fff,

	OUR_IP = 0x0a4d0002,
	PEER_IP = 0x0a4d0001,
	PORT_SLOTS = 64,
	LONG_TEXT = 100000,
	MAX_POLLS = 4096, /* more in a row without a pause: the stack talks to itself */
	MAX_ROUNDS = 200, /* deadlines met after the last frame */
};

static const uint8_t our_mac[6] = { 0x02, 0, 0, 0, 0, 2 };
static const char *const congestion[] = { "cubic", "bbr", "reno", "cubic" };
static const uint8_t long_text[LONG_TEXT];

struct target {
	struct stack *stack;
	uint64_t now_us;
	unsigned mode;
	bool asks_for_peer;           /* it sent an ARP request for 10.77.0.1 */
	uint32_t snd_nxt[PORT_SLOTS]; /* by peer's port: sequence number behind what the stack last sent */
	uint32_t ts_val[PORT_SLOTS];  /* and its last timestamp */
	uint64_t cookie;              /* last given, for Fast Open */
};

/* What a claim about the stack's output comes to. In a release build of the stack this must still stop the
 * fuzzer. */
static void require(bool claim, const char *text)
{
	if (claim)
		return;
	fprintf(stderr, "fuzz_frames: %s\n", text);
	abort();
}

/* --- the echo server. What it says while more urgent data is to come is urgent too. --- */

struct answer {
	struct span_owner owner;
	uint8_t bytes[];
};

static void free_answer(struct span_owner *owner)
{
	free(CONTAINER_OF(owner, struct answer, owner));
}

static void talk(struct stream *s)
{
	const struct span span = { .data = long_text, .len = sizeof long_text };

	stream_send(s, &span, 1, 0);
}

static size_t echo(struct stream *s, struct bytes in)
{
	const struct target *t = s->user;
	size_t len = in.len < stream_room(s) ? in.len : stream_room(s);
	struct answer *answer;
	struct tcp_info info;
	struct span span;

	if ((t->mode & MODE_SLOW_READER) != 0 && len > 100)
		len = 100;
	if (len == 0)
		return 0;
	answer = malloc(sizeof *answer + len);
	if (answer == NULL)
		return 0;
	span_owner_init(&answer->owner, free_answer);
	memcpy(answer->bytes, in.data, len);
	span = (struct span){ .data = answer->bytes, .len = len, .owner = &answer->owner };
	tcp_conn_info(tcp_conn_of_stream(s), &info);
	if (stream_send(s, &span, 1, info.urgent_unread > 0 ? STREAM_URGENT : 0) != 0)
		span_owner_unref(&answer->owner);
	if ((t->mode & MODE_SERVER_TALKS) != 0)
		talk(s);
	if ((t->mode & MODE_SERVER_ABORTS) != 0)
		stream_abort(s);
	else if ((t->mode & MODE_SERVER_CLOSES) != 0)
		stream_close(s);
	return len;
}

static void on_writable(struct stream *s)
{
	stream_resume(s);
}

static void on_end(struct stream *s)
{
	stream_shutdown(s);
}

static void on_closed(struct stream *s, enum stream_end why)
{
	(void)s;
	(void)why;
}

static const struct stream_handler echo_handler = {
	.on_receive = echo,
	.on_writable = on_writable,
	.on_drained = on_writable,
	.on_end = on_end,
	.on_closed = on_closed,
};

static void on_acceptable(struct tcp_listener *l, void *context)
{
	struct stream *s = tcp_accept(l);

	if (s == NULL)
		return;
	s->handler = &echo_handler;
	s->user = context;
	stream_resume(s);
}

/* --- what comes out --- */

static uint16_t transport_sum(const uint8_t *ip, const uint8_t *transport, size_t len)
{
	uint32_t sum = checksum_add(0, ip + 12, 8);

	sum = checksum_add_be16(sum, ip[9]);
	sum = checksum_add_be16(sum, (uint16_t)len);
	return checksum_finish(checksum_add(sum, transport, len));
}

enum { OPTION_SACK = 5, OPTION_TIMESTAMP = 8, OPTION_FAST_OPEN = 34 };

/* The next option that is not a NOP; false at the end, or where the length is wrong. */
static bool take_option(struct bytes *options, uint8_t *kind, struct bytes *value)
{
	uint8_t len;

	do {
		if (!bytes_take_u8(options, kind) || *kind == 0)
			return false;
	} while (*kind == 1);
	return bytes_take_u8(options, &len) && len >= 2 && bytes_take(options, len - 2u, value);
}

static void note_option(struct target *t, uint16_t port, uint8_t kind, struct bytes value)
{
	if (kind == OPTION_TIMESTAMP && value.len == 8)
		t->ts_val[port % PORT_SLOTS] = load_be32(value.data);
	if (kind == OPTION_FAST_OPEN && value.len == sizeof t->cookie)
		memcpy(&t->cookie, value.data, sizeof t->cookie);
}

static void check_tcp_options(struct target *t, uint16_t port, struct bytes options)
{
	struct bytes value;
	uint8_t kind;

	while (take_option(&options, &kind, &value))
		note_option(t, port, kind, value);
	for (size_t i = 0; i < options.len; i++) /* behind the end of the list, or where a length is wrong */
		require(options.data[i] == 0, "TCP option of bad length");
}

/* Remembers how far the stack has sent to a port; what it sends again lies before that. */
static void note_sent(struct target *t, uint16_t port, uint32_t end, bool is_new)
{
	uint32_t *snd_nxt = &t->snd_nxt[port % PORT_SLOTS];

	if (is_new || (int32_t)(end - *snd_nxt) > 0)
		*snd_nxt = end;
}

static void check_tcp(struct target *t, const uint8_t *ip, const uint8_t *tcp, size_t len)
{
	size_t header_len = len >= 20 ? (tcp[12] >> 4) * 4u : 0;
	bool is_syn = (tcp[13] & 2) != 0, is_fin = (tcp[13] & 1) != 0, is_rst = (tcp[13] & 4) != 0;
	bool is_ack = (tcp[13] & 16) != 0;

	require(len >= 20 && header_len >= 20 && header_len <= len, "TCP header of bad length");
	require(transport_sum(ip, tcp, len) == 0, "TCP checksum is wrong");
	require((tcp[12] & 0x0f) == 0, "reserved bits set");
	require(is_syn + is_fin + is_rst <= 1, "TCP flags that exclude each other");
	require(is_ack || is_rst, "segment of a server without ACK");
	require(!is_rst || len == header_len, "RST with data");
	require(((tcp[13] & 32) != 0) == (load_be16(tcp + 18) != 0), "URG and the urgent pointer disagree");
	check_tcp_options(t, load_be16(tcp + 2), bytes_of(tcp + 20, header_len - 20));
	if (!is_rst)
		note_sent(t, load_be16(tcp + 2),
			  load_be32(tcp + 4) + (uint32_t)(len - header_len) + is_syn + is_fin, is_syn);
}

static void check_icmp(const uint8_t *icmp, size_t len)
{
	require(len >= 8, "ICMP message without a header");
	require(checksum_finish(checksum_add(0, icmp, len)) == 0, "ICMP checksum is wrong");
	require(icmp[0] == 0 || icmp[0] == 3 || icmp[0] == 11, "ICMP type that we never send");
	require(icmp[0] == 0 || len <= 576 - 20, "ICMP error longer than 576 bytes");
	require(icmp[0] == 0 || len >= 8 + 20, "ICMP error that quotes no header");
}

static void check_ip(struct target *t, const struct tx_frame *f, const uint8_t *ip, size_t len)
{
	size_t limit = f->gso != GSO_NONE ? t->stack->link.caps.gso_max : t->stack->link.caps.mtu;
	uint16_t fragment;

	require(len >= 20 && ip[0] == 0x45, "IP header of bad form");
	require(load_be16(ip + 2) == len, "IP length is not the frame's");
	require(len <= limit, "IP packet larger than the device takes");
	require(checksum_finish(checksum_add(0, ip, 20)) == 0, "IP checksum is wrong");
	require(load_be32(ip + 12) == OUR_IP, "IP source is not ours");
	require(load_be32(ip + 16) >> 28 != 14 && load_be32(ip + 16) != UINT32_MAX, "answer to a group");
	require(ip[8] != 0, "TTL 0");
	fragment = load_be16(ip + 6);
	require((fragment & 0x8000) == 0, "reserved flag set");
	if ((fragment & 0x3fff) != 0) {
		require(ip[9] == IP_PROTO_ICMP, "fragment of something else than echo");
		return;
	}
	if (ip[9] == IP_PROTO_TCP)
		check_tcp(t, ip, ip + 20, len - 20);
	else if (ip[9] == IP_PROTO_ICMP)
		check_icmp(ip + 20, len - 20);
	else
		require(false, "protocol that we do not speak");
}

static void check_arp(struct target *t, const uint8_t *bytes, size_t len)
{
	require(len == 42 && load_be32(bytes + 28) == OUR_IP, "ARP packet of bad form");
	if (load_be16(bytes + 20) == 1 && load_be32(bytes + 38) == PEER_IP)
		t->asks_for_peer = true;
}

static void check_frame(struct target *t, const struct tx_frame *f)
{
	uint8_t *bytes = malloc(tx_len(f));
	uint32_t len;

	require(bytes != NULL, "no memory");
	len = tx_flatten(f, bytes);
	require(len > 14 && memcmp(bytes + 6, our_mac, 6) == 0, "frame is not from our MAC address");
	if ((f->flags & TX_CHECKSUM_PARTIAL) != 0) {
		require((t->mode & MODE_OFFLOAD) != 0, "checksum left to a device that cannot");
		frame_finish_checksum(bytes, len, f->checksum_start, f->checksum_offset);
	}
	if (load_be16(bytes + 12) == ETH_TYPE_ARP)
		check_arp(t, bytes, len);
	else if (load_be16(bytes + 12) == ETH_TYPE_IPV4)
		check_ip(t, f, bytes + 14, len - 14);
	else
		require(false, "EtherType that we do not speak");
	free(bytes);
}

/* 10.77.0.1 asks for us (1), by which the stack gets to know it, or answers (2). */
static void introduce_peer(struct target *t, uint8_t operation)
{
	/* clang-format off */
	const uint8_t arp[] = {
		0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, operation,
		0x02, 0, 0, 0, 0, 1, 10, 77, 0, 1,
		0x02, 0, 0, 0, 0, 2, 10, 77, 0, 2,
	};
	/* clang-format on */
	struct rx_frame frame = { .data = arp, .len = sizeof arp };

	t->asks_for_peer = false;
	stack_input(t->stack, &frame, 1, t->now_us);
}

static void poll_stack(struct target *t)
{
	struct tx_frame *frames;
	unsigned polls = 0;
	int n;

	while ((n = stack_poll(t->stack, t->now_us, &frames)) > 0) {
		for (int i = 0; i < n; i++)
			check_frame(t, &frames[i]);
		require(++polls < MAX_POLLS, "the stack does not stop sending");
		if (t->asks_for_peer)
			introduce_peer(t, 2);
	}
}

/* --- what goes in --- */

static void mend_transport(uint8_t *ip, uint8_t *transport, size_t len)
{
	size_t at = ip[9] == IP_PROTO_TCP ? 16 : ip[9] == IP_PROTO_UDP ? 6 : 2;
	uint16_t sum;

	if (len < at + 2 || (ip[9] != IP_PROTO_TCP && ip[9] != IP_PROTO_UDP && ip[9] != IP_PROTO_ICMP))
		return;
	memset(transport + at, 0, 2);
	sum = ip[9] == IP_PROTO_ICMP ? checksum_finish(checksum_add(0, transport, len))
				     : transport_sum(ip, transport, len);
	memcpy(transport + at, &sum, sizeof sum);
}

static void add_be32(uint8_t *at, uint32_t n)
{
	store_be32(at, load_be32(at) + n);
}

static void make_option_absolute(const struct target *t, unsigned slot, uint8_t kind, struct bytes value)
{
	uint8_t *bytes = (uint8_t *)(uintptr_t)value.data;

	if (kind == OPTION_SACK)
		for (size_t i = 0; i + 4 <= value.len; i += 4)
			add_be32(bytes + i, t->snd_nxt[slot]);
	if (kind == OPTION_TIMESTAMP && value.len == 8)
		add_be32(bytes + 4, t->ts_val[slot]);
	if (kind == OPTION_FAST_OPEN && value.len == sizeof t->cookie)
		for (size_t i = 0; i < sizeof t->cookie; i++)
			bytes[i] ^= ((const uint8_t *)&t->cookie)[i];
}

static void make_segment_absolute(const struct target *t, uint8_t *tcp, size_t len)
{
	size_t header_len = (tcp[12] >> 4) * 4u;
	unsigned slot = load_be16(tcp) % PORT_SLOTS;
	struct bytes options, value;
	uint8_t kind;

	if ((tcp[13] & 16) != 0)
		add_be32(tcp + 8, t->snd_nxt[slot]);
	if (header_len < 20 || header_len > len)
		return;
	options = bytes_of(tcp + 20, header_len - 20);
	while (take_option(&options, &kind, &value))
		make_option_absolute(t, slot, kind, value);
}

/* The sequence number in the TCP header that an ICMP error quotes. */
static void make_quoted_absolute(const struct target *t, uint8_t *icmp, size_t len)
{
	uint8_t *tcp = icmp + 8 + 20;

	if (len < 8 + 20 + 8 || icmp[0] == 8 || icmp[8 + 9] != IP_PROTO_TCP)
		return;
	add_be32(tcp + 4, t->snd_nxt[load_be16(tcp + 2) % PORT_SLOTS]);
}

static void make_absolute(const struct target *t, const uint8_t *ip, uint8_t *transport, size_t len)
{
	if (ip[9] == IP_PROTO_TCP && len >= 20)
		make_segment_absolute(t, transport, len);
	else if (ip[9] == IP_PROTO_ICMP)
		make_quoted_absolute(t, transport, len);
}

static void mend_ip(const struct target *t, uint8_t *ip, size_t len)
{
	size_t header_len = len >= 20 ? (ip[0] & 15u) * 4 : 0;
	size_t total;
	uint16_t sum;

	if (header_len < 20 || header_len > len)
		return;
	total = load_be16(ip + 2) <= len ? load_be16(ip + 2) : len;
	if (total < header_len)
		return;
	/* Of fragments the checksum would be in the first only, and about all of them. */
	if ((load_be16(ip + 6) & 0x3fff) == 0) {
		if ((t->mode & MODE_RELATIVE) != 0)
			make_absolute(t, ip, ip + header_len, total - header_len);
		if ((t->mode & MODE_MEND_CHECKSUMS) != 0)
			mend_transport(ip, ip + header_len, total - header_len);
	}
	if ((t->mode & MODE_MEND_CHECKSUMS) != 0) {
		memset(ip + 10, 0, 2);
		sum = checksum_finish(checksum_add(0, ip, header_len));
		memcpy(ip + 10, &sum, sizeof sum);
	}
}

static void put_frame(struct target *t, struct bytes in, uint16_t flags)
{
	uint8_t *bytes = malloc(
		in.len); /* just as large, so that AddressSanitizer sees a read past the end */
	struct rx_frame frame = { .data = bytes, .len = (uint32_t)in.len };

	if (in.len > 0) {
		require(bytes != NULL, "no memory");
		memcpy(bytes, in.data, in.len);
	}
	if ((flags & RECORD_CHECKSUM_VALID) != 0)
		frame.flags = RX_CHECKSUM_VALID;
	if ((flags & RECORD_GSO) != 0) {
		frame.gso = GSO_TCP4;
		frame.gso_size = 536;
	}
	if (in.len >= 14 && load_be16(bytes + 12) == ETH_TYPE_IPV4)
		mend_ip(t, bytes + 14, in.len - 14);
	stack_input(t->stack, &frame, 1, t->now_us);
	free(bytes);
	poll_stack(t);
}

/* From a microsecond to hours, as a small float: four bits each of number and exponent. */
static uint64_t time_step(uint8_t b)
{
	return (uint64_t)(b & 15) << (b >> 4) * 2;
}

static void put_records(struct target *t, struct bytes in)
{
	struct bytes frame = { 0 };
	uint16_t head;
	uint8_t step;

	while (bytes_take_be16(&in, &head) && bytes_take_u8(&in, &step)) {
		size_t len = head & RECORD_LENGTH;

		bytes_take(&in, len < in.len ? len : in.len, &frame);
		t->now_us += time_step(step);
		poll_stack(t);
		put_frame(t, frame, head);
	}
}

/* Timers run out: retransmission, keep-alive, TIME-WAIT, reassembly. */
static void let_time_pass(struct target *t)
{
	for (unsigned round = 0; round < MAX_ROUNDS; round++) {
		uint64_t next_us = stack_deadline(t->stack);

		if (next_us == TIMER_NEVER)
			return;
		if (next_us > t->now_us)
			t->now_us = next_us;
		else
			t->now_us += TIMER_TICK_US; /* due within this tick */
		poll_stack(t);
	}
}

static void be_scarce(struct tcp_config *c)
{
	c->memory = 1 << 16;
	c->send_buffer = c->send_buffer_max = 1 << 14;
	c->receive_buffer = 1 << 13;
	c->receive_buffer_max = 1 << 15;
	c->max_orphans = 2;
	c->fast_open_backlog = 2;
}

static void open_target(struct target *t, unsigned mode, unsigned settings)
{
	struct stack_config config;
	struct ip_prefix address = { .addr = ip_addr_from_4(OUR_IP), .bits = 96 + 24 };
	struct ip_prefix all = { .addr = ip_addr_from_4(0), .bits = 96 };
	struct ip_addr gateway = ip_addr_from_4(PEER_IP), any = { { 0 } };
	struct tcp_listener_handler handler = { .on_acceptable = on_acceptable, .context = t };
	struct tcp_listener *listener;
	struct failure why;

	*t = (struct target){ .now_us = 1000000, .mode = mode };
	stack_config_default(&config);
	config.caps.mtu = (mode & MODE_SMALL_MTU) != 0 ? 576 : 1500;
	config.caps.tx_checksum = (mode & MODE_OFFLOAD) != 0;
	config.caps.gso_max = (mode & MODE_OFFLOAD) != 0 ? 65535 : 0;
	config.seed = 1;
	memcpy(config.mac.b, our_mac, sizeof our_mac);
	config.tcp.max_connections = 16;
	config.tcp.syn_backlog = 8;
	config.tcp.accept_backlog = 4;
	config.tcp.max_time_wait = 8;
	config.tcp.fast_open = true;
	config.tcp.congestion = congestion[settings & SETTINGS_CONGESTION];
	if ((settings & SETTINGS_COOKIES) != 0)
		config.tcp.syn_cookies = TCP_SYN_COOKIES_ALWAYS;
	if ((settings & SETTINGS_PROBING) != 0)
		config.tcp.mtu_probing = TCP_MTU_PROBING_ON;
	if ((settings & SETTINGS_SCARCE) != 0)
		be_scarce(&config.tcp);
	require(stack_new(&config, t->now_us, &t->stack, &why) == 0, "no stack");
	require(ip_add_address(&t->stack->ip, &address) == 0, "no address");
	require(ip_add_route(&t->stack->ip, &all, &gateway) == 0, "no route");
	require(tcp_listen(t->stack->tcp, &any, 80, &handler, NULL, &listener) == 0, "no listener");
	poll_stack(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct target t;
	uint8_t mode, settings;

	if (!bytes_take_u8(&in, &mode) || !bytes_take_u8(&in, &settings))
		return 0;
	open_target(&t, mode, settings);
	introduce_peer(&t, 1);
	poll_stack(&t);
	put_records(&t, in);
	let_time_pass(&t);
	stack_free(t.stack);
	return 0;
}
