/*
 * Frames: what devices hand over and take, in batches (design rule 2).
 *
 * A received frame is bytes in the device's memory, valid until the device is next asked to receive. A frame
 * to be sent is a header block, which the rooms write from the inside out (TCP, then IP, then Ethernet: each
 * pushes in front of the last), and references into payload that others own (design rule 3).
 */
#ifndef LINK_FRAME_H
#define LINK_FRAME_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/span.h"

/* Kinds of segmentation, as the virtio specification 1.2 section 5.1.6 has them. */
enum gso_kind { GSO_NONE, GSO_TCP4, GSO_TCP6 };

enum rx_flags {
	RX_CHECKSUM_VALID = 1,   /* the device, or the kernel that made the packet, vouches for the transport
				    checksum; when the kernel left it unfinished (CHECKSUM_PARTIAL)
				    RX_CHECKSUM_PARTIAL is set as well */
	RX_CHECKSUM_PARTIAL = 2, /* the checksum field holds the pseudo-header's sum only */
	RX_TRUNCATED = 4,        /* the frame was larger than the buffer */
};

struct rx_frame {
	const uint8_t *data; /* from the Ethernet header on, without FCS; with FRAMING_IP from the IP header
			on */
	uint32_t len;
	uint16_t gso_size;   /* MSS of the segments that were merged into this one, 0 if it is one segment */
	uint8_t gso;         /* enum gso_kind */
	uint8_t flags;       /* enum rx_flags */
	uint16_t checksum_start, checksum_offset; /* with RX_CHECKSUM_PARTIAL: as in struct tx_frame */
};

enum {
	TX_HEAD_SIZE = 192, /* virtio_net_hdr 12 + Ethernet 14 + IP 60 + TCP 60, with room to spare */
	TX_PIECES = 20,     /* payload references in one frame */
};

enum tx_flags {
	TX_CHECKSUM_PARTIAL = 1, /* the device must finish the transport checksum; only if it can */
	TX_TOLD = 2,             /* observers have been told of it */
};

struct tx_frame {
	uint16_t head_start;      /* where in head[] the frame begins now; pushed down by tx_push() */
	uint16_t pieces;          /* payload pieces in iov[1] … iov[pieces] */
	uint32_t payload_len;     /* bytes in them */
	uint16_t checksum_start;  /* with TX_CHECKSUM_PARTIAL: from the frame's first byte to where summing
				     starts, as it will be: the Ethernet header counts, though pushed last */
	uint16_t checksum_offset; /* and from there to the checksum field */
	uint16_t gso_size;        /* with gso: payload bytes a segment */
	uint8_t gso;              /* enum gso_kind */
	uint8_t flags;            /* enum tx_flags */
	const char *note;         /* for observers: why this frame is sent; a string literal, or NULL */
	const struct tcp_conn *conn; /* for observers: whose it is, or NULL */
	struct span_owner *owner; /* one reference that the frame holds, released once sent; may be NULL */
	struct iovec iov[1 + TX_PIECES]; /* iov[0] is the device's: its own header and the header block */
	uint8_t head[TX_HEAD_SIZE];
};

/* Makes f an empty frame: headers will grow down from the end of head[]. */
static inline void tx_begin(struct tx_frame *f)
{
	f->head_start = TX_HEAD_SIZE;
	f->pieces = 0;
	f->payload_len = 0;
	f->checksum_start = f->checksum_offset = f->gso_size = 0;
	f->gso = GSO_NONE;
	f->flags = 0;
	f->note = NULL;
	f->conn = NULL;
	f->owner = NULL;
}

/* Room for a header of len bytes in front of what is there. The sizes are the program's own: too much is a
 * bug. */
static inline uint8_t *tx_push(struct tx_frame *f, unsigned len)
{
	assert(f->head_start >= len + 16); /* 16: the device's own header */
	f->head_start = (uint16_t)(f->head_start - len);
	return f->head + f->head_start;
}

static inline const uint8_t *tx_head(const struct tx_frame *f)
{
	return f->head + f->head_start;
}

static inline unsigned tx_head_len(const struct tx_frame *f)
{
	return TX_HEAD_SIZE - f->head_start;
}

static inline uint32_t tx_len(const struct tx_frame *f)
{
	return tx_head_len(f) + f->payload_len;
}

/* Adds a reference to payload; false if the frame has no place for another piece. */
static inline bool tx_add_payload(struct tx_frame *f, const void *data, size_t len)
{
	if (f->pieces == TX_PIECES)
		return false;
	f->pieces++;
	f->iov[f->pieces].iov_base = (void *)(uintptr_t)data;
	f->iov[f->pieces].iov_len = len;
	f->payload_len += (uint32_t)len;
	return true;
}

/* Makes f of a whole frame of len bytes: its Ethernet header is copied, the rest referenced. What is shorter
 * than such a header becomes an empty frame. */
void tx_wrap(struct tx_frame *f, const uint8_t *data, uint32_t len);

/* Copies the whole frame, header block and payload, into out (room for tx_len()); returns the length. */
uint32_t tx_flatten(const struct tx_frame *f, uint8_t *out);

/* Finishes a TX_CHECKSUM_PARTIAL checksum in flattened bytes: the device that cannot do it calls this. */
void frame_finish_checksum(uint8_t *frame, uint32_t len, uint16_t start, uint16_t offset);

/* Of a device that does not tell: if the checksum field of TCP or UDP over IPv4 holds no more than the
 * pseudo-header's sum, the sender left the rest to a card, and the frame is flagged as unfinished. Only for
 * a sender on this machine, where no wire was that could have damaged it: of other frames one in 65,536 that
 * are damaged would pass. */
void frame_find_unfinished(struct rx_frame *f);

#endif
