/*
 * AF_XDP on the queues of an interface, a device each, by libxdp's rings and libbpf. The memory of each
 * (UMEM) is cut into chunks of a page: half of them are the kernel's to receive into, half are ours to send
 * from. A received frame is looked at where it lies, and its chunk goes back to the kernel when recv() is
 * called again. To send, a frame is copied into a chunk, once: the only copy that this project makes of
 * payload.
 *
 * The BPF program of five instructions hands every frame of the queue to the socket. It hangs on a link, not
 * on the interface: the kernel takes both away with the process.
 *
 * System calls: socket, ioctl, sendto, recvfrom, setsockopt, mmap, bind, bpf, getsockopt (start); sendto and
 * recvfrom when the kernel wants to be woken, poll, getsockopt and ioctl ten times a second at most; munmap,
 * close.
 */
#include "link/xdp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "link/interface.h"
#include "link/netdev.h"
#include "link/queues.h"
#include "link/vnet.h"

enum {
	CHUNK = 4096,
	RX_CHUNKS = 2048,             /* powers of two: rings have as many places */
	TX_CHUNKS = 2048,
	UMEM_SIZE = (RX_CHUNKS + TX_CHUNKS) * CHUNK,
	LONGEST = CHUNK - XDP_PACKET_HEADROOM, /* frame that arrives in one chunk */
	ETHERNET_HEADER = 14,
	TX_PATIENCE = 10,             /* tries of at most a millisecond each in one send() */
	LOOK_EVERY_US = 100000,       /* at the kernel's counters, and whether the interface is there ... */
	LOOK_IDLE_US = 1000000,       /* ... or at least so often */
	BUSY_POLL_US = 20, BUSY_POLL_FRAMES = DEVICE_BATCH,
};

struct xdp {
	struct device device;   /* first: xdp_fd() relies on it */
	int control;            /* a packet socket: keeps the interface promiscuous */
	int index;              /* the interface's, which outlives its name */
	bool is_veth;           /* the sender is a kernel on this machine */
	int program, map, link; /* -1: none; the first queue's device has them for all */
	void *memory;           /* the chunks, UMEM_SIZE bytes */
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons completion, rx;
	uint64_t shown[DEVICE_BATCH]; /* chunks of the frames that recv() returned last */
	int n_shown;
	uint64_t idle[TX_CHUNKS];     /* chunks to send from */
	uint32_t n_idle;
	uint64_t looked_us;           /* when the kernel's counters were looked at */
	uint64_t kernel_dropped;      /* by them */
};

static struct xdp *xdp_of(struct device *d)
{
	return CONTAINER_OF(d, struct xdp, device);
}

/* ---- receiving ---- */

/* Chunks that the kernel may receive into. The ring has a place for each that there is. */
static void give_to_kernel(struct xdp *x, const uint64_t *chunks, uint32_t n)
{
	uint32_t at = 0;

	if (n == 0)
		return;
	xsk_ring_prod__reserve(&x->fill, n, &at);
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&x->fill, at + i) = chunks[i] / CHUNK * CHUNK;
	xsk_ring_prod__submit(&x->fill, n);
}

static void count_dropped(struct xdp *x)
{
	struct xdp_statistics s;
	socklen_t len = sizeof s;
	uint64_t total;

	if (getsockopt(xsk_socket__fd(x->socket), SOL_XDP, XDP_STATISTICS, &s, &len) < 0 || len < sizeof s)
		return;
	total = s.rx_dropped + s.rx_ring_full;
	x->device.stats.rx_dropped += total - x->kernel_dropped;
	x->kernel_dropped = total;
}

/* Now and then, when nothing comes: it may be that nothing can come any more. */
static bool is_there(struct xdp *x, uint64_t now_us)
{
	if (now_us - x->looked_us < LOOK_EVERY_US)
		return true;
	x->looked_us = now_us;
	count_dropped(x);
	return netdev_exists(x->control, x->index);
}

/* The driver sleeps until it is told of new chunks; or it is polled from here, on our own core. */
static void wake_receiver(struct xdp *x)
{
	x->device.stats.rx_calls++;
	(void)recvfrom(xsk_socket__fd(x->socket), NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

static int xdp_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct xdp *x = xdp_of(d);
	uint32_t at = 0, n;

	give_to_kernel(x, x->shown, (uint32_t)x->n_shown);
	x->n_shown = 0;
	if (xsk_ring_prod__needs_wakeup(&x->fill))
		wake_receiver(x);
	n = xsk_ring_cons__peek(&x->rx, (uint32_t)(max < DEVICE_BATCH ? max : DEVICE_BATCH), &at);
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&x->rx, at + i);

		x->shown[x->n_shown++] = desc->addr;
		vnet_plain(xsk_umem__get_data(x->memory, desc->addr), desc->len, &frames[i]);
		if (x->is_veth)
			frame_find_unfinished(&frames[i]);
		d->stats.rx_bytes += desc->len;
	}
	if (n > 0)
		xsk_ring_cons__release(&x->rx, n);
	d->stats.rx_frames += n;
	return n > 0 || is_there(x, now_us) ? (int)n : -ENODEV;
}

/* ---- sending ---- */

static void take_back_sent(struct xdp *x)
{
	uint32_t at = 0, n = xsk_ring_cons__peek(&x->completion, TX_CHUNKS, &at);

	for (uint32_t i = 0; i < n; i++)
		x->idle[x->n_idle++] = *xsk_ring_cons__comp_addr(&x->completion, at + i);
	if (n > 0)
		xsk_ring_cons__release(&x->completion, n);
}

static bool is_sendable(const struct xdp *x, const struct tx_frame *f)
{
	return f->gso == GSO_NONE && (f->flags & TX_CHECKSUM_PARTIAL) == 0 &&
	       tx_len(f) <= x->device.caps.mtu + ETHERNET_HEADER;
}

/* Puts as many of the frames into the ring as there are chunks for. Returns how many were dealt with. */
static int enqueue(struct xdp *x, const struct tx_frame *frames, int count, int *taken)
{
	struct device_stats *s = &x->device.stats;
	uint32_t at = 0, n = 0;
	int done;

	for (done = 0; done < count && x->n_idle > 0; done++) {
		const struct tx_frame *f = &frames[done];
		struct xdp_desc *desc;

		if (!is_sendable(x, f) || xsk_ring_prod__reserve(&x->tx, 1, &at) == 0) {
			s->tx_dropped++;
			continue;
		}
		desc = xsk_ring_prod__tx_desc(&x->tx, at);
		*desc = (struct xdp_desc){ .addr = x->idle[--x->n_idle] };
		desc->len = tx_flatten(f, xsk_umem__get_data(x->memory, desc->addr));
		s->tx_bytes += desc->len;
		n++;
	}
	xsk_ring_prod__submit(&x->tx, n);
	s->tx_frames += n;
	*taken += (int)n;
	return done;
}

/* How many frames the kernel has not taken from the ring. */
static uint32_t waiting(const struct xdp *x)
{
	return *x->tx.producer - __atomic_load_n(x->tx.consumer, __ATOMIC_ACQUIRE);
}

/* Without zero copy the kernel sends inside this call, some 32 frames at a time, and EAGAIN means that there
 * are more. */
static void kick(struct xdp *x, int *patience)
{
	int fd = xsk_socket__fd(x->socket);
	uint32_t left;

	while (xsk_ring_prod__needs_wakeup(&x->tx) && (left = waiting(x)) > 0) {
		x->device.stats.tx_calls++;
		if (sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
			return;
		if (waiting(x) == left && !netdev_wait_for_room(fd, errno, patience))
			return; /* what is in the ring goes with the next frames */
	}
}

static int xdp_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	struct xdp *x = xdp_of(d);
	int done = 0, taken = 0, patience = TX_PATIENCE;

	(void)now_us;
	do {
		take_back_sent(x);
		done += enqueue(x, frames + done, count - done, &taken);
		kick(x, &patience);
	} while (done < count && netdev_wait_for_room(xsk_socket__fd(x->socket), EAGAIN, &patience));
	d->stats.tx_dropped += (uint64_t)(count - done);
	return taken;
}

static int xdp_fd(const struct device *d)
{
	return xsk_socket__fd(((const struct xdp *)d)->socket);
}

/* That its interface has gone does not wake who waits for the socket. */
static uint64_t xdp_deadline(const struct device *d)
{
	return ((const struct xdp *)d)->looked_us + LOOK_IDLE_US;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void xdp_close(struct device *d)
{
	struct xdp *x = xdp_of(d);

	close_fd(x->link);
	close_fd(x->program);
	close_fd(x->map);
	if (x->socket != NULL)
		xsk_socket__delete(x->socket);
	if (x->umem != NULL)
		(void)xsk_umem__delete(x->umem);
	if (x->memory != MAP_FAILED)
		munmap(x->memory, UMEM_SIZE);
	close_fd(x->control);
	free(x);
}

static const struct device_ops xdp_ops = {
	.name = "xdp",
	.recv = xdp_recv,
	.send = xdp_send,
	.fd = xdp_fd,
	.deadline = xdp_deadline,
	.close = xdp_close,
};

/* ---- opening ---- */

static int explain(int err, const char *what, const char *name, struct failure *why)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return failure_set(why, err,
				   "cannot %s on %s: run as root or give the process CAP_NET_RAW, "
				   "CAP_NET_ADMIN and CAP_BPF", what, name);
	case -EBUSY:
		return failure_set(why, err,
				   "cannot %s on %s: another program uses AF_XDP there, or has put one of "
				   "its own there: see `ip link show dev %s`", what, name, name);
	case -ENOBUFS:
		return failure_set(why, err,
				   "cannot %s on %s: it takes %u MiB of locked memory: raise `ulimit -l`, or "
				   "give the process CAP_IPC_LOCK", what, name, UMEM_SIZE >> 20);
	default:
		return failure_set(why, err, "cannot %s on %s: %s", what, name, strerror(-err));
	}
}

/* An interface that does not tell has one queue each way. */
static void count_queues(int socket, const char *name, struct ethtool_channels *channels)
{
	struct ifreq r = { .ifr_data = (void *)channels };

	*channels = (struct ethtool_channels){ .cmd = ETHTOOL_GCHANNELS };
	memcpy(r.ifr_name, name, strlen(name) + 1);
	if (ioctl(socket, SIOCETHTOOL, &r) < 0 || channels->rx_count + channels->combined_count == 0)
		*channels = (struct ethtool_channels){ .rx_count = 1, .tx_count = 1 };
}

/* All that arrives must arrive where a socket of ours is, and a socket sends by the queue that it receives
 * by. */
static int check_queues(int socket, const char *name, unsigned wanted, struct failure *why)
{
	struct ethtool_channels c;
	unsigned rx, tx;

	count_queues(socket, name, &c);
	rx = c.rx_count + c.combined_count;
	tx = c.tx_count + c.combined_count;
	if (rx == wanted && tx >= wanted)
		return 0;
	if (wanted == 1)
		return failure_set(why, -EINVAL,
				   "%s has %u receive queues and AF_XDP would see one of them: make it one "
				   "with `ethtool -L %s %s 1`", name, rx, name,
				   c.combined_count > 0 ? "combined" : "rx");
	return failure_set(why, -EINVAL,
			   "%s has %u receive and %u transmit queues, and %u workers want one each: make it "
			   "as many with `ethtool -L %s %s`, a veth after `ip link add %s numrxqueues %u "
			   "numtxqueues %u type veth`", name, rx, tx, wanted, name,
			   c.combined_count > 0 ? "combined N" : "rx N tx N", name, wanted, wanted);
}

static bool is_veth(int socket, const char *name)
{
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq r = { .ifr_data = (void *)&driver };

	memcpy(r.ifr_name, name, strlen(name) + 1);
	return ioctl(socket, SIOCETHTOOL, &r) == 0 && strcmp(driver.driver, "veth") == 0;
}

static int check_mtu(uint32_t mtu, const char *name, struct failure *why)
{
	if (mtu + ETHERNET_HEADER <= LONGEST)
		return 0;
	return failure_set(why, -EMSGSIZE,
			   "%s has an MTU of %u and AF_XDP takes frames of at most a page: set it to %u with "
			   "`ip link set dev %s mtu %u`", name, mtu, LONGEST - ETHERNET_HEADER, name,
			   LONGEST - ETHERNET_HEADER);
}

static int share_memory(struct xdp *x, const char *name, struct failure *why)
{
	static const struct xsk_umem_config config = {
		.fill_size = RX_CHUNKS, .comp_size = TX_CHUNKS, .frame_size = CHUNK,
	};
	int err;

	x->memory = mmap(NULL, UMEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (x->memory == MAP_FAILED)
		return failure_set(why, -ENOMEM, "no memory for the frames of %s", name);
	err = xsk_umem__create(&x->umem, x->memory, UMEM_SIZE, &x->fill, &x->completion, &config);
	return err < 0 ? explain(err, "share memory for AF_XDP", name, why) : 0;
}

/* Without flags for it the kernel takes zero copy if the driver can. */
static int open_socket(struct xdp *x, const char *name, unsigned queue, struct failure *why)
{
	static const struct xsk_socket_config config = {
		.rx_size = RX_CHUNKS, .tx_size = TX_CHUNKS,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	int err = xsk_socket__create(&x->socket, name, queue, x->umem, &x->rx, &x->tx, &config);

	return err < 0 ? explain(err, "open an AF_XDP socket", name, why) : 0;
}

static void fill_rings(struct xdp *x)
{
	uint64_t chunk = 0;

	for (; chunk < (uint64_t)RX_CHUNKS * CHUNK; chunk += CHUNK)
		give_to_kernel(x, &chunk, 1);
	for (; chunk < UMEM_SIZE; chunk += CHUNK)
		x->idle[x->n_idle++] = chunk;
}

/* return bpf_redirect_map(&map, context->rx_queue_index, XDP_PASS); */
static int load_program(int map)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1,
		  .off = offsetof(struct xdp_md, rx_queue_index) },
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = map },
		{ .code = 0 }, /* the upper half of the 64 bits */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP);

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "taphouse", "GPL", code, ARRAY_LENGTH(code), &options);
}

/* In the driver, or, where that cannot, in front of the kernel's stack. */
static int attach(int program, int index)
{
	LIBBPF_OPTS(bpf_link_create_opts, in_driver, .flags = XDP_FLAGS_DRV_MODE);
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	int link = bpf_link_create(program, index, BPF_XDP, &in_driver);

	if (link >= 0 || link == -EBUSY || link == -EPERM)
		return link;
	return bpf_link_create(program, index, BPF_XDP, &generic);
}

struct opening {
	const char *interface;
	unsigned queues;
	struct xdp *first; /* of queue 0 */
};

/* Which socket has the frames of which queue. */
static int make_map(struct xdp *x, unsigned queues)
{
	x->map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "taphouse", sizeof(int), sizeof(int), queues, NULL);
	return x->map < 0 ? x->map : 0;
}

static int enter_map(struct xdp *x, const struct opening *o, struct failure *why)
{
	int err = x == o->first ? make_map(x, o->queues) : 0;

	if (err == 0)
		err = xsk_socket__update_xskmap(x->socket, o->first->map);
	return err < 0 ? explain(err, "make a BPF map", o->interface, why) : 0;
}

/* From now on frames come. */
static int redirect(struct xdp *first, const char *name, struct failure *why)
{
	int err = first->program = load_program(first->map);

	if (err >= 0)
		err = first->link = attach(first->program, first->index);
	return err < 0 ? explain(err, "put a BPF program", name, why)
		       : interface_promiscuous(first->control, first->index, name, why);
}

/* With zero copy the card's queue is then polled from our calls, on our core. Where the kernel or the driver
 * does not know it, frames come by interrupts. */
static void prefer_polling(int fd)
{
	static const int on = 1, us = BUSY_POLL_US, frames = BUSY_POLL_FRAMES;

	(void)setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof us);
	(void)setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &frames, sizeof frames);
}

static bool is_zero_copy(int fd)
{
	struct xdp_options options = { 0 };
	socklen_t len = sizeof options;

	return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &len) == 0 &&
	       (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

static void choose_mode(struct xdp *x)
{
	int fd = xsk_socket__fd(x->socket);

	x->device.caps.mode = is_zero_copy(fd) ? "zero copy" : "copy";
	prefer_polling(fd);
}

static int check(struct xdp *x, const char *name, unsigned queues, struct failure *why)
{
	int err = interface_check(x->control, name, &x->device.caps, &x->index, why);

	if (err == 0)
		err = check_queues(x->control, name, queues, why);
	if (err == 0)
		err = check_mtu(x->device.caps.mtu, name, why);
	x->is_veth = err == 0 && is_veth(x->control, name);
	return err;
}

/* What is to be true of the interface, once; later queues rely on it. */
static int begin(struct xdp *x, const struct opening *o, struct failure *why)
{
	int err = interface_socket(o->interface, &x->control, why);

	if (err < 0 || x == o->first)
		return err < 0 ? err : check(x, o->interface, o->queues, why);
	x->device.caps = o->first->device.caps;
	x->index = o->first->index;
	x->is_veth = o->first->is_veth;
	return 0;
}

static int xdp_init(struct xdp *x, unsigned queue, const struct opening *o, struct failure *why)
{
	int err = begin(x, o, why);

	if (err == 0)
		err = share_memory(x, o->interface, why);
	if (err == 0)
		err = open_socket(x, o->interface, queue, why);
	if (err < 0)
		return err;
	fill_rings(x);
	choose_mode(x);
	return enter_map(x, o, why);
}

static int open_one(void *context, unsigned queue, struct device **out, struct failure *why)
{
	struct opening *o = context;
	struct xdp *x = calloc(1, sizeof *x);
	int err;

	if (x == NULL)
		return failure_set(why, -ENOMEM, "no memory for the device %s", o->interface);
	x->device.ops = &xdp_ops;
	x->control = x->program = x->map = x->link = -1;
	x->memory = MAP_FAILED;
	if (queue == 0)
		o->first = x;
	err = xdp_init(x, queue, o, why);
	if (err < 0) {
		xdp_close(&x->device);
		return err;
	}
	*out = &x->device;
	return 0;
}

int xdp_open(const struct xdp_config *config, struct device **out, struct failure *why)
{
	unsigned queues = config->queues > 1 ? config->queues : 1;
	struct opening o = { .interface = config->interface, .queues = queues };
	int err;

	libbpf_set_print(NULL); /* what is wrong we say ourselves */
	err = queues_open(queues, open_one, &o, out, why);
	if (err < 0)
		return err;
	err = redirect(o.first, config->interface, why);
	if (err < 0)
		queues_close(queues, out);
	return err;
}
