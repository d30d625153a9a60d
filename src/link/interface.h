/*
 * An existing interface that a device takes over (packet.h, xdp.h): what must hold of it first. The kernel
 * must hold no address there, or it would answer our peers with RST and ICMP; its IPv6 link-local address is
 * let pass, being nobody's destination.
 */
#ifndef LINK_INTERFACE_H
#define LINK_INTERFACE_H

#include "link/device.h"

/* A packet socket (packet(7)) that receives nothing until it is bound. 0 and *fd, or negative errno and
 * *why. */
int interface_socket(const char *name, int *fd, struct failure *why);

/* 0, the interface's index, and its MTU and MAC in *caps; or negative errno and *why. */
int interface_check(int fd, const char *name, struct device_caps *caps, int *index, struct failure *why);

/* As long as the packet socket is open: a stack may have a MAC of its own. */
int interface_promiscuous(int fd, int index, const char *name, struct failure *why);

#endif
