/*
 * Frames as the kernel's devices pass them: struct virtio_net_hdr (virtio 1.2 section 5.1.6, in the host's
 * byte order) in front of each, which says how far the checksum has been computed and how the frame is to
 * be cut, or had been merged. And the memory that frames are received into.
 */
#ifndef LINK_VNET_H
#define LINK_VNET_H

#include <stdbool.h>
#include <stdint.h>

#include "link/frame.h"

enum {
	VNET_HEADER_LEN = 10,
	/* One received frame: 64 KiB and its headers. An odd number of cache lines, so that the first lines
	 * of successive slots do not all fall into the same set of the processor's cache. */
	VNET_SLOT_SIZE = 1033 * 64,
};

/* Takes the header at wire[0 … VNET_HEADER_LEN - 1] and the frame behind it, len bytes in all. False: the
 * header is not true of the frame, which is then to be dropped. */
bool vnet_parse(const uint8_t *wire, uint32_t len, struct rx_frame *out);

/* As vnet_parse() for a device without headers. */
void vnet_plain(const uint8_t *wire, uint32_t len, struct rx_frame *out);

/* Makes f->iov ready for one writev(2), with its header in front of the header block if vnet. Returns the
 * number of pieces. A plain frame must not want an offload (asserted). */
int vnet_gather(struct tx_frame *f, bool vnet);

/* DEVICE_BATCH slots, to be given to free(3); NULL without memory. A slot's pages exist once it is used. */
uint8_t *vnet_slots_new(void);

/* Where in slot i to receive: the IP header will begin a cache line. *room is how much fits. */
uint8_t *vnet_slot(uint8_t *slots, int i, bool vnet, uint32_t *room);

#endif
