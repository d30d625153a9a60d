/* What is offered, shown and asked for: names, key types, client certificates, staples, bad files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/tls_fixture.h"

static struct tls_fixture f;
static char directory[] = "/tmp/th-tls-XXXXXX";

static const char *path(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *p = paths[next++ % 4];

	snprintf(p, sizeof paths[0], "%s/%s", directory, name);
	return p;
}

/* NAME.pem and NAME.key: a certificate for this name that signs itself, of this key type. */
static void make_pair(const char *name, EVP_PKEY *key)
{
	const char *names[] = { name, NULL };
	struct tls_self_signed own;
	struct failure why;
	char file[64];
	FILE *out;

	assert_non_null(key);
	assert_int_equal(tls_self_signed_make(&own, names, NULL, 0, time(NULL), &why), 0);
	assert_int_equal(X509_set_pubkey(own.certificate, key), 1);
	/* For clients too. */
	X509_EXTENSION_free(X509_delete_ext(own.certificate,
					    X509_get_ext_by_NID(own.certificate, NID_ext_key_usage, -1)));
	assert_true(X509_sign(own.certificate, key, EVP_sha256()) > 0);
	snprintf(file, sizeof file, "%s.pem", name);
	out = fopen(path(file), "w");
	assert_non_null(out);
	PEM_write_X509(out, own.certificate);
	fclose(out);
	snprintf(file, sizeof file, "%s.key", name);
	out = fopen(path(file), "w");
	assert_non_null(out);
	PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
	fclose(out);
	EVP_PKEY_free(key);
	tls_self_signed_free(&own);
}

static void write_text(const char *name, const char *text)
{
	FILE *out = fopen(path(name), "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int make_files(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	make_pair("rsa.example", EVP_RSA_gen(2048));
	make_pair("ec.example", EVP_EC_gen("P-256"));
	make_pair("client.example", EVP_EC_gen("P-256"));
	make_pair("stranger.example", EVP_EC_gen("P-256"));
	write_text("staple", "an OCSP response");
	write_text("empty", "");
	return 0;
}

static int remove_files(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", directory);
	return system(command);
}

static struct tls_pair pair(const char *name)
{
	char file[64];
	struct tls_pair p = { 0 };

	snprintf(file, sizeof file, "%s.pem", name);
	p.certificate = strdup(path(file));
	snprintf(file, sizeof file, "%s.key", name);
	p.key = strdup(path(file));
	return p;
}

static void free_pair(const struct tls_pair *p)
{
	free((char *)(uintptr_t)p->certificate);
	free((char *)(uintptr_t)p->key);
}

/* A connection to a context of these identities. */
static void open_with(const struct tls_context_config *config)
{
	struct failure why;

	if (f.client != NULL)
		tls_fixture_close(&f);
	tls_context_free(f.context);
	f.context = NULL;
	if (tls_context_new(f.tls, config, &f.context, &why) != 0)
		fail_msg("%s", why.text);
	tls_fixture_open(&f, NULL);
}

static int set_up(void **state)
{
	(void)state;
	tls_fixture_init(&f, NULL, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_fixture_fini(&f);
	return 0;
}

static void assert_shown(const char *name)
{
	X509 *shown = SSL_get1_peer_certificate(f.client);

	assert_non_null(shown);
	assert_int_equal(X509_check_host(shown, name, 0, 0, NULL), 1);
	X509_free(shown);
}

static void names_choose_certificates(void **state)
{
	static const char *const names[] = { "alias.example", "*.below.example", NULL };
	struct tls_identity_config identities[] = {
		{ .n_pairs = 1, .pairs = { pair("rsa.example") } },
		{ .n_pairs = 1, .pairs = { pair("ec.example") }, .names = names },
	};
	struct tls_context_config config = { .identities = identities, .n_identities = 2 };
	static struct {
		char asked[24];
		const char *shown;
	} cases[] = {
		{ "", "rsa.example" },               { "rsa.example", "rsa.example" },
		{ "ec.example", "ec.example" },      { "EC.Example", "ec.example" },
		{ "alias.example", "ec.example" },   { "unknown.example", "rsa.example" },
		{ "a.below.example", "ec.example" }, { "below.example", "rsa.example" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		open_with(&config);
		if (*cases[i].asked != '\0')
			SSL_set_tlsext_host_name(f.client, cases[i].asked);
		tls_fixture_handshake(&f);
		assert_shown(cases[i].shown);
	}
	free_pair(&identities[0].pairs[0]);
	free_pair(&identities[1].pairs[0]);
}

static void the_clients_algorithms_choose_the_key_type(void **state)
{
	struct tls_identity_config both = { .n_pairs = 2, .pairs = { pair("rsa.example"), pair("ec.example") } };
	struct tls_context_config config = { .identities = &both, .n_identities = 1 };

	char ecdsa[] = "ecdsa_secp256r1_sha256", rsa[] = "rsa_pss_rsae_sha256:RSA+SHA256";

	(void)state;
	open_with(&config);
	assert_int_equal(SSL_set1_sigalgs_list(f.client, ecdsa), 1);
	tls_fixture_handshake(&f);
	assert_shown("ec.example");
	open_with(&config);
	assert_int_equal(SSL_set1_sigalgs_list(f.client, rsa), 1);
	tls_fixture_handshake(&f);
	assert_shown("rsa.example");
	free_pair(&both.pairs[0]);
	free_pair(&both.pairs[1]);
}

/* Mozilla's intermediate: nothing but ECDHE with an AEAD. */
static void weak_ciphers_are_not_offered(void **state)
{
	struct tls_identity_config identity = { .n_pairs = 1, .pairs = { pair("rsa.example") } };
	struct tls_context_config config = { .identities = &identity, .n_identities = 1 };
	static const char *const weak[] = { "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256" };
	struct tls_usage usage;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(weak); i++) {
		open_with(&config);
		SSL_set_max_proto_version(f.client, TLS1_2_VERSION);
		assert_int_equal(SSL_set_cipher_list(f.client, weak[i]), 1);
		tls_fixture_shuttle(&f);
		assert_false(SSL_is_init_finished(f.client));
	}
	tls_usage(f.tls, &usage);
	assert_int_equal(usage.failed[TLS_FAILED_CIPHER], ARRAY_LENGTH(weak));
	free_pair(&identity.pairs[0]);
}

static void staples_are_given_to_who_asks(void **state)
{
	struct tls_identity_config identity = { .n_pairs = 1, .pairs = { pair("ec.example") } };
	struct tls_context_config config = { .identities = &identity, .n_identities = 1 };
	const unsigned char *got;

	(void)state;
	identity.pairs[0].staple = path("staple");
	open_with(&config);
	SSL_set_tlsext_status_type(f.client, TLSEXT_STATUSTYPE_ocsp);
	tls_fixture_handshake(&f);
	assert_int_equal(SSL_get_tlsext_status_ocsp_resp(f.client, &got), 16);
	assert_memory_equal(got, "an OCSP response", 16);
	free_pair(&identity.pairs[0]);
}

static void client_shows(const char *name)
{
	struct tls_pair p = pair(name);

	assert_int_equal(SSL_use_certificate_file(f.client, p.certificate, SSL_FILETYPE_PEM), 1);
	assert_int_equal(SSL_use_PrivateKey_file(f.client, p.key, SSL_FILETYPE_PEM), 1);
	free_pair(&p);
}

static void client_certificates_are_asked_for(void **state)
{
	struct tls_identity_config identity = { .n_pairs = 1, .pairs = { pair("ec.example") } };
	struct tls_pair client = pair("client.example");
	struct tls_context_config config = { .identities = &identity, .n_identities = 1,
					     .client_ca = client.certificate };
	static const struct {
		enum tls_client_certificates mode;
		const char *shown;
		bool accepted;
	} cases[] = {
		{ TLS_CLIENT_CERTIFICATES_OFF, NULL, true },
		{ TLS_CLIENT_CERTIFICATES_OPTIONAL, NULL, true },
		{ TLS_CLIENT_CERTIFICATES_OPTIONAL, "client.example", true },
		{ TLS_CLIENT_CERTIFICATES_OPTIONAL, "stranger.example", false },
		{ TLS_CLIENT_CERTIFICATES_REQUIRED, NULL, false },
		{ TLS_CLIENT_CERTIFICATES_REQUIRED, "client.example", true },
		{ TLS_CLIENT_CERTIFICATES_REQUIRED, "stranger.example", false },
	};
	struct tls_usage usage;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		config.client_certificates = cases[i].mode;
		open_with(&config);
		if (cases[i].shown != NULL)
			client_shows(cases[i].shown);
		tls_fixture_shuttle(&f);
		assert_int_equal(f.accepted, cases[i].accepted);
	}
	tls_usage(f.tls, &usage);
	assert_int_equal(usage.failed[TLS_FAILED_CERTIFICATE], 3);
	free_pair(&identity.pairs[0]);
	free_pair(&client);
}

/* A session of a port that asks for nothing does not get a client past one that asks for a certificate. */
static void sessions_are_of_no_use_where_more_is_asked(void **state)
{
	struct tls_identity_config identity = { .n_pairs = 1, .pairs = { pair("ec.example") } };
	struct tls_pair client = pair("client.example");
	struct tls_context_config config = { .identities = &identity, .n_identities = 1,
					     .client_ca = client.certificate };
	static const enum tls_client_certificates less[] = { TLS_CLIENT_CERTIFICATES_OFF,
							     TLS_CLIENT_CERTIFICATES_OPTIONAL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(less); i++) {
		SSL_SESSION *session;

		config.client_certificates = less[i];
		open_with(&config);
		tls_fixture_handshake(&f);
		session = SSL_get1_session(f.client);
		config.client_certificates = TLS_CLIENT_CERTIFICATES_REQUIRED;
		open_with(&config);
		SSL_set_session(f.client, session);
		tls_fixture_shuttle(&f);
		assert_int_equal(f.accepted, 0);
		assert_int_equal(SSL_session_reused(f.client), 0);
		SSL_SESSION_free(session);
	}
	free_pair(&identity.pairs[0]);
	free_pair(&client);
}

/* Opens, and comes with the session of before. True: it was resumed. Until TLS 1.2 the ticket is there once the
 * handshake is done. */
static bool is_resumed(const struct tls_context_config *config, const char *name, SSL_SESSION *session)
{
	char host[64]; /* OpenSSL wants one that it might write to */

	snprintf(host, sizeof host, "%s", name);
	open_with(config);
	SSL_set_max_proto_version(f.client, TLS1_2_VERSION);
	SSL_set_tlsext_host_name(f.client, host);
	if (session != NULL)
		SSL_set_session(f.client, session);
	tls_fixture_handshake(&f);
	return SSL_session_reused(f.client) == 1;
}

/* RFC 6066 section 3. */
static void sessions_are_for_the_names_of_one_site(void **state)
{
	static const char *const first[] = { "a.example", "alias.example", NULL }, *const second[] = { "b.example", NULL };
	struct tls_identity_config identities[] = {
		{ .n_pairs = 1, .pairs = { pair("rsa.example") }, .names = first },
		{ .n_pairs = 1, .pairs = { pair("ec.example") }, .names = second },
	};
	struct tls_context_config config = { .identities = identities, .n_identities = 2 };
	struct tls_pair renewed = identities[0].pairs[0];
	SSL_SESSION *session;

	(void)state;
	assert_false(is_resumed(&config, "a.example", NULL));
	session = SSL_get1_session(f.client);
	assert_true(is_resumed(&config, "a.example", session));
	assert_true(is_resumed(&config, "alias.example", session));
	assert_false(is_resumed(&config, "b.example", session));
	assert_shown("ec.example");
	identities[0].pairs[0] = identities[1].pairs[0];
	assert_true(is_resumed(&config, "a.example", session));
	SSL_SESSION_free(session);
	free_pair(&renewed);
	free_pair(&identities[1].pairs[0]);
}

/* Who was let in by an authority that has been replaced, under the same name, is asked anew. */
static void sessions_end_with_the_authority(void **state)
{
	struct tls_identity_config identity = { .n_pairs = 1, .pairs = { pair("ec.example") } };
	struct tls_pair client = pair("client.example");
	struct tls_context_config config = { .identities = &identity, .n_identities = 1,
					     .client_ca = client.certificate,
					     .client_certificates = TLS_CLIENT_CERTIFICATES_OPTIONAL };
	struct tls_context *before;
	struct failure why;
	SSL_SESSION *session;

	(void)state;
	assert_false(is_resumed(&config, "ec.example", NULL));
	session = SSL_get1_session(f.client);
	assert_true(is_resumed(&config, "ec.example", session));
	assert_int_equal(tls_context_new(f.tls, &config, &before, &why), 0);
	assert_true(tls_contexts_ask_alike(before, f.context));
	make_pair("client.example", EVP_EC_gen("P-256"));
	assert_false(is_resumed(&config, "ec.example", session));
	assert_false(tls_contexts_ask_alike(before, f.context));
	tls_context_free(before);
	SSL_SESSION_free(session);
	free_pair(&identity.pairs[0]);
	free_pair(&client);
}

static void assert_refused(const struct tls_pair *p, const char *says)
{
	struct tls_identity_config identity = { .n_pairs = 1, .pairs = { *p } };
	struct tls_context_config config = { .identities = &identity, .n_identities = 1 };
	struct tls_context *context;
	struct failure why;

	assert_true(tls_context_new(f.tls, &config, &context, &why) < 0);
	if (strstr(why.text, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why.text, says);
	assert_int_equal(ERR_peek_error(), 0);
}

static void bad_files_are_told_by_name(void **state)
{
	struct tls_pair good = pair("ec.example"), other = pair("rsa.example"), bad = good;

	(void)state;
	bad.key = other.key;
	assert_refused(&bad, "rsa.example.key does not belong to certificate");
	bad = good;
	bad.certificate = "/nowhere/a.pem";
	assert_refused(&bad, "certificate /nowhere/a.pem: No such file");
	bad.certificate = path("empty");
	assert_refused(&bad, "empty: no start line");
	bad = good;
	bad.key = path("empty");
	assert_refused(&bad, "key ");
	bad = good;
	bad.staple = path("empty");
	assert_refused(&bad, "OCSP response");
	free_pair(&good);
	free_pair(&other);
}

static void visited(void *context, const char *file, int64_t not_after)
{
	unsigned *n = context;

	assert_non_null(strstr(file, "ec.example.pem"));
	assert_in_range(not_after - time(NULL), 90 * 86400 - 60, 90 * 86400);
	(*n)++;
}

static void expiry_is_known(void **state)
{
	struct tls_identity_config identity = { .n_pairs = 1, .pairs = { pair("ec.example") } };
	struct tls_context_config config = { .identities = &identity, .n_identities = 1 };
	unsigned n = 0;

	(void)state;
	open_with(&config);
	tls_context_each_certificate(f.context, visited, &n);
	assert_int_equal(n, 1);
	free_pair(&identity.pairs[0]);
}

static void a_self_signed_certificate_has_names_and_addresses(void **state)
{
	static const char *const names[] = { "a.example", "b.example", NULL };
	struct ip_addr address = ip_addr_from_4(0x0a4d0002);
	struct tls_self_signed own;
	struct failure why;
	char fingerprint[TLS_FINGERPRINT];

	(void)state;
	assert_int_equal(tls_self_signed_make(&own, names, &address, 1, time(NULL), &why), 0);
	assert_int_equal(X509_check_host(own.certificate, "b.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(own.certificate, "10.77.0.2", 0), 1);
	assert_int_equal(X509_check_ip_asc(own.certificate, "10.77.0.3", 0), 0);
	assert_int_equal(X509_self_signed(own.certificate, 1), 1);
	assert_int_equal(strlen(tls_fingerprint(own.certificate, fingerprint)), 95);
	tls_self_signed_free(&own);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_choose_certificates),
		TEST(the_clients_algorithms_choose_the_key_type),
		TEST(weak_ciphers_are_not_offered),
		TEST(staples_are_given_to_who_asks),
		TEST(client_certificates_are_asked_for),
		TEST(sessions_are_of_no_use_where_more_is_asked),
		TEST(sessions_are_for_the_names_of_one_site),
		TEST(sessions_end_with_the_authority),
		TEST(bad_files_are_told_by_name),
		TEST(expiry_is_known),
		TEST(a_self_signed_certificate_has_names_and_addresses),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
