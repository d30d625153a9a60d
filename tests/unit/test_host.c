/* A host on a wire: its MAC address, and that a turn takes frames in and sends frames out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "link/wire.h"
#include "server/host.h"

static struct mac_addr mac_of(const char *device, const char *address)
{
	struct device_name name;
	struct ip_addr addr;

	assert_int_equal(value_device(device, &name), 0);
	assert_true(ip_addr_parse(address, &addr));
	return host_mac(&name, &addr);
}

static bool equal(struct mac_addr a, struct mac_addr b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static void test_mac_depends_on_device_and_address_alone(void **state)
{
	struct mac_addr mac = mac_of("tap:taphouse0", "10.77.0.2");

	(void)state;
	assert_true(equal(mac, mac_of("tap:taphouse0", "10.77.0.2")));
	assert_false(equal(mac, mac_of("tap:taphouse1", "10.77.0.2")));
	assert_false(equal(mac, mac_of("packet:taphouse0", "10.77.0.2")));
	assert_false(equal(mac, mac_of("tap:taphouse0", "10.77.0.3")));
}

/* Peers keep it in their ARP caches over a restart, and so over an upgrade of taphouse. */
static void test_mac_stays_the_same_from_version_to_version(void **state)
{
	struct mac_addr mac = mac_of("tap:taphouse0", "10.77.0.2");
	char text[MAC_TEXT];

	(void)state;
	assert_string_equal(value_format_mac(&mac, text), "92:fe:4c:f9:37:d6");
}

static void test_mac_is_locally_administered_and_of_one_port(void **state)
{
	(void)state;
	for (uint32_t i = 1; i < 255; i++) {
		struct device_name name = { .kind = DEVICE_TAP, .interface = "t" };
		struct ip_addr address = ip_addr_from_4(0x0a000000 + i);

		assert_int_equal(host_mac(&name, &address).b[0] & 3, 2);
	}
}

struct wired {
	struct host host;
	struct device *far;
};

static int make_wired(void **state)
{
	static struct wired w;
	struct stack_config c;
	struct failure why;
	struct ip_prefix address;

	w = (struct wired){ .far = NULL };
	assert_int_equal(wire_open(&(struct wire_config){ .mtu = 1500 }, &w.host.device, &w.far), 0);
	stack_config_default(&c);
	c.caps = w.host.device->caps;
	c.seed = 1;
	c.mac = mac_of("tap:t", "10.77.0.2");
	c.tcp.max_connections = 16;
	assert_int_equal(stack_new(&c, 0, &w.host.stack, &why), 0);
	assert_true(ip_prefix_parse("10.77.0.2/24", &address));
	assert_int_equal(ip_add_address(&w.host.stack->ip, &address), 0);
	*state = &w;
	return 0;
}

static int free_wired(void **state)
{
	struct wired *w = *state;

	host_close(&w->host);
	w->far->ops->close(w->far);
	return 0;
}

static int receive(struct wired *w, struct rx_frame *frames, uint64_t now_us)
{
	return w->far->ops->recv(w->far, frames, DEVICE_BATCH, now_us);
}

static void test_turn_announces_the_address(void **state)
{
	struct wired *w = *state;
	struct rx_frame frames[DEVICE_BATCH];

	assert_int_equal(host_turn(&w->host, 1000), 1);
	assert_int_equal(receive(w, frames, 1000), 1);
	assert_int_equal(load_be16(frames[0].data + 12), ETH_TYPE_ARP);
	assert_int_equal(load_be32(frames[0].data + 28), 0x0a4d0002);
}

static void test_turn_answers_what_came(void **state)
{
	static const uint8_t request[60] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6, /* Ethernet, ARP */
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 77, 0, 9,     /* who has … tell 10.77.0.9 */
		0, 0, 0, 0, 0, 0, 10, 77, 0, 2,
	};
	struct wired *w = *state;
	struct rx_frame frames[DEVICE_BATCH];
	struct tx_frame frame;

	host_turn(&w->host, 1000);
	receive(w, frames, 1000);
	tx_begin(&frame);
	memcpy(tx_push(&frame, sizeof request), request, sizeof request);
	assert_int_equal(w->far->ops->send(w->far, &frame, 1, 2000), 1);
	assert_int_equal(host_turn(&w->host, 3000), 2); /* one in, one out */
	assert_int_equal(receive(w, frames, 3000), 1);
	assert_int_equal(load_be16(frames[0].data + 20), 2); /* a reply */
	assert_int_equal(host_turn(&w->host, 4000), 0);
}

struct pools {
	const char *names[32];
	unsigned n;
	bool tcp_connections_are_limited; /* to the 16 of make_wired() */
};

static void note_pool(void *context, const struct pool *p)
{
	struct pools *pools = context;

	for (unsigned i = 0; i < pools->n; i++)
		assert_string_not_equal(p->name, pools->names[i]);
	assert_true(pools->n < 32);
	pools->names[pools->n++] = p->name;
	if (strcmp(p->name, "tcp_connection") == 0)
		pools->tcp_connections_are_limited = p->limit == 16;
}

static void test_every_pool_has_a_name_of_its_own(void **state)
{
	struct wired *w = *state;
	struct pools pools = { .n = 0 };

	stack_each_pool(w->host.stack, note_pool, &pools);
	assert_true(pools.n >= 11);
	assert_true(pools.tcp_connections_are_limited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac_depends_on_device_and_address_alone),
		cmocka_unit_test(test_mac_stays_the_same_from_version_to_version),
		cmocka_unit_test(test_mac_is_locally_administered_and_of_one_port),
		cmocka_unit_test_setup_teardown(test_turn_announces_the_address, make_wired, free_wired),
		cmocka_unit_test_setup_teardown(test_turn_answers_what_came, make_wired, free_wired),
		cmocka_unit_test_setup_teardown(test_every_pool_has_a_name_of_its_own, make_wired,
						free_wired),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
