/*
 * The xdp device: an existing interface taken over through AF_XDP (the kernel's networking/af_xdp): frames
 * lie in memory shared with the kernel, and rings say whose each is. With a driver that can, the card writes
 * and reads them there (zero copy); elsewhere, as on veth, the kernel copies.
 *
 * No offload exists on this road: we send frames finished, of at most an MTU. For one large transfer the
 * packet device, whose segments are 64 KiB, is faster; for many small requests this one costs least.
 */
#ifndef LINK_XDP_H
#define LINK_XDP_H

#include "link/device.h"

struct xdp_config {
	/* Must exist, be up, have as many receive queues as are to be opened, and carry no address of the
	 * kernel's. */
	const char *interface;
	unsigned queues; /* 0: one. Several: a device for each; the card chooses by which a frame comes */
};

/*
 * 0 and *out, as many devices as queues; or negative errno and *why. Only where TH_WITH_XDP is defined. The
 * interface is promiscuous while open. All that arrives there is ours; the program that sees to it goes with
 * the process, however it ends.
 *
 * The kernel at the other end of a veth leaves checksums to a card that is not there, of which frames do not
 * tell here; on a veth such frames are recognised (frame_find_unfinished()). On other virtual interfaces the
 * sender must finish them (`ethtool -K PEER tx off`).
 */
int xdp_open(const struct xdp_config *config, struct device **out, struct failure *why);

#endif
