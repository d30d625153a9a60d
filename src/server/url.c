/* An http or https URL, taken apart from left to right. */
#include "server/url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "server/values.h"

static int take_scheme(const char **text, struct url *out, struct failure *why)
{
	const char *colon = strstr(*text, "://");
	const char *end = *text + strcspn(*text, "/?#");

	out->is_https = strncasecmp(*text, "https://", 8) == 0;
	if (colon == NULL || colon > end)
		return 0; /* like curl: http is meant */
	if (!out->is_https && strncasecmp(*text, "http://", 7) != 0)
		return failure_set(why, -EINVAL, "%s: this version fetches http:// and https:// only", *text);
	*text = colon + 3;
	return 0;
}

static bool is_host(const char *host)
{
	if (*host == '\0')
		return false;
	for (; *host != '\0'; host++)
		if (!ascii_is_alphanumeric(*host) && strchr("-._", *host) == NULL)
			return false;
	return true;
}

/* "host" or "host:port", len bytes of it. */
static int take_authority(const char *text, size_t len, struct url *out, struct failure *why)
{
	const char *colon = memchr(text, ':', len);
	size_t host_len = colon != NULL ? (size_t)(colon - text) : len;
	char port[8];

	if (memchr(text, '@', len) != NULL)
		return failure_set(why, -EINVAL, "a user name in a URL is not supported");
	if (host_len >= sizeof out->host)
		return failure_set(why, -EINVAL, "the URL's host is too long");
	memcpy(out->host, text, host_len);
	out->host[host_len] = '\0';
	if (!is_host(out->host))
		return failure_set(why, -EINVAL, "the URL's host must be a name or an IPv4 address");
	snprintf(port, sizeof port, "%u", url_default_port(out));
	if (colon != NULL && len - host_len > 1)
		snprintf(port, sizeof port, "%.*s", (int)(len - host_len - 1), colon + 1);
	if (value_port(port, &out->port) < 0)
		return failure_set(why, -EINVAL, "the URL's port must be a number from 1 to 65535");
	return 0;
}

/* The rest of the URL. A space or a control character would end the request line early. */
static int take_target(const char *text, struct url *out, struct failure *why)
{
	size_t len = strcspn(text, "#");
	bool has_path = *text == '/';

	for (size_t i = 0; i < len; i++)
		if (!ascii_is_visible(text[i]))
			return failure_set(why, -EINVAL,
					   "write spaces and characters beyond ASCII in a URL as %%XX");
	if (len + !has_path >= sizeof out->target)
		return failure_set(why, -EINVAL, "the URL is too long: at most %d bytes", URL_TARGET);
	snprintf(out->target, sizeof out->target, "%s%.*s", has_path ? "" : "/", (int)len, text);
	return 0;
}

int url_parse(const char *text, struct url *out, struct failure *why)
{
	size_t len;
	int r = take_scheme(&text, out, why);

	if (r < 0)
		return r;
	len = strcspn(text, "/?#");
	r = take_authority(text, len, out, why);
	return r < 0 ? r : take_target(text + len, out, why);
}
