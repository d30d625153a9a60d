/*
 * The configuration's defaults, its strings, and the checks that concern several keys at once.
 * config_file.c reads the file.
 */
#include "server/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/config_inherit.h"
#include "server/config_tls.h"
#include "server/policy.h"

#define DEFAULT_DEVICE "taphouse0"
#define DEFAULT_ADDRESS "10.77.0.2/24"
#define DEFAULT_HOST_ADDRESS "10.77.0.1/24"

/* A kept string, in a list so that one loop frees them all. */
struct config_text {
	struct config_text *next;
	char text[];
};

const char *config_keep(struct config *c, const char *text)
{
	size_t size = strlen(text) + 1;
	struct config_text *kept = malloc(sizeof *kept + size);

	if (kept == NULL)
		return NULL;
	memcpy(kept->text, text, size);
	kept->next = c->texts;
	c->texts = kept;
	return kept->text;
}

static void init_device(struct config_device *d)
{
	d->name = (struct device_name){ .kind = DEVICE_TAP, .interface = DEFAULT_DEVICE };
	ip_prefix_parse(DEFAULT_ADDRESS, &d->address.items[0]);
	d->address.n = 1;
	ip_prefix_parse(DEFAULT_HOST_ADDRESS, &d->host_address.prefix);
	d->host_address.given = true;
	d->pcap = "";
}

void config_init(struct config *c)
{
	memset(c, 0, sizeof *c);
	c->workers = 1;
	c->cpu_affinity = true;
	c->user = "";
	c->drain_timeout_us = 10000000;
	init_device(&c->device);
	tcp_config_default(&c->tcp);
	http_config_default(&c->http);
	tls_config_default(&c->tls.limits);
	c->tls.ticket_keys = c->tls.key_log = "";
	c->tls.capture_secrets = true;
	c->tls.reload_us = 10000000;
	c->log = (struct config_log){ .access = "-", .error = "-", .level = LOG_NOTICE };
}

void config_fini(struct config *c)
{
	while (c->texts != NULL) {
		struct config_text *next = c->texts->next;

		free(c->texts);
		c->texts = next;
	}
}

struct config *config_new(void)
{
	struct config *c = malloc(sizeof *c);

	if (c == NULL)
		return NULL;
	config_init(c);
	atomic_init(&c->references, 1);
	return c;
}

struct config *config_ref(struct config *c)
{
	atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
	return c;
}

void config_unref(struct config *c)
{
	if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) > 1)
		return;
	config_fini(c);
	free(c);
}

int config_add_site(struct config *c, const char *name, struct config_site **out)
{
	struct config_site *site;

	if (c->n_sites == CONFIG_SITES)
		return -ENOSPC;
	site = &c->sites[c->n_sites++];
	*site = (struct config_site){ .name = name, .congestion = "", .tls.client_ca = "" };
	site->policy = (struct config_policy){
		.index = { .n = 1, .items = { "index.html" } },
		.fallback = "",
		.auth = "",
		.users = "",
		.auth_rate = { .interval_us = 6000000, .burst = 10 },
		.precompressed = true,
		.compress = true,
		.cache_control = {
			.n = 3,
			.items = { "text/* no-cache", "application/* no-cache", "* max-age=3600" },
		},
		.cors_max_age_us = 600000000,
		.max_body = c->http.max_body,
	};
	site->listen = (struct port_list){ .n = 1, .items = { 80 } };
	*out = site;
	return 0;
}

struct config_location config_location_default(const char *prefix)
{
	struct config_location l = {
		.prefix = prefix,
		.policy = { .fallback = "", .auth = "", .users = "" },
		.form = "",
		.form_redirect = "",
		.form_honeypot = "",
		.form_max_body = 64 << 10,
		.form_max_file = 64 << 20,
		.upload = "",
		.upload_redirect = "",
		.upload_max_body = 128 << 20,
		.upload_limits = {
			.max_files = 16,
			.max_file = 100 << 20,
			.max_total = 1 << 30,
			.numbers = true,
			.fsync = true,
		},
		.fastcgi = "",
		.fastcgi_script = "",
		.fastcgi_root = "",
		.fastcgi_index = "index.php",
		.fastcgi_connections = 32,
		.fastcgi_queue = 128,
		.fastcgi_connect_timeout_us = 5000000,
		.fastcgi_idle_timeout_us = 10000000,
	};

	ws_config_default(&l.websocket_config);
	return l;
}

int config_add_location(struct config *c, struct config_site *site, const struct config_location *location)
{
	if (c->n_locations == CONFIG_LOCATIONS)
		return -ENOSPC;
	if (site->n_locations == 0)
		site->locations = &c->locations[c->n_locations];
	c->locations[c->n_locations++] = *location;
	site->n_locations++;
	return 0;
}

static int check_tcp(const struct tcp_config *t, struct failure *why)
{
	if (t->min_rto_us > t->initial_rto_us || t->initial_rto_us > t->max_rto_us)
		return failure_set(why, -EINVAL, "tcp: this must hold: min_rto <= initial_rto <= max_rto");
	return 0;
}

/* The default addresses belong together, and to a TAP: each goes when what it belongs to was replaced. */
static int settle_device(struct config_device *d, struct failure *why)
{
	char name[DEVICE_NAME_TEXT];
	bool is_tap = d->name.kind == DEVICE_TAP;

	value_format_device(&d->name, name);
	if (d->address.n == 0 || (!is_tap && !d->address_given))
		return failure_set(why, -EINVAL, "there is no address of ours on %s: give one by --address, "
				   "or by address in the device section", name);
	if (!d->host_address_given && (!is_tap || d->address_given))
		d->host_address.given = false;
	if (!is_tap && d->host_address.given)
		return failure_set(why, -EINVAL, "%s: only a tap device has a kernel's side: "
				   "leave the host address out", name);
	return 0;
}

static bool lists_port(const struct port_list *list, uint16_t port)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->items[i] == port)
			return true;
	return false;
}

bool config_listens(const struct config_site *site, uint16_t port)
{
	return lists_port(&site->listen, port) || lists_port(&site->listen_tls, port);
}

bool config_port_is_tls(const struct config *c, uint16_t port)
{
	for (unsigned i = 0; i < c->n_sites; i++)
		if (lists_port(&c->sites[i].listen_tls, port))
			return true;
	return false;
}

static bool share_one_of(const struct port_list *list, const struct config_site *site, uint16_t *port)
{
	for (unsigned i = 0; i < list->n; i++)
		if (config_listens(site, list->items[i])) {
			*port = list->items[i];
			return true;
		}
	return false;
}

uint32_t config_syn_backlog(const struct config *c, uint16_t port)
{
	uint32_t least = 0;

	for (unsigned i = 0; i < c->n_sites; i++) {
		uint32_t n = c->sites[i].syn_backlog;

		if (n > 0 && (least == 0 || n < least) && config_listens(&c->sites[i], port))
			least = n;
	}
	return least;
}

bool config_sites_share_port(const struct config_site *a, const struct config_site *b, uint16_t *port)
{
	return share_one_of(&a->listen, b, port) || share_one_of(&a->listen_tls, b, port);
}

/* Two sites on a port that answer to the same host, or to any, would hide one another. */
static bool answer_alike(const struct config_site *a, const struct config_site *b)
{
	if (a->hosts.n == 0 && b->hosts.n == 0)
		return true;
	for (unsigned k = 0; k < a->hosts.n; k++)
		for (unsigned m = 0; m < b->hosts.n; m++)
			if (strcasecmp(a->hosts.items[k], b->hosts.items[m]) == 0)
				return true;
	return false;
}

/* The handshake is over before anybody knows which site is asked for. */
static int check_congestion(const struct config_site *a, const struct config_site *b, uint16_t port,
			    struct failure *why)
{
	if (*a->congestion == '\0' || *b->congestion == '\0' || strcmp(a->congestion, b->congestion) == 0)
		return 0;
	return failure_set(why, -EINVAL,
			   "sites \"%s\" and \"%s\" share port %u, which can have one congestion control "
			   "only: %s or %s", a->name, b->name, port, a->congestion, b->congestion);
}

static int check_pair(const struct config_site *a, const struct config_site *b, struct failure *why)
{
	uint16_t port;
	int r;

	if (!config_sites_share_port(a, b, &port))
		return 0;
	if (answer_alike(a, b))
		return failure_set(why, -EINVAL,
				   "sites \"%s\" and \"%s\" answer to the same hosts on port %u: "
				   "give them different hosts", a->name, b->name, port);
	r = check_congestion(a, b, port, why);
	return r < 0 ? r : config_tls_check_pair(a, b, why);
}

static int check_sites(const struct config *c, struct failure *why)
{
	for (unsigned i = 0; i < c->n_sites; i++)
		for (unsigned k = 0; k < i; k++) {
			int r = check_pair(&c->sites[k], &c->sites[i], why);

			if (r < 0)
				return r;
		}
	return 0;
}

/* A capture is of one stack. */
static int check_workers(const struct config *c, struct failure *why)
{
	if (c->workers > 1 && *c->device.pcap != '\0')
		return failure_set(why, -EINVAL, "pcap: a capture is of one worker: use it with workers = 1");
	return 0;
}

static bool is_watching(const struct config_location *l)
{
	return l->status || l->websocket == CONFIG_WEBSOCKET_EVENTS;
}

static bool is_watched(const struct config *c)
{
	for (unsigned i = 0; i < c->n_locations; i++)
		if (is_watching(&c->locations[i]))
			return true;
	return false;
}

const char *config_advice(const struct config *c)
{
	if (c->workers > 1 && c->device.steering == STEER_FLOW && is_watched(c))
		return "several workers: viewers see events of their own worker's connections only; with "
		       "steering = \"address\" that is all of a client's";
	return NULL;
}

int config_finish(struct config *c, struct failure *why)
{
	struct config_site *site;
	int r;

	if (c->n_sites == 0) {
		config_add_site(c, "default", &site);
		site->root = ".";
	}
	r = config_inherit(c, why);
	if (r == 0)
		r = settle_device(&c->device, why);
	if (r == 0)
		r = check_tcp(&c->tcp, why);
	if (r == 0)
		r = check_workers(c, why);
	if (r == 0)
		r = policy_check_all(c, why);
	if (r == 0)
		r = config_tls_check(c, why);
	return r < 0 ? r : check_sites(c, why);
}
