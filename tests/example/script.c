/*
 * A test driver: one stack, and a peer that is nothing but a script. IP packets go in and come out one by
 * one, in virtual time, so the script says exactly what happens on the wire, and when: an open that is
 * never completed, then one with a question, an answer that is lost twice, and a close. cc script.c
 * $(pkg-config --cflags --libs taphouse)
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <taphouse/taphouse.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { HEADERS = 40, US = 0x0a4d0002, PEER = 0x0a4d0001, OUR_PORT = 80 };

struct segment {
	uint8_t flags;
	uint32_t seq, ack;
	size_t len;
	const char *text;
};

static struct th_stack *stack;
static uint64_t now_us;
static unsigned peer_port = 40000;

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 1071 */
static uint32_t add(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	return sum;
}

static uint16_t checksum(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* One line of the ladder: the stack on the left, the script on the right. */
static void show(const struct segment *s, int from_us)
{
	char what[64];

	snprintf(what, sizeof what, "%s%s%s%s%s seq %u ack %u len %zu", s->flags & SYN ? "S" : "",
		 s->flags & FIN ? "F" : "", s->flags & RST ? "R" : "", s->flags & PSH ? "P" : "",
		 s->flags & ACK ? "." : "", s->seq, s->ack, s->len);
	printf("%9.3f ms  stack %s %-46s %s script\n", (double)now_us / 1000, from_us ? "--" : "<-", what,
	       from_us ? "->" : "--");
}

static void inject(struct segment s)
{
	uint8_t packet[HEADERS + 1460] = { 0x45, [8] = 64, [9] = 6 };
	uint8_t *tcp = packet + 20;

	put16(packet + 2, (unsigned)(HEADERS + s.len));
	put32(packet + 12, PEER);
	put32(packet + 16, US);
	put16(packet + 10, checksum(add(packet, 20, 0)));
	put16(tcp, peer_port);
	put16(tcp + 2, OUR_PORT);
	put32(tcp + 4, s.seq);
	put32(tcp + 8, s.ack);
	tcp[12] = 5 << 4;
	tcp[13] = s.flags;
	put16(tcp + 14, 65535);
	if (s.len > 0)
		memcpy(packet + HEADERS, s.text, s.len);
	put16(tcp + 16, checksum(add(packet + 12, 8, 6 + 20 + (uint32_t)s.len) + add(tcp, 20 + s.len, 0)));
	show(&s, 0);
	th_stack_input(stack, packet, HEADERS + s.len, now_us);
}

/* The next segment that the stack sends, now or when its timers next fire; it must look like that. */
static struct segment expect(uint8_t flags, size_t len)
{
	uint8_t packet[2000];
	ssize_t n;
	struct segment s;
	unsigned header;

	while ((n = th_stack_output(stack, packet, sizeof packet, now_us)) == 0) {
		assert(th_stack_deadline(stack) != TH_NEVER);
		now_us = th_stack_deadline(stack) > now_us ? th_stack_deadline(stack) : now_us + 1;
	}
	assert(n >= HEADERS && packet[0] == 0x45 && packet[9] == 6); /* a plain IP packet, TCP inside */
	header = 20 + (packet[32] >> 4) * 4u;
	s = (struct segment){ .flags = packet[33], .seq = get32(packet + 24), .ack = get32(packet + 28), .len = (size_t)n - header };
	show(&s, 1);
	assert(s.flags == flags && s.len == len);
	return s;
}

static void note(void *context, const struct th_trace_event *e)
{
	(void)context;
	if (e->kind == TH_TRACE_STATE)
		printf("%9.3f ms  state %s\n", (double)e->now_us / 1000, e->note);
	else
		printf("%9.3f ms  %s %llu -> %llu%s%s\n", (double)e->now_us / 1000, e->name,
		       (unsigned long long)e->old_value, (unsigned long long)e->new_value,
		       e->note != NULL ? ": " : "", e->note != NULL ? e->note : "");
}

int main(void)
{
	const struct th_stack_config config = { .link = TH_LINK_IP, .seed = 1, .off = TH_TIMESTAMPS };
	struct th_listener *listener;
	struct th_observer *observer;
	struct th_conn *conn;
	struct th_info info;
	struct segment got;
	uint32_t iss;
	uint64_t sent_us;
	char buf[100];

	assert(th_stack_new(&config, now_us, &stack) == 0 &&
	       th_stack_add_address(stack, "10.77.0.2/24") == 0);
	assert(th_observe(stack, TH_TRACE_STATE | TH_TRACE_RTO | TH_TRACE_CWND, note, NULL, &observer) == 0);
	assert(th_listen(stack, NULL, OUR_PORT, &listener) == 0);

	/* Nobody completes this one: the SYN-ACK comes again after the initial time-out
	 * of 1 s. Then the peer gives up. */
	inject((struct segment){ .flags = SYN, .seq = 5000 });
	got = expect(SYN | ACK, 0);
	sent_us = now_us;
	got = expect(SYN | ACK, 0);
	assert(now_us - sent_us == 1000000);
	inject((struct segment){ .flags = RST, .seq = 5001 });

	/* The handshake: the third ACK comes 50 ms after the SYN-ACK. */
	peer_port++;
	inject((struct segment){ .flags = SYN, .seq = 1000 });
	got = expect(SYN | ACK, 0);
	assert(got.ack == 1001);
	iss = got.seq;
	now_us += 50000;
	inject((struct segment){ .flags = ACK, .seq = 1001, .ack = iss + 1 });
	assert(th_accept(listener, &conn) == 0);

	/* A question, and its answer, which carries the acknowledgement. */
	inject((struct segment){ .flags = ACK | PSH, .seq = 1001, .ack = iss + 1, .len = 4, .text = "ping" });
	assert(th_recv(conn, buf, sizeof buf) == 4 && memcmp(buf, "ping", 4) == 0);
	assert(th_send(conn, "pong", 4) == 4);
	got = expect(ACK | PSH, 4);
	assert(got.seq == iss + 1 && got.ack == 1005);
	sent_us = now_us;

	/* The script says nothing. The round trip was 50 ms, so the retransmission time-out is 50 + 4 * 25 ms
	 * (RFC 6298), but 200 ms at least; then it doubles. */
	got = expect(ACK | PSH, 4);
	assert(got.seq == iss + 1 && now_us - sent_us == 200000);
	got = expect(ACK | PSH, 4);
	assert(got.seq == iss + 1 && now_us - sent_us == 600000);
	inject((struct segment){ .flags = ACK, .seq = 1005, .ack = iss + 5 });
	assert(th_info(conn, &info) == 0);
	assert(strcmp(info.state, "ESTABLISHED") == 0 && info.retransmissions == 2 && info.in_flight == 0);

	/* Both sides close. */
	th_shutdown(conn);
	got = expect(FIN | ACK, 0);
	inject((struct segment){ .flags = FIN | ACK, .seq = 1005, .ack = got.seq + 1 });
	got = expect(ACK, 0);
	assert(got.ack == 1006 && th_recv(conn, buf, sizeof buf) == 0);

	th_close(conn);
	th_listener_close(listener);
	th_unobserve(observer);
	th_stack_free(stack);
	return 0;
}
