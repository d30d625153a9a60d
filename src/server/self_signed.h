/* Where a certificate that signs itself can be found by those who want to trust it. */
#ifndef SERVER_SELF_SIGNED_H
#define SERVER_SELF_SIGNED_H

#include <stdbool.h>

#include <openssl/x509.h>

enum { SELF_SIGNED_PATH = 64 };

/* Writes the certificate, without its key, for the server on this device, and where to. False: it could not
 * be written, which is no reason not to serve. */
bool self_signed_write(const X509 *certificate, const char *device, char path[static SELF_SIGNED_PATH]);

#endif
