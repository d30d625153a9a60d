/*
 * Interface requests. Flags, MTU and MAC by ioctl(2) (netdevice(7)); addresses are read with getifaddrs(3)
 * and added by one rtnetlink message, which takes both families (SIOCSIFADDR would replace an IPv4 address
 * and cannot add).
 */
#include "link/netdev.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

bool netdev_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];
		if (c <= ' ' || c == 0x7f || c == '/' || c == ':' || c == '%')
			return false;
	}
	return true;
}

static int request(int socket, const char *name, unsigned long what, struct ifreq *r)
{
	if (!netdev_name_is_valid(name))
		return -ENODEV;
	memcpy(r->ifr_name, name, strlen(name) + 1);
	return ioctl(socket, what, r) < 0 ? -errno : 0;
}

int netdev_mtu(int socket, const char *name, uint32_t *mtu)
{
	struct ifreq r = { 0 };
	int err = request(socket, name, SIOCGIFMTU, &r);

	if (err == 0)
		*mtu = (uint32_t)r.ifr_mtu;
	return err;
}

int netdev_mac(int socket, const char *name, uint8_t mac[6])
{
	struct ifreq r = { 0 };
	int err = request(socket, name, SIOCGIFHWADDR, &r);

	if (err < 0)
		return err;
	if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EPROTOTYPE;
	memcpy(mac, r.ifr_hwaddr.sa_data, 6);
	return 0;
}

int netdev_is_up(int socket, const char *name, bool *up)
{
	struct ifreq r = { 0 };
	int err = request(socket, name, SIOCGIFFLAGS, &r);

	if (err == 0)
		*up = (r.ifr_flags & IFF_UP) != 0;
	return err;
}

int netdev_set_up(int socket, const char *name)
{
	struct ifreq r = { 0 };
	int err = request(socket, name, SIOCGIFFLAGS, &r);

	if (err < 0)
		return err;
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
	return request(socket, name, SIOCSIFFLAGS, &r);
}

bool netdev_exists(int socket, int index)
{
	struct ifreq r = { .ifr_ifindex = index };

	return ioctl(socket, SIOCGIFNAME, &r) == 0;
}

/* Length of a netmask. A mask with holes is not a prefix and nobody sets one. */
static uint8_t count_bits(const uint8_t *mask, size_t len)
{
	int bits = 0;

	for (size_t i = 0; i < len; i++)
		bits += __builtin_popcount(mask[i]);
	return (uint8_t)bits;
}

/* False for the families that are not IP's. */
static bool to_prefix(const struct ifaddrs *i, struct ip_prefix *out)
{
	const void *address = i->ifa_addr, *mask = i->ifa_netmask;

	if (address == NULL || mask == NULL)
		return false;
	if (i->ifa_addr->sa_family == AF_INET) {
		const struct sockaddr_in *a = address, *m = mask;
		out->addr = ip_addr_from_4(ntohl(a->sin_addr.s_addr));
		out->bits = (uint8_t)(96 + count_bits((const uint8_t *)&m->sin_addr, sizeof m->sin_addr));
		return true;
	}
	if (i->ifa_addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *a = address, *m = mask;
		memcpy(out->addr.b, &a->sin6_addr, sizeof out->addr.b);
		out->bits = count_bits((const uint8_t *)&m->sin6_addr, sizeof m->sin6_addr);
		return true;
	}
	return false;
}

int netdev_find_address(const char *name, bool (*wanted)(const struct ip_prefix *, const void *),
			const void *context, struct ip_prefix *out)
{
	struct ifaddrs *all;
	int found = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next)
		found = strcmp(i->ifa_name, name) == 0 && to_prefix(i, out) && wanted(out, context);
	freeifaddrs(all);
	return found;
}

/* An RTM_NEWADDR message with its one attribute. */
struct address_message {
	struct nlmsghdr header;
	struct ifaddrmsg address;
	struct rtattr local;
	uint8_t bytes[16];
};

static struct address_message address_message(int index, const struct ip_prefix *a)
{
	bool is_4 = ip_addr_is_4(&a->addr);
	unsigned len = is_4 ? 4 : 16;
	struct address_message m = {
		.header = { .nlmsg_type = RTM_NEWADDR,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
		.address = { .ifa_family = is_4 ? AF_INET : AF_INET6,
			     .ifa_prefixlen = (uint8_t)(is_4 ? a->bits - 96 : a->bits),
			     /* Usable at once: nobody else is on a link that was made a moment ago. */
			     .ifa_flags = IFA_F_NODAD,
			     .ifa_index = (unsigned)index },
		.local = { .rta_type = IFA_LOCAL },
	};

	m.local.rta_len = (unsigned short)RTA_LENGTH(len);
	m.header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof m.address) + RTA_LENGTH(len));
	memcpy(m.bytes, a->addr.b + 16 - len, len);
	return m;
}

/* Sends one rtnetlink message and waits for its verdict. */
static int talk(int fd, const struct nlmsghdr *message)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr verdict;
		char extended_ack[512];
	} answer;
	ssize_t n;

	if (send(fd, message, message->nlmsg_len, 0) < 0)
		return -errno;
	do
		n = recv(fd, &answer, sizeof answer, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < NLMSG_LENGTH(sizeof answer.verdict) || answer.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.verdict.error;
}

int netdev_add_address(const char *name, const struct ip_prefix *address)
{
	unsigned index = if_nametoindex(name);
	struct address_message m;
	int fd, err;

	if (index == 0)
		return -errno;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	m = address_message((int)index, address);
	err = talk(fd, &m.header);
	close(fd);
	return err;
}

bool netdev_wait_for_room(int fd, int error, int *patience)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (error != EAGAIN && error != ENOBUFS && error != ENOMEM && error != EINTR)
		return false;
	if (*patience == 0)
		return false;
	--*patience;
	/* Only EAGAIN ends with POLLOUT: behind ENOBUFS the queue of the interface is full, not the
	 * socket's. */
	(void)poll(&p, error == EAGAIN, 1);
	return true;
}
