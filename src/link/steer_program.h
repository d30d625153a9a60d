/* A steering rule as a program of the kernel's (eBPF), which chooses the queue of a TAP or of a fanout group
 * of packet sockets before a frame wakes anybody. */
#ifndef LINK_STEER_PROGRAM_H
#define LINK_STEER_PROGRAM_H

#include "link/steer_rule.h"

/* A file descriptor of it, or a negative errno: the kernel has no bpf(2), or not for us. It can be closed
 * once the program is in use. ARP and ICMP go to queue 0. */
int steer_program_load(const struct steer_rule *r);

#endif
