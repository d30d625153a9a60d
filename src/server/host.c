/* One host on the network: its device opened, its stack run. */
#include "server/host.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "link/impair.h"
#include "link/visitors.h"
#include "server/ports.h"

/* Rings of frames sent in one turn before received frames get their turn again. */
enum { SENDS_A_TURN = 8 };

struct mac_addr host_mac(const struct device_name *device, const struct ip_addr *address)
{
	static const struct hash_key key = { 0x7461706f75736531, 0x6c6f63616c6d6163 };
	char text[DEVICE_NAME_TEXT + sizeof address->b] = "";
	struct mac_addr mac;
	uint64_t bits;

	value_format_device(device, text);
	memcpy(text + DEVICE_NAME_TEXT, address->b, sizeof address->b);
	bits = hash_siphash24(&key, text, sizeof text);
	for (size_t i = 0; i < sizeof mac.b; i++)
		mac.b[i] = (uint8_t)(bits >> 8 * i);
	mac.b[0] = (uint8_t)((mac.b[0] & 0xfc) | 0x02); /* IEEE 802: of one port, locally administered */
	return mac;
}

/* The devices that wrap the queue. It is closed on failure. */
static int wrap(struct host *h, const struct config_device *d, struct failure *why)
{
	int r = 0;

	h->port = h->queue;
	if (d->impair.given)
		r = impair_open(&d->impair.spec, h->queue, &h->port);
	if (r == 0)
		r = visitors_open(h->port, &h->device);
	if (r < 0) {
		h->port->ops->close(h->port);
		return failure_set(why, r, "no memory for the impairment");
	}
	return 0;
}

/* What becomes of frames on bad wires is seen by whoever watches the stack. */
static void tell_of_wires(struct host *h, const struct config_device *d)
{
	if (d->impair.given)
		impair_tell(h->port, &h->stack->world);
	visitors_tell(h->device, &h->stack->world);
}

static bool mac_is_given(const struct mac_addr *mac)
{
	static const struct mac_addr zero;

	return memcmp(mac, &zero, sizeof zero) != 0;
}

static int open_stack(struct host *h, const struct config_device *d, const struct tcp_config *tcp,
		      struct failure *why)
{
	struct stack_config c;

	stack_config_default(&c);
	c.caps = h->device->caps;
	c.mac = mac_is_given(&d->mac) ? d->mac : host_mac(&d->name, &d->address.items[0].addr);
	c.log = h->log;
	c.tcp = *tcp;
	return stack_new(&c, clock_now_us(), &h->stack, why);
}

static int add_addresses(struct host *h, const struct config_device *d, struct failure *why)
{
	char text[IP_PREFIX_TEXT];

	for (unsigned i = 0; i < d->address.n; i++) {
		int r = ip_add_address(&h->stack->ip, &d->address.items[i]);

		if (r < 0)
			return failure_set(why, r, "address %s cannot be ours: %s",
					   ip_prefix_format(&d->address.items[i], text),
					   r == -EINVAL ? "no host may have it" : strerror(-r));
	}
	return 0;
}

static int add_gateways(struct host *h, const struct config_device *d, struct failure *why)
{
	struct ip_prefix everything;
	char text[IP_ADDR_TEXT];

	ip_prefix_parse("0.0.0.0/0", &everything);
	for (unsigned i = d->gateway.n; i-- > 0;) { /* a later route replaces: the first gateway is to stay */
		int r = ip_add_route(&h->stack->ip, &everything, &d->gateway.items[i]);

		if (r < 0)
			return failure_set(why, r, "gateway %s: %s",
					   ip_addr_format(&d->gateway.items[i], text),
					   r == -EINVAL ? "it is in none of our networks: see --address"
							: strerror(-r));
	}
	return 0;
}

/* Fragments are put together by who owns their address: the whole is of a flow, which may be another's. */
static bool pass_on(void *context, const struct ip_packet *whole)
{
	const struct host *h = context;

	return steer_pass_on(h->queue, whole->frame->data,
			     bytes_of(whole->header.data, whole->header.len + whole->payload.len));
}

static int open_pcap(struct host *h, const struct config_device *d, struct failure *why)
{
	int r;

	if (*d->pcap == '\0')
		return 0;
	r = pcapng_open(d->pcap, d->name.interface, clock_wall_us() - clock_now_us(), &h->pcap, why);
	if (r == 0)
		stack_observe(h->stack, pcapng_observer(h->pcap));
	return r;
}

int host_open(struct host *h, const struct config_device *device, const struct tcp_config *tcp,
	      const struct log *log, struct failure *why)
{
	struct ports ports;
	int r = ports_open(&ports, device, 1, log, why);

	if (r < 0)
		return r;
	r = host_open_queue(h, ports_take(&ports, 0), device, tcp, log, why);
	ports_close(&ports);
	return r;
}

int host_open_queue(struct host *h, struct device *queue, const struct config_device *device,
		    const struct tcp_config *tcp, const struct log *log, struct failure *why)
{
	int r;

	*h = (struct host){ .log = log, .queue = queue };
	r = wrap(h, device, why);
	if (r < 0)
		return r;
	r = open_stack(h, device, tcp, why);
	if (r == 0)
		tell_of_wires(h, device);
	if (r == 0 && steer_is_member(queue))
		ip_divert(&h->stack->ip, pass_on, h);
	if (r == 0)
		r = add_addresses(h, device, why);
	if (r == 0)
		r = add_gateways(h, device, why);
	if (r == 0)
		r = open_pcap(h, device, why);
	if (r < 0)
		host_close(h);
	return r;
}

void host_close(struct host *h)
{
	host_flush(h);
	if (h->pcap != NULL) {
		stack_unobserve(h->stack, pcapng_observer(h->pcap));
		pcapng_close(h->pcap);
	}
	stack_free(h->stack);
	h->device->ops->close(h->device);
}

static int take_frames(struct host *h, uint64_t now_us)
{
	struct rx_frame frames[DEVICE_BATCH];
	int n = h->device->ops->recv(h->device, frames, DEVICE_BATCH, now_us);

	if (n > 0)
		stack_input(h->stack, frames, n, now_us);
	return n;
}

static int send_frames(struct host *h, uint64_t now_us)
{
	struct tx_frame *frames;
	int sent = 0;

	for (int i = 0; i < SENDS_A_TURN; i++) {
		int n = stack_poll(h->stack, now_us, &frames);
		int r;

		if (n == 0)
			break;
		r = h->device->ops->send(h->device, frames, n, now_us);
		if (r < 0)
			return r;
		sent += n;
	}
	return sent;
}

int host_turn(struct host *h, uint64_t now_us)
{
	int taken = take_frames(h, now_us);
	int sent;

	if (taken < 0)
		return taken;
	sent = send_frames(h, now_us);
	return sent < 0 ? sent : taken + sent;
}

uint64_t host_deadline(const struct host *h)
{
	uint64_t stack = stack_deadline(h->stack), device = h->device->ops->deadline(h->device);

	return stack < device ? stack : device;
}

void host_flush(struct host *h)
{
	int r = h->pcap != NULL ? pcapng_flush(h->pcap) : 0;

	if (r == 0)
		return;
	log_line(h->log, LOG_ERROR, "pcap", "recording ends, the file cannot be written: %s", strerror(-r));
	stack_unobserve(h->stack, pcapng_observer(h->pcap));
	pcapng_close(h->pcap);
	h->pcap = NULL;
}
