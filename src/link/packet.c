/*
 * A packet socket on one interface, bound to all protocols: recvmmsg(2) and sendmmsg(2) move a batch in one
 * call, each frame with a virtio_net_hdr in front (PACKET_VNET_HDR), so that frames of up to 64 KiB pass
 * both ways.
 *
 * What comes with a frame as control messages: PACKET_AUXDATA tells of a VLAN tag that the kernel took out
 * of the frame (the frame is then another network's and is dropped), SO_RXQ_OVFL how many frames found the
 * socket full. The latter counts what PACKET_STATISTICS would, without a system call.
 *
 * PACKET_QDISC_BYPASS is not used: behind it the kernel drops a frame that it would have to cut itself.
 *
 * System calls: socket, setsockopt, getsockopt, bind, ioctl, sendto, recvfrom (start); recvmmsg, sendmmsg,
 * poll, ioctl, close.
 */
#include "link/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/timer.h"
#include "link/interface.h"
#include "link/netdev.h"
#include "link/queues.h"
#include "link/vnet.h"

enum {
	TX_PATIENCE = 10, /* tries of at most a millisecond each in one send() */
	SOCKET_BUFFER = 8 << 20,
	FANOUT_IGNORE_OUTGOING = 0x4000, /* PACKET_FANOUT_FLAG_…, which not all headers have */
	CONTROL_SIZE = CMSG_SPACE(sizeof(struct tpacket_auxdata)) + CMSG_SPACE(sizeof(uint32_t)),
};

struct control {
	_Alignas(struct cmsghdr) uint8_t bytes[CONTROL_SIZE];
};

struct packet {
	struct device device; /* first: packet_fd() relies on it */
	int fd;
	int index;              /* the interface's, which outlives its name */
	uint32_t overflows;     /* SO_RXQ_OVFL's count as last seen; it wraps */
	uint8_t *slots;         /* what recv() receives into */
	struct mmsghdr rx[DEVICE_BATCH];
	struct iovec rx_iov[DEVICE_BATCH];
	struct control rx_control[DEVICE_BATCH];
	struct mmsghdr tx[DEVICE_BATCH];
};

static struct packet *packet_of(struct device *d)
{
	return CONTAINER_OF(d, struct packet, device);
}

static void prepare_receive(struct packet *p)
{
	for (int i = 0; i < DEVICE_BATCH; i++) {
		struct msghdr *m = &p->rx[i].msg_hdr;
		uint32_t room;

		p->rx_iov[i].iov_base = vnet_slot(p->slots, i, true, &room);
		p->rx_iov[i].iov_len = room;
		m->msg_iov = &p->rx_iov[i];
		m->msg_iovlen = 1;
		m->msg_control = p->rx_control[i].bytes;
	}
}

static void count_overflows(struct packet *p, uint32_t total)
{
	p->device.stats.rx_dropped += total - p->overflows;
	p->overflows = total;
}

/* False if the frame carried a VLAN tag. */
static bool read_control(struct packet *p, struct msghdr *m)
{
	struct tpacket_auxdata aux = { 0 };
	uint32_t total;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA &&
		    c->cmsg_len >= CMSG_LEN(sizeof aux)) {
			memcpy(&aux, CMSG_DATA(c), sizeof aux);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL &&
			   c->cmsg_len >= CMSG_LEN(sizeof total)) {
			memcpy(&total, CMSG_DATA(c), sizeof total);
			count_overflows(p, total);
		}
	}
	return !(aux.tp_status & TP_STATUS_VLAN_VALID);
}

static bool take_message(struct packet *p, int i, struct rx_frame *out)
{
	struct mmsghdr *m = &p->rx[i];

	if (!read_control(p, &m->msg_hdr) || !vnet_parse(p->rx_iov[i].iov_base, m->msg_len, out)) {
		p->device.stats.rx_dropped++;
		return false;
	}
	if (m->msg_hdr.msg_flags & MSG_TRUNC)
		out->flags |= RX_TRUNCATED;
	p->device.stats.rx_frames++;
	p->device.stats.rx_bytes += out->len;
	return true;
}

/* An interface that is down comes up again; one that is gone does not. */
static int check_exists(const struct packet *p)
{
	return netdev_exists(p->fd, p->index) ? 0 : -ENODEV;
}

static int on_receive_error(struct packet *p, int error)
{
	if (error == ENETDOWN)
		return check_exists(p);
	/* A frame of a kind that virtio_net_hdr has no word for: the kernel has taken it off the queue. */
	if (error == EINVAL)
		p->device.stats.rx_dropped++;
	return 0;
}

static int packet_recv(struct device *d, struct rx_frame *frames, int max, uint64_t now_us)
{
	struct packet *p = packet_of(d);
	int n, count = 0;

	(void)now_us;
	if (max > DEVICE_BATCH)
		max = DEVICE_BATCH;
	for (int i = 0; i < max; i++)
		p->rx[i].msg_hdr.msg_controllen = CONTROL_SIZE;
	d->stats.rx_calls++;
	n = recvmmsg(p->fd, p->rx, (unsigned)max, MSG_DONTWAIT, NULL);
	if (n < 0)
		return on_receive_error(p, errno);
	for (int i = 0; i < n; i++)
		count += take_message(p, i, &frames[count]);
	return count;
}

static void prepare_send(struct packet *p, struct tx_frame *frames, int count)
{
	for (int i = 0; i < count; i++) {
		struct msghdr *m = &p->tx[i].msg_hdr;

		m->msg_iovlen = (size_t)vnet_gather(&frames[i], true);
		m->msg_iov = frames[i].iov;
	}
}

static void count_sent(struct device_stats *s, const struct tx_frame *frames, int count)
{
	s->tx_frames += (uint64_t)count;
	for (int i = 0; i < count; i++)
		s->tx_bytes += tx_len(&frames[i]);
}

/* Sends up to DEVICE_BATCH frames. Returns how many were taken, or a negative errno when the interface is
 * gone. */
static int send_batch(struct packet *p, struct tx_frame *frames, int count, int *patience)
{
	struct device_stats *s = &p->device.stats;
	int done = 0, taken = 0;

	prepare_send(p, frames, count);
	while (done < count) {
		int n = sendmmsg(p->fd, p->tx + done, (unsigned)(count - done), MSG_DONTWAIT);
		int error = errno;

		s->tx_calls++;
		if (n > 0) {
			count_sent(s, frames + done, n);
			done += n;
			taken += n;
		} else if (!netdev_wait_for_room(p->fd, error, patience)) {
			/* The first of the rest cannot be sent; those behind it may be. */
			s->tx_dropped++;
			done++;
			if ((error == ENXIO || error == ENETDOWN) && check_exists(p) < 0) {
				s->tx_dropped += (uint64_t)(count - done);
				return -ENODEV;
			}
		}
	}
	return taken;
}

static int packet_send(struct device *d, struct tx_frame *frames, int count, uint64_t now_us)
{
	int taken = 0, patience = TX_PATIENCE;

	(void)now_us;
	for (int i = 0; i < count; i += DEVICE_BATCH) {
		int batch = count - i < DEVICE_BATCH ? count - i : DEVICE_BATCH;
		int n = send_batch(packet_of(d), frames + i, batch, &patience);

		if (n < 0) {
			d->stats.tx_dropped += (uint64_t)(count - i - batch);
			return n;
		}
		taken += n;
	}
	return taken;
}

static int packet_fd(const struct device *d)
{
	return ((const struct packet *)d)->fd;
}

static uint64_t packet_deadline(const struct device *d)
{
	(void)d;
	return TIMER_NEVER;
}

static void packet_close(struct device *d)
{
	struct packet *p = packet_of(d);

	if (p->fd >= 0)
		close(p->fd);
	free(p->slots);
	free(p);
}

static const struct device_ops packet_ops = {
	.name = "packet",
	.recv = packet_recv,
	.send = packet_send,
	.fd = packet_fd,
	.deadline = packet_deadline,
	.close = packet_close,
};

/* Without CAP_NET_ADMIN the buffers are as large as net.core.[rw]mem_max lets them be. */
static void enlarge_buffers(int fd)
{
	int size = SOCKET_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static int set_options(int fd, const char *name, struct failure *why)
{
	static const struct {
		int level, option;
		const char *text;
	} needed[] = {
		{ SOL_PACKET, PACKET_VNET_HDR, "PACKET_VNET_HDR" },
		{ SOL_PACKET, PACKET_AUXDATA, "PACKET_AUXDATA" },
		{ SOL_PACKET, PACKET_IGNORE_OUTGOING, "PACKET_IGNORE_OUTGOING" },
		{ SOL_SOCKET, SO_RXQ_OVFL, "SO_RXQ_OVFL" },
	};
	int on = 1;

	for (size_t i = 0; i < ARRAY_LENGTH(needed); i++)
		if (setsockopt(fd, needed[i].level, needed[i].option, &on, sizeof on) < 0)
			return failure_set(why, -errno,
					   "the kernel refuses %s on %s: use Linux 4.20 or newer, or a TAP",
					   needed[i].text, name);
	enlarge_buffers(fd);
	return 0;
}

static int bind_socket(const struct packet *p, const char *name, struct failure *why)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = p->index };

	address.sll_protocol = htons(ETH_P_ALL);
	if (bind(p->fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return failure_set(why, -errno, "cannot bind to %s: %s", name, strerror(errno));
	return 0;
}

struct opening {
	const struct packet_config *config;
	const struct packet *first; /* of queue 0 */
	int fanout;                 /* the id of the sockets' group */
};

/* What is to be true of the interface, once; later queues rely on it. */
static int check(struct packet *p, const struct opening *o, struct failure *why)
{
	const char *name = o->config->interface;

	if (o->first == NULL)
		return interface_check(p->fd, name, &p->device.caps, &p->index, why);
	p->device.caps = o->first->device.caps;
	p->index = o->first->index;
	return 0;
}

/* A number of our own in the namespace is the kernel's to give. */
static int found_fanout(const struct packet *p, struct opening *o, int type)
{
	socklen_t len = sizeof o->fanout;
	int how = (type | PACKET_FANOUT_FLAG_UNIQUEID) << 16;

	if (setsockopt(p->fd, SOL_PACKET, PACKET_FANOUT, &how, sizeof how) < 0 ||
	    getsockopt(p->fd, SOL_PACKET, PACKET_FANOUT, &o->fanout, &len) < 0)
		return -errno;
	o->fanout &= 0xffff;
	/* Refused, it leaves all to queue 0. */
	if (o->config->program >= 0)
		(void)setsockopt(p->fd, SOL_PACKET, PACKET_FANOUT_DATA, &o->config->program,
				 sizeof o->config->program);
	return 0;
}

/* The sockets share what comes. In a group PACKET_IGNORE_OUTGOING is the group's to say. */
static int share(const struct packet *p, struct opening *o, struct failure *why)
{
	int type = (o->config->program >= 0 ? PACKET_FANOUT_EBPF : PACKET_FANOUT_HASH) |
		   FANOUT_IGNORE_OUTGOING;
	int how = o->fanout | type << 16, err = 0;

	if (o->first == NULL)
		err = found_fanout(p, o, type);
	else if (setsockopt(p->fd, SOL_PACKET, PACKET_FANOUT, &how, sizeof how) < 0)
		err = -errno;
	if (err < 0)
		failure_set(why, err, "the kernel refuses PACKET_FANOUT on %s (%s): use a TAP, or one worker",
			    o->config->interface, strerror(-err));
	return err;
}

static int packet_init(struct packet *p, struct opening *o, struct failure *why)
{
	const struct packet_config *c = o->config;
	int err;

	p->device.ops = &packet_ops;
	p->fd = -1;
	p->slots = vnet_slots_new();
	if (p->slots == NULL)
		return failure_set(why, -ENOMEM, "no memory for the receive buffers of %s", c->interface);
	prepare_receive(p);
	err = interface_socket(c->interface, &p->fd, why);
	if (err == 0)
		err = check(p, o, why);
	if (err == 0)
		err = set_options(p->fd, c->interface, why);
	if (err == 0)
		err = bind_socket(p, c->interface, why);
	if (err == 0 && c->queues > 1)
		err = share(p, o, why);
	if (err == 0 && o->first == NULL)
		err = interface_promiscuous(p->fd, p->index, c->interface, why);
	p->device.caps.gso_max = c->offload ? 65535 : 0;
	p->device.caps.tx_checksum = c->offload;
	return err;
}

static int open_one(void *context, unsigned queue, struct device **out, struct failure *why)
{
	struct opening *o = context;
	struct packet *p = calloc(1, sizeof *p);
	int err;

	if (p == NULL)
		return failure_set(why, -ENOMEM, "no memory for the device %s", o->config->interface);
	err = packet_init(p, o, why);
	if (err < 0) {
		packet_close(&p->device);
		return err;
	}
	if (queue == 0)
		o->first = p;
	*out = &p->device;
	return 0;
}

int packet_open(const struct packet_config *config, struct device **out, struct failure *why)
{
	struct opening o = { .config = config };

	return queues_open(config->queues > 1 ? config->queues : 1, open_one, &o, out, why);
}
