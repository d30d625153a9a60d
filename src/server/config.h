/*
 * The configuration: what a file and the command line settle before anything is opened. Nothing in it changes
 * while workers use it, so all have the same one: what is read again becomes another one.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdatomic.h>

#include "base/failure.h"
#include "base/log.h"
#include "http/http.h"
#include "link/impair.h"
#include "link/steer_rule.h"
#include "server/upload_store.h"
#include "server/access_line.h"
#include "server/values.h"
#include "tcp/tcp.h"
#include "tls/tls.h"
#include "websocket/ws.h"

enum {
	CONFIG_SITES = 64, /* most site sections */
	CONFIG_LOCATIONS = 64, /* most location sections, of all sites together */
	CONFIG_LIST = 16,  /* most elements of a list */
	CONFIG_RULES = 64, /* most detours of a site or location */
};

struct text_list {
	unsigned n;
	const char *items[CONFIG_LIST + 1]; /* the one after the last is NULL */
};

/* A longer one, likewise. */
struct rule_list {
	unsigned n;
	const char *items[CONFIG_RULES + 1];
};

struct port_list {
	unsigned n;
	uint16_t items[CONFIG_LIST];
};

struct prefix_list {
	unsigned n;
	struct ip_prefix items[CONFIG_LIST];
};

struct addr_list {
	unsigned n;
	struct ip_addr items[CONFIG_LIST];
};

/* A prefix that may be absent. */
struct optional_prefix {
	struct ip_prefix prefix;
	bool given;
};

/* An impairment that may be absent. */
struct optional_impair {
	struct impair_spec spec;
	bool given;
};

/* Our port: the device, and who we are on it. */
struct config_device {
	struct device_name name;
	struct prefix_list address;          /* ours */
	bool address_given;                  /* by file or command line: not the default */
	struct addr_list gateway;            /* towards everything that is not on-link; the first counts */
	struct optional_prefix host_address; /* of the kernel's side of a TAP */
	bool host_address_given;
	struct mac_addr mac;                 /* zero: the device's own, or one made from device and address */
	struct optional_impair impair;
	bool napi;                           /* of a TAP */
	enum steer_mode steering;            /* of frames to workers, if there are several */
	const char *pcap;                    /* file, or "" */
};

struct config_log {
	const char *access; /* file, "-": stdout, "off" */
	enum access_format format; /* of the access log */
	const char *error;  /* file, "-": stderr, "off" */
	enum log_level level;
};

enum config_echo { CONFIG_ECHO_OFF, CONFIG_ECHO_WORDS, CONFIG_ECHO_OCTET };

enum config_websocket {
	CONFIG_WEBSOCKET_OFF,
	CONFIG_WEBSOCKET_ECHO,
	CONFIG_WEBSOCKET_CHAT,
	CONFIG_WEBSOCKET_EVENTS,
};

/* The keys that a section of a site or location has assigned, a bit each (server/config_inherit.h). */
struct config_given {
	uint64_t bits[4];
};

/* Keys of a site that its locations may override. */
struct config_policy {
	struct text_list index;
	bool clean_urls, listing, follow_symlinks, precompressed;
	const char *fallback; /* a file below the root, or "" */
	struct text_list try_files;  /* rules, as http_tries.h has them */
	struct text_list error_page; /* rules, as http_error_page.h has them */
	struct text_list cache_control; /* rules, as http_cache_control.h has them */
	struct text_list header;     /* rules, as http_headers.h has them */
	struct text_list cors_origins, cors_methods, cors_headers, cors_expose; /* as http_cors.h has them */
	bool cors_credentials;
	uint64_t cors_max_age_us;
	struct rule_list redirect; /* rules, as http_detour.h has them */
	uint64_t max_body;
	bool compress;
	struct text_list compress_types; /* patterns, as http_mime.h has them */
	struct rate_limit rate;   /* interval 0: none */
	const char *auth, *users; /* realm and file, or "" */
	struct rate_limit auth_rate;
	struct prefix_list allow, deny; /* clients; without allow: all, or as the kind
					 * of the location has it */
};

/* A part of a site: of one kind (server/location.h), or else files with a policy of their own. */
struct config_location {
	const char *prefix;
	struct config_policy policy;
	struct config_given given;
	bool demo;                /* what pages of demos ask for */
	bool status;              /* what the server says about itself */
	bool wire;                /* the client's own wire */
	enum config_echo echo;    /* what the client said */
	const char *form;         /* file that POST appends to, or "" */
	const char *form_redirect; /* where to afterwards, or "" */
	const char *form_honeypot; /* name of the field that is to stay empty, or "" */
	uint64_t form_max_body, form_max_file; /* bytes */
	bool form_fsync;          /* on the disk before it is answered */
	const char *upload;       /* directory that files are stored in, or "" */
	const char *upload_redirect; /* as form_redirect */
	uint64_t upload_max_body; /* in place of the policy's */
	struct upload_limits upload_limits;
	enum config_websocket websocket; /* spoken here, in place of HTTP */
	struct text_list websocket_origins, websocket_protocols;
	bool websocket_events_all; /* of all connections, and not only the viewer's */
	struct ws_config websocket_config; /* without these lists */
	const char *fastcgi;      /* address of an application (server/fastcgi_address.h), or "" */
	const char *fastcgi_script; /* the one that answers all, or "" */
	const char *fastcgi_root;   /* directory of scripts, or "" */
	const char *fastcgi_index;  /* name of the one that stands for a directory; others end as it does */
	struct text_list fastcgi_params; /* "NAME value", beside those of CGI */
	uint32_t fastcgi_connections, fastcgi_queue;
	uint64_t fastcgi_connect_timeout_us, fastcgi_idle_timeout_us;
};

/* How a site is served over TLS. */
struct config_site_tls {
	struct text_list certificate, key; /* files, in pairs: one for each type of key */
	struct text_list ocsp_staple;      /* files, one a pair; fewer: the last ones have none */
	bool self_signed;                  /* instead of files: made at start */
	enum tls_client_certificates client_certificates;
	const char *client_ca;             /* file, or "" */
	uint64_t hsts_us;                  /* 0: browsers are not told to come by https only */
};

struct config_site {
	const char *name;
	const char *root;
	struct text_list hosts;  /* Host names that it answers to; none: any */
	struct rule_list rewrite; /* rules, as http_detour.h has them */
	struct config_policy policy;
	struct config_given given;
	struct port_list listen;
	struct port_list listen_tls;
	struct config_site_tls tls;
	bool https_redirect;     /* what comes by listen is sent to listen_tls */
	const char *congestion;  /* control of its ports' connections; "": the tcp section's */
	uint32_t syn_backlog;    /* half-open connections of each of its ports; 0: the tcp section's */
	const struct config_location *locations; /* in the configuration's own array */
	unsigned n_locations;
};

/* TLS of all sites. */
struct config_tls {
	struct tls_config limits;
	const char *ticket_keys; /* file, or "": own ones */
	const char *key_log;     /* file, or "" */
	bool capture_secrets;    /* put them into the capture */
	uint64_t reload_us;      /* how often certificate files are looked at; 0: on SIGHUP only */
};

struct config_text;

struct config {
	uint32_t workers;
	bool cpu_affinity; /* each worker on a core of its own, if there are as many */
	const char *user; /* to become once devices are open, or "" */
	uint64_t drain_timeout_us;
	struct config_device device;
	struct tcp_config tcp;
	bool tcp_keepalive;
	struct http_config http;
	struct config_tls tls;
	struct config_log log;
	struct config_site sites[CONFIG_SITES]; /* at least one, once config_finish() was called */
	unsigned n_sites;
	struct config_location locations[CONFIG_LOCATIONS];
	unsigned n_locations;
	atomic_uint references;    /* of one that is allocated: who uses it */
	struct config_text *texts; /* owns every string above that is not a literal */
};

/* The documented defaults; no site yet. */
void config_init(struct config *c);
void config_fini(struct config *c);

/* The same, allocated, with one reference; NULL: no memory. */
struct config *config_new(void);
/* For another who uses it, on any thread. Gives c back. */
struct config *config_ref(struct config *c);
void config_unref(struct config *c); /* NULL: nothing happens */

/* Reads file over what is in *c. 0, or a negative errno and *why: "file:line: what is wrong". */
int config_load(struct config *c, const char *file, struct failure *why);

/* Adds a site with the default keys and no root. 0 and *out, -ENOSPC. */
int config_add_site(struct config *c, const char *name, struct config_site **out);

/* The default keys; of no kind yet. */
struct config_location config_location_default(const char *prefix);

/* Adds a copy of the location to the site to which one was last added, or to a later one. 0, -ENOSPC. */
int config_add_location(struct config *c, struct config_site *site, const struct config_location *location);

/* To be called when file and command line have been read: adds the default site if there is none (root: the
 * current directory), and checks what concerns several keys at once. 0, or -EINVAL and *why. */
int config_finish(struct config *c, struct failure *why);

/* What works otherwise with several workers than whoever wrote it may expect, a line of text; NULL:
 * nothing. */
const char *config_advice(const struct config *c);

/* A site takes connections on this port, with or without TLS. */
bool config_listens(const struct config_site *site, uint16_t port);
bool config_port_is_tls(const struct config *c, uint16_t port);
/* Half-open connections that the port may have: the least that a site on it says; 0: none does. */
uint32_t config_syn_backlog(const struct config *c, uint16_t port);
/* One port that both listen on. */
bool config_sites_share_port(const struct config_site *a, const struct config_site *b, uint16_t *port);

/* A copy of text that lives as long as *c; NULL: no memory. */
const char *config_keep(struct config *c, const char *text);

#endif
