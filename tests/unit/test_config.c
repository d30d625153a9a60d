/*
 * The configuration: what each kind of mistake is answered with, and at which line; every key's way into its
 * place; and that conf/taphouse.conf and docs/configuration.md tell the defaults as they are.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/config.h"
#include "server/config_inherit.h"
#include "server/config_source.h"
#include "server/echo.h"
#include "server/generation.h"
#include "server/location.h"
#include "server/upload.h"
#include "server/worker.h"

/* A directory with www/ in it, where a test's configuration file is written. */
struct place {
	char directory[32];
	char file[64], www[64];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	assert_non_null(p);
	strcpy(p->directory, "/tmp/test_config.XXXXXX");
	assert_non_null(mkdtemp(p->directory));
	snprintf(p->file, sizeof p->file, "%s/t.conf", p->directory);
	snprintf(p->www, sizeof p->www, "%s/www", p->directory);
	assert_int_equal(mkdir(p->www, 0755), 0);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	unlink(p->file);
	rmdir(p->www);
	assert_int_equal(rmdir(p->directory), 0);
	free(p);
	return 0;
}

static void write_bytes(const struct place *p, const char *text, size_t len)
{
	FILE *f = fopen(p->file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Loads text as a file. *c is to be finished by the caller either way. */
static int load(const struct place *p, const char *text, struct config *c, struct failure *why)
{
	write_bytes(p, text, strlen(text));
	config_init(c);
	return config_load(c, p->file, why);
}

static void assert_loads(const struct place *p, const char *text, struct config *c)
{
	struct failure why;

	if (load(p, text, c, &why) != 0)
		fail_msg("%s: %s", text, why.text);
}

/* The message must be "FILE:line: " and what is expected. */
static void assert_refused(const struct place *p, const char *text, int line, const char *expected)
{
	struct failure why;
	struct config c;
	char whole[600];

	if (load(p, text, &c, &why) == 0)
		fail_msg("taken: %s", text);
	snprintf(whole, sizeof whole, "%s:%d: %s", p->file, line, expected);
	assert_string_equal(why.text, whole);
	config_fini(&c);
}

/* It lies in struct config itself, and not in a site or a location. */
static bool is_of_config(const struct config_key *key)
{
	return strcmp(key->section, "site") != 0 && strcmp(key->section, "location") != 0;
}

static void test_empty_file_gives_defaults(void **state)
{
	struct config c, defaults;

	config_init(&defaults);
	assert_loads(*state, "", &c);
	for (size_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (is_of_config(key))
			assert_memory_equal(config_key_field(key, &c), config_key_field(key, &defaults),
					    key->type->size);
	}
	assert_int_equal(c.n_sites, 0);
	config_fini(&c);
}

static void test_values_reach_their_places(void **state)
{
	struct place *p = *state;
	struct config c;
	char text[IP_PREFIX_TEXT];

	assert_loads(p,
		     "user = \"www-data\" drain_timeout = 3s\n"
		     "device \"tap:web0\" { address = {10.1.0.2/16, \"10.1.0.3/16\"} gateway = 10.1.0.1\n"
		     "  mac = \"02:00:00:00:00:07\" impair = \"loss=1%\" pcap = \"x.pcapng\" }\n"
		     "tcp { msl = 500ms max_connections = 77 send_buffer = 64K synack_retries = 3\n"
		     "  syn_cookies = always timestamps = off keepalive = yes min_rto = 10ms memory = 1G }\n"
		     "http { max_body = 5M keepalive_timeout = 2m server_header = false }\n"
		     "log { access = \"a.log\" format = \"combined-tcp\" level = debug }\n"
		     "site \"one\" { root = \"www\" listen = {80, 8080} index = {a, \"b\"} hosts = x }\n"
		     "site two { root = www listen = 81 }\n",
		     &c);
	assert_string_equal(c.user, "www-data");
	assert_int_equal(c.drain_timeout_us, 3000000);
	assert_string_equal(c.device.name.interface, "web0");
	assert_int_equal(c.device.address.n, 2);
	assert_string_equal(ip_prefix_format(&c.device.address.items[1], text), "10.1.0.3/16");
	assert_int_equal(c.device.gateway.n, 1);
	assert_int_equal(c.device.mac.b[5], 7);
	assert_true(c.device.impair.given);
	assert_int_equal(c.device.impair.spec.rx.loss_ppm, 10000);
	assert_int_equal(c.tcp.msl_us, 500000);
	assert_int_equal(c.tcp.max_connections, 77);
	assert_int_equal(c.tcp.send_buffer, 65536);
	assert_int_equal(c.tcp.synack_retries, 3);
	assert_int_equal(c.tcp.syn_cookies, TCP_SYN_COOKIES_ALWAYS);
	assert_false(c.tcp.timestamps);
	assert_true(c.tcp_keepalive);
	assert_int_equal(c.tcp.min_rto_us, 10000);
	assert_int_equal(c.tcp.memory, 1073741824);
	assert_int_equal(c.http.max_body, 5 << 20);
	assert_int_equal(c.http.keepalive_timeout_us, 120000000);
	assert_false(c.http.server_header);
	assert_int_equal(c.log.format, ACCESS_COMBINED_TCP);
	assert_int_equal(c.log.level, LOG_DEBUG);
	assert_int_equal(c.n_sites, 2);
	assert_string_equal(c.sites[0].name, "one");
	assert_int_equal(c.sites[0].listen.items[1], 8080);
	assert_string_equal(c.sites[0].policy.index.items[1], "b");
	assert_null(c.sites[0].policy.index.items[2]);
	assert_string_equal(c.sites[0].hosts.items[0], "x");
	assert_int_equal(c.sites[1].listen.items[0], 81);
	assert_string_equal(c.sites[1].policy.index.items[0], "index.html");
	config_fini(&c);
}

static void test_relative_paths_start_at_the_file(void **state)
{
	struct place *p = *state;
	struct config c;
	char expected[80];

	assert_loads(p, "log { access = \"a.log\" error = \"-\" } site \"s\" { root = \"www\" }", &c);
	assert_string_equal(c.sites[0].root, p->www);
	snprintf(expected, sizeof expected, "%s/a.log", p->directory);
	assert_string_equal(c.log.access, expected);
	assert_string_equal(c.log.error, "-");
	config_fini(&c);
}

static void test_list_assignment_replaces_and_append_adds(void **state)
{
	struct config c;

	assert_loads(*state, "site \"s\" { root = \"www\" listen = {81} index += \"b\" hosts = {} }", &c);
	assert_int_equal(c.sites[0].listen.n, 1);
	assert_int_equal(c.sites[0].listen.items[0], 81);
	assert_int_equal(c.sites[0].policy.index.n, 2);
	assert_string_equal(c.sites[0].policy.index.items[0], "index.html");
	assert_int_equal(c.sites[0].hosts.n, 0);
	config_fini(&c);
	assert_loads(*state, "site \"s\" { root = \"www\" index = {} }", &c);
	assert_int_equal(c.sites[0].policy.index.n, 0);
	assert_null(c.sites[0].policy.index.items[0]);
	config_fini(&c);
}

static void test_typos_are_answered_with_what_was_meant(void **state)
{
	assert_refused(*state, "tcp {\n\tmsll = 3s\n}\n", 2, "unknown key \"msll\"; did you mean \"msl\"?");
	assert_refused(*state, "\nsitee \"x\" { }", 2, "unknown key \"sitee\"; did you mean \"site\"?");
	assert_refused(*state, "http { keepalive_timout = 3s }", 1,
		       "unknown key \"keepalive_timout\"; did you mean \"keepalive_timeout\"?");
	assert_refused(*state, "tcp { max_uri = 3 }", 1, "\"max_uri\" belongs in section http");
	assert_refused(*state, "msl = 3s", 1, "\"msl\" belongs in section tcp");
	assert_refused(*state, "tcp { user = x }", 1, "\"user\" belongs outside of all sections");
	assert_refused(*state, "tcp { locale = x }", 1, "unknown key \"locale\"");
	assert_refused(*state, "tcp { location = x }", 1, "\"location\" belongs in section site");
	assert_refused(*state, "location \"/x/\" { status = true }", 1,
		       "\"location\" belongs in section site");
	assert_refused(*state, "site a { locatoin \"/x/\" { status = true } }", 1,
		       "unknown key \"locatoin\"; did you mean \"location\"?");
	assert_refused(*state, "site a { root = www status = true }", 1,
		       "\"status\" belongs in section location");
	assert_refused(*state, "tcp|msl = 3s", 1, "\"msl\" belongs in section tcp");
}

static void test_bad_values_are_refused_where_they_stand(void **state)
{
	assert_refused(*state, "tcp { msl = 3 }", 1,
		       "msl: \"3\" is not a time with its unit, such as \"30s\" (us, ms, s, m, h, d)");
	assert_refused(*state, "tcp {\nttl = 64\nmsl = 1h }", 3, "msl: \"1h\" is out of range: 1ms to 5m");
	assert_refused(*state, "tcp { ttl = 256 }", 1, "ttl: \"256\" is out of range: 1 to 255");
	assert_refused(*state, "tcp { memory = 99999999999999999999 }", 1,
		       "memory: \"99999999999999999999\" is out of range: 64K to 1024G");
	assert_refused(*state, "tcp { ledbat = true }", 1, "unknown key \"ledbat\"");
	assert_refused(*state, "site \"a\" { congestion = vegas }", 1,
		       "congestion: \"vegas\" is not a congestion control that this version has, or empty");
	assert_refused(*state, "tcp { syn_cookies = maybe }", 1,
		       "syn_cookies: \"maybe\" is not auto, always or never");
	assert_refused(*state, "tcp { congestion = vegas }", 1,
		       "congestion: \"vegas\" is not a congestion control that this version has");
	assert_refused(*state, "tcp { timestamps = maybe }", 1, "timestamps: \"maybe\" is not true or false");
	assert_refused(*state, "workers = 33", 1, "workers: \"33\" is out of range: 1 to 32");
	assert_refused(*state, "log { level = loud }", 1,
		       "level: \"loud\" is not a level (error, warning, notice, info, debug)");
	assert_refused(*state, "log { format = clf }", 1,
		       "format: \"clf\" is not combined, combined-tcp or json");
	assert_refused(*state, "device \"tap:a\" { mac = \"01:00:00:00:00:01\" }", 1,
		       "mac: \"01:00:00:00:00:01\" is not a MAC address of one port, such as "
		       "\"02:00:5e:10:00:01\"");
	assert_refused(*state, "device \"tap:a\" {\n address = \"2001:db8::1/64\" }", 2,
		       "address: \"2001:db8::1/64\" is not an IPv4 address with its prefix length, such as "
		       "\"10.77.0.2/24\"");
	assert_refused(*state, "device \"tap:a\" { gateway = \"10.0.0.0/8\" }", 1,
		       "gateway: \"10.0.0.0/8\" is not an IPv4 address");
	assert_refused(*state, "site \"a\" { hosts = {\"*.a.example\", \"www.a.example:80\"} }", 1,
		       "hosts: \"www.a.example:80\" is not a name, such as \"www.example.org\" or "
		       "\"*.example.org\"");
	assert_refused(*state, "site \"a\" { hosts = \"www.*.example\" }", 1,
		       "hosts: \"www.*.example\" is not a name, such as \"www.example.org\" or \"*.example.org\"");
	assert_refused(*state, "site \"a\" { cache_control = \"no-cache\" }", 1,
		       "cache_control: \"no-cache\" is not a media type and a value, such as "
		       "\"image/* max-age=86400\"");
	assert_refused(*state, "site \"a\" { compress_types = {\"image/*\", \"png\"} }", 1,
		       "compress_types: \"png\" is not a media type, such as \"application/x-yaml\" or \"font/*\"");
	assert_refused(*state, "site \"a\" { error_page = \"404\" }", 1,
		       "error_page: \"404\" is not statuses of errors and a path, such as \"404 /404.html\"");
	assert_refused(*state, "site \"a\" { header = \"X-A\" }", 1,
		       "header: \"X-A\" is not a header such as \"X-Frame-Options: DENY\"");
	assert_refused(*state, "site \"a\" { header = \"Content-Length: 1\" }", 1,
		       "header: \"Content-Length: 1\" is a field that the server itself must say");
	assert_refused(*state, "site \"a\" { redirect = \"301 /a //b\" }", 1,
		       "redirect: \"301 /a //b\" leads to what is no path, and no http or https URI with a path");
	assert_refused(*state, "site \"a\" { rewrite = \"/a\" }", 1,
		       "rewrite: \"/a\" is not a rule of a path and where it leads");
	assert_refused(*state, "site \"a\" { fallback = \"../index.html\" }", 1,
		       "fallback: \"../index.html\" is not a file below the root, or empty");
}

static void test_missing_files_are_refused_where_they_are_named(void **state)
{
	struct place *p = *state;
	char expected[160];

	snprintf(expected, sizeof expected, "root: directory \"%s/nope\": No such file or directory",
		 p->directory);
	assert_refused(p, "site \"a\" {\n\troot = \"nope\"\n}", 2, expected);
	snprintf(expected, sizeof expected, "root: \"%s\" is not a directory", p->file);
	assert_refused(p, "site \"a\" { root = \"t.conf\" }", 1, expected);
	assert_refused(p, "log { access = \"/nonexistent/a.log\" }", 1,
		       "access: directory \"/nonexistent\": No such file or directory");
}

static void test_duplicates_are_refused(void **state)
{
	assert_refused(*state, "tcp { msl = 3s\nmsl = 4s }", 2, "msl is given twice, first in line 1");
	assert_refused(*state, "tcp { msl = 3s }\ntcp {\nmsl = 4s }", 3,
		       "msl is given twice, first in line 1");
	assert_refused(*state, "site \"a\" { root = \"www\" }\nsite \"a\" { root = \"www\" }", 2,
		       "a second section called \"a\"");
	assert_refused(*state, "site \"a\" { root = \"www\" listen = {80, 80} }", 1,
		       "listen: port 80 is given twice");
	assert_refused(*state, "device \"tap:a\" {}\ndevice \"tap:b\" {}", 2,
		       "a second device: this version has one");
}

static void test_same_key_in_two_sites_is_no_duplicate(void **state)
{
	struct config c;

	assert_loads(*state, "site a { root = www listen = 1 } site b { root = www listen = 2 }", &c);
	assert_int_equal(c.sites[0].listen.items[0], 1);
	assert_int_equal(c.sites[1].listen.items[0], 2);
	config_fini(&c);
}

static void test_incomplete_sections_are_refused(void **state)
{
	assert_refused(*state, "site \"a\" {\n}", 2,
		       "site \"a\" has no root: which directory does it serve?");
	assert_refused(*state, "site \"a\" { listen = 80 }", 1,
		       "site \"a\" has no root: which directory does it serve?");
	assert_refused(*state, "site \"a\" { root = \"www\"\n listen = {} }", 2,
		       "site \"a\" listens nowhere: give listen a port");
	assert_refused(*state, "device \"tun:a\" {}", 1,
		       "\"tun:a\" is not tap:NAME, packet:INTERFACE or xdp:INTERFACE");
	assert_refused(*state, "device \"tap:name-much-too-long\" {}", 1,
		       "\"tap:name-much-too-long\" is not tap:NAME, packet:INTERFACE or xdp:INTERFACE");
	assert_refused(*state, "site { root = \"www\" }", 1, "missing title for section 'site'");
}

/* A location before any key of its site, and after; sites that are not the first. */
static void test_locations_go_to_their_sites(void **state)
{
	struct config c;
	char text[IP_PREFIX_TEXT];

	assert_loads(*state,
		     "site a { location \"/x/\" { status = true allow = {10.0.0.1, \"192.0.2.0/24\"} }\n"
		     "  root = www location \"/\" { allow = {} status = true } }\n"
		     "site b { listen = 81 root = www }\n"
		     "site c { location \"/x/\" { status = on } root = www listen = 82 }", &c);
	assert_int_equal(c.n_sites, 3);
	assert_int_equal(c.sites[0].n_locations, 2);
	assert_string_equal(c.sites[0].locations[0].prefix, "/x/");
	assert_true(c.sites[0].locations[0].status);
	assert_int_equal(c.sites[0].locations[0].policy.allow.n, 2);
	assert_string_equal(ip_prefix_format(&c.sites[0].locations[0].policy.allow.items[0], text),
			    "10.0.0.1/32");
	assert_string_equal(ip_prefix_format(&c.sites[0].locations[0].policy.allow.items[1], text),
			    "192.0.2.0/24");
	assert_string_equal(c.sites[0].locations[1].prefix, "/");
	assert_int_equal(c.sites[0].locations[1].policy.allow.n, 0);
	assert_int_equal(c.sites[1].n_locations, 0);
	assert_int_equal(c.sites[2].n_locations, 1);
	assert_int_equal(c.sites[2].locations[0].policy.allow.n, 0);
	config_fini(&c);
}

static void test_bad_locations_are_refused(void **state)
{
	assert_refused(*state, "site a { root = www location \"/x\" { status = true } }", 1,
		       "location \"/x\": the prefix of status ends in a slash");
	assert_refused(*state, "site a { root = www location \"x/\" { status = true } }", 1,
		       "location \"x/\": a prefix is a path from \"/\" on, without %, \"//\" and \"..\"");
	assert_refused(*state, "site a { root = www location \"/x/\" { status = true }\n"
		       "location \"/x/\" { status = true } }", 2, "a second section called \"/x/\"");
	assert_refused(*state, "site a { root = www location { status = true } }", 1,
		       "missing title for section 'location'");
	assert_refused(*state, "site a { root = www location \"/x/\" { status = true\nallow = \"::1\" } }", 2,
		       "allow: \"::1\" is not an IPv4 address or network, such as \"10.77.0.0/24\"");
	assert_refused(*state, "site a { root = www location \"/x/\" { status = true allow = 10.0.0.1\n"
		       "allow = {} } }", 2, "allow is given twice, first in line 1");
	assert_refused(*state, "site a { location \"/x/\" { status = true } }", 1,
		       "site \"a\" has no root: which directory does it serve?");
}

static void test_bad_applications_are_refused(void **state)
{
#define APPLICATION(keys) "site a { root = www location \"/x/\" { fastcgi = \"unix:/a\"\n" keys "\n} }"
	assert_refused(*state, "site a { root = www location \"/x/\" { fastcgi = \"localhost:9000\" } }", 1,
		       "fastcgi: \"localhost:9000\" is not an address in numbers, such as \"unix:/run/app.sock\" or \"127.0.0.1:9000\"");
	assert_refused(*state, APPLICATION("fastcgi_script = \"/b\" fastcgi_root = www"), 3,
		       "location \"/x/\": give either fastcgi_script or fastcgi_root, not both");
	assert_refused(*state, APPLICATION("fastcgi_index = \"a/b\""), 3,
		       "location \"/x/\": fastcgi_index is no name of a file");
	assert_refused(*state, APPLICATION("fastcgi_index = \"\""), 3,
		       "location \"/x/\": fastcgi_index is no name of a file");
	assert_refused(*state, APPLICATION("fastcgi_script = \"b\""), 2,
		       "fastcgi_script: \"b\" is not a path from \"/\" on, or empty");
	assert_refused(*state, APPLICATION("fastcgi_params = \"NAME\""), 2,
		       "fastcgi_params: \"NAME\" is not a name and a value, such as \"APP_ENV production\"");
	assert_refused(*state, APPLICATION("fastcgi_params = \"NA-ME b\""), 2,
		       "fastcgi_params: \"NA-ME b\" is not a name and a value, such as \"APP_ENV production\"");
	assert_refused(*state, APPLICATION("fastcgi_connections = 0"), 2,
		       "fastcgi_connections: \"0\" is out of range: 1 to 1024");
	assert_refused(*state, APPLICATION("echo = true"), 3,
		       "location \"/x/\" cannot be both echo and fastcgi");
#undef APPLICATION
}

static void test_locations_have_a_limit(void **state)
{
	char text[64 + (CONFIG_LOCATIONS + 1) * 48] = "site a { root = www\n";
	char *at = text + strlen(text);
	struct config c;

	for (int i = 0; i < CONFIG_LOCATIONS; i++)
		at += sprintf(at, "location \"/%d/\" { status = true }\n", i);
	strcpy(at, "}");
	assert_loads(*state, text, &c);
	assert_int_equal(c.sites[0].n_locations, CONFIG_LOCATIONS);
	config_fini(&c);
	strcpy(at, "location \"/x/\" { status = true } }");
	assert_refused(*state, text, CONFIG_LOCATIONS + 2, "too many locations");
}

/* Without allow, status is for the networks of our own addresses. */
static struct http_location as_http_is_told(const struct config_location *l, struct config *c,
					    struct http_policy *policy)
{
	static struct worker worker;
	struct generation g = { .worker = &worker, .config = c };

	return location_for_http(l, &g, policy);
}

static void test_status_is_private_unless_told_otherwise(void **state)
{
	struct config c;
	struct http_location l;
	struct http_policy policy;
	struct failure why;

	assert_loads(*state, "site a { root = www allow = 192.0.2.1 location \"/x/\" { status = true }\n"
			     "location \"/y/\" { status = true allow = \"0.0.0.0/0\" } }", &c);
	assert_int_equal(config_finish(&c, &why), 0);
	l = as_http_is_told(&c.sites[0].locations[0], &c, &policy);
	assert_string_equal(l.prefix, "/x/");
	assert_ptr_equal(l.policy, &policy);
	assert_int_equal(policy.n_allow, 1);
	assert_ptr_equal(policy.allow, c.device.address.items);
	l = as_http_is_told(&c.sites[0].locations[1], &c, &policy);
	assert_int_equal(policy.n_allow, 1);
	assert_ptr_equal(policy.allow, c.sites[0].locations[1].policy.allow.items);
	config_fini(&c);
}

/* Each kind is its handler's. */
static void test_echo_comes_in_two_ways(void **state)
{
	struct config c;
	struct http_location words, octet, files;
	struct http_policy policy;

	assert_loads(*state, "site a { root = www location \"/x\" { echo = true }\n"
			     "location \"/y\" { echo = octet } location \"/z\" { echo = false } }", &c);
	words = as_http_is_told(&c.sites[0].locations[0], &c, &policy);
	assert_int_equal(policy.n_allow, 0);
	octet = as_http_is_told(&c.sites[0].locations[1], &c, &policy);
	assert_ptr_equal(words.handler, &echo_handler);
	assert_ptr_equal(octet.handler, &echo_octet_handler);
	files = as_http_is_told(&c.sites[0].locations[2], &c, &policy);
	assert_null(files.handler);
	config_fini(&c);
	assert_refused(*state, "site a { root = www location \"/x/\" { echo = bytes } }", 1,
		       "echo: \"bytes\" is not true, false or octet");
	assert_refused(*state, "site a { root = www location \"/x/\" { echo = octet status = true } }", 1,
		       "location \"/x/\" cannot be both echo and status");
}

static void test_websockets_are_of_a_kind_and_have_limits(void **state)
{
	struct config c;
	const struct config_location *l;
	struct http_location location;
	struct http_policy policy;

	assert_loads(*state, "site a { root = www\n"
			     "location \"/e\" { websocket = echo websocket_origins = {\"https://a\"} websocket_max_message = 16M\n"
			     "  websocket_compression = message websocket_slow_reader = close websocket_ping_interval = 0s }\n"
			     "location \"/c/\" { websocket = chat } }", &c);
	l = c.sites[0].locations;
	location = as_http_is_told(&l[0], &c, &policy);
	assert_ptr_equal(location.handler, &ws_http_handler);
	assert_int_equal(l[0].websocket, CONFIG_WEBSOCKET_ECHO);
	assert_string_equal(l[0].websocket_origins.items[0], "https://a");
	assert_int_equal(l[0].websocket_config.max_message, 16 << 20);
	assert_int_equal(l[0].websocket_config.compression, WS_COMPRESSION_MESSAGE);
	assert_int_equal(l[0].websocket_config.slow_reader, WS_SLOW_CLOSE);
	assert_int_equal(l[0].websocket_config.ping_interval_us, 0);
	assert_int_equal(l[1].websocket, CONFIG_WEBSOCKET_CHAT);
	assert_int_equal(l[1].websocket_config.compression, WS_COMPRESSION_TAKEOVER);
	config_fini(&c);
	assert_refused(*state, "site a { root = www location \"/x\" { websocket = talk } }", 1,
		       "websocket: \"talk\" is not false, echo, chat or events");
	assert_refused(
		*state,
		"site a { root = www location \"/x\" { websocket = echo websocket_window_bits = 16 } }", 1,
		"websocket_window_bits: \"16\" is out of range: 8 to 15");
	assert_refused(*state, "site a { root = www location \"/x\" { websocket = echo form = f } }", 1,
		       "location \"/x\" cannot be both form and websocket");
}

static void test_forms_have_a_file(void **state)
{
	char path[64];
	struct config c;

	assert_loads(*state, "site a { root = www location \"/x\" { form = \"www/contact.jsonl\" "
			     "form_redirect = \"/thanks?a\" form_max_body = 1K } }", &c);
	snprintf(path, sizeof path, "%s/www/contact.jsonl", ((struct place *)*state)->directory);
	assert_string_equal(c.sites[0].locations[0].form, path);
	assert_int_equal(c.sites[0].locations[0].form_max_body, 1024);
	config_fini(&c);
	assert_refused(*state, "site a { root = www location \"/x\" { form = f form_redirect = \"/a b\" } }",
		       1,
		       "location \"/x\": form_redirect is no URI: percent-encode what is not visible ASCII");
	assert_refused(
		*state, "site a { root = www location \"/x\" { form = f form_redirect = \"/a\\r\\nX: y\" } }",
		1, "location \"/x\": form_redirect is no URI: percent-encode what is not visible ASCII");
}

static void test_uploads_have_a_directory(void **state)
{
	struct http_location location;
	struct http_policy policy;
	char path[64];
	struct config c;

	assert_loads(*state, "site a { root = www max_body = 1K location \"/x\" { upload = \"www\" "
			     "upload_redirect = \"/thanks\" upload_max_body = 1G upload_max_files = 3 upload_numbers = no } }",
		     &c);
	snprintf(path, sizeof path, "%s/www", ((struct place *)*state)->directory);
	assert_string_equal(c.sites[0].locations[0].upload, path);
	assert_int_equal(c.sites[0].locations[0].upload_limits.max_files, 3);
	assert_false(c.sites[0].locations[0].upload_limits.numbers);
	location = as_http_is_told(&c.sites[0].locations[0], &c, &policy);
	assert_ptr_equal(location.handler, &upload_handler);
	assert_int_equal(*policy.max_body, 1 << 30);
	config_fini(&c);
	assert_refused(*state, "site a { root = www location \"/x\" { upload = /nonexistent } }", 1,
		       "upload: directory \"/nonexistent\": No such file or directory");
	assert_refused(
		*state, "site a { root = www location \"/x\" { upload = www upload_redirect = \"/\\t\" } }",
		1, "location \"/x\": upload_redirect is no URI: percent-encode what is not visible ASCII");
	assert_refused(*state, "site a { root = www location \"/x\" { upload = www max_body = 1M } }", 1,
		       "location \"/x\": for an upload the limit is upload_max_body, not max_body");
	assert_refused(*state,
		       "site a { root = www location \"/x\" { upload = www upload_max_files = 257 } }", 1,
		       "upload_max_files: \"257\" is out of range: 1 to 256");
	assert_refused(*state, "site a { root = www location \"/x\" { upload = www echo = true } }", 1,
		       "location \"/x\" cannot be both echo and upload");
}

static void test_syntax_errors_name_the_line(void **state)
{
	assert_refused(*state, "\ntcp {\n", 2, "this brace never ends");
	assert_refused(*state, "tcp {\n msl = \"3s", 2, "this string never ends");
	assert_refused(*state, "tcp {\n msl = '3s\\", 2, "this string never ends");
	assert_refused(*state, "user", 1, "premature end of file");
	assert_refused(*state, "\n\n}", 3, "unexpected closing brace");
	assert_refused(*state, "tcp { msl }", 1, "missing equal sign after option 'msl'");
	assert_refused(*state, "tcp { msl = {3s} }", 1, "unexpected token '{'");
	/* The scanner of a text that was refused leaves no state behind. */
	assert_refused(*state, "x", 1, "unknown key \"x\"");
}

/* libConfuse 3.3 alone would be a line off for each comment. */
static void test_comments_do_not_move_line_numbers(void **state)
{
	assert_refused(*state, "# one\n// two\n/* three\n four */\nx = 1", 5, "unknown key \"x\"");
	assert_refused(*state, "/* a */ /* b */ x = 1 # c", 1, "unknown key \"x\"");
	assert_refused(*state, "\n/* never ends", 2, "this comment never ends");
	assert_refused(*state, "user = \"# no \\\" comment /*\"\nx = 1", 2, "unknown key \"x\"");
	assert_refused(*state, "user = 'it\\'s // one'\nx = 1", 2, "unknown key \"x\"");
}

static void test_limits_are_told(void **state)
{
	char text[128 + (CONFIG_SITES + 1) * 64] = "";
	char *at = text;
	struct config c;
	struct failure why;

	assert_refused(*state, "device \"tap:a\" { gateway={1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
		       "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,\n"
		       "1.1.1.1} }", 2, "gateway: more than 16 values");
	for (int i = 0; i <= CONFIG_SITES; i++)
		at += sprintf(at, "site \"%d\" { root = \"www\" listen = %d }\n", i, i + 1);
	assert_refused(*state, text, CONFIG_SITES + 1, "too many sites");
	*strrchr(text, '\n') = '\0';
	*strrchr(text, '\n') = '\0';
	assert_loads(*state, text, &c);
	assert_int_equal(c.n_sites, CONFIG_SITES);
	assert_int_equal(config_finish(&c, &why), 0);
	config_fini(&c);
}

static void test_odd_files_are_refused(void **state)
{
	struct place *p = *state;
	struct failure why;
	struct config c;
	char *big = calloc(1, CONFIG_SOURCE_MAX + 2);

	assert_non_null(big);
	config_init(&c);
	write_bytes(p, "a\n\0b", 4);
	assert_int_equal(config_load(&c, p->file, &why), -EINVAL);
	assert_non_null(strstr(why.text, ":2: a NUL byte"));
	memset(big, '\n', CONFIG_SOURCE_MAX + 1);
	write_bytes(p, big, CONFIG_SOURCE_MAX + 1);
	assert_int_equal(config_load(&c, p->file, &why), -EFBIG);
	write_bytes(p, big, CONFIG_SOURCE_MAX);
	assert_int_equal(config_load(&c, p->file, &why), 0);
	assert_int_equal(config_load(&c, p->directory, &why), -EISDIR);
	assert_int_equal(config_load(&c, "/nonexistent", &why), -ENOENT);
	assert_string_equal(why.text, "/nonexistent: cannot be opened: No such file or directory");
	config_fini(&c);
	free(big);
}

static void assert_finish(const struct place *p, const char *text, const char *expected)
{
	struct failure why = { "" };
	struct config c;
	int r;

	assert_loads(p, text, &c);
	r = config_finish(&c, &why);
	assert_int_equal(r, expected == NULL ? 0 : -EINVAL);
	assert_string_equal(why.text, expected == NULL ? "" : expected);
	config_fini(&c);
}

static void test_keys_that_contradict_each_other_are_refused(void **state)
{
	assert_finish(*state, "tcp { min_rto = 2s }",
		      "tcp: this must hold: min_rto <= initial_rto <= max_rto");
	assert_finish(*state, "device \"packet:e\" {}",
		      "there is no address of ours on packet:e: give one by --address, or by address in the "
		      "device section");
	assert_finish(*state, "device \"packet:e\" { address = 1.2.3.4/8 host_address = 1.2.3.5/8 }",
		      "packet:e: only a tap device has a kernel's side: leave the host address out");
	assert_finish(*state, "site \"a\" { root = www hosts = {x, y} } site \"b\" { root = www hosts = Y }",
		      "sites \"a\" and \"b\" answer to the same hosts on port 80: give them different hosts");
	assert_finish(*state, "site \"a\" { root = www } site \"b\" { root = www }",
		      "sites \"a\" and \"b\" answer to the same hosts on port 80: give them different hosts");
	assert_finish(*state, "site \"a\" { root = www } site \"b\" { root = www hosts = y }", NULL);
	assert_finish(*state,
		      "site \"a\" { root = www location \"/x/\" { try_files = {\"=404\", \"$uri\"} } }",
		      "location \"/x/\": behind \"=404\" nothing is tried");
	assert_finish(*state, "site \"a\" { root = www } site \"b\" { root = www listen = 81 }", NULL);
	assert_finish(*state, "site \"a\" { root = www congestion = reno listen = {81, 80} }\n"
			      "site \"b\" { root = www congestion = cubic hosts = y }",
		      "sites \"a\" and \"b\" share port 80, which can have one congestion control only: "
		      "reno or cubic");
	assert_finish(*state, "site \"a\" { root = www congestion = reno }\n"
			      "site \"b\" { root = www congestion = cubic listen = 81 }", NULL);
	assert_finish(*state, "site \"a\" { root = www congestion = reno }\n"
			      "site \"b\" { root = www congestion = reno hosts = y }\n"
			      "site \"c\" { root = www hosts = z }", NULL);
}

static void test_default_host_address_goes_with_default_address(void **state)
{
	struct failure why;
	struct config c;

	assert_loads(*state, "device \"tap:a\" {}", &c);
	assert_int_equal(config_finish(&c, &why), 0);
	assert_true(c.device.host_address.given);
	config_fini(&c);
	assert_loads(*state, "device \"tap:a\" { address = 1.2.3.4/8 }", &c);
	assert_int_equal(config_finish(&c, &why), 0);
	assert_false(c.device.host_address.given);
	config_fini(&c);
	assert_loads(*state, "device \"packet:a\" { address = 1.2.3.4/8 }", &c);
	assert_int_equal(config_finish(&c, &why), 0);
	assert_false(c.device.host_address.given);
	config_fini(&c);
}

static void test_without_a_site_the_current_directory_is_served(void **state)
{
	struct failure why;
	struct config c;

	(void)state;
	config_init(&c);
	assert_int_equal(config_finish(&c, &why), 0);
	assert_int_equal(c.n_sites, 1);
	assert_string_equal(c.sites[0].root, ".");
	assert_int_equal(c.sites[0].listen.items[0], 80);
	config_fini(&c);
}

/* ---- the files that tell the defaults ---- */

static char *read_project_file(const char *name)
{
	char path[512];
	const char *slash = strrchr(__FILE__, '/');
	size_t len = slash != NULL ? (size_t)(slash - __FILE__ + 1) : 0;
	char *text = calloc(1, CONFIG_SOURCE_MAX);
	FILE *f;

	snprintf(path, sizeof path, "%.*s../../%s", (int)len, __FILE__, name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	assert_non_null(text);
	assert_true(fread(text, 1, CONFIG_SOURCE_MAX - 1, f) > 0);
	fclose(f);
	return text;
}

static bool is_text_list(const struct key_type *type)
{
	return type->is_list && type->item_size == sizeof(const char *);
}

static bool same_value(const struct config_key *key, void *a, void *b)
{
	const struct text_list *x = a, *y = b;

	if (is_text_list(key->type)) {
		bool same = x->n == y->n;

		for (unsigned i = 0; same && i < x->n; i++)
			same = strcmp(x->items[i], y->items[i]) == 0;
		return same;
	}
	if (key->type->is_text)
		return strcmp(*(const char **)a, *(const char **)b) == 0;
	return memcmp(a, b, key->type->size) == 0;
}

/* What the key's field lies in: the configuration, its first site, or its first location. */
static void *object_of(const struct config_key *key, struct config *c)
{
	if (is_of_config(key))
		return c;
	return strcmp(key->section, "site") == 0 ? (void *)&c->sites[0] : (void *)&c->locations[0];
}

static void init_with_site(struct config *c)
{
	const struct config_location location = config_location_default("/x/");
	struct config_site *site;

	config_init(c);
	assert_int_equal(config_add_site(c, "default", &site), 0);
	assert_int_equal(config_add_location(c, site, &location), 0);
}

/* A location has it from its site: files and manuals tell it there. */
static bool is_inherited(const struct config_key *key)
{
	return strcmp(key->section, "location") == 0 && config_key_above(key) != NULL;
}

/* It has no default that could stand in a file: a root, and what a location is. */
static bool must_be_given(const struct config_key *key)
{
	return key->type == &type_directory || location_is_kind(key->name);
}

/* What a line that begins in the section is indented with. */
static const char *indent_of(const char *section)
{
	if (*section == '\0')
		return "";
	return *config_section_parent(section) == '\0' ? "\t" : "\t\t";
}

/* The lines of the section, to its closing brace; at top level: the whole file. */
static char *section_of(const char *text, const char *section)
{
	char begin[32], close[8];
	const char *at = text, *indent = indent_of(config_section_parent(section)), *end;

	if (*section == '\0')
		return strdup(text);
	snprintf(begin, sizeof begin, "\n%s%s ", indent, section);
	snprintf(close, sizeof close, "\n%s}", indent);
	at = strstr(text, begin);
	if (at == NULL)
		fail_msg("there is no section %s", section);
	end = strstr(at, close);
	assert_non_null(end);
	return strndup(at, (size_t)(end - at));
}

static void test_conf_shows_every_key(void **state)
{
	char *text = read_project_file("conf/taphouse.conf");

	(void)state;
	for (size_t i = 0; i < config_keys_count; i++) {
		char *section;
		char line[64];

		if (is_inherited(&config_keys[i]))
			continue;
		section = section_of(text, config_keys[i].section);
		snprintf(line, sizeof line, "\n%s%s = ", indent_of(config_keys[i].section),
			 config_keys[i].name);
		if (strstr(section, line) == NULL)
			fail_msg("conf/taphouse.conf does not show %s %s", config_keys[i].section,
				 config_keys[i].name);
		free(section);
	}
	free(text);
}

static void test_conf_is_in_order_and_shows_the_defaults(void **state)
{
	const char *slash = strrchr(__FILE__, '/');
	struct config c, defaults;
	struct failure why;
	char path[512];

	(void)state;
	snprintf(path, sizeof path, "%.*s../../conf/taphouse.conf",
		 slash != NULL ? (int)(slash - __FILE__ + 1) : 0, __FILE__);
	config_init(&c);
	init_with_site(&defaults);
	if (config_load(&c, path, &why) != 0 || config_finish(&c, &why) != 0)
		fail_msg("%s", why.text);
	assert_string_equal(c.sites[0].name, "default");
	assert_int_equal(c.n_locations, 1);
	for (size_t i = 0; i < config_keys_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (must_be_given(key) || is_inherited(key))
			continue;
		if (!same_value(key, config_key_field(key, object_of(key, &c)),
				config_key_field(key, object_of(key, &defaults))))
			fail_msg("conf/taphouse.conf: %s %s is not the default", key->section, key->name);
	}
	config_fini(&c);
}

/* Writes to out the default that the manual gives for the key, without its back quotes. */
static void documented_default(const char *manual, const struct config_key *key, char *out, size_t size)
{
	char heading[32], row[64];
	const char *at, *end;

	snprintf(heading, sizeof heading, "\n## %s\n", *key->section != '\0' ? key->section : "top level");
	at = strstr(manual, heading);
	assert_non_null(at);
	end = strstr(at + sizeof "\n##", "\n## ");
	snprintf(row, sizeof row, "\n| `%s` | `", key->name);
	at = strstr(at, row);
	if (at == NULL || (end != NULL && at > end)) {
		fail_msg("docs/configuration.md does not list %s %s", key->section, key->name);
		return;
	}
	at += strlen(row);
	snprintf(out, size, "%.*s", (int)strcspn(at, "`"), at);
}

static void check_documented_default(const struct place *p, const struct config_key *key, const char *value)
{
	struct config c, defaults;
	char text[256];

	if (*key->section == '\0')
		snprintf(text, sizeof text, "%s = %s", key->name, value);
	else if (strcmp(key->section, "location") == 0)
		snprintf(text, sizeof text,
			 "site s { root = www location \"/x/\" { status = true %s = %s } }", key->name,
			 value);
	else if (strcmp(key->section, "site") == 0)
		snprintf(text, sizeof text, "site \"s\" { root = \"www\" %s = %s }", key->name, value);
	else
		snprintf(text, sizeof text, "%s %s { %s = %s }", key->section,
			 strcmp(key->section, "device") == 0 ? "\"tap:t\"" : "", key->name, value);
	init_with_site(&defaults);
	assert_loads(p, text, &c);
	if (!same_value(key, config_key_field(key, object_of(key, &c)),
			config_key_field(key, object_of(key, &defaults))))
		fail_msg("docs/configuration.md: the default of %s %s is not %s", key->section, key->name,
			 value);
	config_fini(&c);
}

/* The section on locations has the key in its list of those of the site. */
static void check_told_as_inherited(const char *manual, const struct config_key *key)
{
	const char *list = strstr(manual, "\nKeys of the site that a location may override: "), *end, *at;
	char name[64];

	assert_non_null(list);
	end = strstr(list, "\n\n");
	snprintf(name, sizeof name, "`%s`", key->name);
	at = strstr(list, name);
	if (at == NULL || at > end)
		fail_msg("docs/configuration.md does not say that a location may override %s", key->name);
}

static void test_manual_tells_every_key_and_its_default(void **state)
{
	char *manual = read_project_file("docs/configuration.md");
	char value[128];

	for (size_t i = 0; i < config_keys_count; i++) {
		if (is_inherited(&config_keys[i])) {
			check_told_as_inherited(manual, &config_keys[i]);
			continue;
		}
		documented_default(manual, &config_keys[i], value, sizeof value);
		if (location_is_kind(config_keys[i].name))
			assert_string_equal(value, config_keys[i].type->is_text ? "\"\"" : "false");
		else if (must_be_given(&config_keys[i]))
			assert_string_equal(value, "required");
		else
			check_documented_default(*state, &config_keys[i], value);
	}
	free(manual);
}

static void test_manual_tells_no_other_key(void **state)
{
	char *manual = read_project_file("docs/configuration.md");
	size_t rows = 0, keys = 0;

	(void)state;
	for (const char *at = manual; (at = strstr(at, "\n| `")) != NULL; at++)
		rows++;
	for (size_t i = 0; i < config_keys_count; i++)
		keys += !is_inherited(&config_keys[i]);
	assert_int_equal(rows, keys);
	free(manual);
}

/* Each key of the reference manual page is an item of its own. */
static void test_man_page_tells_every_key(void **state)
{
	char *page = read_project_file("man/taphouse.conf.5");
	char item[64];

	(void)state;
	for (size_t i = 0; i < config_keys_count; i++) {
		snprintf(item, sizeof item, "\n.It Cm %s ", config_keys[i].name);
		if (strstr(page, item) == NULL)
			fail_msg("man/taphouse.conf.5 does not tell %s", config_keys[i].name);
	}
	free(page);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_empty_file_gives_defaults),
		WITH_PLACE(test_values_reach_their_places),
		WITH_PLACE(test_relative_paths_start_at_the_file),
		WITH_PLACE(test_list_assignment_replaces_and_append_adds),
		WITH_PLACE(test_typos_are_answered_with_what_was_meant),
		WITH_PLACE(test_bad_values_are_refused_where_they_stand),
		WITH_PLACE(test_missing_files_are_refused_where_they_are_named),
		WITH_PLACE(test_duplicates_are_refused),
		WITH_PLACE(test_same_key_in_two_sites_is_no_duplicate),
		WITH_PLACE(test_incomplete_sections_are_refused),
		WITH_PLACE(test_locations_go_to_their_sites),
		WITH_PLACE(test_bad_locations_are_refused),
		WITH_PLACE(test_bad_applications_are_refused),
		WITH_PLACE(test_locations_have_a_limit),
		WITH_PLACE(test_status_is_private_unless_told_otherwise),
		WITH_PLACE(test_echo_comes_in_two_ways),
		WITH_PLACE(test_websockets_are_of_a_kind_and_have_limits),
		WITH_PLACE(test_forms_have_a_file),
		WITH_PLACE(test_uploads_have_a_directory),
		WITH_PLACE(test_syntax_errors_name_the_line),
		WITH_PLACE(test_comments_do_not_move_line_numbers),
		WITH_PLACE(test_limits_are_told),
		WITH_PLACE(test_odd_files_are_refused),
		WITH_PLACE(test_keys_that_contradict_each_other_are_refused),
		WITH_PLACE(test_default_host_address_goes_with_default_address),
		cmocka_unit_test(test_without_a_site_the_current_directory_is_served),
		cmocka_unit_test(test_conf_shows_every_key),
		cmocka_unit_test(test_conf_is_in_order_and_shows_the_defaults),
		WITH_PLACE(test_manual_tells_every_key_and_its_default),
		cmocka_unit_test(test_manual_tells_no_other_key),
		cmocka_unit_test(test_man_page_tells_every_key),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
