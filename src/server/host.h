/*
 * One host on the network: a device, the stack behind it, and what watches between them. This is the only
 * place where frames meet system calls; serve and get both run one.
 */
#ifndef SERVER_HOST_H
#define SERVER_HOST_H

#include "link/pcapng.h"
#include "server/config.h"
#include "stack/stack.h"

struct host {
	struct device *device; /* the outermost, with a wire of its own for whoever asks (link/visitors.h) */
	struct device *port;   /* the one in it, which counts: an impairment, or the queue */
	struct device *queue;  /* the real one, or one of several workers (server/ports.h) */
	struct stack *stack;
	struct pcapng *pcap;   /* NULL: nothing is recorded */
	const struct log *log;
};

/* Opens the device, and gives the stack on it its addresses and routes. 0, or negative errno and *why. */
int host_open(struct host *h, const struct config_device *device, const struct tcp_config *tcp,
	      const struct log *log, struct failure *why);
/* The same on a queue that is open, and is the host's from now on, whatever comes of it. */
int host_open_queue(struct host *h, struct device *queue, const struct config_device *device,
		    const struct tcp_config *tcp, const struct log *log, struct failure *why);
void host_close(struct host *h);

/* One bounded turn: takes a batch of frames, runs the timers, sends what is due. Returns the number of frames
 * moved, or a negative errno when the device is gone. */
int host_turn(struct host *h, uint64_t now_us);

/* When host_turn() must be called though no frame has arrived, or TIMER_NEVER. */
uint64_t host_deadline(const struct host *h);

/* To be called before sleeping: writes out what was recorded. */
void host_flush(struct host *h);

/* A locally administered MAC address that depends on device and address alone: the same host has the same one
 * after a restart, so that its peers' ARP entries stay right. */
struct mac_addr host_mac(const struct device_name *device, const struct ip_addr *address);

#endif
