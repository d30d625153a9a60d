/* Policies of sites and locations: from the configuration to what HTTP is told. */
#ifndef SERVER_POLICY_H
#define SERVER_POLICY_H

#include "server/config.h"

struct document_budget;

/* It points into *p. Listings are made within the budget. */
struct http_policy policy_for_http(const struct config_policy *p, struct document_budget *documents);

/* Checks what concerns several keys of a policy at once, once they are inherited. 0, or -EINVAL and *why. */
int policy_check_all(const struct config *c, struct failure *why);

#endif
