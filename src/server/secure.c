/* TLS of a worker: opened, made from the configuration, looked after. */
#include "server/secure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "base/hash.h"
#include "server/share.h"

enum {
	EXPIRY_WARNING_DAYS = 14,
	DAY = 86400,
};

/* ---- secrets ---- */

static void on_key_log(void *context, const char *line)
{
	const struct secure *s = context;
	struct iovec parts[] = {
		{ .iov_base = (void *)(uintptr_t)line, .iov_len = strlen(line) },
		{ .iov_base = (char[]){ '\n' }, .iov_len = 1 },
	};

	/* One call a line, so that others who write to the file do not get in between. */
	if (s->key_log >= 0 && writev(s->key_log, parts, ARRAY_LENGTH(parts)) < 0)
		log_line(s->log, LOG_ERROR, "tls", "key log: %s", strerror(errno));
	if (s->host != NULL && s->host->pcap != NULL)
		pcapng_secrets(s->host->pcap, parts, ARRAY_LENGTH(parts));
}

static int open_key_log(struct secure *s, const char *file, struct failure *why)
{
	s->key_log = -1;
	if (*file == '\0')
		return 0;
	s->key_log = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	return s->key_log >= 0 ? 0 : failure_set(why, -errno, "key log %s: %s", file, strerror(errno));
}

/* ---- files, and whether they have changed ---- */

static uint64_t mark_file(const char *file, uint64_t mark)
{
	static const struct hash_key key = { 0x746c7366696c6573, 0x6d61726b74686573 };
	struct stat st;
	struct {
		uint64_t before, device, inode, size, seconds, nanoseconds;
	} seen = { .before = mark };

	if (stat(file, &st) == 0) {
		seen.device = st.st_dev;
		seen.inode = st.st_ino;
		seen.size = (uint64_t)st.st_size;
		seen.seconds = (uint64_t)st.st_mtim.tv_sec;
		seen.nanoseconds = (uint64_t)st.st_mtim.tv_nsec;
	}
	return hash_siphash24(&key, &seen, sizeof seen);
}

static uint64_t mark_list(const struct text_list *list, uint64_t mark)
{
	for (unsigned i = 0; i < list->n; i++)
		mark = mark_file(list->items[i], mark);
	return mark;
}

static uint64_t mark_port(const struct config *c, uint16_t number)
{
	uint64_t mark = 0;

	for (unsigned i = 0; i < c->n_sites; i++) {
		const struct config_site_tls *tls = &c->sites[i].tls;

		if (!config_listens(&c->sites[i], number))
			continue;
		mark = mark_list(&tls->certificate, mark);
		mark = mark_list(&tls->key, mark);
		mark = mark_list(&tls->ocsp_staple, mark);
		mark = *tls->client_ca != '\0' ? mark_file(tls->client_ca, mark) : mark;
	}
	return mark;
}

/* ---- life ---- */

int secure_common_init(struct secure_common *c, unsigned workers, uint64_t now_us, struct failure *why)
{
	*c = (struct secure_common){ .workers = workers, .since_us = now_us };
	if (RAND_bytes(c->ticket_secret, sizeof c->ticket_secret) != 1)
		return failure_set(why, -EIO, "OpenSSL has no random numbers for ticket keys");
	pthread_mutex_init(&c->lock, NULL);
	return 0;
}

void secure_common_fini(struct secure_common *c)
{
	tls_self_signed_free(&c->own);
	OPENSSL_cleanse(c->ticket_secret, sizeof c->ticket_secret);
	pthread_mutex_destroy(&c->lock);
}

/* What this worker may have. */
static struct tls_config limits_of(const struct secure *s, const struct config *c)
{
	return share_tls(&c->tls.limits, s->common != NULL ? s->common->workers : 1);
}

static int share_tickets(struct secure *s, struct failure *why)
{
	if (s->common == NULL || tls_share_tickets(s->tls, s->common->ticket_secret, s->common->since_us))
		return 0;
	return failure_set(why, -ENOMEM, "OpenSSL has no memory for ticket keys");
}

int secure_open(struct secure *s, const struct config *c, struct world *world, struct host *host,
		struct secure_common *common, const struct log *log, struct failure *why)
{
	bool captures = host != NULL && host->pcap != NULL && c->tls.capture_secrets;
	struct tls_hooks hooks = { .context = s };
	struct tls_config limits;
	int r;

	*s = (struct secure){ .common = common, .log = log, .host = captures ? host : NULL, .key_log = -1 };
	r = open_key_log(s, c->tls.key_log, why);
	if (r < 0)
		return r;
	if (captures || s->key_log >= 0)
		hooks.on_key_log = on_key_log;
	limits = limits_of(s, c);
	r = tls_new(&limits, world, &hooks, &s->tls, why);
	if (r == 0)
		r = share_tickets(s, why);
	if (r == 0)
		r = secure_change(s, c, why);
	if (r < 0)
		secure_close(s);
	return r;
}

void secure_close(struct secure *s)
{
	tls_free(s->tls);
	tls_self_signed_free(&s->own);
	if (s->key_log >= 0)
		close(s->key_log);
	*s = (struct secure){ .key_log = -1 };
}

int secure_change(struct secure *s, const struct config *c, struct failure *why)
{
	struct tls_config limits = limits_of(s, c);
	int r = tls_set(s->tls, &limits, c->tls.ticket_keys, why);

	if (r == 0)
		s->ticket_mark = mark_file(c->tls.ticket_keys, 0);
	return r;
}

/* ---- contexts ---- */

/* For the names of all sites that are self-signed, and all our addresses. */
static int make_self_signed(struct tls_self_signed *out, const struct config *c, struct failure *why)
{
	const char *names[CONFIG_SITES * CONFIG_LIST + 1] = { NULL };
	struct ip_addr addresses[CONFIG_LIST];
	size_t n = 0;

	for (unsigned i = 0; i < c->n_sites; i++)
		for (unsigned k = 0; c->sites[i].tls.self_signed && k < c->sites[i].hosts.n; k++)
			names[n++] = c->sites[i].hosts.items[k];
	for (unsigned i = 0; i < c->device.address.n; i++)
		addresses[i] = c->device.address.items[i].addr;
	return tls_self_signed_make(out, names, addresses, c->device.address.n,
				    (int64_t)(clock_wall_us() / 1000000), why);
}

static int copy_common(struct secure *s, const struct config *c, struct failure *why)
{
	int r = 0;

	pthread_mutex_lock(&s->common->lock);
	if (s->common->own.certificate == NULL)
		r = make_self_signed(&s->common->own, c, why);
	if (r == 0)
		r = tls_self_signed_copy(&s->own, &s->common->own, why);
	pthread_mutex_unlock(&s->common->lock);
	return r;
}

static int make_own(struct secure *s, const struct config *c, struct failure *why)
{
	if (s->own.certificate != NULL)
		return 0;
	return s->common != NULL ? copy_common(s, c, why) : make_self_signed(&s->own, c, why);
}

static struct tls_identity_config identity_of(const struct config_site *site,
					      const struct tls_self_signed *own)
{
	const struct config_site_tls *tls = &site->tls;
	struct tls_identity_config identity = { .names = site->hosts.n > 0 ? site->hosts.items : NULL };

	if (tls->self_signed) {
		identity.pairs[identity.n_pairs++].own = own;
		return identity;
	}
	for (unsigned i = 0; i < tls->certificate.n; i++)
		identity.pairs[identity.n_pairs++] = (struct tls_pair){
			.certificate = tls->certificate.items[i],
			.key = tls->key.items[i],
			.staple = i < tls->ocsp_staple.n ? tls->ocsp_staple.items[i] : NULL,
		};
	return identity;
}

static void warn_of_expiry(void *context, const char *file, int64_t not_after)
{
	const struct secure *s = context;
	int64_t left = not_after - (int64_t)(clock_wall_us() / 1000000);

	if (left < 0)
		log_line(s->log, LOG_WARNING, "tls", "certificate %s has expired: clients will refuse it",
			 file);
	else if (left < EXPIRY_WARNING_DAYS * DAY)
		log_line(s->log, LOG_WARNING, "tls", "certificate %s expires in %" PRId64 " days", file,
			 left / DAY);
}

static int make_context(struct secure *s, const struct config *c, uint16_t number, struct tls_context **out,
			struct failure *why)
{
	struct tls_identity_config identities[CONFIG_SITES];
	struct tls_context_config config = { .identities = identities };
	int r = 0;

	for (unsigned i = 0; r == 0 && i < c->n_sites; i++) {
		const struct config_site *site = &c->sites[i];

		if (!config_listens(site, number))
			continue;
		if (site->tls.self_signed)
			r = make_own(s, c, why);
		identities[config.n_identities++] = identity_of(site, &s->own);
		config.client_certificates = site->tls.client_certificates;
		config.client_ca = site->tls.client_ca;
	}
	if (r == 0)
		r = tls_context_new(s->tls, &config, out, why);
	if (r == 0)
		tls_context_each_certificate(*out, warn_of_expiry, s);
	return r;
}

int secure_port_open(struct secure_port *p, struct secure *s, const struct config *c, uint16_t number,
		     struct failure *why)
{
	*p = (struct secure_port){ 0 };
	if (!config_port_is_tls(c, number))
		return 0;
	p->mark = mark_port(c, number);
	return make_context(s, c, number, &p->context, why);
}

void secure_port_close(struct secure_port *p)
{
	tls_context_free(p->context);
	p->context = NULL;
}

/* A pair is two files, which do not change at once: if they do not fit now they may the next time. */
void secure_port_look(struct secure_port *p, struct secure *s, const struct config *c, uint16_t number)
{
	uint64_t mark = p->context != NULL ? mark_port(c, number) : p->mark;
	struct tls_context *next;
	struct failure why;

	if (mark == p->mark)
		return;
	p->mark = mark;
	if (make_context(s, c, number, &next, &why) < 0) {
		log_line(s->log, LOG_ERROR, "tls", "port %u: the certificates in use stay: %s", number,
			 why.text);
		return;
	}
	tls_context_free(p->context);
	p->context = next;
	log_line(s->log, LOG_NOTICE, "tls", "port %u: certificate files have changed, and are in use",
		 number);
}

void secure_look_at_tickets(struct secure *s, const struct config *c)
{
	uint64_t mark = mark_file(c->tls.ticket_keys, 0);
	struct tls_config limits = limits_of(s, c);
	struct failure why;

	if (*c->tls.ticket_keys == '\0' || mark == s->ticket_mark)
		return;
	s->ticket_mark = mark;
	if (tls_set(s->tls, &limits, c->tls.ticket_keys, &why) < 0)
		log_line(s->log, LOG_ERROR, "tls", "the ticket keys in use stay: %s", why.text);
	else
		log_line(s->log, LOG_NOTICE, "tls", "the ticket keys have changed, and are in use");
}

/* ---- the test of a configuration ---- */

static int check_ports(struct secure *s, const struct config *c, struct failure *why)
{
	int r = 0;

	for (unsigned i = 0; i < c->n_sites; i++)
		for (unsigned k = 0; r == 0 && k < c->sites[i].listen_tls.n; k++) {
			struct secure_port port;

			r = secure_port_open(&port, s, c, c->sites[i].listen_tls.items[k], why);
			secure_port_close(&port);
		}
	return r;
}

int secure_check(const struct config *c, struct failure *why)
{
	struct secure s = { .key_log = -1 };
	struct world world;
	int r = world_init(&world, 0, 0, NULL);

	if (r < 0)
		return failure_set(why, r, "no random numbers: %s", strerror(-r));
	r = tls_new(&c->tls.limits, &world, NULL, &s.tls, why);
	if (r < 0)
		return r;
	r = secure_change(&s, c, why);
	if (r == 0)
		r = check_ports(&s, c, why);
	secure_close(&s);
	return r;
}
