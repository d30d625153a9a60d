/*
 * The kernel as the other host, for tests of devices: a network namespace of the test process's own, which
 * is gone when it ends, and a TCP connection just good enough to see what a device does to frames. Needs
 * root, and ip(8).
 *
 * The kernel is 10.77.0.1, the test 10.77.0.2 with MAC address 02:00:00:00:00:02.
 */
#ifndef COMMON_KERNEL_HOST_H
#define COMMON_KERNEL_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "link/device.h"

/* A group set-up of cmocka's: a new namespace without IPv6. Fails, saying so, without root. */
int kernel_host_enter(void **state);

/* Runs a shell command; the test fails unless it succeeds. */
void kernel_host_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a shell command prints, without the last newline. Valid until the next call. */
const char *kernel_host_ask(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tells the kernel our MAC address on this interface. */
void kernel_host_knows_us(const char *interface);

/* The kernel's MAC address on this interface. */
void kernel_host_mac(const char *interface, uint8_t mac[6]);

/* File descriptors open in this process. */
unsigned kernel_host_open_files(void);

void assert_contains(const char *text, const char *part);

/* Runs f in a child process without privileges; what f returned, 0 to 99. */
int kernel_host_unprivileged(int (*f)(void));

/* A veth pair: ours without an address, the kernel's with its own, and both ready. */
void kernel_host_make_pair(const char *ours, const char *kernels);
/* Removes the interface, if it is there, and what it is paired with. */
void kernel_host_remove(const char *interface);

/* Waits at most two seconds until the interface, which was set up, takes frames:
 * before that the kernel drops them. */
void kernel_host_wait_up(const char *interface);

/* Waits at most two seconds for something to receive. */
bool kernel_host_wait(struct device *d);
/* Waits until d has received or dropped as many frames as that, the first of which go to f. How many did. */
int kernel_host_receive_until(struct device *d, struct rx_frame f[DEVICE_BATCH], uint64_t total);

/* ---- UDP ---- */

/* A datagram from us to the kernel's port. checksum: 0 finished, 1 left to the device, 2 wrong. */
void kernel_host_make_udp(struct tx_frame *f, const uint8_t *mac, uint16_t port, const void *data,
			  uint32_t len, int checksum);

/* A non-blocking socket of the kernel's on *port. */
int kernel_host_udp_socket(uint16_t *port);

/* The kernel's socket sends to us, port 9999. */
void kernel_host_sends_udp(int fd, const void *data, size_t len);

/* Sends a datagram of 19 bytes to the kernel, whose end of the link is interface: the number of bytes that
 * its socket then has, or a negative errno. */
ssize_t kernel_host_deliver_udp(struct device *d, const char *interface, int checksum);

/* ---- TCP ---- */

struct kernel_tcp {
	struct device *device;
	uint8_t mac[6];           /* the kernel's */
	int fd;                   /* the kernel's end, non-blocking */
	uint16_t kernel_port;
	uint32_t snd_nxt, rcv_nxt;
	uint32_t largest;         /* frame received */
	uint32_t gso_frames, partial_frames, frames; /* received */
};

/* The kernel connects to our port 80, with an MSS of 1460 both ways. */
void kernel_tcp_open(struct kernel_tcp *c, struct device *d);
void kernel_tcp_close(struct kernel_tcp *c);

/* A segment of ours, checksum left to the device if partial, cut by it if mss > 0. payload must stay. */
void kernel_tcp_make(struct kernel_tcp *c, struct tx_frame *f, const uint8_t *payload, uint32_t len,
		     bool partial, uint16_t mss);

/* Receives and acknowledges until len bytes are in out; every checksum must be right, finished if need
 * be. */
void kernel_tcp_receive(struct kernel_tcp *c, uint8_t *out, uint32_t len);

/* Reads len bytes at the kernel's end. */
void kernel_tcp_read(struct kernel_tcp *c, uint8_t *out, uint32_t len);

/* A connection on which the kernel sends 60 kB, and we send 60 kB: as one super-frame with offload, else in
 * frames of 1000 bytes. d->stats are of our sending afterwards. */
struct kernel_tcp kernel_tcp_exchange(struct device *d, bool offload);

#endif
