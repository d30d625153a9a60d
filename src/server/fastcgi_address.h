/* Where an application listens: "unix:/run/app.sock", "127.0.0.1:9000". Numbers
 * only: nobody is asked for a name. */
#ifndef SERVER_FASTCGI_ADDRESS_H
#define SERVER_FASTCGI_ADDRESS_H

#include <sys/socket.h>

struct fastcgi_address {
	struct sockaddr_storage storage;
	socklen_t len;
};

/* 0, or -EINVAL. */
int fastcgi_address_parse(const char *text, struct fastcgi_address *out);

#endif
