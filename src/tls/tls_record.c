/* Record sizes: small at the start and after a pause, then as large as they may be. */
#include "tls/tls_record.h"

#include "base/minmax.h"

size_t tls_record_limit(struct tls_record_size *r, uint64_t now_us)
{
	if (now_us - r->last_us >= TLS_RECORD_IDLE_US)
		r->sent = 0;
	return r->sent < TLS_RECORD_EARLY ? min_u32(r->largest, TLS_RECORD_FIRST) : r->largest;
}

void tls_record_made(struct tls_record_size *r, size_t len, uint64_t now_us)
{
	r->last_us = now_us;
	if (r->sent < TLS_RECORD_EARLY)
		r->sent += (uint32_t)len;
}
