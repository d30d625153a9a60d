/* Request targets and Host, RFC 9112 section 3.2 and RFC 9110 section 7.2. */
#include "http/http_target.h"

#include <string.h>

#include "base/ascii.h"
#include "http/http_text.h"

/* RFC 3986 section 3.2.2. */
static bool is_reg_name(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (LIKELY(http_char_is((char)name.data[i], HTTP_CHAR_NAME)))
			continue;
		if (name.data[i] != '%' || name.len - i < 3 || !ascii_is_hex(name.data[i + 1]) ||
		    !ascii_is_hex(name.data[i + 2]))
			return false;
		i += 2;
	}
	return name.len > 0;
}

/* "[2001:db8::1]". Whether the address is a good one does not matter here: nobody connects to it. */
static bool is_ip_literal(struct bytes literal)
{
	if (literal.len < 4 || literal.data[literal.len - 1] != ']')
		return false;
	for (size_t i = 1; i < literal.len - 1; i++)
		if (!ascii_is_hex(literal.data[i]) && literal.data[i] != ':' && literal.data[i] != '.')
			return false;
	return true;
}

/* Length of the host part: up to the colon before the port, or all. */
static size_t host_len(struct bytes authority)
{
	const uint8_t *end = NULL;

	if (authority.len > 0 && authority.data[0] == '[') {
		end = memchr(authority.data, ']', authority.len);
		return end != NULL ? (size_t)(end - authority.data) + 1 : authority.len;
	}
	end = authority.len > 0 ? memchr(authority.data, ':', authority.len) : NULL;
	return end != NULL ? (size_t)(end - authority.data) : authority.len;
}

/* Nothing, or a colon and a number that fits a port; RFC 3986 lets the number be empty. */
static bool is_port(struct bytes text)
{
	uint32_t port = 0;

	if (text.len == 0)
		return true;
	if (text.data[0] != ':')
		return false;
	for (size_t i = 1; i < text.len; i++) {
		if (!ascii_is_digit(text.data[i]))
			return false;
		port = port * 10 + (uint32_t)(text.data[i] - '0');
		if (port > UINT16_MAX)
			return false;
	}
	return true;
}

bool http_authority_is_valid(struct bytes authority)
{
	size_t len = host_len(authority);
	struct bytes host = bytes_of(authority.data, len);

	bytes_skip(&authority, len);
	if (!is_port(authority))
		return false;
	return host.len > 0 && host.data[0] == '[' ? is_ip_literal(host) : is_reg_name(host);
}

struct bytes http_authority_host(struct bytes authority)
{
	struct bytes host = bytes_of(authority.data, host_len(authority));

	if (host.len > 1 && host.data[host.len - 1] == '.')
		host.len--;
	return host;
}

/* RFC 9112 section 3.2: one valid Host, needed in HTTP/1.1, right even if the target overrides it. */
static bool parse_host(const struct http_request *r, struct http_target *out)
{
	struct bytes host = http_request_value(r, HTTP_FIELD_HOST);

	if (host.data == NULL)
		return r->line.minor == 0;
	if (http_request_is_repeated(r, HTTP_FIELD_HOST))
		return false;
	out->authority = host;
	return http_authority_is_valid(host);
}

static void split_query(struct bytes path_and_query, struct http_target *out)
{
	const uint8_t *mark = memchr(path_and_query.data, '?', path_and_query.len);

	out->path = path_and_query;
	if (mark == NULL)
		return;
	out->path.len = (size_t)(mark - path_and_query.data);
	out->query = bytes_of(mark, path_and_query.len - out->path.len);
}

/* RFC 9112 section 3.2.2: the authority of the target replaces the one of Host. */
static bool parse_absolute(struct bytes target, struct http_target *out)
{
	size_t len = 0;

	out->is_https = http_text_take_word(&target, "https://");
	if (!out->is_https && !http_text_take_word(&target, "http://"))
		return false;
	while (len < target.len && target.data[len] != '/' && target.data[len] != '?')
		len++;
	out->authority = bytes_of(target.data, len);
	bytes_skip(&target, len);
	split_query(target, out);
	if (out->path.len == 0)
		out->path = bytes_of("/", 1);
	return http_authority_is_valid(out->authority);
}

unsigned http_target_parse(const struct http_request *r, struct http_target *out)
{
	struct bytes target = http_request_target(r);

	*out = (struct http_target){ 0 };
	if (!parse_host(r, out))
		return 400;
	if (r->line.method == HTTP_METHOD_CONNECT) {
		out->authority = target;
		return http_authority_is_valid(target) ? 0 : 400;
	}
	if (target.data[0] == '/') {
		split_query(target, out);
		return 0;
	}
	if (target.len == 1 && target.data[0] == '*') {
		out->path = target;
		return r->line.method == HTTP_METHOD_OPTIONS ? 0 : 400;
	}
	return parse_absolute(target, out) ? 0 : 400;
}
