/* The same origin: scheme, host and port. */
#include "http/http_origin.h"

#include <string.h>

#include "http/http_conn.h"
#include "http/http_text.h"

/* Without the port that its scheme has anyway. */
static struct bytes without_default_port(struct bytes authority, bool is_https)
{
	const char *port = is_https ? ":443" : ":80";
	size_t len = strlen(port);

	if (authority.len > len && memcmp(authority.data + authority.len - len, port, len) == 0)
		authority.len -= len;
	return authority;
}

bool http_origin_is_own(struct bytes origin, struct bytes authority, bool is_https)
{
	return http_text_take_word(&origin, is_https ? "https://" : "http://") &&
	       http_text_is_same(without_default_port(origin, is_https),
				 without_default_port(authority, is_https));
}

static bool is_address(struct bytes host)
{
	char text[IP_ADDR_TEXT];
	struct ip_addr addr;

	if (host.len > 2 && host.data[0] == '[') /* RFC 3986 section 3.2.2 */
		host = bytes_of(host.data + 1, host.len - 2);
	if (host.len >= sizeof text)
		return false;
	memcpy(text, host.data, host.len);
	text[host.len] = '\0';
	return ip_addr_parse(text, &addr);
}

bool http_origin_is_certain(const struct http_call *call)
{
	struct bytes authority = call->target->authority, host;

	if (authority.data == NULL)
		return true;
	host = http_authority_host(authority);
	return is_address(host) || http_text_is(host, "localhost") ||
	       (call->conn != NULL && http_sites_name(&call->conn->server->sites, authority));
}

bool http_origin_is_trusted(const struct http_call *call)
{
	const struct http_request *r = call->request;
	struct bytes origin = http_request_value(r, HTTP_FIELD_ORIGIN);
	struct bytes site = http_call_value(call, "sec-fetch-site");

	if (!http_origin_is_certain(call))
		return false;
	if (site.data != NULL && !http_text_is(site, "same-origin") && !http_text_is(site, "none"))
		return false;
	if (origin.data == NULL)
		return true; /* no page's script sends it */
	return !http_request_is_repeated(r, HTTP_FIELD_ORIGIN) &&
	       http_origin_is_own(origin, call->target->authority, call->is_encrypted);
}
