/*
 * A location with demo = true: what pages of demos ask a server to do that shows something. It has parts,
 * each a handler of its own, that the first name of the path chooses.
 *
 * All of it is bounded.
 */
#ifndef SERVER_DEMO_H
#define SERVER_DEMO_H

#include "base/timer.h"
#include "http/http_call.h"

extern const struct http_handler demo_handler;

/* POST flood: half-opens connections from addresses that nobody has (RFC 5737), of which nothing leaves this
 * machine, until the SYN queue of a port is full that has one of its own (a site's syn_backlog). They are
 * gone after DEMO_FLOOD_US. One at a time. ?port=N: which one. */
extern const struct http_handler demo_flood_handler;

enum {
	DEMO_FLOOD_US = 10000000,
	DEMO_FLOOD_MORE = 16,  /* SYNs beyond a full queue */
	DEMO_FLOOD_MAX = 1024, /* most of them in all */
};

/* A worker's. */
struct demo_flood {
	struct timer over;
	bool is_under_way;
	struct ip_addr address; /* to which it goes */
	uint16_t port;
	uint32_t n;             /* SYNs */
};

void demo_flood_close(struct demo_flood *f, struct timer_wheel *timers);

/* GET object/K, K from 0 to 99: 1,000 bytes. With ?close the connection ends with it, and we close first;
 * with ?close=client that is left to the client. */
extern const struct http_handler demo_object_handler;

/* POST sink: reads a body, and says how long it was. ?rate=N: N bytes a second. ?early: the answer does not
 * wait for the body, and is the end of our direction of the connection; the body is read all the same. */
extern const struct http_handler demo_sink_handler;

enum { DEMO_BYTES_MOST = 64 << 20 };

/*
 * GET bytes: a file of any size, made while it is sent, by the congestion control and at the pace that are
 * asked for.
 *
 *   ?n=BYTES       how many, at most DEMO_BYTES_MOST; 1 MiB
 *   ?seed=NUMBER   which
 *   ?cc=NAME       reno, cubic or bbr: from here on on this connection
 *   ?pace=BYTES    a second, not more; 0, the default: as fast as it goes
 *   ?digest        its SHA-256 stands in Repr-Digest (RFC 9530): the helper computes it first
 *   ?close         the connection ends with it, and we close first
 *
 * Others are let be: a page may mark its requests.
 */
extern const struct http_handler demo_bytes_handler;

#endif
