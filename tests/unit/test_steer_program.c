/*
 * The kernel steers as we do: a TAP and a veth of two queues, each frame of a thousand flows comes by its
 * owner's, and so do fragments. Then without the program: all comes to its owner by handing over. In a
 * network namespace of this process's own. Needs root, /dev/net/tun and ip(8); fails without.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/kernel_host.h"
#include "link/packet.h"
#include "link/queues.h"
#include "link/steer.h"
#include "link/steer_program.h"
#include "link/tap.h"

enum { QUEUES = 2, ADDRESSES = 10, FLOWS = 1000, KERNEL = 0x0a4d0001, US = 0x0a4d0002, FRAGMENTED = 3000 };

static const char tap[] = "steertap0", ours[] = "steerveth0", kernels[] = "steerveth1";

static struct steer_rule rule_of(enum steer_mode mode)
{
	return steer_rule_make(mode, QUEUES, 0x0123456789abcdef);
}

/* ---- the kernel's side ---- */

static void give_addresses(const char *interface)
{
	for (unsigned i = 2; i < ADDRESSES + 1; i++)
		kernel_host_run("ip addr add 10.77.0.%u/24 dev %s", i + 8, interface);
	kernel_host_knows_us(interface);
}

static uint32_t address_of(unsigned flow)
{
	unsigned i = flow % ADDRESSES;

	return i == 0 ? KERNEL : KERNEL + 8 + i;
}

/* The kernel's end of a flow, on which something is sent to us: a SYN, or a datagram. */
static int send_on_flow(unsigned flow, size_t len)
{
	static const uint8_t data[FRAGMENTED];
	struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
	bool is_tcp = flow % 2 == 0;
	int fd = socket(AF_INET, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	from.sin_addr.s_addr = htonl(address_of(flow));
	to.sin_addr.s_addr = htonl(US);
	to.sin_port = htons((uint16_t)(80 + flow % 7));
	assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof from), 0);
	if (connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
		assert_int_equal(errno, EINPROGRESS);
	if (!is_tcp)
		assert_int_equal(send(fd, data, len, 0), len);
	return fd;
}

/* ---- ours ---- */

struct seen {
	unsigned flows[QUEUES]; /* frames of TCP and UDP */
	unsigned strangers;     /* of these, such as are not the queue's */
};

static bool is_of_flow(const struct rx_frame *f)
{
	return f->len > 34 && load_be16(f->data + 12) == 0x0800 &&
	       (f->data[23] == IPPROTO_TCP || f->data[23] == IPPROTO_UDP);
}

/* Takes what has come by each queue. */
static void receive(struct device *const *queues, const struct steer_rule *r, struct seen *seen)
{
	for (int i = 0; i < QUEUES; i++) {
		struct rx_frame f[DEVICE_BATCH];
		int n;

		while ((n = queues[i]->ops->recv(queues[i], f, DEVICE_BATCH, 0)) > 0)
			for (int k = 0; k < n; k++) {
				if (!is_of_flow(&f[k]))
					continue;
				seen->flows[i]++;
				seen->strangers += steer_owner(r, bytes_of(f[k].data, f[k].len)) != i;
			}
		assert_int_equal(n, 0);
	}
}

static unsigned all_of(const struct seen *seen)
{
	return seen->flows[0] + seen->flows[1];
}

static void wait_for_frame(struct device *const *queues)
{
	if (!kernel_host_wait(queues[0]))
		assert_true(kernel_host_wait(queues[1]));
}

/* A thousand flows, one frame each, in portions that every queue has room for. */
static struct seen receive_flows(struct device *const *queues, const struct steer_rule *r)
{
	enum { PORTION = 100 };
	struct seen seen = { .strangers = 0 };

	for (unsigned flow = 0; flow < FLOWS; flow += PORTION) {
		int fds[PORTION];

		for (unsigned i = 0; i < PORTION; i++)
			fds[i] = send_on_flow(flow + i, 10);
		while (all_of(&seen) < flow + PORTION) {
			unsigned before = all_of(&seen);

			receive(queues, r, &seen);
			if (all_of(&seen) == before)
				wait_for_frame(queues);
		}
		for (unsigned i = 0; i < PORTION; i++)
			close(fds[i]);
	}
	return seen;
}

static void expect_shares(const struct seen *seen)
{
	assert_int_equal(seen->strangers, 0);
	assert_in_range(seen->flows[0], FLOWS / 10, FLOWS);
	assert_in_range(seen->flows[1], FLOWS / 10, FLOWS);
}

static int load(const struct steer_rule *r)
{
	int program = steer_program_load(r);

	if (program < 0)
		fail_msg("the kernel does not load the program: %s", strerror(-program));
	return program;
}

static void open_tap(int program, struct device **queues)
{
	struct ip_prefix host = { ip_addr_from_4(KERNEL), 96 + 24 };
	struct tap_config c = {
		.name = tap, .host_address = &host, .offload = true, .queues = QUEUES, .program = program,
	};
	struct failure why;

	if (tap_open(&c, queues, &why) < 0)
		fail_msg("%s", why.text);
	give_addresses(tap);
}

static void open_packet(int program, struct device **queues)
{
	struct packet_config c = {
		.interface = ours, .offload = true, .queues = QUEUES, .program = program,
	};
	struct failure why;

	kernel_host_make_pair(ours, kernels);
	give_addresses(kernels);
	if (packet_open(&c, queues, &why) < 0)
		fail_msg("%s", why.text);
}

typedef void open_fn(int program, struct device **queues);

static void expect_the_kernel_to_agree(open_fn *open)
{
	for (enum steer_mode mode = STEER_FLOW; mode <= STEER_ADDRESS; mode++) {
		struct steer_rule r = rule_of(mode);
		unsigned files = kernel_host_open_files();
		int program = load(&r);
		struct device *queues[QUEUES];
		struct seen seen;

		open(program, queues);
		close(program);
		seen = receive_flows(queues, &r);
		expect_shares(&seen);
		queues_close(QUEUES, queues);
		assert_int_equal(kernel_host_open_files(), files);
		kernel_host_remove(kernels);
	}
}

static void a_tap_steers_as_we_do(void **state)
{
	(void)state;
	expect_the_kernel_to_agree(open_tap);
}

static void a_fanout_group_steers_as_we_do(void **state)
{
	(void)state;
	expect_the_kernel_to_agree(open_packet);
}

static void expect_fragments_together(open_fn *open)
{
	enum { DATAGRAMS = 40, FRAGMENTS = 3 };
	struct steer_rule r = rule_of(STEER_FLOW);
	int program = load(&r), fds[DATAGRAMS];
	struct device *queues[QUEUES];
	struct seen seen = { .strangers = 0 };

	open(program, queues);
	close(program);
	for (unsigned i = 0; i < DATAGRAMS; i++)
		fds[i] = send_on_flow(2 * (i / 2 % ADDRESSES) + 1, FRAGMENTED);
	while (all_of(&seen) < DATAGRAMS * FRAGMENTS) {
		wait_for_frame(queues);
		receive(queues, &r, &seen);
	}
	assert_int_equal(seen.strangers, 0);
	assert_true(seen.flows[0] > 0 && seen.flows[1] > 0);
	for (unsigned i = 0; i < DATAGRAMS; i++)
		close(fds[i]);
	queues_close(QUEUES, queues);
	kernel_host_remove(kernels);
}

static void fragments_come_by_one_queue(void **state)
{
	(void)state;
	expect_fragments_together(open_tap);
	expect_fragments_together(open_packet);
}

/* ---- without the program ---- */

static void wrap(const struct steer_rule *r, struct device **queues, struct steer_group **group)
{
	struct failure why;

	assert_int_equal(steer_group_new(r, group, &why), 0);
	for (unsigned i = 0; i < QUEUES; i++)
		assert_int_equal(steer_open(*group, i, queues[i], &queues[i]), 0);
}

static void expect_handing_over(open_fn *open)
{
	struct steer_rule r = rule_of(STEER_FLOW);
	unsigned files = kernel_host_open_files();
	struct device *queues[QUEUES];
	struct steer_stats stats[QUEUES];
	struct steer_group *group;
	struct seen seen;

	open(-1, queues);
	wrap(&r, queues, &group);
	seen = receive_flows(queues, &r);
	expect_shares(&seen);
	for (unsigned i = 0; i < QUEUES; i++)
		steer_stats(group, i, &stats[i]);
	assert_true(stats[0].handed_over + stats[1].handed_over > FLOWS / 10);
	assert_int_equal(stats[0].handed_over + stats[1].handed_over,
			 stats[0].taken_over + stats[1].taken_over);
	assert_int_equal(stats[0].dropped + stats[1].dropped, 0);
	queues_close(QUEUES, queues);
	steer_group_free(group);
	assert_int_equal(kernel_host_open_files(), files);
	kernel_host_remove(kernels);
}

static void without_the_program_frames_are_handed_over(void **state)
{
	(void)state;
	expect_handing_over(open_tap);
	expect_handing_over(open_packet);
}

static int loading_fails(void)
{
	struct steer_rule r = rule_of(STEER_FLOW);
	int program = steer_program_load(&r);

	return program == -EPERM ? 0 : 1;
}

static void without_privileges_it_is_refused(void **state)
{
	(void)state;
	assert_int_equal(kernel_host_unprivileged(loading_fails), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tap_steers_as_we_do),
		cmocka_unit_test(a_fanout_group_steers_as_we_do),
		cmocka_unit_test(fragments_come_by_one_queue),
		cmocka_unit_test(without_the_program_frames_are_handed_over),
		cmocka_unit_test(without_privileges_it_is_refused),
	};

	return cmocka_run_group_tests(tests, kernel_host_enter, NULL);
}
