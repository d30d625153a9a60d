/* The types of configuration values. */
#ifndef SERVER_CONFIG_TYPES_H
#define SERVER_CONFIG_TYPES_H

#include <stddef.h>

#include "server/config.h"

struct config_key;

/* A value to be read. */
struct key_input {
	const struct config_key *key;
	const char *text;
	struct config *config; /* keeps strings */
	const char *directory; /* that relative paths start from */
	struct failure *why;   /* says what is wrong, without naming the key */
};

/* Reads in->text into field (lists: appends to it). 0, or negative errno and *in->why. */
typedef int key_parse_fn(const struct key_input *in, void *field);

struct key_type {
	const char *expects; /* ends the sentence 'is not …' */
	size_t size;         /* of the field */
	bool is_list;
	size_t items_at, item_size; /* of a list, which begins with their number, an unsigned */
	unsigned most; /* elements */
	bool is_text;        /* the field is a const char * */
	const char *const *words; /* of a choice: its values, by their numbers */
	unsigned n_words;
	bool (*is_valid)(const char *text); /* a list's element may be this */
	key_parse_fn *parse;
	int (*scan)(const char *text, uint64_t *out);             /* numbers only, as the next */
	char *(*format)(uint64_t v, char out[static VALUE_TEXT]);
};

extern const struct key_type type_time, type_time32; /* microseconds in 64 bits, in 32 */
extern const struct key_type type_size, type_size32; /* bytes */
extern const struct key_type type_count32, type_count8;
extern const struct key_type type_bool;
extern const struct key_type type_level;      /* enum log_level */
extern const struct key_type type_syn_cookies; /* enum tcp_syn_cookies */
extern const struct key_type type_mtu_probing; /* enum tcp_mtu_probing */
extern const struct key_type type_ecn;        /* enum tcp_ecn_mode */
extern const struct key_type type_client_certificates; /* enum tls_client_certificates */
extern const struct key_type type_echo;       /* enum config_echo */
extern const struct key_type type_access_format; /* enum access_format */
extern const struct key_type type_websocket;  /* enum config_websocket */
extern const struct key_type type_compression; /* enum ws_compression */
extern const struct key_type type_slow_reader; /* enum ws_slow_reader */
extern const struct key_type type_text;
extern const struct key_type type_congestion; /* name that tcp_cc_find() knows */
extern const struct key_type type_site_congestion; /* the same, or "" */
extern const struct key_type type_directory;  /* path of one that exists */
extern const struct key_type type_optional_directory; /* path of one that exists, or "" */
extern const struct key_type type_optional_file; /* path of one to be read, or "" */
extern const struct key_type type_output_file; /* path of one to be written, or "" */
extern const struct key_type type_site_file; /* path below a site's root, or "" */
extern const struct key_type type_absolute_path; /* or ""; somebody else's file */
extern const struct key_type type_fastcgi;    /* address of an application, or "" */
extern const struct key_type type_log;        /* path, "-", "off" */
extern const struct key_type type_realm;      /* text that goes into a quoted string */
extern const struct key_type type_users;      /* path of a file of users (http_users.h), or "" */
extern const struct key_type type_rate;       /* struct rate_limit */
extern const struct key_type type_mac;        /* struct mac_addr; "" gives zero */
extern const struct key_type type_steering;   /* enum steer_mode */
extern const struct key_type type_impair;     /* struct optional_impair */
extern const struct key_type type_optional_prefix;
/* Lists, as config.h has them. */
extern const struct key_type type_prefixes, type_networks, type_addresses, type_texts, type_ports, type_files;
extern const struct key_type type_hosts;          /* struct text_list of names (base/host_name.h) */
extern const struct key_type type_params;         /* struct text_list of "NAME value" */
extern const struct key_type type_error_pages;    /* struct text_list of rules (http_error_page.h) */
extern const struct key_type type_origins, type_cors_names; /* struct text_list, as http_cors.h has them */
extern const struct key_type type_redirects, type_rewrites; /* struct rule_list, as http_detour.h has them */
extern const struct key_type type_headers;        /* struct text_list of rules (http_headers.h) */
extern const struct key_type type_tries;          /* struct text_list of rules (http_tries.h) */
extern const struct key_type type_cache_controls; /* struct text_list of rules (http_cache_control.h) */
extern const struct key_type type_media_types;    /* struct text_list of patterns (http_mime.h) */

#endif
