/* The packet device: an existing interface taken over through AF_PACKET (packet(7)). */
#ifndef LINK_PACKET_H
#define LINK_PACKET_H

#include <stdbool.h>

#include "link/device.h"

struct packet_config {
	const char *interface; /* must exist, be up, and carry no address of the kernel's */
	/* Checksums and segmentation are left to the kernel or the card. False: frames are sent finished,
	 * of at most an MTU each; received ones may still be merged or unfinished, as they say, because
	 * other sockets and senders decide that (`ethtool -K IFACE gro off` here, `tso off` on a veth's
	 * other end). */
	bool offload;
	unsigned queues; /* 0: one. Several: a device for each (PACKET_FANOUT) */
	int program; /* with several: chooses the queue (link/steer_program.h). -1: the kernel's hash does */
};

/*
 * 0 and *out, as many devices as queues; or negative errno and *why. Sets the interface promiscuous while
 * open (the stack may have a MAC of its own). caps.mac is the interface's address; a MAC of its own is better
 * where the network admits it, because the kernel's stack then takes no notice of our frames even if it
 * forwards packets.
 *
 * The kernel must hold no address there, or it would answer our peers with RST and ICMP. Its IPv6 link-local
 * address is let pass, being nobody's destination; `sysctl net.ipv6.conf.IFACE.disable_ipv6=1` removes it and
 * its noise.
 */
int packet_open(const struct packet_config *config, struct device **out, struct failure *why);

#endif
