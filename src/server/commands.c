/* What the commands share, and the shortest of them. */
#include "server/commands.h"

#include <confuse.h>
#include <llhttp.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#ifndef TH_VERSION
#define TH_VERSION "(unknown)"
#endif
#ifndef TH_OPTIONAL_LIBRARIES
#define TH_OPTIONAL_LIBRARIES ""
#endif
#ifdef TH_WITH_XDP
#define XDP_DEVICE ", xdp"
#else
#define XDP_DEVICE ""
#endif

int command_failed(const struct failure *why, int status)
{
	fprintf(stderr, "taphouse: %s\n", why->text);
	return status;
}

int version_command(const struct cli *cli)
{
	(void)cli;
	printf("taphouse " TH_VERSION "\n");
	printf("libraries: llhttp %d.%d.%d, libConfuse %s, OpenSSL %s" TH_OPTIONAL_LIBRARIES "\n",
	       LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH, confuse_version,
	       OpenSSL_version(OPENSSL_VERSION_STRING));
	printf("devices: tap, packet" XDP_DEVICE "\n");
	return EXIT_SUCCESS;
}
