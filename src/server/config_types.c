/* The types of configuration values: each reads its text into a field, or says what it expects. */
#include "server/config_types.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "http/http_auth.h"
#include "http/http_cache_control.h"
#include "http/http_cors.h"
#include "http/http_detour.h"
#include "http/http_error_page.h"
#include "http/http_headers.h"
#include "http/http_mime.h"
#include "http/http_rate.h"
#include "http/http_target.h"
#include "http/http_tries.h"
#include "server/config_keys.h"
#include "server/fastcgi_address.h"
#include "tcp/tcp_cc.h"

static int not_what(const struct key_input *in)
{
	return failure_set(in->why, -EINVAL, "\"%s\" is not %s", in->text, in->key->type->expects);
}

static int keep(const struct key_input *in, const char *text, const char **out)
{
	*out = config_keep(in->config, text);
	return *out != NULL ? 0 : failure_set(in->why, -ENOMEM, "out of memory");
}

static void store_number(void *field, size_t size, uint64_t v)
{
	switch (size) {
	case sizeof(uint8_t):
		*(uint8_t *)field = (uint8_t)v;
		return;
	case sizeof(uint32_t):
		*(uint32_t *)field = (uint32_t)v;
		return;
	default:
		assert(size == sizeof(uint64_t));
		*(uint64_t *)field = v;
	}
}

static int parse_number(const struct key_input *in, void *field)
{
	const struct config_key *key = in->key;
	char low[VALUE_TEXT], high[VALUE_TEXT];
	uint64_t v;
	int r = key->type->scan(in->text, &v);

	if (r == -EINVAL)
		return not_what(in);
	if (r < 0 || v < key->min || v > key->max)
		return failure_set(in->why, -ERANGE, "\"%s\" is out of range: %s to %s", in->text,
				   key->type->format(key->min, low), key->type->format(key->max, high));
	store_number(field, key->type->size, v);
	return 0;
}

static int parse_bool(const struct key_input *in, void *field)
{
	return value_bool(in->text, field) == 0 ? 0 : not_what(in);
}

static int parse_text(const struct key_input *in, void *field)
{
	return keep(in, in->text, field);
}

static int parse_congestion(const struct key_input *in, void *field)
{
	if (tcp_cc_find(in->text) == NULL)
		return not_what(in);
	return keep(in, in->text, field);
}

static int parse_site_congestion(const struct key_input *in, void *field)
{
	return *in->text == '\0' ? keep(in, in->text, field) : parse_congestion(in, field);
}

static int parse_level(const struct key_input *in, void *field)
{
	int level = log_level_parse(in->text);

	if (level < 0)
		return not_what(in);
	*(enum log_level *)field = (enum log_level)level;
	return 0;
}

/* One of several words, which stands for its number. */
static int parse_word(const struct key_input *in, void *field)
{
	const struct key_type *type = in->key->type;

	for (unsigned i = 0; i < type->n_words; i++)
		if (strcmp(in->text, type->words[i]) == 0) {
			store_number(field, type->size, i);
			return 0;
		}
	return not_what(in);
}

static int parse_echo(const struct key_input *in, void *field)
{
	bool on;

	if (strcmp(in->text, "octet") == 0)
		*(enum config_echo *)field = CONFIG_ECHO_OCTET;
	else if (value_bool(in->text, &on) == 0)
		*(enum config_echo *)field = on ? CONFIG_ECHO_WORDS : CONFIG_ECHO_OFF;
	else
		return not_what(in);
	return 0;
}

/* text as a path from the configuration file's directory. */
static int resolve(const struct key_input *in, const char **out)
{
	char *joined;
	int r;

	if (in->text[0] == '/' || strcmp(in->directory, ".") == 0)
		return keep(in, in->text, out);
	if (asprintf(&joined, "%s/%s", in->directory, in->text) < 0)
		return failure_set(in->why, -ENOMEM, "out of memory");
	r = keep(in, joined, out);
	free(joined);
	return r;
}

static int check_directory(const char *path, struct failure *why)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return failure_set(why, -errno, "directory \"%s\": %s", path, strerror(errno));
	return S_ISDIR(st.st_mode) ? 0 : failure_set(why, -ENOTDIR, "\"%s\" is not a directory", path);
}

static int parse_directory(const struct key_input *in, void *field)
{
	const char **path = field;
	int r;

	if (*in->text == '\0')
		return not_what(in);
	r = resolve(in, path);
	return r < 0 ? r : check_directory(*path, in->why);
}

static int parse_optional_directory(const struct key_input *in, void *field)
{
	return *in->text == '\0' ? keep(in, in->text, field) : parse_directory(in, field);
}

/* A file to be written: it may be missing, its directory may not. */
static int parse_file(const struct key_input *in, void *field)
{
	const char **path = field;
	char *directory, *slash;
	int r;

	r = resolve(in, path);
	if (r < 0 || (slash = strrchr(*path, '/')) == NULL || slash == *path)
		return r;
	directory = strndup(*path, (size_t)(slash - *path));
	if (directory == NULL)
		return failure_set(in->why, -ENOMEM, "out of memory");
	r = check_directory(directory, in->why);
	free(directory);
	return r;
}

/* A file below a site's root. */
static int parse_site_file(const struct key_input *in, void *field)
{
	struct http_path path;

	return *in->text == '\0' || http_path_of_file(in->text, &path) ? keep(in, in->text, field)
									 : not_what(in);
}

static int parse_absolute_path(const struct key_input *in, void *field)
{
	return *in->text == '\0' || *in->text == '/' ? keep(in, in->text, field) : not_what(in);
}

static int parse_fastcgi(const struct key_input *in, void *field)
{
	struct fastcgi_address address;

	return *in->text == '\0' || fastcgi_address_parse(in->text, &address) == 0 ? keep(in, in->text, field)
										   : not_what(in);
}

static int parse_optional_file(const struct key_input *in, void *field)
{
	return *in->text == '\0' ? keep(in, in->text, field) : resolve(in, field);
}

static int parse_output_file(const struct key_input *in, void *field)
{
	return *in->text == '\0' ? keep(in, in->text, field) : parse_file(in, field);
}

static int parse_log(const struct key_input *in, void *field)
{
	if (*in->text == '\0')
		return not_what(in);
	if (strcmp(in->text, "-") == 0 || strcmp(in->text, "off") == 0)
		return keep(in, in->text, field);
	return parse_file(in, field);
}

static int parse_realm(const struct key_input *in, void *field)
{
	return http_auth_realm_is_valid(in->text) ? keep(in, in->text, field) : not_what(in);
}

/* It is read to see whether it can be, and again when it is used. */
static int parse_users(const struct key_input *in, void *field)
{
	const char **path = field;
	struct http_users users;
	int r = *in->text == '\0' ? keep(in, in->text, field) : resolve(in, path);

	if (r < 0 || **path == '\0')
		return r;
	r = http_users_load(&users, *path, in->why);
	if (r == 0)
		http_users_free(&users);
	return r;
}

static int parse_rate(const struct key_input *in, void *field)
{
	return http_rate_parse(in->text, field) ? 0 : not_what(in);
}

static int parse_mac(const struct key_input *in, void *field)
{
	if (*in->text == '\0') {
		memset(field, 0, sizeof(struct mac_addr));
		return 0;
	}
	return value_mac(in->text, field) == 0 ? 0 : not_what(in);
}

static int parse_impair(const struct key_input *in, void *field)
{
	struct optional_impair *impair = field;

	impair->given = *in->text != '\0';
	return impair->given ? impair_parse(in->text, &impair->spec, in->why) : 0;
}

/* An IPv4 address with its network's length: this version speaks IPv4. */
static int read_prefix(const struct key_input *in, struct ip_prefix *out)
{
	if (strchr(in->text, '/') == NULL || !ip_prefix_parse(in->text, out) || !ip_addr_is_4(&out->addr))
		return not_what(in);
	return 0;
}

static int parse_optional_prefix(const struct key_input *in, void *field)
{
	struct optional_prefix *p = field;

	p->given = *in->text != '\0';
	return p->given ? read_prefix(in, &p->prefix) : 0;
}

static int list_full(const struct key_input *in)
{
	return failure_set(in->why, -ENOSPC, "more than %u values", in->key->type->most);
}

static int parse_prefix_item(const struct key_input *in, void *field)
{
	struct prefix_list *list = field;
	int r;

	if (list->n == CONFIG_LIST)
		return list_full(in);
	r = read_prefix(in, &list->items[list->n]);
	if (r == 0)
		list->n++;
	return r;
}

/* As above; an address alone is a network of one. */
static int parse_network_item(const struct key_input *in, void *field)
{
	struct prefix_list *list = field;
	struct ip_prefix network;

	if (list->n == CONFIG_LIST)
		return list_full(in);
	if (!ip_prefix_parse(in->text, &network) || !ip_addr_is_4(&network.addr))
		return not_what(in);
	list->items[list->n++] = network;
	return 0;
}

static int parse_addr_item(const struct key_input *in, void *field)
{
	struct addr_list *list = field;
	struct ip_addr addr;

	if (list->n == CONFIG_LIST)
		return list_full(in);
	if (!ip_addr_parse(in->text, &addr) || !ip_addr_is_4(&addr))
		return not_what(in);
	list->items[list->n++] = addr;
	return 0;
}

static int parse_text_item(const struct key_input *in, void *field)
{
	struct text_list *list = field;
	int r;

	if (list->n == CONFIG_LIST)
		return list_full(in);
	if (*in->text == '\0')
		return not_what(in);
	r = keep(in, in->text, &list->items[list->n]);
	if (r == 0)
		list->n++;
	return r;
}

static int parse_file_item(const struct key_input *in, void *field)
{
	struct text_list *list = field;
	int r;

	if (list->n == CONFIG_LIST)
		return list_full(in);
	if (*in->text == '\0')
		return not_what(in);
	r = resolve(in, &list->items[list->n]);
	if (r == 0)
		list->n++;
	return r;
}

/* fault: of the rule; NULL: none. */
static int add_rule(const struct key_input *in, struct rule_list *list, const char *fault)
{
	int r;

	if (list->n == CONFIG_RULES)
		return list_full(in);
	if (fault != NULL)
		return failure_set(in->why, -EINVAL, "\"%s\" %s", in->text, fault);
	r = keep(in, in->text, &list->items[list->n]);
	if (r == 0)
		list->n++;
	return r;
}

static int parse_redirect_item(const struct key_input *in, void *field)
{
	return add_rule(in, field, http_redirect_fault(in->text));
}

static int parse_rewrite_item(const struct key_input *in, void *field)
{
	return add_rule(in, field, http_rewrite_fault(in->text));
}

static int parse_header_item(const struct key_input *in, void *field)
{
	const char *fault = http_header_rule_fault(in->text);

	if (fault != NULL)
		return failure_set(in->why, -EINVAL, "\"%s\" %s", in->text, fault);
	return parse_text_item(in, field);
}

/* A name without a port, or all names below one. */
static bool is_host(const char *text)
{
	const char *name = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
	struct bytes authority = bytes_of(name, strlen(name));

	return http_authority_is_valid(authority) && http_authority_host(authority).len == authority.len &&
	       strchr(name, '*') == NULL;
}

/* A name as CGI's are, and a value (RFC 3875 section 4.1). */
static bool is_param(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && text[len] == ' ';
}

static bool is_media_type(const char *text)
{
	return http_mime_pattern_is_valid(text, strlen(text));
}

static int parse_valid_item(const struct key_input *in, void *field)
{
	return in->key->type->is_valid(in->text) ? parse_text_item(in, field) : not_what(in);
}

static int parse_port_item(const struct key_input *in, void *field)
{
	struct port_list *list = field;
	uint16_t port;

	if (list->n == CONFIG_LIST)
		return list_full(in);
	if (value_port(in->text, &port) < 0)
		return not_what(in);
	for (unsigned i = 0; i < list->n; i++)
		if (list->items[i] == port)
			return failure_set(in->why, -EEXIST, "port %u is given twice", port);
	list->items[list->n++] = port;
	return 0;
}

/* Words, each in the place of what it stands for. */

static const char *const syn_cookies_words[] = {
	[TCP_SYN_COOKIES_NEVER] = "never",
	[TCP_SYN_COOKIES_AUTO] = "auto",
	[TCP_SYN_COOKIES_ALWAYS] = "always",
};

static const char *const ecn_words[] = {
	[TCP_ECN_OFF] = "off",
	[TCP_ECN_ACCEPT] = "accept",
	[TCP_ECN_OFFER] = "offer",
};

static const char *const mtu_probing_words[] = {
	[TCP_MTU_PROBING_OFF] = "off",
	[TCP_MTU_PROBING_BLACK_HOLE] = "black-hole",
	[TCP_MTU_PROBING_ON] = "on",
};

static const char *const client_certificates_words[] = {
	[TLS_CLIENT_CERTIFICATES_OFF] = "off",
	[TLS_CLIENT_CERTIFICATES_OPTIONAL] = "optional",
	[TLS_CLIENT_CERTIFICATES_REQUIRED] = "required",
};

static const char *const websocket_words[] = {
	[CONFIG_WEBSOCKET_OFF] = "false",
	[CONFIG_WEBSOCKET_ECHO] = "echo",
	[CONFIG_WEBSOCKET_CHAT] = "chat",
	[CONFIG_WEBSOCKET_EVENTS] = "events",
};

static const char *const compression_words[] = {
	[WS_COMPRESSION_OFF] = "off",
	[WS_COMPRESSION_MESSAGE] = "message",
	[WS_COMPRESSION_TAKEOVER] = "takeover",
};

static const char *const slow_reader_words[] = { [WS_SLOW_DROP] = "drop", [WS_SLOW_CLOSE] = "close" };

static const char *const steering_words[] = { [STEER_FLOW] = "flow", [STEER_ADDRESS] = "address" };

static const char *const access_format_words[] = {
	[ACCESS_COMBINED] = "combined",
	[ACCESS_COMBINED_TCP] = "combined-tcp",
	[ACCESS_JSON] = "json",
};

#define A_TIME "a time with its unit, such as \"30s\" (us, ms, s, m, h, d)"
#define A_SIZE "a size such as \"64K\" (bytes, or K, M, G)"
#define A_PREFIX "an IPv4 address with its prefix length, such as \"10.77.0.2/24\""

#define NUMBER(width, what, what_scans, what_formats) { \
	.expects = what, .size = sizeof(width), \
	.parse = parse_number, .scan = what_scans, .format = what_formats }
#define OTHER(field, what, what_parses) { .expects = what, .size = sizeof(field), .parse = what_parses }
#define WORDS(field, what, table) { \
	.expects = what, .size = sizeof(field), .parse = parse_word, .words = table, \
	.n_words = ARRAY_LENGTH(table) }
#define TEXT(what, what_parses) { \
	.expects = what, .size = sizeof(const char *), .is_text = true, .parse = what_parses }
#define LIST(field, what, what_parses) { \
	.expects = what, .size = sizeof(field), .is_list = true, .items_at = offsetof(field, items), \
	.item_size = sizeof(((field *)NULL)->items[0]), .most = CONFIG_LIST, .parse = what_parses }
#define VALID(what, what_is_valid) { \
	.expects = what, .size = sizeof(struct text_list), .is_list = true, \
	.items_at = offsetof(struct text_list, items), .item_size = sizeof(const char *), \
	.most = CONFIG_LIST, .parse = parse_valid_item, .is_valid = what_is_valid }
#define RULES(what_parses) { \
	.expects = "a rule", .size = sizeof(struct rule_list), .is_list = true, \
	.items_at = offsetof(struct rule_list, items), .item_size = sizeof(const char *), \
	.most = CONFIG_RULES, .parse = what_parses }

const struct key_type type_time = NUMBER(uint64_t, A_TIME, value_time, value_format_time);
const struct key_type type_time32 = NUMBER(uint32_t, A_TIME, value_time, value_format_time);
const struct key_type type_size = NUMBER(uint64_t, A_SIZE, value_size, value_format_size);
const struct key_type type_size32 = NUMBER(uint32_t, A_SIZE, value_size, value_format_size);
const struct key_type type_count32 = NUMBER(uint32_t, "a number", value_count, value_format_count);
const struct key_type type_count8 = NUMBER(uint8_t, "a number", value_count, value_format_count);
const struct key_type type_bool = OTHER(bool, "true or false", parse_bool);
const struct key_type type_level =
	OTHER(enum log_level, "a level (error, warning, notice, info, debug)", parse_level);
const struct key_type type_syn_cookies =
	WORDS(enum tcp_syn_cookies, "auto, always or never", syn_cookies_words);
const struct key_type type_ecn = WORDS(enum tcp_ecn_mode, "off, accept or offer", ecn_words);
const struct key_type type_mtu_probing =
	WORDS(enum tcp_mtu_probing, "off, black-hole or on", mtu_probing_words);
const struct key_type type_client_certificates =
	WORDS(enum tls_client_certificates, "off, optional or required", client_certificates_words);
const struct key_type type_echo = OTHER(enum config_echo, "true, false or octet", parse_echo);
const struct key_type type_websocket =
	WORDS(enum config_websocket, "false, echo, chat or events", websocket_words);
const struct key_type type_compression =
	WORDS(enum ws_compression, "off, message or takeover", compression_words);
const struct key_type type_slow_reader = WORDS(enum ws_slow_reader, "drop or close", slow_reader_words);
const struct key_type type_access_format =
	WORDS(enum access_format, "combined, combined-tcp or json", access_format_words);
const struct key_type type_text = TEXT("a text", parse_text);
const struct key_type type_congestion = TEXT("a congestion control that this version has", parse_congestion);
const struct key_type type_site_congestion =
	TEXT("a congestion control that this version has, or empty", parse_site_congestion);
const struct key_type type_directory = TEXT("a directory", parse_directory);
const struct key_type type_optional_directory = TEXT("a directory, or empty", parse_optional_directory);
const struct key_type type_optional_file = TEXT("a file, or empty", parse_optional_file);
const struct key_type type_output_file = TEXT("a file", parse_output_file);
const struct key_type type_site_file = TEXT("a file below the root, or empty", parse_site_file);
const struct key_type type_absolute_path = TEXT("a path from \"/\" on, or empty", parse_absolute_path);
const struct key_type type_fastcgi = TEXT(
	"an address in numbers, such as \"unix:/run/app.sock\" or \"127.0.0.1:9000\"", parse_fastcgi);
const struct key_type type_log = TEXT("a file, \"-\" or \"off\"", parse_log);
const struct key_type type_realm =
	TEXT("a realm: visible ASCII without quotes and backslashes, at most 200 characters", parse_realm);
const struct key_type type_users = TEXT("a file of users, or empty", parse_users);
const struct key_type type_rate =
	OTHER(struct rate_limit, "a rate such as \"10/s burst=20\" (s, m, h, d), or empty", parse_rate);
const struct key_type type_mac =
	OTHER(struct mac_addr, "a MAC address of one port, such as \"02:00:5e:10:00:01\"", parse_mac);
const struct key_type type_steering = WORDS(enum steer_mode, "flow or address", steering_words);
const struct key_type type_impair = OTHER(struct optional_impair, "an impairment", parse_impair);
const struct key_type type_optional_prefix = OTHER(struct optional_prefix, A_PREFIX, parse_optional_prefix);
const struct key_type type_prefixes = LIST(struct prefix_list, A_PREFIX, parse_prefix_item);
const struct key_type type_networks = LIST(
	struct prefix_list, "an IPv4 address or network, such as \"10.77.0.0/24\"", parse_network_item);
const struct key_type type_addresses = LIST(struct addr_list, "an IPv4 address", parse_addr_item);
const struct key_type type_files = LIST(struct text_list, "a file", parse_file_item);
const struct key_type type_texts = LIST(struct text_list, "a name", parse_text_item);
const struct key_type type_hosts =
	VALID("a name, such as \"www.example.org\" or \"*.example.org\"", is_host);
const struct key_type type_cache_controls =
	VALID("a media type and a value, such as \"image/* max-age=86400\"",
	      http_cache_control_rule_is_valid);
const struct key_type type_redirects = RULES(parse_redirect_item);
const struct key_type type_rewrites = RULES(parse_rewrite_item);
const struct key_type type_headers = LIST(struct text_list, "a header", parse_header_item);
const struct key_type type_origins =
	VALID("an origin as browsers write it, such as \"https://app.example\", or \"*\"",
	      http_cors_origin_is_valid);
const struct key_type type_cors_names =
	VALID("the name of a method or a field, or \"*\"", http_cors_name_is_valid);
const struct key_type type_tries =
	VALID("a path to try, such as \"$uri.html\" or \"/index.html\", or \"=404\"", http_try_rule_is_valid);
const struct key_type type_media_types =
	VALID("a media type, such as \"application/x-yaml\" or \"font/*\"", is_media_type);
const struct key_type type_params =
	VALID("a name and a value, such as \"APP_ENV production\"", is_param);
const struct key_type type_error_pages =
	VALID("statuses of errors and a path, such as \"404 /404.html\"", http_error_page_rule_is_valid);
const struct key_type type_ports = LIST(struct port_list, "a port (1 to 65535)", parse_port_item);
