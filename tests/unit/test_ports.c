/* Queues for workers: of a TAP and of packet sockets, opened together, taken one by one, or not at all. In a
 * network namespace of this process's own. Needs root, /dev/net/tun and ip(8); fails without. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "common/kernel_host.h"
#include "link/arp.h"
#include "server/host.h"
#include "server/ports.h"

enum { WORKERS = 3 };

struct noted {
	struct log log;
	unsigned lines;
	char last[256];
};

static void note(void *context, const char *line, size_t len)
{
	struct noted *n = context;

	n->lines++;
	snprintf(n->last, sizeof n->last, "%.*s", (int)len, line);
}

static void noted_init(struct noted *n)
{
	*n = (struct noted){ .log = { .level = LOG_DEBUG, .write = note, .context = n } };
}

static struct config *config_of(const char *device)
{
	struct config *c = config_new();

	assert_non_null(c);
	assert_int_equal(value_device(device, &c->device.name), 0);
	return c;
}

static void one_queue_is_the_device_itself(void **state)
{
	unsigned files = kernel_host_open_files();
	struct config *c = config_of("tap:portstap0");
	struct noted noted;
	struct ports p;
	struct failure why;
	struct device *d;

	(void)state;
	noted_init(&noted);
	if (ports_open(&p, &c->device, 1, &noted.log, &why) < 0)
		fail_msg("%s", why.text);
	assert_null(p.group);
	d = ports_take(&p, 0);
	assert_string_equal(d->ops->name, "tap");
	d->ops->close(d);
	ports_close(&p);
	assert_int_equal(noted.lines, 0);
	config_unref(c);
	assert_int_equal(kernel_host_open_files(), files);
}

static void those_that_nobody_took_are_closed(void **state)
{
	unsigned files = kernel_host_open_files();
	struct config *c = config_of("tap:portstap0");
	struct noted noted;
	struct ports p;
	struct failure why;
	struct device *d;

	(void)state;
	noted_init(&noted);
	if (ports_open(&p, &c->device, WORKERS, &noted.log, &why) < 0)
		fail_msg("%s", why.text);
	d = ports_take(&p, 1);
	assert_true(steer_is_member(d));
	assert_int_equal(d->caps.queue, 1);
	d->ops->close(d);
	ports_close(&p);
	assert_int_equal(noted.lines, 0);
	config_unref(c);
	assert_int_equal(kernel_host_open_files(), files);
	assert_string_equal(kernel_host_ask("ip -o link show dev portstap0 2>/dev/null"), "");
}

static void what_cannot_be_opened_leaves_nothing(void **state)
{
	unsigned files = kernel_host_open_files();
	struct config *c = config_of("packet:nosuch0");
	struct noted noted;
	struct ports p;
	struct failure why;

	(void)state;
	noted_init(&noted);
	assert_int_equal(ports_open(&p, &c->device, WORKERS, &noted.log, &why), -ENODEV);
	assert_contains(why.text, "no interface nosuch0");
	ports_close(&p); /* a crew that could not be opened is closed like any other */
	config_unref(c);
	assert_int_equal(kernel_host_open_files(), files);
}

/* What the kernel's ping says while all hosts have their turns. */
static void ping(struct host *hosts, char *out, size_t room)
{
	FILE *in = popen("ping -n -c 3 -i 0.1 -W 2 10.77.0.2", "r");
	struct pollfd p = { .fd = in != NULL ? fileno(in) : -1, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	assert_non_null(in);
	while (n > 0) {
		for (unsigned i = 0; i < WORKERS; i++)
			assert_true(host_turn(&hosts[i], clock_now_us()) >= 0);
		if (poll(&p, 1, 1) != 1)
			continue;
		n = read(p.fd, out + len, room - 1 - len);
		assert_true(n >= 0);
		len += (size_t)n;
	}
	out[len] = '\0';
	pclose(in);
}

/* One of them answers who asks for their MAC address, and one answers the echo, once each. */
static void hosts_on_queues_are_one_host(void **state)
{
	unsigned files = kernel_host_open_files(), replies = 0;
	struct config *c = config_of("tap:portstap0");
	struct host hosts[WORKERS];
	char said[2000];
	struct noted noted;
	struct ports p;
	struct failure why;

	(void)state;
	noted_init(&noted);
	if (ports_open(&p, &c->device, WORKERS, &noted.log, &why) < 0)
		fail_msg("%s", why.text);
	for (unsigned i = 0; i < WORKERS; i++)
		if (host_open_queue(&hosts[i], ports_take(&p, i), &c->device, &c->tcp, &noted.log, &why) < 0)
			fail_msg("%s", why.text);
	ping(hosts, said, sizeof said);
	assert_contains(said, "3 packets transmitted, 3 received,");
	assert_null(strstr(said, "DUP"));
	for (unsigned i = 0; i < WORKERS; i++) {
		replies += (unsigned)hosts[i].stack->link.arp->stats.replies_out;
		assert_int_equal(hosts[i].stack->link.arp->stats.conflicts, 0);
		host_close(&hosts[i]);
	}
	assert_int_equal(replies, 1);
	ports_close(&p);
	config_unref(c);
	assert_int_equal(kernel_host_open_files(), files);
}

/* The owner of a ready TAP may open it, and not load programs. */
static int open_unprivileged(void)
{
	struct config *c = config_of("tap:portstap1");
	struct noted noted;
	struct ports p;
	struct failure why;

	noted_init(&noted);
	c->device.host_address.given = false;
	if (ports_open(&p, &c->device, WORKERS, &noted.log, &why) < 0)
		return 1;
	ports_close(&p);
	config_unref(c);
	return noted.lines == 1 && strstr(noted.last, "handed over") != NULL ? 0 : 2;
}

static void without_the_kernels_help_it_says_so(void **state)
{
	(void)state;
	kernel_host_run("ip tuntap add dev portstap1 mode tap multi_queue user 65534");
	kernel_host_run("ip link set dev portstap1 up");
	assert_int_equal(kernel_host_unprivileged(open_unprivileged), 0);
	kernel_host_run("ip link del dev portstap1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_queue_is_the_device_itself),
		cmocka_unit_test(those_that_nobody_took_are_closed),
		cmocka_unit_test(what_cannot_be_opened_leaves_nothing),
		cmocka_unit_test(hosts_on_queues_are_one_host),
		cmocka_unit_test(without_the_kernels_help_it_says_so),
	};

	return cmocka_run_group_tests_name("ports", tests, kernel_host_enter, NULL);
}
