/*
 * A TAP interface: what the kernel sends through it we read, what we write it receives. One read(2) or
 * writev(2) moves one frame; with virtio_net_hdr a frame is up to 64 KiB, its checksum unfinished, either
 * way, and the payload is gathered from where it lies.
 *
 * System calls: openat, ioctl, socket, sendto, recvfrom (start); read, writev, poll, close.
 */
#include "link/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/timer.h"
#include "link/netdev.h"
#include "link/queues.h"
#include "link/vnet.h"

enum {
	TX_PATIENCE = 10, /* tries of at most a millisecond each in one send() */
	/* A batch ends once it has this many bytes: more than the second-level cache holds would be out of
	 * it again by the time that the stack looks at the first frame. */
	RX_BATCH_BYTES = 512 * 1024,
};

struct tap {
	struct device device; /* first: tap_fd() relies on it */
	int fd;
	bool vnet;      /* frames have a virtio_net_hdr in front */
	uint8_t *slots; /* what recv() reads into, always from the first: the few in use stay cached */
};

static struct tap *tap_of(struct device *d)
{
	return CONTAINER_OF(d, struct tap, device);
}

/* The length of the frame read into slot i, or a negative errno. */
static int read_frame(struct tap *t, int i, struct rx_frame *out)
{
	uint32_t room;
	uint8_t *slot = vnet_slot(t->slots, i, t->vnet, &room);
	ssize_t n;

	t->device.stats.rx_calls++;
	n = read(t->fd, slot, room);
	if (n < 0)
		return -errno;
	if (!t->vnet)
		vnet_plain(slot, (uint32_t)n, out);
	else if (!vnet_parse(slot, (uint32_t)n, out))
		return -EBADMSG;
	if ((uint32_t)n == room)
		out->flags |= RX_TRUNCATED;
	return (int)out->len;
}

/* The file descriptor has lost its interface: EBADFD once it is gone, EFAULT in the moment when it goes. */
static bool is_gone(int error)
{
	return error == -EBADFD || error == -EFAULT;
}

static int tap_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct tap *t = tap_of(d);
	uint64_t bytes = 0;
	int count = 0;

	(void)now_us;
	if (max > DEVICE_BATCH)
		max = DEVICE_BATCH;
	while (count < max && bytes < RX_BATCH_BYTES) {
		int n = read_frame(t, count, &frames[count]);
		if (n == -EBADMSG) {
			d->stats.rx_dropped++;
			continue;
		}
		if (n < 0 && is_gone(n) && count == 0)
			return -ENODEV;
		if (n < 0)
			break;
		count++;
		bytes += (uint64_t)n;
	}
	d->stats.rx_frames += (uint64_t)count;
	d->stats.rx_bytes += bytes;
	return count;
}

static int write_frame(struct tap *t, struct tx_frame *f, int *patience)
{
	int pieces = vnet_gather(f, t->vnet);
	int err;

	do {
		t->device.stats.tx_calls++;
		if (writev(t->fd, f->iov, pieces) >= 0)
			return 0;
		err = errno;
	} while (netdev_wait_for_room(t->fd, err, patience));
	return -err;
}

/* Any error but the loss of the interface costs the frame only: EIO while an operator has set it down, for
 * one. */
static int tap_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	struct tap *t = tap_of(d);
	int taken = 0, patience = TX_PATIENCE;

	(void)now_us;
	for (int i = 0; i < count; i++) {
		int err = write_frame(t, &frames[i], &patience);
		if (is_gone(err)) {
			d->stats.tx_dropped += (uint64_t)(count - i);
			return -ENODEV;
		}
		if (err < 0) {
			d->stats.tx_dropped++;
			continue;
		}
		taken++;
		d->stats.tx_frames++;
		d->stats.tx_bytes += tx_len(&frames[i]);
	}
	return taken;
}

static int tap_fd(const struct device *d)
{
	return ((const struct tap *)d)->fd;
}

static uint64_t tap_deadline(const struct device *d)
{
	(void)d;
	return TIMER_NEVER;
}

static void tap_close(struct device *d)
{
	struct tap *t = tap_of(d);

	if (t->fd >= 0)
		close(t->fd);
	free(t->slots);
	free(t);
}

static const struct device_ops tap_ops = {
	.name = "tap",
	.recv = tap_recv,
	.send = tap_send,
	.fd = tap_fd,
	.deadline = tap_deadline,
	.close = tap_close,
};

static int explain_open(int error, struct failure *why)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return failure_set(why, -error,
				   "cannot open /dev/net/tun: run as root or give the process CAP_NET_ADMIN");
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return failure_set(why, -error,
				   "cannot open /dev/net/tun: load the kernel's tun module (modprobe tun), "
				   "or give the container the device");
	default:
		return failure_set(why, -error, "cannot open /dev/net/tun: %s", strerror(error));
	}
}

static int explain_attach(int error, const struct tap_config *c, struct failure *why)
{
	const char *name = c->name;

	switch (error) {
	case EPERM:
	case EACCES:
		return failure_set(why, -error,
				   "cannot use TAP %s: run as root or give the process CAP_NET_ADMIN", name);
	case EBUSY:
		return failure_set(why, -error,
				   "TAP %s is in use: stop the other taphouse, or whichever process "
				   "`grep -lw %s /proc/[0-9]*/fdinfo/*` finds, or choose another name",
				   name, name);
	case EINVAL:
		if (c->queues > 1)
			return failure_set(why, -error,
					   "%s exists and is not a TAP with several queues: make it with `ip "
					   "tuntap add dev %s mode tap multi_queue`, or choose another name",
					   name, name);
		return failure_set(why, -error, "%s exists and is not a TAP: choose another name", name);
	default:
		return failure_set(why, -error, "cannot make TAP %s: %s", name, strerror(error));
	}
}

/* Makes the interface, or attaches to the one that exists. */
static int attach(int fd, const char *name, int flags)
{
	struct ifreq r = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags) };

	memcpy(r.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, TUNSETIFF, &r) == 0)
		return 0;
	if (errno != EINVAL || (flags & IFF_MULTI_QUEUE) != 0)
		return -errno;
	/* One that was made with several queues takes no other kind: then we are its only queue. */
	r.ifr_flags = (short)(r.ifr_flags | IFF_MULTI_QUEUE);
	return ioctl(fd, TUNSETIFF, &r) < 0 ? -errno : 0;
}

static bool is_permanent(int fd)
{
	struct ifreq r = { .ifr_flags = 0 };

	return ioctl(fd, TUNGETIFF, &r) == 0 && (r.ifr_flags & IFF_PERSIST) != 0;
}

/* The TAP's first queue that is ours. A TAP of several queues takes whoever comes, and would share its frames
 * between strangers; one that was there and would not stay by itself is a living process's. */
static int attach_first(int fd, const char *name, int flags)
{
	bool was_there = if_nametoindex(name) != 0;
	int err = attach(fd, name, flags);

	return err == 0 && was_there && !is_permanent(fd) ? -EBUSY : err;
}

/* What the kernel may hand us unfinished. A TAP that existed may still have its last owner's choices: they
 * are set either way. Refusal is no failure: frames then come finished. */
static void set_offloads(int fd, bool vnet)
{
	unsigned long offloads = vnet ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN : 0;

	if (ioctl(fd, TUNSETOFFLOAD, offloads) < 0 && vnet)
		(void)ioctl(fd, TUNSETOFFLOAD, 0UL);
}

static int wanted_flags(const struct tap_config *c)
{
	return (c->queues > 1 ? IFF_MULTI_QUEUE : 0) | (c->offload ? IFF_VNET_HDR : 0) |
	       (c->napi ? IFF_NAPI : 0);
}

static int open_queue(struct tap *t, const struct tap_config *c, bool is_first, struct failure *why)
{
	int header_len = VNET_HEADER_LEN, flags, err;
	unsigned features = 0;

	if (!netdev_name_is_valid(c->name))
		return failure_set(why, -EINVAL,
				   "'%s' cannot be the name of an interface: use 1 to 15 letters and digits",
				   c->name);
	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0)
		return explain_open(errno, why);
	if (ioctl(t->fd, TUNGETFEATURES, &features) < 0)
		return explain_open(errno, why);
	t->vnet = c->offload && (features & IFF_VNET_HDR);
	flags = ((int)features | IFF_MULTI_QUEUE) & wanted_flags(c);
	err = is_first ? attach_first(t->fd, c->name, flags) : attach(t->fd, c->name, flags);
	if (err < 0)
		return explain_attach(-err, c, why);
	if (t->vnet && ioctl(t->fd, TUNSETVNETHDRSZ, &header_len) < 0)
		return explain_attach(errno, c, why);
	set_offloads(t->fd, t->vnet);
	return 0;
}

/* Whoever owns a TAP may open it, but not configure it. */
static const char *advice(int err)
{
	return err == -EPERM ? ": run as root, give the process CAP_NET_ADMIN, or use ip(8) first" : "";
}

static bool is_address(const struct ip_prefix *address, const void *context)
{
	return ip_addr_equal(&address->addr, context);
}

static int give_host_address(const struct tap_config *c, struct failure *why)
{
	char text[IP_PREFIX_TEXT];
	struct ip_prefix has;
	int err = netdev_find_address(c->name, is_address, &c->host_address->addr, &has);

	if (err == 0)
		err = netdev_add_address(c->name, c->host_address);
	if (err < 0 && err != -EEXIST)
		return failure_set(why, err, "cannot give the kernel's side of %s the address %s: %s%s",
				   c->name, ip_prefix_format(c->host_address, text), strerror(-err),
				   advice(err));
	return 0;
}

/* An interface that is ready already is not touched: who owns a TAP may lack the right to configure it. */
static int set_up(int control, const char *name)
{
	bool up;
	int err = netdev_is_up(control, name, &up);

	if (err < 0 || up)
		return err;
	return netdev_set_up(control, name);
}

static int configure(struct tap *t, const struct tap_config *c, struct failure *why)
{
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (control < 0)
		return failure_set(why, -errno, "cannot configure %s: %s", c->name, strerror(errno));
	if (c->host_address != NULL)
		err = give_host_address(c, why);
	if (err < 0)
		goto out;
	err = set_up(control, c->name);
	if (err == 0)
		err = netdev_mtu(control, c->name, &t->device.caps.mtu);
	if (err < 0)
		failure_set(why, err, "cannot set %s up: %s%s", c->name, strerror(-err), advice(err));
out:
	close(control);
	return err;
}

/* first: the device of queue 0, NULL if it is this one. */
static int tap_init(struct tap *t, const struct tap_config *c, const struct device *first,
		    struct failure *why)
{
	int err;

	t->device.ops = &tap_ops;
	t->fd = -1;
	t->slots = vnet_slots_new();
	if (t->slots == NULL)
		return failure_set(why, -ENOMEM, "no memory for the receive buffers of %s", c->name);
	err = open_queue(t, c, first == NULL, why);
	if (err < 0)
		return err;
	if (first != NULL) {
		t->device.caps = first->caps;
		return 0;
	}
	t->device.caps.gso_max = t->vnet ? 65535 : 0;
	t->device.caps.tx_checksum = t->vnet;
	/* caps.mac stays zero: the interface's own address is the kernel's, ours must be another. */
	return configure(t, c, why);
}

struct opening {
	const struct tap_config *config;
	struct device *first; /* of queue 0 */
};

static int open_one(void *context, unsigned queue, struct device **out, struct failure *why)
{
	struct opening *o = context;
	struct tap *t = calloc(1, sizeof *t);
	int err;

	if (t == NULL)
		return failure_set(why, -ENOMEM, "no memory for the device %s", o->config->name);
	err = tap_init(t, o->config, queue > 0 ? o->first : NULL, why);
	if (err < 0) {
		tap_close(&t->device);
		return err;
	}
	if (queue == 0)
		o->first = &t->device;
	*out = &t->device;
	return 0;
}

int tap_open(const struct tap_config *config, struct device **out, struct failure *why)
{
	unsigned queues = config->queues > 1 ? config->queues : 1;
	struct opening o = { .config = config };
	int err = queues_open(queues, open_one, &o, out, why);

	/* An earlier owner's program goes (-1), or ours comes. A kernel that takes none chooses itself. */
	if (err == 0 && queues > 1)
		(void)ioctl(tap_of(out[0])->fd, TUNSETSTEERINGEBPF, &config->program);
	return err;
}
