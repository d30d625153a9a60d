/* The file is below /run, where root alone writes, so that nobody puts another one in its place. */
#include "server/self_signed.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#define DIRECTORY "/run/taphouse"

bool self_signed_write(const X509 *certificate, const char *device, char path[static SELF_SIGNED_PATH])
{
	FILE *file;
	bool ok;

	(void)mkdir(DIRECTORY, 0755);
	if (snprintf(path, SELF_SIGNED_PATH, DIRECTORY "/%s.pem", device) >= SELF_SIGNED_PATH)
		return false;
	file = fopen(path, "we");
	if (file == NULL)
		return false;
	ok = PEM_write_X509(file, certificate) == 1;
	ok &= fclose(file) == 0;
	ERR_clear_error();
	return ok;
}
