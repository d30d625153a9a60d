/* An application for tests of FastCGI: a listening socket in a directory of its own. */
#ifndef TESTS_FASTCGI_PEER_H
#define TESTS_FASTCGI_PEER_H

#include <stdbool.h>

#include "server/fastcgi_address.h"

struct fastcgi_peer {
	struct fastcgi_address address;
	int fd; /* -1: it does not listen any more */
	char directory[40], path[48];
};

/* backlog: how many connections may wait to be accepted; one more than that, on Linux. */
void fastcgi_peer_listen(struct fastcgi_peer *p, int backlog);
/* The next connection, which must be there. */
int fastcgi_peer_accept(struct fastcgi_peer *p);
/* As above; false: there is none. */
bool fastcgi_peer_has_one(const struct fastcgi_peer *p);
void fastcgi_peer_stop(struct fastcgi_peer *p);
void fastcgi_peer_close(struct fastcgi_peer *p);

#endif
