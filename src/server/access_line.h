/*
 * A line of the access log. Three formats:
 *
 * combined, which nginx and Apache write:
 *   10.77.0.1 - - [22/Nov/2026:21:14:03 +0000] "GET / HTTP/1.1" 200 4096 "-" "curl/8.14.1"
 * combined-tcp, the same with what HTTP and TCP know besides:
 *   ... "curl/8.14.1" host="10.77.0.2" request_time=0.000123 connection=7 connection_requests=3 rtt=245
 *   retransmissions=0 bytes_received=78 tls=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 resumed=1
 * json, an object a line (RFC 8259) with all of it.
 *
 * What came from the peer is escaped, so that no request can forge a line or a field. In the combined formats
 * a byte below 0x20 or from 0x7f on, a quote and a backslash become \xNN; in a user's name, which stands
 * without quotes, a space too. In JSON strings are UTF-8 whatever came. A field longer than 4 KiB (method,
 * host and user: less) is cut, and "..." put behind it.
 */
#ifndef SERVER_ACCESS_LINE_H
#define SERVER_ACCESS_LINE_H

#include "http/http.h"

enum access_format { ACCESS_COMBINED, ACCESS_COMBINED_TCP, ACCESS_JSON };

enum { ACCESS_FIELD = 4096, ACCESS_METHOD = 64, ACCESS_HOST = 256, ACCESS_USER = 256 };

/* Room that access_line_format() needs at most for this record, in any format. */
size_t access_line_bound(const struct http_log_record *r);

/* Writes the line, with its newline, to out; returns its length. when: the time, as the format has it. */
size_t access_line_format(enum access_format format, const struct http_log_record *r, const char *when,
			  char *out);

#endif
