/*
 * Who is answered, by address: networks that are allowed and networks that are denied. Of those that a client
 * is in the longest decides; of two that are equally long, the one that denies. A client that is in none is
 * admitted unless something is allowed: whoever names those who may come means nobody else. So the order in
 * which the networks were written down does not matter.
 */
#ifndef HTTP_HTTP_CLIENTS_H
#define HTTP_HTTP_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct http_network {
	struct ip_prefix prefix;
	bool is_allowed;
};

struct http_clients {
	struct http_network *networks; /* those that decide first stand first */
	size_t count;                  /* 0: all are admitted */
	bool admits_others;            /* clients that are in none of them */
};

/* A copy. False: no memory; then nothing is held. */
bool http_clients_open(struct http_clients *a, const struct ip_prefix *allow, size_t n_allow,
			 const struct ip_prefix *deny, size_t n_deny);
void http_clients_close(struct http_clients *a);

bool http_clients_admit(const struct http_clients *a, const struct ip_addr *client);

#endif
