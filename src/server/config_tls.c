/* Keys about TLS: certificates where TLS is spoken, and one way to speak on a port. */
#include "server/config_tls.h"

#include <errno.h>
#include <string.h>

#include "tls/tls_context.h"

/* What is of use over TLS only. */
static int check_without_port(const struct config_site *s, struct failure *why)
{
	const struct config_site_tls *tls = &s->tls;
	const char *key = tls->certificate.n > 0                                    ? "certificate"
			  : tls->self_signed                                        ? "self_signed"
			  : tls->client_certificates != TLS_CLIENT_CERTIFICATES_OFF ? "client_certificates"
			  : tls->hsts_us > 0                                        ? "hsts"
			  : s->https_redirect                                       ? "https_redirect"
										    : NULL;

	if (key == NULL)
		return 0;
	return failure_set(why, -EINVAL,
			   "site \"%s\" has %s, but no port for TLS: give listen_tls one, such as 443",
			   s->name, key);
}

static int check_pairs(const struct config_site *s, struct failure *why)
{
	const struct config_site_tls *tls = &s->tls;

	if (tls->self_signed && tls->certificate.n > 0)
		return failure_set(why, -EINVAL,
				   "site \"%s\" has a certificate and is self_signed: it can be either",
				   s->name);
	if (!tls->self_signed && tls->certificate.n == 0)
		return failure_set(why, -EINVAL,
				   "site \"%s\" listens with TLS on port %u, and has no certificate: give "
				   "certificate and key, or self_signed",
				   s->name, s->listen_tls.items[0]);
	if (tls->certificate.n != tls->key.n)
		return failure_set(why, -EINVAL,
				   "site \"%s\" has %u certificates and %u keys: each has its own", s->name,
				   tls->certificate.n, tls->key.n);
	if (tls->certificate.n > TLS_PAIRS)
		return failure_set(why, -EINVAL, "site \"%s\" has more than %d certificates", s->name,
				   TLS_PAIRS);
	if (tls->ocsp_staple.n > tls->certificate.n)
		return failure_set(why, -EINVAL, "site \"%s\" has more OCSP responses than certificates",
				   s->name);
	return 0;
}

static int check_site(const struct config *c, const struct config_site *s, struct failure *why)
{
	if (s->listen_tls.n == 0)
		return check_without_port(s, why);
	if (s->tls.client_certificates != TLS_CLIENT_CERTIFICATES_OFF && *s->tls.client_ca == '\0')
		return failure_set(why, -EINVAL,
				   "site \"%s\" asks for client certificates: give client_ca the file of who "
				   "may sign them",
				   s->name);
	for (unsigned i = 0; i < s->listen.n; i++)
		if (config_port_is_tls(c, s->listen.items[i]))
			return failure_set(why, -EINVAL,
					   "site \"%s\": port %u is for TLS, and cannot be in listen too",
					   s->name, s->listen.items[i]);
	return check_pairs(s, why);
}

int config_tls_check(const struct config *c, struct failure *why)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < c->n_sites; i++)
		r = check_site(c, &c->sites[i], why);
	return r;
}

static bool ask_alike(const struct config_site_tls *a, const struct config_site_tls *b)
{
	return a->client_certificates == b->client_certificates && strcmp(a->client_ca, b->client_ca) == 0;
}

/* Clients are asked for a certificate before it is known which site they will ask for: a name in the
 * handshake and another one in the request would get around it. */
int config_tls_check_pair(const struct config_site *a, const struct config_site *b, struct failure *why)
{
	for (unsigned i = 0; i < a->listen_tls.n; i++)
		if (config_listens(b, a->listen_tls.items[i]) && !ask_alike(&a->tls, &b->tls))
			return failure_set(
				why, -EINVAL,
				"sites \"%s\" and \"%s\" share port %u, which can ask for one kind "
				"of client certificates only",
				a->name, b->name, a->listen_tls.items[i]);
	return 0;
}
