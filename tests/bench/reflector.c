/*
 * The bare exchange: answers the frames of HTTP requests with frames that hold an answer, and does no TCP at
 * all. It keeps no state, resends nothing, checks nothing. What it reaches on a device is what the device and
 * the client leave possible; the bench shows beside it how much of that the server reaches.
 *
 * 	reflector tap:NAME ADDRESS/LEN HOST-ADDRESS/LEN FILE [LARGE...]
 * 	reflector packet:INTERFACE|xdp:INTERFACE ADDRESS/LEN - FILE [LARGE...]
 *
 * FILE is the body of every answer but those to requests for a LARGE file; head and body must fit into one
 * segment. LARGE files are not read: as many bytes are sent, of one buffer again and again, segments as large as
 * the device takes them, and of them as many as the client's window has room for. That is the little that it
 * knows of a connection. It says "ready" once it answers, and ends by SIGTERM or SIGINT.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "ip/ip.h"
#include "link/ethernet.h"
#include "link/packet.h"
#include "link/tap.h"
#ifdef TH_WITH_XDP
#include "link/xdp.h"
#endif

enum {
	IP4_HEADER = 20, TCP_HEADER = 20, ARP_LEN = 28,
	TCP_CHECKSUM = 16,
	FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16,
	OUR_ISN = 1, WINDOW = 65535, MSS = 1460,
	POLL_ON_US = 50, /* the longest that the server polls */
	MAX_LARGE = 4, STREAMS = 64, OUT = 2 * DEVICE_BATCH,
	STREAM_BYTES = 44 * MSS, /* of a segment that the device cuts */
	STREAM_FLIGHT = 1 << 20, /* most that is not acknowledged */
};

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 };

/* A file that is sent as a stream of segments. */
struct large {
	const char *name; /* without its folder */
	uint64_t size;
};

/* What is on its way to a port of the client's. */
struct stream {
	uint8_t client[6];     /* address and port */
	uint8_t window_shift;  /* the client's (RFC 7323 section 2.3) */
	bool is_used;          /* since its SYN */
	uint32_t next;         /* sequence number */
	uint32_t unacknowledged;
	uint64_t left;         /* bytes that are still to be sent */
};

struct reflector {
	struct device *device;
	struct ip_prefix address, host;
	struct large large[MAX_LARGE];
	int n_large;
	struct stream streams[STREAMS]; /* by the client's port */
	uint8_t answer[MSS];
	uint32_t answer_len;
	struct tx_frame out[OUT];
	int n_out;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

/* ---- answering ---- */

/* What the device does not take is lost. */
static void send_out(struct reflector *r)
{
	if (r->n_out > 0 && r->device->ops->send(r->device, r->out, r->n_out, clock_now_us()) < 0)
		ended = 1;
	r->n_out = 0;
}

static struct tx_frame *begin(struct reflector *r)
{
	struct tx_frame *f;

	if (r->n_out == OUT)
		send_out(r);
	f = &r->out[r->n_out++];
	tx_begin(f);
	return f;
}

static void push_ethernet(struct tx_frame *f, const uint8_t *to, uint16_t type)
{
	uint8_t *p = tx_push(f, ETH_HEADER_LEN);

	memcpy(p, to, 6);
	memcpy(p + 6, our_mac, 6);
	store_be16(p + 12, type);
}

/* RFC 826. */
static void answer_arp(struct reflector *r, const uint8_t *frame)
{
	const uint8_t *arp = frame + ETH_HEADER_LEN;
	struct tx_frame *f;
	uint8_t *p;

	if (load_be16(arp + 6) != 1 || load_be32(arp + 24) != ip_addr_to_4(&r->address.addr))
		return;
	f = begin(r);
	p = tx_push(f, ARP_LEN);
	memcpy(p, arp, 6);
	store_be16(p + 6, 2);
	memcpy(p + 8, our_mac, 6);
	memcpy(p + 14, arp + 24, 4);
	memcpy(p + 18, arp + 8, 10);
	push_ethernet(f, frame + 6, ETH_TYPE_ARP);
}

struct segment {
	const uint8_t *frame, *ip, *tcp, *text;
	uint32_t len; /* of the text */
};

static void finish_checksum(const struct reflector *r, struct tx_frame *f, const uint8_t *ip, uint8_t *tcp,
			    uint32_t tcp_len)
{
	uint32_t sum = checksum_add(0, ip + 12, 8);
	uint16_t field;

	sum = checksum_add_be32(checksum_add_be16(sum, 6), tcp_len);
	if (r->device->caps.tx_checksum) {
		field = checksum_fold(sum);
		f->flags |= TX_CHECKSUM_PARTIAL;
		f->checksum_start = ETH_HEADER_LEN + IP4_HEADER;
		f->checksum_offset = TCP_CHECKSUM;
	} else {
		sum = checksum_add(sum, tcp, tcp_len - f->payload_len);
		if (f->payload_len > 0)
			sum = checksum_add(sum, f->iov[1].iov_base, f->payload_len);
		field = checksum_finish(sum);
	}
	memcpy(tcp + TCP_CHECKSUM, &field, sizeof field);
}

/* To where s came from, with this payload, of which len is 0 if there is none. */
static void answer_tcp(struct reflector *r, const struct segment *s, uint8_t flags, uint32_t seq, uint32_t ack,
		       struct bytes payload)
{
	/* MSS, and so that large windows are offered to us: no operation, window scale 0. */
	static const uint8_t syn_options[] = { 2, 4, MSS >> 8, MSS & 255, 1, 3, 3, 0 };
	uint32_t header = TCP_HEADER + ((flags & SYN) != 0 ? sizeof syn_options : 0);
	struct tx_frame *f = begin(r);
	uint8_t *tcp, *ip;
	uint16_t sum;

	if (payload.len > 0)
		tx_add_payload(f, payload.data, payload.len);
	if (payload.len > MSS) {
		f->gso = GSO_TCP4;
		f->gso_size = MSS;
	}
	tcp = tx_push(f, header);
	memset(tcp, 0, header);
	memcpy(tcp, s->tcp + 2, 2);
	memcpy(tcp + 2, s->tcp, 2);
	store_be32(tcp + 4, seq);
	store_be32(tcp + 8, ack);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = flags;
	store_be16(tcp + 14, WINDOW);
	if ((flags & SYN) != 0)
		memcpy(tcp + TCP_HEADER, syn_options, sizeof syn_options);
	ip = tx_push(f, IP4_HEADER);
	memset(ip, 0, IP4_HEADER);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(IP4_HEADER + header + payload.len));
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, s->ip + 16, 4);
	memcpy(ip + 16, s->ip + 12, 4);
	sum = checksum_finish(checksum_add(0, ip, IP4_HEADER));
	memcpy(ip + 10, &sum, sizeof sum);
	finish_checksum(r, f, ip, tcp, header + (uint32_t)payload.len);
	push_ethernet(f, s->frame + 6, ETH_TYPE_IPV4);
}

static struct bytes nothing(void)
{
	return bytes_of("", 0);
}

/* ---- large files ---- */

static struct stream *stream_of(struct reflector *r, const struct segment *s)
{
	return &r->streams[load_be16(s->tcp) % STREAMS];
}

static bool is_client(const struct stream *t, const struct segment *s)
{
	return t->is_used && memcmp(t->client, s->ip + 12, 4) == 0 && memcmp(t->client + 4, s->tcp, 2) == 0;
}

/* The shift of the window scale option; 0 without one (RFC 7323 section 2.2). */
static uint8_t window_shift_of(const struct segment *s)
{
	const uint8_t *p = s->tcp + TCP_HEADER;

	while (p + 2 < s->text && *p != 0) {
		if (*p == 3)
			return p[2];
		p += *p == 1 || p[1] == 0 ? 1 : p[1];
	}
	return 0;
}

static void begin_stream(struct reflector *r, const struct segment *s)
{
	struct stream *t = stream_of(r, s);

	*t = (struct stream){ .is_used = true, .window_shift = window_shift_of(s) };
	memcpy(t->client, s->ip + 12, 4);
	memcpy(t->client + 4, s->tcp, 2);
}

static const struct large *find_large(const struct reflector *r, const struct segment *s)
{
	for (int i = 0; i < r->n_large; i++) {
		size_t len = strlen(r->large[i].name);

		if (s->len > len + 5 && memcmp(s->text, "GET /", 5) == 0 &&
		    memcmp(s->text + 5, r->large[i].name, len) == 0)
			return &r->large[i];
	}
	return NULL;
}

/* As much as the window has room for. */
static void send_some(struct reflector *r, const struct segment *s, struct stream *t, uint32_t ack)
{
	static const uint8_t zeros[STREAM_BYTES];
	uint32_t most = r->device->caps.gso_max > 0 ? STREAM_BYTES : MSS;
	uint64_t room = (uint64_t)load_be16(s->tcp + 14) << t->window_shift;

	if (room > STREAM_FLIGHT)
		room = STREAM_FLIGHT;
	while (t->left > 0) {
		uint32_t n = t->left < most ? (uint32_t)t->left : most;

		if (t->next - t->unacknowledged + n > room)
			break;
		t->left -= n;
		answer_tcp(r, s, t->left > 0 ? ACK : ACK | PSH, t->next, ack, bytes_of(zeros, n));
		t->next += n;
	}
}

static void answer_large(struct reflector *r, const struct segment *s, const struct large *file)
{
	static char head[128];
	struct stream *t = stream_of(r, s);
	uint32_t seq = load_be32(s->tcp + 8), ack = load_be32(s->tcp + 4) + s->len;
	int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
			   (unsigned long long)file->size);

	t->unacknowledged = seq;
	t->next = seq + (uint32_t)len;
	t->left = file->size;
	answer_tcp(r, s, ACK, seq, ack, bytes_of(head, (size_t)len));
	send_some(r, s, t, ack);
}

/* ---- any segment ---- */

/* Whose FIN was first shows in what the client has: whole answers, or our FIN as well. Behind a large file it
 * is always the client's. */
static bool is_first_fin(const struct reflector *r, const struct segment *s, const struct stream *t)
{
	uint32_t had = load_be32(s->tcp + 8) - OUR_ISN - 1;

	return had % r->answer_len == 0 || (is_client(t, s) && t->next != 0);
}

/* Each segment with text is taken for one whole request. */
static void take_tcp(struct reflector *r, const struct segment *s)
{
	static const char closing[] = "Connection: close";
	uint32_t seq = load_be32(s->tcp + 4), ack = load_be32(s->tcp + 8);
	uint8_t flags = s->tcp[13];
	const struct large *file;
	struct stream *t = stream_of(r, s);

	if ((flags & RST) != 0)
		return;
	if ((flags & SYN) != 0) {
		begin_stream(r, s);
		answer_tcp(r, s, SYN | ACK, OUR_ISN, seq + 1, nothing());
	} else if (s->len > 0 && is_client(t, s) && (file = find_large(r, s)) != NULL) {
		answer_large(r, s, file);
	} else if (s->len > 0) {
		bool last = memmem(s->text, s->len, closing, sizeof closing - 1) != NULL;

		answer_tcp(r, s, (uint8_t)(ACK | PSH | (last ? FIN : 0)), ack, seq + s->len,
			   bytes_of(r->answer, r->answer_len));
	} else if ((flags & FIN) != 0) {
		answer_tcp(r, s, (uint8_t)(ACK | (is_first_fin(r, s, t) ? FIN : 0)), ack, seq + 1, nothing());
	} else if (is_client(t, s) && t->left > 0) {
		t->unacknowledged = ack;
		send_some(r, s, t, seq);
	}
}

static void take(struct reflector *r, const struct rx_frame *f)
{
	struct segment s = { .frame = f->data, .ip = f->data + ETH_HEADER_LEN };
	uint32_t header, total;

	if (f->len >= ETH_HEADER_LEN + ARP_LEN && load_be16(f->data + 12) == ETH_TYPE_ARP) {
		answer_arp(r, f->data);
		return;
	}
	if (f->len < ETH_HEADER_LEN + IP4_HEADER + TCP_HEADER || load_be16(f->data + 12) != ETH_TYPE_IPV4 ||
	    s.ip[0] != 0x45 || s.ip[9] != 6)
		return;
	s.tcp = s.ip + IP4_HEADER;
	header = (uint32_t)(s.tcp[12] >> 4) * 4;
	total = load_be16(s.ip + 2);
	if (total > f->len - ETH_HEADER_LEN || total < IP4_HEADER + header)
		return;
	s.text = s.tcp + header;
	s.len = total - IP4_HEADER - header;
	take_tcp(r, &s);
}

/* ---- running ---- */

static int turn(struct reflector *r)
{
	struct rx_frame frames[DEVICE_BATCH];
	uint64_t now_us = clock_now_us();
	int n = r->device->ops->recv(r->device, frames, DEVICE_BATCH, now_us);

	for (int i = 0; i < n; i++)
		take(r, &frames[i]);
	send_out(r);
	return n;
}

static void run(struct reflector *r)
{
	uint64_t poll_until_us = 0;
	int n;

	while (!ended && (n = turn(r)) >= 0) {
		uint64_t now_us = clock_now_us();

		if (n > 0)
			poll_until_us = now_us + POLL_ON_US;
		else if (now_us > poll_until_us)
			poll(&(struct pollfd){ .fd = r->device->ops->fd(r->device), .events = POLLIN }, 1, 1000);
	}
}

static int make_answer(struct reflector *r, const char *path)
{
	static char body[MSS];
	FILE *file = fopen(path, "rb");
	size_t len = file != NULL ? fread(body, 1, sizeof body, file) : 0;
	int head;

	if (file != NULL)
		fclose(file);
	if (len == 0)
		return -1;
	head = snprintf((char *)r->answer, sizeof r->answer,
			"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n", len);
	if ((size_t)head + len > sizeof r->answer)
		return -1;
	memcpy(r->answer + head, body, len);
	r->answer_len = (uint32_t)((size_t)head + len);
	return 0;
}

static int add_large(struct reflector *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (r->n_large == MAX_LARGE || stat(path, &st) < 0)
		return -1;
	r->large[r->n_large++] = (struct large){ slash != NULL ? slash + 1 : path, (uint64_t)st.st_size };
	return 0;
}

static int read_arguments(struct reflector *r, int argc, char **argv)
{
	if (argc < 5 || !ip_prefix_parse(argv[2], &r->address) ||
	    (strcmp(argv[3], "-") != 0 && !ip_prefix_parse(argv[3], &r->host)) || make_answer(r, argv[4]) < 0)
		return -1;
	for (int i = 5; i < argc; i++)
		if (add_large(r, argv[i]) < 0)
			return -1;
	return 0;
}

static int open_device(struct reflector *r, const char *name, struct failure *why)
{
	if (strncmp(name, "tap:", 4) == 0) {
		struct tap_config c = { .name = name + 4, .host_address = &r->host, .offload = true };

		return tap_open(&c, &r->device, why);
	}
	if (strncmp(name, "packet:", 7) == 0) {
		struct packet_config c = { .interface = name + 7, .offload = true };

		return packet_open(&c, &r->device, why);
	}
#ifdef TH_WITH_XDP
	if (strncmp(name, "xdp:", 4) == 0) {
		struct xdp_config c = { .interface = name + 4 };

		return xdp_open(&c, &r->device, why);
	}
#endif
	return failure_set(why, -1, "%s is no device that is known here", name);
}

int main(int argc, char **argv)
{
	static struct reflector r;
	struct failure why = { "" };

	if (read_arguments(&r, argc, argv) < 0) {
		fprintf(stderr, "usage: reflector DEVICE ADDRESS/LEN HOST-ADDRESS/LEN|- FILE [LARGE...]\n");
		return 2;
	}
	if (open_device(&r, argv[1], &why) < 0) {
		fprintf(stderr, "reflector: %s\n", why.text);
		return 1;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	puts("ready");
	fflush(stdout);
	run(&r);
	r.device->ops->close(r.device);
	return 0;
}
