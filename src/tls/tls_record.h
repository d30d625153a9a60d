/*
 * How large the records of a connection should be. A record can be decrypted only when all of it has
 * arrived: in the first flights one record a segment lets the peer begin with the first of them, and what is
 * lost holds up no more than itself. In bulk the largest records cost least, over devices that cut segments
 * of 64 KiB too: four records of 15,906 bytes, which fill one of those exactly, were no faster.
 */
#ifndef TLS_TLS_RECORD_H
#define TLS_TLS_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum {
	TLS_RECORD_FIRST = 1400,      /* plaintext that fits a segment of Ethernet, with what is around it */
	TLS_RECORD_LARGEST = 16384,   /* RFC 8446 section 5.1 */
	TLS_RECORD_OVERHEAD = 64,     /* what is around it takes no more than this */
	TLS_RECORD_EARLY = 16384,     /* bytes in small records: about an initial congestion window */
	TLS_RECORD_IDLE_US = 1000000, /* after such a pause the window is small again
				       * (RFC 5681 section 4.1) */
};

struct tls_record_size {
	uint32_t largest; /* that either side takes: TLS_RECORD_LARGEST, or less (RFC 6066 section 4) */
	uint32_t sent;    /* bytes since the beginning, or the last pause; stops at TLS_RECORD_EARLY */
	uint64_t last_us; /* when the last record was made */
};

/* The plaintext of the next record, at most; to be told how much was put into it. */
size_t tls_record_limit(struct tls_record_size *r, uint64_t now_us);
void tls_record_made(struct tls_record_size *r, size_t len, uint64_t now_us);

#endif
