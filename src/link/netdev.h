/*
 * What the devices ask of, and tell, the kernel about an interface: netdevice(7), rtnetlink(7). Used at
 * start-up and when something went wrong; frames do not pass here.
 *
 * `socket` is any open socket, `name` an interface's. Returns are 0 or a negative errno unless said
 * otherwise.
 */
#ifndef LINK_NETDEV_H
#define LINK_NETDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* 1 to 15 bytes, without anything that the kernel refuses in a name or takes as a pattern. */
bool netdev_name_is_valid(const char *name);

int netdev_mtu(int socket, const char *name, uint32_t *mtu);
/* -EPROTOTYPE if it is no Ethernet interface. */
int netdev_mac(int socket, const char *name, uint8_t mac[6]);
int netdev_is_up(int socket, const char *name, bool *up);
int netdev_set_up(int socket, const char *name);

/* False once the interface with this index is gone from the socket's namespace. */
bool netdev_exists(int socket, int index);

/* The first of the interface's addresses that wanted() wants. 1 and *out, 0 if there is none, or a negative
 * errno. */
int netdev_find_address(const char *name,
			bool (*wanted)(const struct ip_prefix *address, const void *context),
			const void *context, struct ip_prefix *out);

/* Gives the interface an address of either family. -EEXIST if it has it. */
int netdev_add_address(const char *name, const struct ip_prefix *address);

/* After a send on fd failed with `error`: true if it is worth another try, at most a millisecond later.
 * *patience is the number of tries that the caller has left, and is counted down; false at 0, or if waiting
 * will not help. */
bool netdev_wait_for_room(int fd, int error, int *patience);

#endif
