/*
 * Writes frames to a pcapng file (draft-ietf-opsawg-pcapng), each with a comment that Wireshark shows
 * (opt_comment): why it was sent or dropped, and which states of connections it changed. It hangs on the
 * observer hook, so it sees the verdict on a frame, not just its bytes.
 *
 * A frame is written with its checksum finished, as it stands on the wire; a super-frame whole, as one long
 * segment whose checksum is right for all of it, so that a reader that verifies checksums finds no error.
 */
#ifndef LINK_PCAPNG_H
#define LINK_PCAPNG_H

#include <stdint.h>
#include <sys/uio.h>

#include "base/failure.h"
#include "base/trace.h"

struct pcapng;

/* interface is written into the interface description block. wall_offset_us is added to event times to give
 * the time since 1970. The file is replaced. 0 and *out, or negative errno and *why. */
int pcapng_open(const char *path, const char *interface, uint64_t wall_offset_us, struct pcapng **out,
		struct failure *why);

/* The observer to put into a world. Writing is buffered; a failed write stops it for good, and the file is
 * cut back to where it was last in order. */
struct observer *pcapng_observer(struct pcapng *p);

/* Puts TLS secrets, in the format of SSLKEYLOGFILE, in front of the frames that follow, so that a reader can
 * decrypt them. The file is its owner's alone from the first one on. */
void pcapng_secrets(struct pcapng *p, const struct iovec *text, size_t n);

/* Writes out what is buffered (call before sleeping). 0, or the negative errno of the first failed write,
 * which is the caller's to log. */
int pcapng_flush(struct pcapng *p);

/* Flushes and frees. As pcapng_flush(), or close(2)'s error. */
int pcapng_close(struct pcapng *p);

#endif
