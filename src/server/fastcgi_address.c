/* Addresses of applications, as the kernel takes them. */
#include "server/fastcgi_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "server/values.h"

static const char unix_scheme[] = "unix:";

static int parse_unix(const char *path, struct fastcgi_address *out)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->storage;
	size_t len = strlen(path);

	if (path[0] != '/' || len >= sizeof un->sun_path)
		return -EINVAL;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return 0;
}

static int parse_host(const char *host, uint16_t port, struct fastcgi_address *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&out->storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->storage;

	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		out->len = sizeof *in;
		return 0;
	}
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
		return -EINVAL;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	out->len = sizeof *in6;
	return 0;
}

int fastcgi_address_parse(const char *text, struct fastcgi_address *out)
{
	const char *colon = strrchr(text, ':'), *start = text, *end = colon;
	char host[INET6_ADDRSTRLEN];
	uint16_t port;

	memset(out, 0, sizeof *out);
	if (strncmp(text, unix_scheme, sizeof unix_scheme - 1) == 0)
		return parse_unix(text + sizeof unix_scheme - 1, out);
	if (colon == NULL || value_port(colon + 1, &port) < 0)
		return -EINVAL;
	if (*start == '[' && end > start && end[-1] == ']') {
		start++;
		end--;
	} else if (memchr(start, ':', (size_t)(end - start)) != NULL) {
		return -EINVAL; /* without brackets it is not clear where it ends */
	}
	if (end <= start || (size_t)(end - start) >= sizeof host)
		return -EINVAL;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	return parse_host(host, port, out);
}
