/*
 * Contexts: settings, certificates, and the choices that OpenSSL asks us to make in a handshake.
 *
 * The identity is chosen before anything else of the ClientHello is looked at, and all identities of a
 * context ask for client certificates alike: so no session of one name gets a client past what another name
 * asks for. Sessions of contexts that ask for different certificates, and those of different sites, are kept
 * apart by the session id context.
 */
#include "tls/tls_context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/host_name.h"
#include "base/strings.h"
#include "tls/tls_internal.h"

/* Mozilla's guideline 6.0, intermediate; the client's order counts. */
static const char ciphers_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
/* What a client of ours may meet: any key exchange, with the AEADs of tls_key_schedule.h. */
static const char ciphers_of_clients[] = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:RSA+AESGCM";
static const char ciphers_1_3[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char *const groups[] = { "X25519MLKEM768", "X25519", "P-256", "P-384" };

/* ALPN's own form, RFC 7301 section 3.1: a length before each name. */
static const unsigned char protocols[] = "\x08http/1.1";

enum { NAME_MOST = 255, SECOND = 1000000 };

static int failed(struct failure *why, const char *what)
{
	struct tls_error e;

	tls_error_take(&e);
	return failure_set(why, -EINVAL, "TLS: %s: %s", what, e.text);
}

/* ---- which identity ---- */

static bool certificates_have(const struct tls_identity *i, const char *name)
{
	return i->n_certificates > 0 && X509_check_host(i->certificates[0].leaf, name, 0, 0, NULL) == 1;
}

/* The one that is meant for the name. */
static const struct tls_identity *find_named(const struct tls_context *c, struct bytes name)
{
	const struct tls_identity *best = NULL;
	size_t best_match = 0;

	for (size_t i = 0; i < c->n_identities; i++)
		if (host_name_beats((const char *const *)c->identities[i].names, name, &best_match))
			best = &c->identities[i];
	return best;
}

/* That, or else the one that has the name in its certificate; NULL: there is none. */
static const struct tls_identity *find_identity(const struct tls_context *c, const char *name)
{
	const struct tls_identity *named = find_named(c, bytes_of(name, strlen(name)));

	if (named != NULL)
		return named;
	for (size_t i = 0; i < c->n_identities; i++)
		if (certificates_have(&c->identities[i], name))
			return &c->identities[i];
	return NULL;
}

/* The host name of a server_name extension (RFC 6066 section 3). False: there is none, or it is malformed,
 * which OpenSSL will find out by itself. */
static bool read_name(struct bytes extension, char name[static NAME_MOST + 1])
{
	enum { LIST_LENGTH = 2, TYPE_AND_LENGTH = 3, HOST_NAME = 0 };
	const uint8_t *p = extension.data + LIST_LENGTH;
	size_t len;

	if (extension.len < LIST_LENGTH + TYPE_AND_LENGTH || p[0] != HOST_NAME)
		return false;
	len = (size_t)p[1] << 8 | p[2];
	if (len == 0 || len > NAME_MOST || len > extension.len - LIST_LENGTH - TYPE_AND_LENGTH)
		return false;
	memcpy(name, p + TYPE_AND_LENGTH, len);
	name[len] = '\0';
	return strlen(name) == len;
}

static int on_client_hello(SSL *ssl, int *alert, void *context)
{
	const struct tls_identity *identity;
	char name[NAME_MOST + 1];
	struct bytes extension;

	(void)alert;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension.data, &extension.len) != 1 ||
	    !read_name(extension, name))
		return SSL_CLIENT_HELLO_SUCCESS;
	identity = find_identity(context, name);
	if (identity != NULL && SSL_set_SSL_CTX(ssl, identity->ctx) == NULL)
		return SSL_CLIENT_HELLO_ERROR;
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* Whether ServerHello says that the name was of use. */
static int on_server_name(SSL *ssl, int *alert, void *context)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	return name != NULL && find_identity(context, name) != NULL ? SSL_TLSEXT_ERR_OK
								    : SSL_TLSEXT_ERR_NOACK;
}

/* ---- what else is asked in a handshake ---- */

/* RFC 7301 section 3.2: a client that speaks nothing of ours is refused. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
		   unsigned in_len, void *context)
{
	unsigned char *chosen;

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&chosen, out_len, protocols, sizeof protocols - 1, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* The response that belongs to the certificate which is about to be shown. */
static int on_status(SSL *ssl, void *context)
{
	const struct tls_identity *identity = context;
	const X509 *shown = SSL_get_certificate(ssl);

	for (size_t i = 0; i < identity->n_certificates; i++) {
		const struct tls_certificate *c = &identity->certificates[i];
		uint8_t *copy;

		if (c->leaf != shown || c->staple == NULL)
			continue;
		copy = OPENSSL_memdup(c->staple, c->staple_len);
		if (copy == NULL)
			return SSL_TLSEXT_ERR_NOACK;
		SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)c->staple_len);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, int seal)
{
	struct tls_stream *s = SSL_get_app_data(ssl);
	int verdict;

	tls_tickets_turn(&s->tls->tickets, s->tls->world->now_us);
	verdict = tls_tickets_use(&s->tls->tickets, name, iv, cipher, mac, seal != 0);
	/* Clients use each ticket of 1.3 once (RFC 8446 section C.4): without another one every second
	 * connection would begin in full. */
	return seal == 0 && verdict == TLS_TICKET_OPENED && SSL_version(ssl) == TLS1_3_VERSION
		       ? TLS_TICKET_REPLACE
		       : verdict;
}

static void on_key_log(const SSL *ssl, const char *line)
{
	struct tls_stream *s = SSL_get_app_data(ssl);
	const struct tls_hooks *hooks = &s->tls->hooks;

	tls_records_on_secret(s, line);
	if (hooks->on_key_log != NULL)
		hooks->on_key_log(hooks->context, line);
}

static void on_message(int writing, int version, int type, const void *data, size_t len, SSL *ssl,
		       void *context)
{
	struct tls_stream *s = SSL_get_app_data(ssl);

	(void)version;
	(void)context;
	if (type == SSL3_RT_HEADER && len == TLS_HEADER)
		tls_records_on_record(s, writing != 0, *(const uint8_t *)data);
	else if (type == SSL3_RT_ALERT && len == 2)
		tls_trace_alert(s, writing != 0, data);
	else if (type == SSL3_RT_HANDSHAKE)
		tls_trace_message(s, writing != 0, data, len);
}

/* ---- settings ---- */

/* Those that this OpenSSL knows: a list with an unknown one is refused as a whole. */
static bool set_groups(SSL_CTX *ctx)
{
	char list[64] = "", longer[64];
	bool any = false;

	for (size_t i = 0; i < ARRAY_LENGTH(groups); i++) {
		snprintf(longer, sizeof longer, "%s%s%s", list, any ? ":" : "", groups[i]);
		if (SSL_CTX_set1_groups_list(ctx, longer) != 1)
			continue;
		memcpy(list, longer, sizeof list);
		any = true;
	}
	ERR_clear_error();
	return any;
}

static bool set_common(SSL_CTX *ctx, int oldest)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets alone: no memory of sessions */
	SSL_CTX_set_keylog_callback(ctx, on_key_log);
	SSL_CTX_set_msg_callback(ctx, on_message);
	return SSL_CTX_set_min_proto_version(ctx, oldest) == 1 && set_groups(ctx) &&
	       SSL_CTX_set_ciphersuites(ctx, ciphers_1_3) == 1;
}

static bool set_server(SSL_CTX *ctx, const struct tls *tls, const struct tls_context_config *config)
{
	SSL_CTX_set_timeout(ctx, (long)(tls->config.ticket_lifetime_us / SECOND));
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
	return set_common(ctx, config->only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(ctx, ciphers_1_2) == 1 &&
	       SSL_CTX_set_max_early_data(ctx, 0) == 1; /* RFC 8446 section 8: it can be replayed */
}

/* The authorities themselves and not their names: one may be replaced by another of its name. */
static bool digest_authorities(EVP_MD_CTX *digest, SSL_CTX *ctx)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
	bool ok = true;

	for (int i = 0; ok && i < sk_X509_OBJECT_num(objects); i++) {
		const X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
		uint8_t mark[EVP_MAX_MD_SIZE];
		unsigned len;

		ok = authority == NULL || (X509_digest(authority, EVP_sha256(), mark, &len) == 1 &&
					   EVP_DigestUpdate(digest, mark, len) == 1);
	}
	return ok;
}

static bool digest_asks(struct tls_context *c, EVP_MD_CTX *digest, SSL_CTX *ctx,
			const struct tls_context_config *config)
{
	const enum tls_client_certificates *asked = &config->client_certificates;

	return EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(digest, asked, sizeof *asked) == 1 &&
	       digest_authorities(digest, ctx) && EVP_DigestFinal_ex(digest, c->asks, &c->asks_len) == 1;
}

/* Sessions are of use only where the same is asked of clients, and for the names that they were
 * made for (RFC 6066 section 3). The certificate does not count: it is renewed, and may be another
 * one on each server of a fleet. */
static bool digest_identity(const struct tls_context *c, EVP_MD_CTX *digest, const struct tls_identity *i)
{
	uint8_t mark[EVP_MAX_MD_SIZE];
	unsigned len;
	bool ok = EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
		  EVP_DigestUpdate(digest, c->asks, c->asks_len) == 1;

	for (char *const *name = i->names; ok && *name != NULL; name++)
		ok = EVP_DigestUpdate(digest, *name, strlen(*name) + 1) == 1;
	return ok && EVP_DigestFinal_ex(digest, mark, &len) == 1 &&
	       SSL_CTX_set_session_id_context(i->ctx, mark, len) == 1;
}

static bool set_session_context(struct tls_context *c, const struct tls_identity *i,
				const struct tls_context_config *config)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool ok = digest != NULL && digest_asks(c, digest, i->ctx, config) && digest_identity(c, digest, i);

	EVP_MD_CTX_free(digest);
	return ok;
}

static int set_client_certificates(SSL_CTX *ctx, const struct tls_context_config *config, struct failure *why)
{
	int mode = SSL_VERIFY_PEER;
	STACK_OF(X509_NAME) *authorities;

	if (config->client_certificates == TLS_CLIENT_CERTIFICATES_OFF)
		return 0;
	if (config->client_certificates == TLS_CLIENT_CERTIFICATES_REQUIRED)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	authorities = SSL_load_client_CA_file(config->client_ca);
	if (authorities == NULL || SSL_CTX_load_verify_file(ctx, config->client_ca) != 1) {
		sk_X509_NAME_pop_free(authorities, X509_NAME_free);
		return failed(why, config->client_ca);
	}
	SSL_CTX_set_client_CA_list(ctx, authorities);
	SSL_CTX_set_verify(ctx, mode, NULL);
	return 0;
}

/* ---- made and freed ---- */

static int load_pairs(struct tls_identity *i, const struct tls_identity_config *config, struct failure *why)
{
	for (size_t k = 0; k < config->n_pairs; k++) {
		const struct tls_pair *pair = &config->pairs[k];
		int r = tls_certificate_load(&i->certificates[k], pair, i->ctx, why);

		if (r < 0)
			return r;
		i->n_certificates++;
		i->files[k] = strdup(pair->own != NULL ? "self-signed" : pair->certificate);
		if (i->files[k] == NULL)
			return failure_set(why, -ENOMEM, "no memory for a certificate");
	}
	return 0;
}

static int open_identity(struct tls_context *c, struct tls_identity *i,
			 const struct tls_identity_config *identity, const struct tls_context_config *config,
			 struct failure *why)
{
	int r;

	i->names = strings_copy(identity->names);
	i->ctx = SSL_CTX_new(TLS_server_method());
	if (i->names == NULL || i->ctx == NULL)
		return failure_set(why, -ENOMEM, "no memory for TLS");
	if (!set_server(i->ctx, c->tls, config))
		return failed(why, "settings");
	r = set_client_certificates(i->ctx, config, why);
	if (r == 0 && !set_session_context(c, i, config))
		r = failed(why, "settings");
	if (r == 0)
		r = load_pairs(i, identity, why);
	SSL_CTX_set_client_hello_cb(i->ctx, on_client_hello, c);
	SSL_CTX_set_tlsext_servername_callback(i->ctx, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(i->ctx, c);
	SSL_CTX_set_tlsext_status_cb(i->ctx, on_status);
	SSL_CTX_set_tlsext_status_arg(i->ctx, i);
	return r;
}

static void close_identity(struct tls_identity *i)
{
	strings_free(i->names);
	for (size_t k = 0; k < i->n_certificates; k++) {
		tls_certificate_free(&i->certificates[k]);
		free(i->files[k]);
	}
	SSL_CTX_free(i->ctx);
}

static struct tls_context *make_context(struct tls *tls, size_t n_identities)
{
	struct tls_context *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	*c = (struct tls_context){ .tls = tls, .references = 1 };
	c->identities = calloc(n_identities, sizeof *c->identities);
	if (c->identities != NULL) {
		c->n_identities = n_identities;
		return c;
	}
	free(c);
	return NULL;
}

int tls_context_new(struct tls *tls, const struct tls_context_config *config, struct tls_context **out,
		    struct failure *why)
{
	struct tls_context *c = make_context(tls, config->n_identities);
	int r = c != NULL ? 0 : failure_set(why, -ENOMEM, "no memory for TLS");

	ERR_clear_error();
	for (size_t i = 0; r == 0 && i < config->n_identities; i++)
		r = open_identity(c, &c->identities[i], &config->identities[i], config, why);
	if (r < 0)
		tls_context_free(c);
	else
		*out = c;
	return r;
}

static int trust(SSL_CTX *ctx, const char *ca, bool insecure, struct failure *why)
{
	if (insecure)
		return 0;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (ca != NULL)
		return SSL_CTX_load_verify_file(ctx, ca) == 1 ? 0 : failed(why, ca);
	return SSL_CTX_set_default_verify_paths(ctx) == 1 ? 0 : failed(why, "the system's authorities");
}

int tls_context_new_client(struct tls *tls, const char *ca, bool insecure, struct tls_context **out,
			   struct failure *why)
{
	struct tls_context *c = make_context(tls, 1);
	struct tls_identity *i;
	int r = 0;

	ERR_clear_error();
	if (c == NULL)
		return failure_set(why, -ENOMEM, "no memory for TLS");
	i = &c->identities[0];
	i->ctx = SSL_CTX_new(TLS_client_method());
	if (i->ctx == NULL || !set_common(i->ctx, TLS1_2_VERSION) ||
	    SSL_CTX_set_cipher_list(i->ctx, ciphers_of_clients) != 1 ||
	    SSL_CTX_set_alpn_protos(i->ctx, protocols, sizeof protocols - 1) != 0)
		r = failed(why, "settings");
	if (r == 0)
		r = trust(i->ctx, ca, insecure, why);
	if (r < 0)
		tls_context_free(c);
	else
		*out = c;
	return r;
}

bool tls_contexts_ask_alike(const struct tls_context *a, const struct tls_context *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->asks_len == b->asks_len && memcmp(a->asks, b->asks, a->asks_len) == 0;
}

void tls_context_free(struct tls_context *c)
{
	if (c == NULL || --c->references > 0)
		return;
	for (size_t i = 0; i < c->n_identities; i++)
		close_identity(&c->identities[i]);
	free(c->identities);
	free(c);
}

void tls_context_each_certificate(const struct tls_context *c, tls_certificate_visit_fn *visit, void *context)
{
	for (size_t i = 0; i < c->n_identities; i++)
		for (size_t k = 0; k < c->identities[i].n_certificates; k++)
			visit(context, c->identities[i].files[k], c->identities[i].certificates[k].not_after);
}
