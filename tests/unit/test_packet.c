/*
 * The packet device on one end of a veth pair, against the kernel's stack on the other end, in a network
 * namespace of this process's own. Needs root and ip(8); fails without.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/timer.h"
#include "common/kernel_host.h"
#include "link/packet.h"

static const char ours[] = "pkttest0", kernels[] = "pkttest1";

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

static struct device *open_packet(bool offload)
{
	struct packet_config config = { .interface = ours, .offload = offload };
	struct failure why = { "" };
	struct device *d;

	if (packet_open(&config, &d, &why) != 0)
		fail_msg("%s", why.text);
	return d;
}

/* packet_open() must fail; what it says. */
static const char *open_error(const char *interface, int expected)
{
	static struct failure why;
	struct packet_config config = { .interface = interface, .offload = true };
	struct device *d;
	unsigned files = kernel_host_open_files();

	why.text[0] = '\0';
	assert_int_equal(packet_open(&config, &d, &why), expected);
	assert_int_equal(kernel_host_open_files(), files);
	assert_null(strchr(why.text, '\n'));
	return why.text;
}

static void open_tells_the_interface_and_close_leaves_it_as_it_was(void **state)
{
	unsigned files = kernel_host_open_files();
	struct device *d = open_packet(true);
	uint8_t mac[6];

	(void)state;
	kernel_host_mac(ours, mac);
	assert_memory_equal(d->caps.mac, mac, 6);
	assert_int_equal(d->caps.mtu, 1500);
	assert_int_equal(d->caps.gso_max, 65535);
	assert_int_equal(d->caps.tx_checksum, 1);
	assert_string_equal(d->ops->name, "packet");
	assert_int_equal(d->ops->deadline(d), TIMER_NEVER);
	assert_contains(kernel_host_ask("ip -d link show dev %s", ours), "promiscuity 1");
	d->ops->close(d);
	assert_contains(kernel_host_ask("ip -d link show dev %s", ours), "promiscuity 0");
	assert_int_equal(kernel_host_open_files(), files);
	d = open_packet(false);
	assert_int_equal(d->caps.gso_max, 0);
	assert_int_equal(d->caps.tx_checksum, 0);
	d->ops->close(d);
}

static void one_call_receives_a_batch(void **state)
{
	struct device *watcher = open_packet(true), *d = open_packet(true);
	struct rx_frame f[DEVICE_BATCH];
	uint16_t port;
	int fd = kernel_host_udp_socket(&port), count = 0, n;

	(void)state;
	for (uint8_t i = 0; i < 100; i++)
		kernel_host_sends_udp(fd, &i, 1);
	for (uint64_t i = 1; i <= 100; i++)
		kernel_host_receive_until(watcher, f, i); /* of two sockets the kernel gives a frame to the newer one first */
	while ((n = d->ops->recv(d, f, DEVICE_BATCH, 0)) > 0)
		for (int i = 0; i < n; i++, count++) {
			assert_int_equal(f[i].len, 14 + 20 + 8 + 1);
			assert_int_equal(f[i].data[14 + 20 + 8], count);
			/* A veth's sender leaves the checksum to the card that there is none of. */
			assert_int_equal(f[i].flags, RX_CHECKSUM_PARTIAL | RX_CHECKSUM_VALID);
			assert_int_equal(f[i].checksum_start, 34);
			assert_int_equal(f[i].checksum_offset, 6);
		}
	assert_int_equal(n, 0);
	assert_int_equal(count, 100);
	assert_int_equal(d->stats.rx_frames, 100);
	assert_int_equal(d->stats.rx_bytes, 100 * 43);
	assert_int_equal(d->stats.rx_calls, 3);
	assert_int_equal(d->stats.rx_dropped, 0);
	close(fd);
	watcher->ops->close(watcher);
	d->ops->close(d);
}

static void sent_frames_reach_the_kernel(void **state)
{
	(void)state;
	for (int offload = 0; offload < 2; offload++) {
		struct device *d = open_packet(offload);

		assert_int_equal(kernel_host_deliver_udp(d, kernels, 0), 19);
		if (offload)
			assert_int_equal(kernel_host_deliver_udp(d, kernels, 1), 19);
		assert_int_equal(kernel_host_deliver_udp(d, kernels, 2), -EAGAIN);
		d->ops->close(d);
	}
}

static void one_call_sends_a_batch_and_nothing_of_it_comes_back(void **state)
{
	enum { FRAMES = 150 };
	struct device *d = open_packet(true);
	struct tx_frame *f = calloc(FRAMES, sizeof *f);
	struct rx_frame r;
	uint8_t mac[6], numbers[FRAMES], got;
	uint16_t port;
	int fd = kernel_host_udp_socket(&port);

	(void)state;
	assert_non_null(f);
	kernel_host_mac(kernels, mac);
	for (int i = 0; i < FRAMES; i++) {
		numbers[i] = (uint8_t)i;
		kernel_host_make_udp(&f[i], mac, port, &numbers[i], 1, i % 2);
	}
	assert_int_equal(d->ops->send(d, f, FRAMES, 0), FRAMES);
	assert_int_equal(d->stats.tx_frames, FRAMES);
	assert_int_equal(d->stats.tx_bytes, FRAMES * 43);
	assert_int_equal(d->stats.tx_calls, 3);
	for (int i = 0; i < FRAMES; i++) {
		assert_int_equal(recv(fd, &got, 1, 0), 1);
		assert_int_equal(got, i);
	}
	assert_int_equal(d->ops->recv(d, &r, 1, 0), 0);
	free(f);
	close(fd);
	d->ops->close(d);
}

static void a_frame_that_is_too_long_is_dropped_and_the_next_is_sent(void **state)
{
	static const uint8_t payload[3000];
	struct device *d = open_packet(true);
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

static void super_frames_pass_both_ways_with_unfinished_checksums(void **state)
{
	struct device *d = open_packet(true);
	struct kernel_tcp c = kernel_tcp_exchange(d, true);

	(void)state;
	assert_true(c.gso_frames > 0);
	assert_int_equal(c.partial_frames, c.frames);
	assert_true(c.largest > 10000);
	d->ops->close(d);
}

static void without_offload_frames_are_sent_finished_and_received_ones_tell_what_they_are(void **state)
{
	struct device *d = open_packet(false);
	struct kernel_tcp c = kernel_tcp_exchange(d, false);

	(void)state;
	assert_true(c.gso_frames > 0); /* the sender's choice, not ours */
	d->ops->close(d);
}

/* A frame of these bytes out of the kernel's end of the pair. */
static void inject(const void *frame, size_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(kernels) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, frame, len, 0, (const struct sockaddr *)&to, sizeof to), len);
	close(fd);
}

static void frames_with_a_vlan_tag_are_not_ours(void **state)
{
	static const uint8_t untagged[60] = { 2, 0, 0, 0, 0, 2, 4, 4, 4, 4, 4, 4, 8, 0, 0x45 };
	static const uint8_t tagged[64] = { 2, 0, 0, 0, 0, 2, 4, 4, 4, 4, 4, 4, 0x81, 0, 0, 5, 8, 0, 0x45 };
	struct device *d = open_packet(true);
	struct rx_frame f[DEVICE_BATCH];

	(void)state;
	inject(tagged, sizeof tagged);
	assert_int_equal(kernel_host_receive_until(d, f, 1), 0);
	assert_int_equal(d->stats.rx_dropped, 1);
	inject(tagged, sizeof tagged);
	inject(untagged, sizeof untagged);
	inject(tagged, sizeof tagged);
	assert_int_equal(kernel_host_receive_until(d, f, 4), 1);
	assert_int_equal(f[0].len, sizeof untagged);
	assert_memory_equal(f[0].data, untagged, sizeof untagged);
	assert_int_equal(f[0].flags, 0);
	assert_int_equal(d->stats.rx_dropped, 3);
	assert_int_equal(d->stats.rx_frames, 1);
	d->ops->close(d);
}

static void frames_of_other_interfaces_and_from_before_do_not_come(void **state)
{
	struct device *watcher = open_packet(true), *d;
	struct rx_frame f[DEVICE_BATCH];
	uint16_t port;
	int fd = kernel_host_udp_socket(&port);

	(void)state;
	kernel_host_sends_udp(fd, "before", 6);
	kernel_host_receive_until(watcher, f, 1);
	d = open_packet(true);
	kernel_host_run("ip link add pkttest2 type veth peer name pkttest3");
	kernel_host_run("ip link set pkttest2 up && ip link set pkttest3 up");
	kernel_host_run("ip addr add 10.9.0.1/24 dev pkttest2");
	kernel_host_run("ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:09 dev pkttest2");
	kernel_host_run("ping -c1 -W1 10.9.0.2 >/dev/null 2>&1 || true");
	kernel_host_run("ping -c1 -W1 127.0.0.1 >/dev/null 2>&1 || true");
	assert_int_equal(d->ops->recv(d, f, DEVICE_BATCH, 0), 0);
	kernel_host_sends_udp(fd, "after", 5);
	assert_int_equal(kernel_host_receive_until(d, f, 1), 1);
	kernel_host_run("ip link del pkttest2");
	close(fd);
	watcher->ops->close(watcher);
	d->ops->close(d);
}

static void what_the_socket_had_no_room_for_is_counted(void **state)
{
	struct device *d = open_packet(true);
	struct rx_frame f[DEVICE_BATCH];
	uint8_t payload[1000] = { 0 };
	uint16_t port;
	int fd = kernel_host_udp_socket(&port), small = 65536, n;

	(void)state;
	assert_int_equal(setsockopt(d->ops->fd(d), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 500; i++)
			kernel_host_sends_udp(fd, payload, sizeof payload);
		while ((n = d->ops->recv(d, f, DEVICE_BATCH, 0)) > 0)
			;
		assert_int_equal(n, 0);
	}
	/* The count comes with the next frame. */
	kernel_host_sends_udp(fd, payload, sizeof payload);
	kernel_host_receive_until(d, f, 1001);
	assert_true(d->stats.rx_frames < 500);
	assert_int_equal(d->stats.rx_frames + d->stats.rx_dropped, 1001);
	close(fd);
	d->ops->close(d);
}

/* ---- several queues ---- */

enum { QUEUES = 3 };

static void queues_share_what_comes_and_nothing_that_was_sent_comes_back(void **state)
{
	struct packet_config config = { .interface = ours, .offload = true, .queues = QUEUES, .program = -1 };
	unsigned files = kernel_host_open_files(), got = 0;
	struct rx_frame f[DEVICE_BATCH];
	struct device *queues[QUEUES], *watcher;
	struct failure why;

	(void)state;
	if (packet_open(&config, queues, &why) != 0)
		fail_msg("%s", why.text);
	watcher = open_packet(true);
	for (int i = 0; i < 50; i++) {
		uint16_t port;
		int fd = kernel_host_udp_socket(&port);

		kernel_host_sends_udp(fd, "x", 1);
		close(fd);
		kernel_host_receive_until(watcher, f, (uint64_t)i + 1);
	}
	for (int i = 0; i < QUEUES; i++) {
		assert_int_equal(queues[i]->caps.mtu, 1500);
		assert_int_equal(kernel_host_deliver_udp(queues[i], kernels, 1), 19);
	}
	for (int i = 0; i < QUEUES; i++)
		got += (unsigned)queues[i]->ops->recv(queues[i], f, DEVICE_BATCH, 0);
	assert_int_equal(got, 50);
	watcher->ops->close(watcher);
	for (int i = QUEUES; i-- > 0;) {
		assert_contains(kernel_host_ask("ip -d link show dev %s", ours), "promiscuity 1");
		queues[i]->ops->close(queues[i]);
	}
	assert_contains(kernel_host_ask("ip -d link show dev %s", ours), "promiscuity 0");
	assert_int_equal(kernel_host_open_files(), files);
}

/* ---- start-up errors ---- */

static void interfaces_that_cannot_be_used_are_refused(void **state)
{
	(void)state;
	assert_contains(open_error("nosuch0", -ENODEV), "no interface nosuch0");
	assert_contains(open_error("", -ENODEV), "no interface");
	assert_contains(open_error("a_name_that_is_too_long", -ENODEV), "no interface");
	assert_contains(open_error("lo", -EPROTOTYPE), "lo is not an Ethernet");
	kernel_host_run("ip link set dev %s down", ours);
	assert_contains(open_error(ours, -ENETDOWN), "ip link set dev pkttest0 up");
}

static void an_interface_with_an_address_of_the_kernels_is_refused(void **state)
{
	struct device *d;

	(void)state;
	assert_contains(open_error(kernels, -EADDRINUSE), "ip addr flush dev pkttest1");
	assert_contains(open_error(kernels, -EADDRINUSE), "10.77.0.1/24");
	kernel_host_run("echo 0 >/proc/sys/net/ipv6/conf/%s/disable_ipv6", ours);
	kernel_host_run("ip addr add fe80::77/64 dev %s nodad", ours);
	d = open_packet(true); /* a link-local address is let pass */
	d->ops->close(d);
	kernel_host_run("ip addr add 2001:db8::77/64 dev %s nodad", ours);
	assert_contains(open_error(ours, -EADDRINUSE), "2001:db8::77/64");
	kernel_host_run("ip addr flush dev %s", ours);
	d = open_packet(true);
	d->ops->close(d);
}

static int open_fails_with_advice(void)
{
	struct packet_config config = { .interface = ours, .offload = true };
	struct failure why = { "" };
	struct device *d;
	int err = packet_open(&config, &d, &why);

	return (err == -EPERM || err == -EACCES) && strstr(why.text, "CAP_NET_RAW") != NULL ? 0 : 1;
}

static void without_privileges_the_error_says_what_to_do(void **state)
{
	(void)state;
	assert_int_equal(kernel_host_unprivileged(open_fails_with_advice), 0);
}

/* ---- an interface that goes ---- */

static void an_interface_set_down_costs_frames_only(void **state)
{
	struct device *d = open_packet(true);
	struct rx_frame r[DEVICE_BATCH];
	struct tx_frame f[3];
	uint8_t mac[6];

	(void)state;
	kernel_host_mac(kernels, mac);
	kernel_host_run("ip link set dev %s down", ours);
	for (int i = 0; i < 3; i++)
		kernel_host_make_udp(&f[i], mac, 1, "x", 1, 0);
	assert_int_equal(d->ops->recv(d, r, DEVICE_BATCH, 0), 0);
	assert_int_equal(d->ops->send(d, f, 3, 0), 0);
	assert_int_equal(d->stats.tx_dropped, 3);
	assert_int_equal(d->ops->recv(d, r, DEVICE_BATCH, 0), 0);
	kernel_host_run("ip link set dev %s up", ours);
	kernel_host_wait_up(ours);
	kernel_host_wait_up(kernels);
	assert_int_equal(kernel_host_deliver_udp(d, kernels, 1), 19);
	d->ops->close(d);
}

static void an_interface_that_is_gone_is_reported_by_recv(void **state)
{
	struct device *d = open_packet(true);
	struct rx_frame r;

	(void)state;
	kernel_host_run("ip link del dev %s", ours);
	assert_true(kernel_host_wait(d)); /* poll(2) wakes up */
	assert_int_equal(d->ops->recv(d, &r, 1, 0), -ENODEV);
	d->ops->close(d);
}

static void an_interface_that_is_gone_is_reported_by_send(void **state)
{
	enum { FRAMES = 100 };
	struct device *d = open_packet(true);
	struct tx_frame *f = calloc(FRAMES, sizeof *f);

	(void)state;
	assert_non_null(f);
	for (int i = 0; i < FRAMES; i++)
		kernel_host_make_udp(&f[i], (const uint8_t *)"\2\2\2\2\2\2", 1, "x", 1, 0);
	kernel_host_run("ip link del dev %s", ours);
	assert_int_equal(d->ops->send(d, f, FRAMES, 0), -ENODEV);
	assert_int_equal(d->stats.tx_dropped, FRAMES);
	assert_int_equal(d->stats.tx_frames, 0);
	free(f);
	d->ops->close(d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_pair, remove_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(open_tells_the_interface_and_close_leaves_it_as_it_was),
		TEST(one_call_receives_a_batch),
		TEST(sent_frames_reach_the_kernel),
		TEST(one_call_sends_a_batch_and_nothing_of_it_comes_back),
		TEST(a_frame_that_is_too_long_is_dropped_and_the_next_is_sent),
		TEST(super_frames_pass_both_ways_with_unfinished_checksums),
		TEST(without_offload_frames_are_sent_finished_and_received_ones_tell_what_they_are),
		TEST(frames_with_a_vlan_tag_are_not_ours),
		TEST(frames_of_other_interfaces_and_from_before_do_not_come),
		TEST(what_the_socket_had_no_room_for_is_counted),
		TEST(queues_share_what_comes_and_nothing_that_was_sent_comes_back),
		TEST(interfaces_that_cannot_be_used_are_refused),
		TEST(an_interface_with_an_address_of_the_kernels_is_refused),
		TEST(without_privileges_the_error_says_what_to_do),
		TEST(an_interface_set_down_costs_frames_only),
		TEST(an_interface_that_is_gone_is_reported_by_recv),
		TEST(an_interface_that_is_gone_is_reported_by_send),
	};

	return cmocka_run_group_tests_name("packet", tests, kernel_host_enter, NULL);
}
