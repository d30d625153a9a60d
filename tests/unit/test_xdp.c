/*
 * The xdp device on one end of a veth pair, against the kernel's stack on the other end, in a network
 * namespace of this process's own. Needs root and ip(8); fails without.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/kernel_host.h"
#include "link/queues.h"
#include "link/steer.h"
#include "link/xdp.h"

enum { RECEIVE_RING = 2048, SECOND = 1000000 };

static const char ours[] = "xdptest0", kernels[] = "xdptest1";

static int make_pair(void **state)
{
	(void)state;
	kernel_host_make_pair(ours, kernels);
	return 0;
}

static int remove_pair(void **state)
{
	(void)state;
	kernel_host_remove(kernels);
	return 0;
}

static int try_open(const char *interface, struct device **d, struct failure *why)
{
	struct xdp_config config = { .interface = interface };

	return xdp_open(&config, d, why);
}

static struct device *open_xdp(void)
{
	struct failure why = { "" };
	struct device *d;

	if (try_open(ours, &d, &why) != 0)
		fail_msg("%s", why.text);
	return d;
}

/* xdp_open() must fail; what it says. */
static const char *open_error(const char *interface, int expected)
{
	static struct failure why;
	struct device *d;
	unsigned files = kernel_host_open_files();

	why.text[0] = '\0';
	assert_int_equal(try_open(interface, &d, &why), expected);
	assert_int_equal(kernel_host_open_files(), files);
	assert_null(strchr(why.text, '\n'));
	return why.text;
}

static void open_tells_the_interface_and_close_leaves_it_as_it_was(void **state)
{
	unsigned files = kernel_host_open_files();
	struct device *d = open_xdp();
	uint8_t mac[6];

	(void)state;
	kernel_host_mac(ours, mac);
	assert_memory_equal(d->caps.mac, mac, 6);
	assert_int_equal(d->caps.mtu, 1500);
	assert_int_equal(d->caps.gso_max, 0);
	assert_string_equal(d->caps.mode, "copy"); /* a veth has no other */
	assert_int_equal(d->caps.tx_checksum, 0);
	assert_string_equal(d->ops->name, "xdp");
	assert_contains(kernel_host_ask("ip -d link show dev %s", ours), "promiscuity 1");
	assert_contains(kernel_host_ask("ip -d link show dev %s", ours), "prog/xdp");
	d->ops->close(d);
	assert_contains(kernel_host_ask("ip -d link show dev %s", ours), "promiscuity 0");
	assert_null(strstr(kernel_host_ask("ip -d link show dev %s", ours), "prog/xdp"));
	assert_int_equal(kernel_host_open_files(), files);
}

static void frames_come_in_batches_and_in_order(void **state)
{
	enum { FRAMES = 100 };
	struct device *d = open_xdp();
	struct rx_frame f[DEVICE_BATCH];
	uint16_t port;
	int fd = kernel_host_udp_socket(&port), count = 0;

	(void)state;
	for (uint8_t i = 0; i < FRAMES; i++)
		kernel_host_sends_udp(fd, &i, 1);
	while (count < FRAMES) {
		int n = d->ops->recv(d, f, DEVICE_BATCH, 0);

		assert_true(n > 0 || kernel_host_wait(d));
		for (int i = 0; i < n; i++, count++) {
			assert_int_equal(f[i].len, 14 + 20 + 8 + 1);
			assert_int_equal(f[i].data[14 + 20 + 8], count);
			/* A veth's sender leaves the checksum to the card that there is none of. */
			assert_int_equal(f[i].flags, RX_CHECKSUM_PARTIAL | RX_CHECKSUM_VALID);
			assert_int_equal(f[i].checksum_start, 34);
			assert_int_equal(f[i].checksum_offset, 6);
		}
	}
	assert_int_equal(d->stats.rx_frames, FRAMES);
	assert_int_equal(d->stats.rx_bytes, FRAMES * 43);
	assert_int_equal(d->stats.rx_dropped, 0);
	close(fd);
	d->ops->close(d);
}

static void chunks_go_round(void **state)
{
	struct device *d = open_xdp();
	struct rx_frame f[DEVICE_BATCH];
	uint16_t port;
	int fd = kernel_host_udp_socket(&port);

	(void)state;
	for (uint32_t i = 0; i < 3 * RECEIVE_RING; i++) {
		kernel_host_sends_udp(fd, &i, sizeof i);
		assert_int_equal(kernel_host_receive_until(d, f, i + 1), 1);
		assert_memory_equal(f[0].data + 42, &i, sizeof i);
	}
	close(fd);
	d->ops->close(d);
}

static void what_there_was_no_chunk_for_is_counted(void **state)
{
	enum { FRAMES = RECEIVE_RING + 500 };
	struct device *d = open_xdp();
	struct rx_frame f[DEVICE_BATCH];
	uint16_t port;
	int fd = kernel_host_udp_socket(&port), n;

	(void)state;
	for (int i = 0; i < FRAMES; i++)
		kernel_host_sends_udp(fd, "x", 1);
	while ((n = d->ops->recv(d, f, DEVICE_BATCH, 0)) > 0)
		;
	assert_int_equal(n, 0);
	assert_int_equal(d->ops->recv(d, f, DEVICE_BATCH, SECOND), 0); /* the time to look at counters */
	assert_int_equal(d->stats.rx_frames + d->stats.rx_dropped, FRAMES);
	assert_in_range(d->stats.rx_dropped, 1, 500);
	kernel_host_sends_udp(fd, "y", 1); /* and it goes on */
	assert_int_equal(kernel_host_receive_until(d, f, d->stats.rx_frames + d->stats.rx_dropped + 1), 1);
	close(fd);
	d->ops->close(d);
}

static void sent_frames_reach_the_kernel(void **state)
{
	struct device *d = open_xdp();

	(void)state;
	assert_int_equal(kernel_host_deliver_udp(d, kernels, 0), 19);
	assert_int_equal(kernel_host_deliver_udp(d, kernels, 2), -EAGAIN);
	d->ops->close(d);
}

/* Far more than there are chunks. */
static void many_frames_are_sent_in_order(void **state)
{
	enum { FRAMES = 5000 };
	struct device *d = open_xdp();
	struct tx_frame *f = calloc(FRAMES, sizeof *f);
	static uint32_t numbers[FRAMES];
	uint32_t got;
	uint8_t mac[6];
	uint16_t port;
	int fd = kernel_host_udp_socket(&port), big = 16 << 20;

	(void)state;
	assert_non_null(f);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big), 0);
	kernel_host_mac(kernels, mac);
	for (uint32_t i = 0; i < FRAMES; i++) {
		numbers[i] = i;
		kernel_host_make_udp(&f[i], mac, port, &numbers[i], sizeof numbers[i], 0);
	}
	assert_int_equal(d->ops->send(d, f, FRAMES, 0), FRAMES);
	assert_int_equal(d->stats.tx_frames, FRAMES);
	assert_int_equal(d->stats.tx_bytes, FRAMES * 46);
	assert_true(d->stats.tx_calls < FRAMES / 10);
	for (uint32_t i = 0; i < FRAMES; i++) {
		assert_int_equal(recv(fd, &got, sizeof got, 0), sizeof got);
		assert_int_equal(got, i);
	}
	free(f);
	close(fd);
	d->ops->close(d);
}

static void a_frame_that_is_too_long_is_dropped_and_the_next_is_sent(void **state)
{
	static const uint8_t payload[3000];
	struct device *d = open_xdp();
	struct tx_frame f[4];
	uint8_t mac[6];

	(void)state;
	kernel_host_mac(kernels, mac);
	for (int i = 0; i < 4; i++)
		kernel_host_make_udp(&f[i], mac, 1, payload, i == 0 || i == 2 ? 3000 : 1000, 0);
	assert_int_equal(d->ops->send(d, f, 4, 0), 2);
	assert_int_equal(d->stats.tx_frames, 2);
	assert_int_equal(d->stats.tx_bytes, 2 * 1042);
	assert_int_equal(d->stats.tx_dropped, 2);
	d->ops->close(d);
}

static void tcp_passes_both_ways_a_segment_a_frame(void **state)
{
	struct device *d = open_xdp();
	struct kernel_tcp c = kernel_tcp_exchange(d, false);

	(void)state;
	assert_int_equal(c.gso_frames, 0);
	assert_int_equal(c.partial_frames, c.frames);
	assert_int_equal(c.largest, 1514);
	d->ops->close(d);
}

/* ---- start-up errors ---- */

static void interfaces_that_cannot_be_used_are_refused(void **state)
{
	struct device *first;

	(void)state;
	assert_contains(open_error("nosuch0", -ENODEV), "no interface nosuch0");
	assert_contains(open_error("lo", -EPROTOTYPE), "lo is not an Ethernet");
	assert_contains(open_error(kernels, -EADDRINUSE), "ip addr flush dev xdptest1");
	first = open_xdp();
	assert_contains(open_error(ours, -EBUSY), "another program");
	first->ops->close(first);
	kernel_host_run("ip link set dev %s mtu 9000", ours);
	assert_contains(open_error(ours, -EMSGSIZE), "ip link set dev xdptest0 mtu 3826");
	kernel_host_run("ip link set dev %s mtu 1500 down", ours);
	assert_contains(open_error(ours, -ENETDOWN), "ip link set dev xdptest0 up");
}

static void an_interface_with_several_queues_is_refused(void **state)
{
	(void)state;
	kernel_host_run("ip link add xdptest2 numrxqueues 2 type veth peer name xdptest3 numtxqueues 2");
	kernel_host_run("ip link set xdptest2 up && ip link set xdptest3 up");
	assert_contains(open_error("xdptest2", -EINVAL), "ethtool -L xdptest2 rx 1");
	kernel_host_remove("xdptest2");
}

/* ---- several queues ---- */

enum { QUEUES = 2 };

static int try_open_queues(const char *interface, struct device **queues, struct failure *why)
{
	struct xdp_config config = { .interface = interface, .queues = QUEUES };

	return xdp_open(&config, queues, why);
}

static void make_pair_of_queues(void)
{
	kernel_host_remove(kernels);
	kernel_host_run("ip link add %s numrxqueues 2 numtxqueues 2 type veth peer name %s numrxqueues 2 "
			"numtxqueues 2", ours, kernels);
	kernel_host_run("ip addr add 10.77.0.1/24 dev %s", kernels);
	kernel_host_run("ip link set %s up && ip link set %s up", ours, kernels);
	kernel_host_wait_up(kernels);
	kernel_host_knows_us(kernels);
}

static void open_queues(struct device **queues)
{
	struct failure why = { "" };

	if (try_open_queues(ours, queues, &why) != 0)
		fail_msg("%s", why.text);
}

/* Frames from as many sockets, each by a queue that the kernel's side chooses. With a rule each must come by
 * its owner's. */
static void receive_by_all(struct device *const *queues, const struct steer_rule *rule)
{
	enum { SOCKETS = 50 };
	struct rx_frame f[DEVICE_BATCH];
	int fds[SOCKETS], got = 0, before = 0;
	uint16_t port;

	for (int i = 0; i < SOCKETS; i++) {
		fds[i] = kernel_host_udp_socket(&port);
		kernel_host_sends_udp(fds[i], "x", 1);
	}
	for (; got < SOCKETS; before = got) {
		for (int i = 0; i < QUEUES; i++) {
			int n = queues[i]->ops->recv(queues[i], f, DEVICE_BATCH, 0);

			got += n;
			while (rule != NULL && n-- > 0)
				assert_int_equal(steer_owner(rule, bytes_of(f[n].data, f[n].len)), i);
		}
		if (got == before && !kernel_host_wait(queues[0]))
			assert_true(kernel_host_wait(queues[1]));
	}
	for (int i = 0; i < SOCKETS; i++)
		close(fds[i]);
}

static void queues_have_a_device_each(void **state)
{
	unsigned files = kernel_host_open_files();
	struct device *queues[QUEUES];

	(void)state;
	make_pair_of_queues();
	open_queues(queues);
	receive_by_all(queues, NULL);
	for (int i = 0; i < QUEUES; i++) {
		assert_int_equal(queues[i]->caps.mtu, 1500);
		assert_int_equal(kernel_host_deliver_udp(queues[i], kernels, 0), 19);
	}
	queues_close(QUEUES, queues);
	assert_null(strstr(kernel_host_ask("ip -d link show dev %s", ours), "prog/xdp"));
	assert_int_equal(kernel_host_open_files(), files);
}

/* The sender's hash chooses the queue, and not we. */
static void frames_are_handed_over_to_their_owners(void **state)
{
	struct steer_rule rule = steer_rule_make(STEER_FLOW, QUEUES, 0x0123456789abcdef);
	struct device *queues[QUEUES];
	struct steer_group *group;
	struct steer_stats stats;
	uint64_t handed_over = 0;
	struct failure why;

	(void)state;
	make_pair_of_queues();
	open_queues(queues);
	assert_int_equal(steer_group_new(&rule, &group, &why), 0);
	for (unsigned i = 0; i < QUEUES; i++)
		assert_int_equal(steer_open(group, i, queues[i], &queues[i]), 0);
	receive_by_all(queues, &rule);
	for (unsigned i = 0; i < QUEUES; i++) {
		steer_stats(group, i, &stats);
		handed_over += stats.handed_over;
	}
	assert_true(handed_over > 0);
	queues_close(QUEUES, queues);
	steer_group_free(group);
}

static void too_few_queues_are_refused(void **state)
{
	unsigned files = kernel_host_open_files();
	struct device *queues[QUEUES];
	struct failure why = { "" };

	(void)state;
	assert_int_equal(try_open_queues(ours, queues, &why), -EINVAL);
	assert_contains(why.text, "1 receive and 1 transmit queues");
	assert_contains(why.text, "`ethtool -L xdptest0 ");
	assert_contains(why.text, "numrxqueues 2 numtxqueues 2");
	assert_int_equal(kernel_host_open_files(), files);
}

static int open_fails_with_advice(void)
{
	struct failure why = { "" };
	struct device *d;
	int err = try_open(ours, &d, &why);

	return (err == -EPERM || err == -EACCES) && strstr(why.text, "CAP_NET_RAW") != NULL ? 0 : 1;
}

static void without_privileges_the_error_says_what_to_do(void **state)
{
	(void)state;
	assert_int_equal(kernel_host_unprivileged(open_fails_with_advice), 0);
}

/* ---- an interface, or a process, that goes ---- */

static void an_interface_that_is_gone_is_reported(void **state)
{
	struct device *d = open_xdp();
	struct rx_frame r;
	struct tx_frame f;

	(void)state;
	kernel_host_make_udp(&f, (const uint8_t *)"\2\2\2\2\2\2", 1, "x", 1, 0);
	kernel_host_run("ip link del dev %s", ours);
	assert_in_range(d->ops->deadline(d), 0, SECOND); /* poll(2) does not wake up */
	d->ops->send(d, &f, 1, 0);
	assert_int_equal(d->ops->recv(d, &r, 1, SECOND), -ENODEV);
	d->ops->close(d);
}

static void a_killed_process_leaves_nothing_behind(void **state)
{
	struct failure why = { "" };
	struct device *d;
	struct rx_frame r;
	pid_t child = fork();
	int err;

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		open_xdp();
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_null(strstr(kernel_host_ask("ip -d link show dev %s", ours), "prog/xdp"));
	/* The kernel gives the queue back a moment later. */
	while ((err = try_open(ours, &d, &why)) == -EBUSY)
		usleep(1000);
	assert_int_equal(err, 0);
	assert_int_equal(d->ops->recv(d, &r, 1, 0), 0);
	d->ops->close(d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_pair, remove_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(open_tells_the_interface_and_close_leaves_it_as_it_was),
		TEST(frames_come_in_batches_and_in_order),
		TEST(chunks_go_round),
		TEST(what_there_was_no_chunk_for_is_counted),
		TEST(sent_frames_reach_the_kernel),
		TEST(many_frames_are_sent_in_order),
		TEST(a_frame_that_is_too_long_is_dropped_and_the_next_is_sent),
		TEST(tcp_passes_both_ways_a_segment_a_frame),
		TEST(interfaces_that_cannot_be_used_are_refused),
		TEST(an_interface_with_several_queues_is_refused),
		TEST(queues_have_a_device_each),
		TEST(frames_are_handed_over_to_their_owners),
		TEST(too_few_queues_are_refused),
		TEST(without_privileges_the_error_says_what_to_do),
		TEST(an_interface_that_is_gone_is_reported),
		TEST(a_killed_process_leaves_nothing_behind),
	};

	return cmocka_run_group_tests_name("xdp", tests, kernel_host_enter, NULL);
}
