/* Keys that hold as long as the process runs, because what they made cannot be made again under
 * connections. */
#ifndef SERVER_CONFIG_FIXED_H
#define SERVER_CONFIG_FIXED_H

#include "server/config.h"

/* Gives next the fixed keys of the configuration in use, and logs which of them it
 * would have changed. 0 or -ENOMEM. */
int config_keep_fixed(struct config *next, const struct config *in_use, const struct log *log);

#endif
