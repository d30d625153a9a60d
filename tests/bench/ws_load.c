/*
 * WebSocket echo load over the kernel's TCP: connections that each send a binary message when the one before
 * has come back.
 *
 * ws_load ADDRESS PORT PATH CONNECTIONS BYTES SECONDS
 *
 * Prints one line of JSON, as wrk.lua does: round trips are requests, bytes those of messages.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "websocket/ws_frame.h"

enum { SLOWEST_US = 1 << 20, READ = 1 << 18 };

static const uint8_t mask[4] = { 0x9a, 0x3c, 0x5e, 0x71 };

struct connection {
	int fd;
	size_t sent, received; /* of the round trip under way */
	uint64_t since_us;
};

static struct {
	uint8_t *frame, *answer; /* what is sent, and what must come back */
	size_t frame_len, answer_len;
	uint64_t round_trips, errors;
	uint32_t latency[SLOWEST_US + 1];
} load;

static void die(const char *what)
{
	fprintf(stderr, "ws_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void make_frames(size_t len)
{
	uint8_t header[WS_HEADER_MAX_SENT];
	size_t size = ws_header_emit(header, WS_FIN | WS_BINARY, len);

	load.frame_len = size + sizeof mask + len;
	load.answer_len = size + len;
	load.frame = malloc(load.frame_len);
	load.answer = malloc(load.answer_len);
	if (load.frame == NULL || load.answer == NULL)
		die("memory");
	memcpy(load.answer, header, size);
	for (size_t i = 0; i < len; i++)
		load.answer[size + i] = (uint8_t)(i * 31 >> 2);
	header[1] |= WS_MASKED;
	memcpy(load.frame, header, size);
	memcpy(load.frame + size, mask, sizeof mask);
	ws_mask_copy(load.frame + size + sizeof mask, load.answer + size, len, mask, 0);
}

static void read_head(int fd)
{
	char head[2048];
	size_t len = 0;

	while (len < sizeof head - 1 && (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0)) {
		if (read(fd, head + len, 1) != 1)
			die("handshake");
		len++;
	}
	head[len] = '\0';
	if (strncmp(head, "HTTP/1.1 101 ", 13) != 0) {
		fprintf(stderr, "ws_load: %s", head);
		exit(1);
	}
}

static int open_connection(const struct sockaddr_in *to, const char *host, const char *path)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof *to) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	dprintf(fd, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, host);
	read_head(fd);
	return fd;
}

static void push(struct connection *c)
{
	while (c->sent < load.frame_len) {
		ssize_t n = send(c->fd, load.frame + c->sent, load.frame_len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			die("send");
		c->sent += (size_t)n;
	}
}

static void begin_round_trip(struct connection *c)
{
	c->sent = c->received = 0;
	c->since_us = clock_now_us();
	push(c);
}

static void end_round_trip(struct connection *c)
{
	uint64_t took = clock_now_us() - c->since_us;

	load.latency[took < SLOWEST_US ? took : SLOWEST_US]++;
	load.round_trips++;
	begin_round_trip(c);
}

static void pull(struct connection *c)
{
	static uint8_t buffer[READ];
	ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("recv");
	if (c->received + (size_t)n > load.answer_len ||
	    memcmp(buffer, load.answer + c->received, (size_t)n) != 0) {
		load.errors++;
		die("another answer");
	}
	c->received += (size_t)n;
	if (c->received == load.answer_len)
		end_round_trip(c);
}

static void run(int epoll, uint64_t until_us)
{
	struct epoll_event events[64];

	while (clock_now_us() < until_us) {
		int n = epoll_wait(epoll, events, 64, 100);

		for (int i = 0; i < n; i++) {
			push(events[i].data.ptr);
			pull(events[i].data.ptr);
		}
	}
}

static uint64_t percentile(unsigned percent)
{
	uint64_t wanted = load.round_trips * percent / 100, seen = 0;
	uint64_t us = 0;

	while (us < SLOWEST_US && (seen += load.latency[us]) < wanted)
		us++;
	return us;
}

static void watch(int epoll, struct connection *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		die("epoll");
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int epoll = epoll_create1(0), n = argc == 7 ? atoi(argv[4]) : 0;
	struct connection *connections = calloc((size_t)n + 1, sizeof *connections);
	uint64_t start;

	if (n <= 0 || connections == NULL || epoll < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: ws_load ADDRESS PORT PATH CONNECTIONS BYTES SECONDS\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	make_frames((size_t)atol(argv[5]));
	for (int i = 0; i < n; i++) {
		connections[i].fd = open_connection(&to, argv[1], argv[3]);
		watch(epoll, &connections[i]);
	}
	start = clock_now_us();
	for (int i = 0; i < n; i++)
		begin_round_trip(&connections[i]);
	run(epoll, start + (uint64_t)(atof(argv[6]) * 1e6));
	printf("{\"requests\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"seconds\": %.6f, \"errors\": %" PRIu64
	       ", \"p50_us\": %" PRIu64 ", \"p99_us\": %" PRIu64 "}\n", load.round_trips,
	       load.round_trips * (uint64_t)atol(argv[5]), (double)(clock_now_us() - start) / 1e6, load.errors,
	       percentile(50), percentile(99));
	return 0;
}
