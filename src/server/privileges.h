/* Giving up root, once what needs it is open. */
#ifndef SERVER_PRIVILEGES_H
#define SERVER_PRIVILEGES_H

#include "base/failure.h"

/* Becomes the user for good, with its groups, and checks that there is no way back. "": stays who it is,
 * without the capabilities that somebody who is not root was given. 0, or negative errno and *why. */
int privileges_drop(const char *user, struct failure *why);

#endif
