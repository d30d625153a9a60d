/* A namespace, and just enough UDP and TCP by hand. */
#include "common/kernel_host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "link/gso.h"
#include "link/netdev.h"

enum {
	ETH = 14,
	IP = 20,
	TCP = 20,
	WAIT_MS = 2000,
	KERNEL = 0x0a4d0001,
	US = 0x0a4d0002,
	OUR_PORT = 80,
	SYN = 0x02,
	ACK = 0x10,
};

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 2 };

int kernel_host_enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr, "cannot make a network namespace (%s): run this test as root\n",
			strerror(errno));
		return -1;
	}
	/* So that no frames come which the test has not caused. */
	kernel_host_run("for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done");
	kernel_host_run("ip link set lo up");
	return 0;
}

__attribute__((format(printf, 3, 0)))
static void format_command(char *out, size_t room, const char *format, va_list ap)
{
	int n = vsnprintf(out, room, format, ap);

	assert_in_range(n, 1, room - 1);
}

void kernel_host_run(const char *format, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, format);
	format_command(command, sizeof command, format, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

const char *kernel_host_ask(const char *format, ...)
{
	static char answer[4096];
	char command[512];
	size_t len;
	va_list ap;
	FILE *in;

	va_start(ap, format);
	format_command(command, sizeof command, format, ap);
	va_end(ap);
	in = popen(command, "r");
	assert_non_null(in);
	len = fread(answer, 1, sizeof answer - 1, in);
	pclose(in);
	while (len > 0 && answer[len - 1] == '\n')
		len--;
	answer[len] = '\0';
	return answer;
}

void kernel_host_knows_us(const char *interface)
{
	kernel_host_run("ip neigh replace 10.77.0.2 lladdr 02:00:00:00:00:02 dev %s", interface);
}

void kernel_host_mac(const char *interface, uint8_t mac[6])
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(netdev_mac(fd, interface, mac), 0);
	close(fd);
}

unsigned kernel_host_open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	return count;
}

void assert_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* /dev/net/tun as udev makes it, open to all, for this process only: some
 * containers let only root open it. */
static bool open_tun_to_all(void)
{
	mode_t mask = umask(0);
	bool done = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		    mount("tmpfs", "/dev/net", "tmpfs", MS_NOSUID, NULL) == 0 &&
		    mknod("/dev/net/tun", S_IFCHR | 0666, makedev(10, 200)) == 0;

	umask(mask);
	return done;
}

int kernel_host_unprivileged(int (*f)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (!open_tun_to_all())
			_exit(101);
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(100);
		_exit(f());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void kernel_host_wait_up(const char *interface)
{
	kernel_host_run("for i in $(seq 200); do ip link show dev %s | grep -v 'qdisc noop ' | grep -q 'state UP' && "
			"exit; sleep 0.01; done; exit 1", interface);
}

void kernel_host_make_pair(const char *ours, const char *kernels)
{
	kernel_host_run("ip link add %s type veth peer name %s", ours, kernels);
	kernel_host_run("ip addr add 10.77.0.1/24 dev %s", kernels);
	kernel_host_run("ip link set %s up && ip link set %s up", ours, kernels);
	kernel_host_wait_up(ours);
	kernel_host_wait_up(kernels);
	kernel_host_knows_us(kernels);
}

void kernel_host_remove(const char *interface)
{
	kernel_host_run("ip link del %s 2>/dev/null || true", interface);
}

bool kernel_host_wait(struct device *d)
{
	struct pollfd p = { .fd = d->ops->fd(d), .events = POLLIN };

	return poll(&p, 1, WAIT_MS) == 1;
}

int kernel_host_receive_until(struct device *d, struct rx_frame f[DEVICE_BATCH], uint64_t total)
{
	int count = 0;

	while (d->stats.rx_frames + d->stats.rx_dropped < total) {
		assert_true(kernel_host_wait(d));
		count += d->ops->recv(d, f + count, DEVICE_BATCH - count, 0);
	}
	return count;
}

int kernel_host_udp_socket(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

void kernel_host_sends_udp(int fd, const void *data, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9999) };

	to.sin_addr.s_addr = htonl(US);
	assert_int_equal(sendto(fd, data, len, 0, (const struct sockaddr *)&to, sizeof to), len);
}

/* Ethernet and IPv4 in front of f, which holds the transport layer. */
static void push_ip(struct tx_frame *f, const uint8_t *mac, uint8_t protocol)
{
	uint32_t len = IP + tx_len(f);
	uint8_t *ip = tx_push(f, IP), *eth = tx_push(f, ETH);
	uint16_t sum;

	memset(ip, 0, IP);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)len);
	store_be16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = protocol;
	store_be32(ip + 12, US);
	store_be32(ip + 16, KERNEL);
	sum = checksum_finish(checksum_add(0, ip, IP));
	memcpy(ip + 10, &sum, sizeof sum);
	memcpy(eth, mac, 6);
	memcpy(eth + 6, our_mac, 6);
	store_be16(eth + 12, 0x0800);
}

static uint32_t pseudo_header(const uint8_t *ip, uint32_t len)
{
	return checksum_add_be16(checksum_add_be16(checksum_add(0, ip + 12, 8), ip[9]), (uint16_t)len);
}

/* Sets the field at offset in the transport header, which is `len` bytes with its payload. */
static void set_checksum(struct tx_frame *f, uint16_t offset, uint32_t len, int how)
{
	uint8_t *frame = f->head + f->head_start, flat[ETH + 65535];
	uint16_t sum = checksum_fold(pseudo_header(frame + ETH, len));

	memcpy(frame + ETH + IP + offset, &sum, sizeof sum);
	if (how == 1) {
		f->flags = TX_CHECKSUM_PARTIAL;
		f->checksum_start = ETH + IP;
		f->checksum_offset = offset;
		return;
	}
	tx_flatten(f, flat);
	frame_finish_checksum(flat, tx_len(f), ETH + IP, offset);
	memcpy(frame + ETH + IP + offset, flat + ETH + IP + offset, 2);
	if (how == 2)
		frame[ETH + IP + offset] ^= 0x01;
}

void kernel_host_make_udp(struct tx_frame *f, const uint8_t *mac, uint16_t port, const void *data,
			  uint32_t len, int checksum)
{
	uint8_t *udp;

	tx_begin(f);
	assert_true(tx_add_payload(f, data, len));
	udp = tx_push(f, 8);
	store_be16(udp, 9999);
	store_be16(udp + 2, port);
	store_be16(udp + 4, (uint16_t)(8 + len));
	memset(udp + 6, 0, 2);
	push_ip(f, mac, IPPROTO_UDP);
	set_checksum(f, 6, 8 + len, checksum);
}

ssize_t kernel_host_deliver_udp(struct device *d, const char *interface, int checksum)
{
	static const char text[] = "from another stack";
	uint8_t mac[6], got[100];
	struct tx_frame f;
	uint16_t port;
	int fd = kernel_host_udp_socket(&port);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	kernel_host_mac(interface, mac);
	kernel_host_make_udp(&f, mac, port, text, sizeof text, checksum);
	assert_int_equal(d->ops->send(d, &f, 1, 0), 1);
	poll(&p, 1, checksum == 2 ? 100 : 2000);
	n = recv(fd, got, sizeof got, 0);
	if (n > 0)
		assert_memory_equal(got, text, sizeof text);
	close(fd);
	return n < 0 ? -errno : n;
}

static void make_segment(struct kernel_tcp *c, struct tx_frame *f, uint8_t flags, const uint8_t *payload,
			 uint32_t len, bool partial)
{
	uint8_t *tcp;

	tx_begin(f);
	if (len > 0)
		assert_true(tx_add_payload(f, payload, len));
	if (flags & SYN)
		memcpy(tx_push(f, 4), "\x02\x04\x05\xb4", 4); /* MSS 1460 */
	tcp = tx_push(f, TCP);
	memset(tcp, 0, TCP);
	store_be16(tcp, OUR_PORT);
	store_be16(tcp + 2, c->kernel_port);
	store_be32(tcp + 4, c->snd_nxt);
	store_be32(tcp + 8, c->rcv_nxt);
	tcp[12] = flags & SYN ? 0x60 : 0x50;
	tcp[13] = flags;
	store_be16(tcp + 14, 65535);
	push_ip(f, c->mac, IPPROTO_TCP);
	set_checksum(f, 16, tx_len(f) - ETH - IP, partial);
}

void kernel_tcp_make(struct kernel_tcp *c, struct tx_frame *f, const uint8_t *payload, uint32_t len,
		     bool partial, uint16_t mss)
{
	make_segment(c, f, ACK, payload, len, partial);
	c->snd_nxt += len;
	if (mss > 0) {
		f->gso = GSO_TCP4;
		f->gso_size = mss;
	}
}

static void send_frame(struct kernel_tcp *c, struct tx_frame *f)
{
	assert_int_equal(c->device->ops->send(c->device, f, 1, 0), 1);
}

static void assert_checksum(const uint8_t *frame)
{
	const uint8_t *ip = frame + ETH;
	uint32_t len = load_be16(ip + 2) - (uint32_t)IP;

	assert_int_equal(checksum_finish(checksum_add(pseudo_header(ip, len), ip + IP, len)), 0);
}

/* The segments of a super-frame are right if the headers and the pieces of it are. */
static void assert_frame_is_right(const struct rx_frame *f)
{
	uint8_t copy[ETH + 65535];
	struct gso_cut cut;

	memcpy(copy, f->data, f->len);
	if (f->flags & RX_CHECKSUM_PARTIAL)
		frame_finish_checksum(copy, f->len, f->checksum_start, f->checksum_offset);
	if (f->gso == GSO_NONE || !(f->flags & RX_CHECKSUM_PARTIAL))
		assert_checksum(copy);
	if (f->gso == GSO_NONE)
		return;
	assert_true(gso_cut_begin(&cut, f));
	while (gso_cut_next(&cut, copy) > 0)
		assert_checksum(copy);
}

static bool is_segment(const struct kernel_tcp *c, const struct rx_frame *f)
{
	const uint8_t *tcp = f->data + ETH + IP;

	if (f->len < ETH + IP + TCP || load_be16(f->data + 12) != 0x0800 ||
	    f->data[ETH + 9] != IPPROTO_TCP || load_be16(tcp + 2) != OUR_PORT)
		return false;
	/* The first is a SYN: an older connection may still be closing. */
	return c->kernel_port == 0 ? tcp[13] == SYN : load_be16(tcp) == c->kernel_port;
}

static void count_frame(struct kernel_tcp *c, const struct rx_frame *f)
{
	c->frames++;
	c->gso_frames += f->gso != GSO_NONE;
	c->partial_frames += (f->flags & RX_CHECKSUM_PARTIAL) != 0;
	if (f->len > c->largest)
		c->largest = f->len;
}

/* One segment into copy; its TCP header. */
static const uint8_t *receive_segment(struct kernel_tcp *c, uint8_t copy[static ETH + 65535])
{
	struct rx_frame f;

	for (;;) {
		int n = c->device->ops->recv(c->device, &f, 1, 0);
		assert_true(n >= 0);
		if (n == 0 && !kernel_host_wait(c->device))
			fail_msg("nothing came from the kernel");
		if (n == 0 || !is_segment(c, &f))
			continue;
		count_frame(c, &f);
		assert_frame_is_right(&f);
		memcpy(copy, f.data, f.len);
		return copy + ETH + IP;
	}
}

void kernel_tcp_open(struct kernel_tcp *c, struct device *d)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(OUR_PORT) };
	uint8_t copy[ETH + 65535];
	const uint8_t *tcp;
	struct tx_frame f;

	*c = (struct kernel_tcp){ .device = d, .snd_nxt = 1000 };
	to.sin_addr.s_addr = htonl(US);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, (const struct sockaddr *)&to, sizeof to), -1);
	assert_int_equal(errno, EINPROGRESS);
	tcp = receive_segment(c, copy);
	memcpy(c->mac, copy + 6, 6);
	c->kernel_port = load_be16(tcp);
	c->rcv_nxt = load_be32(tcp + 4) + 1;
	make_segment(c, &f, SYN | ACK, NULL, 0, false);
	send_frame(c, &f);
	c->snd_nxt++;
	do
		tcp = receive_segment(c, copy);
	while (tcp[13] == SYN); /* sent again before ours had come */
	assert_int_equal(tcp[13] & (SYN | ACK), ACK);
}

void kernel_tcp_close(struct kernel_tcp *c)
{
	struct linger reset = { .l_onoff = 1 };

	/* So that no FIN of this connection is sent again in the next test. */
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
	close(c->fd);
}

void kernel_tcp_receive(struct kernel_tcp *c, uint8_t *out, uint32_t len)
{
	uint8_t copy[ETH + 65535];
	struct tx_frame f;
	uint32_t got = 0;

	while (got < len) {
		const uint8_t *tcp = receive_segment(c, copy);
		uint32_t header = (tcp[12] >> 4) * 4U, n = load_be16(copy + ETH + 2) - (uint32_t)IP - header;

		if (n == 0)
			continue;
		assert_int_equal(load_be32(tcp + 4), c->rcv_nxt);
		assert_true(got + n <= len);
		memcpy(out + got, tcp + header, n);
		got += n;
		c->rcv_nxt += n;
		make_segment(c, &f, ACK, NULL, 0, false);
		send_frame(c, &f);
	}
}

void kernel_tcp_read(struct kernel_tcp *c, uint8_t *out, uint32_t len)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	uint32_t got = 0;

	while (got < len) {
		ssize_t n;

		if (poll(&p, 1, WAIT_MS) != 1)
			fail_msg("%u of %u bytes reached the kernel's socket", got, len);
		n = read(c->fd, out + got, len - got);
		assert_true(n > 0);
		got += (uint32_t)n;
	}
}

static uint8_t *pattern(uint32_t len)
{
	uint8_t *p = malloc(len);

	assert_non_null(p);
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + i / 251);
	return p;
}

/* Sends len bytes as one super-frame in pieces, as a send queue has them, or as single frames. */
static void send_bytes(struct kernel_tcp *c, const uint8_t *data, uint32_t len, bool offload)
{
	enum { PIECES = 10 };
	struct tx_frame f;

	for (uint32_t at = 0; !offload && at < len; at += 1000) {
		kernel_tcp_make(c, &f, data + at, 1000, false, 0);
		send_frame(c, &f);
	}
	if (!offload)
		return;
	kernel_tcp_make(c, &f, data, len, true, 1460);
	f.pieces = 0;
	f.payload_len = 0;
	for (uint32_t i = 0; i < PIECES; i++)
		assert_true(tx_add_payload(&f, data + i * len / PIECES, len / PIECES));
	send_frame(c, &f);
}

struct kernel_tcp kernel_tcp_exchange(struct device *d, bool offload)
{
	enum { LEN = 60000 };
	uint8_t *sent = pattern(LEN), *got = calloc(1, LEN);
	struct kernel_tcp c;

	assert_non_null(got);
	kernel_tcp_open(&c, d);
	assert_int_equal(send(c.fd, sent, LEN, 0), LEN);
	kernel_tcp_receive(&c, got, LEN);
	assert_memory_equal(got, sent, LEN);
	memset(got, 0, LEN);
	d->stats = (struct device_stats){ 0 };
	send_bytes(&c, sent, LEN, offload);
	assert_int_equal(d->stats.tx_calls, offload ? 1 : LEN / 1000);
	assert_int_equal(d->stats.tx_bytes, LEN + 54 * d->stats.tx_calls);
	kernel_tcp_read(&c, got, LEN);
	assert_memory_equal(got, sent, LEN);
	kernel_tcp_close(&c);
	free(sent);
	free(got);
	return c;
}
