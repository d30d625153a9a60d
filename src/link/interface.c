/* System calls: socket, ioctl, sendto, recvfrom, setsockopt. */
#include "link/interface.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "link/netdev.h"

int interface_socket(const char *name, int *fd, struct failure *why)
{
	/* Protocol 0: nothing is received, from any interface, until bind() names both. */
	*fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return failure_set(why, -errno,
				   "cannot open a packet socket on %s: run as root or give the process "
				   "CAP_NET_RAW", name);
	if (errno == EAFNOSUPPORT)
		return failure_set(why, -errno,
				   "cannot open a packet socket on %s: load the kernel's af_packet module "
				   "(modprobe af_packet)", name);
	return failure_set(why, -errno, "cannot open a packet socket on %s: %s", name, strerror(errno));
}

static bool is_kernels(const struct ip_prefix *address, const void *context)
{
	(void)context;
	/* fe80::/10, RFC 4291 section 2.5.6. */
	return !(address->addr.b[0] == 0xfe && (address->addr.b[1] & 0xc0) == 0x80);
}

static int refuse_addresses(const char *name, struct failure *why)
{
	char text[IP_PREFIX_TEXT];
	struct ip_prefix found;
	int n = netdev_find_address(name, is_kernels, NULL, &found);

	if (n < 0)
		return failure_set(why, n, "cannot read the addresses of %s: %s", name, strerror(-n));
	if (n > 0)
		return failure_set(why, -EADDRINUSE,
				   "%s has the kernel's address %s, and two stacks cannot share an "
				   "interface: remove it with `ip addr flush dev %s`",
				   name, ip_prefix_format(&found, text), name);
	return 0;
}

int interface_check(int fd, const char *name, struct device_caps *caps, int *index, struct failure *why)
{
	bool up = false;
	int err;

	*index = netdev_name_is_valid(name) ? (int)if_nametoindex(name) : 0;
	if (*index == 0)
		return failure_set(why, -ENODEV, "there is no interface %s: see `ip link`", name);
	err = netdev_mac(fd, name, caps->mac);
	if (err == -EPROTOTYPE)
		return failure_set(why, err, "%s is not an Ethernet interface", name);
	if (err == 0)
		err = netdev_mtu(fd, name, &caps->mtu);
	if (err == 0)
		err = netdev_is_up(fd, name, &up);
	if (err < 0)
		return failure_set(why, err, "cannot read the settings of %s: %s", name, strerror(-err));
	if (!up)
		return failure_set(why, -ENETDOWN, "%s is down: set it up with `ip link set dev %s up`", name,
				   name);
	return refuse_addresses(name, why);
}

int interface_promiscuous(int fd, int index, const char *name, struct failure *why)
{
	struct packet_mreq promiscuous = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };

	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) < 0)
		return failure_set(why, -errno, "cannot make %s promiscuous: %s", name, strerror(errno));
	return 0;
}
