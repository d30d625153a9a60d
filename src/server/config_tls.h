/* What keys about TLS must be, seen together. Each gives 0, or -EINVAL and *why. */
#ifndef SERVER_CONFIG_TLS_H
#define SERVER_CONFIG_TLS_H

#include "server/config.h"

int config_tls_check(const struct config *c, struct failure *why);

/* Of two sites that share a port. */
int config_tls_check_pair(const struct config_site *a, const struct config_site *b, struct failure *why);

#endif
