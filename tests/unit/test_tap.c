/*
 * The TAP device against the kernel, in a network namespace of this process's own. Needs root, /dev/net/tun
 * and ip(8); fails without.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/timer.h"
#include "common/kernel_host.h"
#include "link/tap.h"

static const char name[] = "taptest0";

static struct device *open_tap(bool offload)
{
	struct ip_prefix host;
	struct tap_config config = { .name = name, .host_address = &host, .offload = offload };
	struct failure why = { "" };
	struct device *d;

	assert_true(ip_prefix_parse("10.77.0.1/24", &host));
	if (tap_open(&config, &d, &why) != 0)
		fail_msg("%s", why.text);
	kernel_host_knows_us(name);
	return d;
}

/* tap_open() must fail; what it says. */
static const char *open_error(const char *interface, int expected)
{
	static struct failure why;
	struct tap_config config = { .name = interface, .offload = true };
	struct device *d;
	unsigned files = kernel_host_open_files();

	why.text[0] = '\0';
	assert_int_equal(tap_open(&config, &d, &why), expected);
	assert_int_equal(kernel_host_open_files(), files);
	assert_null(strchr(why.text, '\n'));
	return why.text;
}

static void open_makes_the_interface_and_close_removes_it(void **state)
{
	unsigned files = kernel_host_open_files();
	struct device *d = open_tap(true);

	(void)state;
	assert_contains(kernel_host_ask("ip -o addr show dev %s", name), "inet 10.77.0.1/24");
	assert_contains(kernel_host_ask("ip -o link show dev %s", name), ",UP");
	assert_int_equal(d->caps.mtu, 1500);
	assert_int_equal(d->caps.gso_max, 65535);
	assert_int_equal(d->caps.tx_checksum, 1);
	assert_memory_equal(d->caps.mac, "\0\0\0\0\0\0", 6);
	assert_string_equal(d->ops->name, "tap");
	assert_int_equal(d->ops->deadline(d), TIMER_NEVER);
	d->ops->close(d);
	assert_int_equal(kernel_host_open_files(), files);
	assert_string_equal(kernel_host_ask("ip -o link show dev %s 2>/dev/null", name), "");
}

static unsigned short flags_of(const struct device *d)
{
	struct ifreq r = { 0 };

	assert_int_equal(ioctl(d->ops->fd(d), TUNGETIFF, &r), 0);
	return (unsigned short)r.ifr_flags;
}

static void napi_is_had_for_the_asking(void **state)
{
	struct tap_config config = { .name = name, .offload = true, .napi = true };
	struct failure why = { "" };
	struct device *d = open_tap(true);

	(void)state;
	assert_int_equal(flags_of(d) & IFF_NAPI, 0);
	d->ops->close(d);
	assert_int_equal(tap_open(&config, &d, &why), 0);
	assert_int_equal(flags_of(d) & (IFF_NAPI | IFF_VNET_HDR), IFF_NAPI | IFF_VNET_HDR);
	kernel_host_run("ip addr add 10.77.0.1/24 dev %s", name);
	kernel_host_knows_us(name);
	assert_int_equal(kernel_host_deliver_udp(d, name, 1), 19);
	d->ops->close(d);
}

static void plain_offers_nothing(void **state)
{
	struct device *d = open_tap(false);

	(void)state;
	assert_int_equal(d->caps.gso_max, 0);
	assert_int_equal(d->caps.tx_checksum, 0);
	d->ops->close(d);
}

static void recv_never_blocks(void **state)
{
	struct device *d = open_tap(true);
	struct rx_frame f[DEVICE_BATCH];

	(void)state;
	while (d->ops->recv(d, f, DEVICE_BATCH, 0) > 0)
		;
	assert_int_equal(d->ops->recv(d, f, DEVICE_BATCH, 0), 0);
	d->ops->close(d);
}

/* ---- UDP: one frame each way ---- */

static void frames_from_the_kernel_are_received_in_batches(void **state)
{
	struct device *d = open_tap(false);
	struct rx_frame f[DEVICE_BATCH];
	uint16_t port;
	int fd = kernel_host_udp_socket(&port), count = 0, n;

	(void)state;
	while (d->ops->recv(d, f, DEVICE_BATCH, 0) > 0)
		;
	d->stats = (struct device_stats){ 0 };
	for (uint8_t i = 0; i < 100; i++)
		kernel_host_sends_udp(fd, &i, 1);
	while ((n = d->ops->recv(d, f, DEVICE_BATCH, 0)) > 0)
		for (int i = 0; i < n; i++, count++) {
			assert_int_equal(f[i].len, 14 + 20 + 8 + 1);
			assert_int_equal(f[i].data[14 + 20 + 8], count);
		}
	assert_int_equal(count, 100);
	assert_int_equal(d->stats.rx_frames, 100);
	assert_int_equal(d->stats.rx_bytes, 100 * 43);
	assert_int_equal(d->stats.rx_calls, 100 + 2); /* the end of a batch costs no call, that of all does */
	assert_int_equal(d->stats.rx_dropped, 0);
	close(fd);
	d->ops->close(d);
}

static void sent_frames_reach_the_kernel_and_are_counted(void **state)
{
	(void)state;
	for (int offload = 0; offload < 2; offload++) {
		struct device *d = open_tap(offload);

		assert_int_equal(kernel_host_deliver_udp(d, name, 0), 19);
		assert_int_equal(d->stats.tx_frames, 1);
		assert_int_equal(d->stats.tx_bytes, 14 + 20 + 8 + 19);
		assert_int_equal(d->stats.tx_calls, 1);
		assert_int_equal(d->stats.tx_dropped, 0);
		if (offload)
			assert_int_equal(kernel_host_deliver_udp(d, name, 1), 19);
		/* The kernel does look at checksums that are said to be finished. */
		assert_int_equal(kernel_host_deliver_udp(d, name, 2), -EAGAIN);
		d->ops->close(d);
	}
}

static void a_frame_that_the_kernel_refuses_is_dropped_and_the_next_is_sent(void **state)
{
	struct device *d = open_tap(true);
	struct tx_frame f[3];
	uint8_t mac[6];

	(void)state;
	kernel_host_mac(name, mac);
	kernel_host_make_udp(&f[0], mac, 1, "x", 1, 0);
	kernel_host_make_udp(&f[2], mac, 1, "x", 1, 0);
	tx_begin(&f[1]);
	memset(tx_push(&f[1], 4), 0, 4); /* shorter than an Ethernet header */
	assert_int_equal(d->ops->send(d, f, 3, 0), 2);
	assert_int_equal(d->stats.tx_frames, 2);
	assert_int_equal(d->stats.tx_dropped, 1);
	d->ops->close(d);
}

/* ---- TCP: super-frames each way ---- */

static void super_frames_pass_both_ways_with_unfinished_checksums(void **state)
{
	struct device *d = open_tap(true);
	struct kernel_tcp c = kernel_tcp_exchange(d, true);

	(void)state;
	d->ops->close(d);
	assert_true(c.gso_frames > 0);
	assert_int_equal(c.partial_frames, c.frames);
	assert_true(c.largest > 10000);
}

static void plain_frames_are_single_and_finished(void **state)
{
	struct device *d = open_tap(false);
	struct kernel_tcp c = kernel_tcp_exchange(d, false);

	(void)state;
	d->ops->close(d);
	assert_int_equal(c.gso_frames, 0);
	assert_int_equal(c.partial_frames, 0);
	assert_int_equal(c.largest, 14 + 1500);
}

/* ---- an interface that exists ---- */

static void an_existing_tap_is_used_as_it_is_and_stays(void **state)
{
	struct tap_config config = { .name = name, .offload = true };
	struct failure why = { "" };
	struct device *d;

	(void)state;
	kernel_host_run("ip tuntap add dev %s mode tap", name);
	kernel_host_run("ip link set dev %s mtu 1400 up", name);
	kernel_host_run("ip addr add 10.77.0.9/16 dev %s", name);
	assert_int_equal(tap_open(&config, &d, &why), 0);
	assert_int_equal(d->caps.mtu, 1400);
	d->ops->close(d);
	assert_contains(kernel_host_ask("ip -o -4 addr show dev %s", name), "inet 10.77.0.9/16");
	/* A host address that is there, if with another length, is left alone; another is added. */
	d = open_tap(true);
	d->ops->close(d);
	d = open_tap(true);
	d->ops->close(d);
	assert_contains(kernel_host_ask("ip -o -4 addr show dev %s", name), "inet 10.77.0.1/24");
	assert_string_equal(kernel_host_ask("ip -o -4 addr show dev %s | wc -l", name), "2");
	kernel_host_run("ip link del dev %s", name);
}

static void what_the_last_owner_had_set_does_not_matter(void **state)
{
	(void)state;
	kernel_host_run("ip tuntap add dev %s mode tap", name);
	for (int i = 0; i < 4; i++) {
		bool offload = i % 2 == 0;
		struct device *d = open_tap(offload);
		struct kernel_tcp c = kernel_tcp_exchange(d, offload);

		d->ops->close(d);
		assert_int_equal(c.gso_frames > 0, offload);
	}
	kernel_host_run("ip link del dev %s", name);
}

static void a_tap_of_several_queues_is_used_with_one(void **state)
{
	struct device *d;

	(void)state;
	kernel_host_run("ip tuntap add dev %s mode tap multi_queue", name);
	d = open_tap(true);
	assert_int_equal(kernel_host_deliver_udp(d, name, 1), 19);
	d->ops->close(d);
	kernel_host_run("ip link del dev %s", name);
}

static int try_open_queues(struct device **queues, struct failure *why)
{
	struct tap_config config = { .name = name, .offload = true, .queues = 3, .program = -1 };

	return tap_open(&config, queues, why);
}

static void queues_have_a_device_each(void **state)
{
	unsigned files = kernel_host_open_files();
	struct device *queues[3];
	struct failure why;

	(void)state;
	if (try_open_queues(queues, &why) != 0)
		fail_msg("%s", why.text);
	kernel_host_run("ip addr add 10.77.0.1/24 dev %s", name);
	kernel_host_knows_us(name);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(queues[i]->caps.mtu, 1500);
		assert_int_equal(queues[i]->caps.gso_max, 65535);
		assert_int_equal(kernel_host_deliver_udp(queues[i], name, 1), 19);
	}
	for (int i = 0; i < 3; i++) {
		assert_contains(kernel_host_ask("ip -o link show dev %s", name), ",UP");
		queues[i]->ops->close(queues[i]);
	}
	assert_int_equal(kernel_host_open_files(), files);
	assert_string_equal(kernel_host_ask("ip -o link show dev %s 2>/dev/null", name), "");
}

static void a_tap_of_one_queue_is_not_used_with_several(void **state)
{
	unsigned files = kernel_host_open_files();
	struct device *queues[3];
	struct failure why;

	(void)state;
	kernel_host_run("ip tuntap add dev %s mode tap", name);
	assert_int_equal(try_open_queues(queues, &why), -EINVAL);
	assert_contains(why.text, "ip tuntap add dev taptest0 mode tap multi_queue");
	kernel_host_run("ip link del dev %s", name);
	kernel_host_run("ip tuntap add dev %s mode tap multi_queue", name);
	assert_int_equal(try_open_queues(queues, &why), 0);
	for (int i = 0; i < 3; i++)
		queues[i]->ops->close(queues[i]);
	kernel_host_run("ip link del dev %s", name);
	assert_int_equal(kernel_host_open_files(), files);
}

static void an_ipv6_host_address_is_given_too(void **state)
{
	struct ip_prefix host;
	struct tap_config config = { .name = name, .host_address = &host, .offload = true };
	struct failure why = { "" };
	struct device *d;

	(void)state;
	assert_true(ip_prefix_parse("fd77::1/64", &host));
	/* This namespace has no IPv6: the error is the kernel's, named. */
	assert_true(tap_open(&config, &d, &why) < 0);
	assert_contains(why.text, "fd77::1/64");
	kernel_host_run("echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
	assert_int_equal(tap_open(&config, &d, &why), 0);
	kernel_host_run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
	assert_contains(kernel_host_ask("ip -o -6 addr show dev %s", name), "inet6 fd77::1/64");
	d->ops->close(d);
}

/* ---- errors ---- */

static void a_tap_in_use_is_told(void **state)
{
	struct device *d = open_tap(true);
	const char *text = open_error(name, -EBUSY);

	(void)state;
	assert_contains(text, name);
	assert_contains(text, "in use");
	/* What it suggests finds us. */
	assert_contains(kernel_host_ask("grep -lw %s /proc/[0-9]*/fdinfo/* 2>/dev/null", name), "/proc/");
	d->ops->close(d);
}

/* It has room for another queue, and the kernel would let us have it. */
static void a_tap_of_several_queues_in_use_is_told(void **state)
{
	struct device *queues[3], *others[3];
	struct failure why;
	unsigned files;

	(void)state;
	assert_int_equal(try_open_queues(queues, &why), 0);
	files = kernel_host_open_files();
	assert_contains(open_error(name, -EBUSY), "in use");
	assert_int_equal(try_open_queues(others, &why), -EBUSY);
	assert_contains(why.text, "in use");
	assert_int_equal(kernel_host_open_files(), files);
	for (int i = 0; i < 3; i++)
		queues[i]->ops->close(queues[i]);
}

static void other_interfaces_and_bad_names_are_refused(void **state)
{
	(void)state;
	assert_contains(open_error("lo", -EINVAL), "not a TAP");
	kernel_host_run("ip tuntap add dev %s mode tun", name);
	assert_contains(open_error(name, -EINVAL), "not a TAP");
	kernel_host_run("ip link del dev %s", name);
	assert_contains(open_error("", -EINVAL), "name");
	assert_contains(open_error("sixteen_letters_", -EINVAL), "sixteen_letters_");
	assert_contains(open_error("a/b", -EINVAL), "a/b");
	assert_contains(open_error("a b", -EINVAL), "a b");
	assert_contains(open_error("tap%d", -EINVAL), "tap%d");
	assert_contains(open_error("..", -EINVAL), "..");
}

static int open_fails_with_advice(void)
{
	struct tap_config config = { .name = name, .offload = true };
	struct failure why = { "" };
	struct device *d;
	int err = tap_open(&config, &d, &why);

	return (err == -EPERM || err == -EACCES) && strstr(why.text, "CAP_NET_ADMIN") != NULL ? 0 : 1;
}

static int open_succeeds(void)
{
	struct tap_config config = { .name = name, .offload = true };
	struct failure why = { "" };
	struct device *d;

	if (tap_open(&config, &d, &why) != 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	d->ops->close(d);
	return 0;
}

static void without_privileges_the_error_says_what_to_do(void **state)
{
	(void)state;
	assert_int_equal(kernel_host_unprivileged(open_fails_with_advice), 0);
}

static void the_owner_of_a_ready_tap_needs_no_privileges(void **state)
{
	(void)state;
	kernel_host_run("ip tuntap add dev %s mode tap user 65534", name);
	kernel_host_run("ip link set dev %s up", name);
	assert_int_equal(kernel_host_unprivileged(open_succeeds), 0);
	kernel_host_run("ip link set dev %s down", name);
	assert_int_equal(kernel_host_unprivileged(open_fails_with_advice), 0);
	kernel_host_run("ip link del dev %s", name);
}

static void an_interface_set_down_costs_frames_only(void **state)
{
	struct device *d = open_tap(true);
	struct rx_frame r[DEVICE_BATCH];
	struct tx_frame f;
	uint8_t mac[6];

	(void)state;
	kernel_host_mac(name, mac);
	kernel_host_run("ip link set dev %s down", name);
	kernel_host_make_udp(&f, mac, 1, "x", 1, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(d->ops->send(d, &f, 1, 0), 0);
	assert_int_equal(d->stats.tx_dropped, 3);
	while (d->ops->recv(d, r, DEVICE_BATCH, 0) > 0)
		;
	assert_int_equal(d->ops->recv(d, r, DEVICE_BATCH, 0), 0);
	kernel_host_run("ip link set dev %s up", name);
	assert_int_equal(kernel_host_deliver_udp(d, name, 1), 19);
	d->ops->close(d);
}

static void an_interface_that_is_gone_is_reported(void **state)
{
	struct device *d = open_tap(true);
	struct tx_frame f[3];
	struct rx_frame r;

	(void)state;
	kernel_host_run("ip link del dev %s", name);
	assert_true(kernel_host_wait(d)); /* poll(2) wakes up */
	assert_int_equal(d->ops->recv(d, &r, 1, 0), -ENODEV);
	for (int i = 0; i < 3; i++)
		kernel_host_make_udp(&f[i], (const uint8_t *)"\2\2\2\2\2\2", 1, "x", 1, 0);
	assert_int_equal(d->ops->send(d, f, 3, 0), -ENODEV);
	assert_int_equal(d->stats.tx_dropped, 3);
	d->ops->close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_makes_the_interface_and_close_removes_it),
		cmocka_unit_test(napi_is_had_for_the_asking),
		cmocka_unit_test(plain_offers_nothing),
		cmocka_unit_test(recv_never_blocks),
		cmocka_unit_test(frames_from_the_kernel_are_received_in_batches),
		cmocka_unit_test(sent_frames_reach_the_kernel_and_are_counted),
		cmocka_unit_test(a_frame_that_the_kernel_refuses_is_dropped_and_the_next_is_sent),
		cmocka_unit_test(super_frames_pass_both_ways_with_unfinished_checksums),
		cmocka_unit_test(plain_frames_are_single_and_finished),
		cmocka_unit_test(an_existing_tap_is_used_as_it_is_and_stays),
		cmocka_unit_test(what_the_last_owner_had_set_does_not_matter),
		cmocka_unit_test(a_tap_of_several_queues_is_used_with_one),
		cmocka_unit_test(queues_have_a_device_each),
		cmocka_unit_test(a_tap_of_one_queue_is_not_used_with_several),
		cmocka_unit_test(an_ipv6_host_address_is_given_too),
		cmocka_unit_test(a_tap_in_use_is_told),
		cmocka_unit_test(a_tap_of_several_queues_in_use_is_told),
		cmocka_unit_test(other_interfaces_and_bad_names_are_refused),
		cmocka_unit_test(without_privileges_the_error_says_what_to_do),
		cmocka_unit_test(the_owner_of_a_ready_tap_needs_no_privileges),
		cmocka_unit_test(an_interface_set_down_costs_frames_only),
		cmocka_unit_test(an_interface_that_is_gone_is_reported),
	};

	return cmocka_run_group_tests_name("tap", tests, kernel_host_enter, NULL);
}
