/* The tap device: a kernel TAP interface (Documentation/networking/tuntap.rst), with virtio_net_hdr
 * offloads. */
#ifndef LINK_TAP_H
#define LINK_TAP_H

#include "base/addr.h"
#include "link/device.h"

struct tap_config {
	const char *name;                     /* interface; made if need be, used as it is if it exists */
	const struct ip_prefix *host_address; /* for the kernel's side, or NULL: leave its addresses alone */
	bool offload; /* IFF_VNET_HDR: checksums and segmentation; false: plain frames of at most an MTU */
	bool napi;    /* IFF_NAPI: the kernel takes our frames as a card's, through its polling and GRO */
	unsigned queues; /* 0: one. Several: a device for each (IFF_MULTI_QUEUE) */
	int program;     /* with several: chooses the queue (link/steer_program.h). -1: each flow comes by the
			  * one that it was last sent by, if the kernel still knows */
};

/* 0 and *out, as many devices as queues; or negative errno and *why. Sets the interface up. An interface made
 * here goes when all its devices are closed. A kernel without IFF_VNET_HDR gives plain devices, as caps then
 * say. */
int tap_open(const struct tap_config *config, struct device **out, struct failure *why);

#endif
