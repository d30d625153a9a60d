/* Keys about TLS that do not fit together are told, by the site that has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/config_tls.h"

static struct config c;

/* A site on ports 80 and 443, with a certificate. */
static struct config_site *add_site(const char *name, const char *host)
{
	struct config_site *site;

	assert_int_equal(config_add_site(&c, name, &site), 0);
	site->root = "/";
	site->hosts = (struct text_list){ .n = 1, .items = { host } };
	site->listen_tls = (struct port_list){ .n = 1, .items = { 443 } };
	site->tls.certificate = (struct text_list){ .n = 1, .items = { "a.pem" } };
	site->tls.key = (struct text_list){ .n = 1, .items = { "a.key" } };
	return site;
}

static int set_up(void **state)
{
	(void)state;
	config_init(&c);
	add_site("a", "a.example");
	add_site("b", "b.example");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config_fini(&c);
	return 0;
}

static void assert_fault(const char *says)
{
	struct failure why;

	assert_true(config_finish(&c, &why) < 0);
	if (strstr(why.text, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why.text, says);
}

static void two_sites_share_a_port_for_tls(void **state)
{
	struct failure why;

	(void)state;
	assert_int_equal(config_finish(&c, &why), 0);
	assert_true(config_port_is_tls(&c, 443));
	assert_false(config_port_is_tls(&c, 80));
}

static void tls_needs_a_certificate(void **state)
{
	(void)state;
	c.sites[1].tls.certificate.n = c.sites[1].tls.key.n = 0;
	assert_fault("site \"b\" listens with TLS on port 443, and has no certificate");
	c.sites[1].tls.self_signed = true;
	assert_int_equal(config_finish(&c, &(struct failure){ "" }), 0);
}

static void certificates_and_keys_are_pairs(void **state)
{
	(void)state;
	c.sites[0].tls.key.n = 0;
	assert_fault("site \"a\" has 1 certificates and 0 keys");
	c.sites[0].tls.key.n = 1;
	c.sites[0].tls.ocsp_staple.n = 2;
	assert_fault("more OCSP responses than certificates");
	c.sites[0].tls.ocsp_staple.n = 0;
	c.sites[0].tls.self_signed = true;
	assert_fault("it can be either");
}

static void what_is_of_use_over_tls_needs_a_port_for_it(void **state)
{
	(void)state;
	c.sites[1].listen_tls.n = 0;
	assert_fault("site \"b\" has certificate, but no port for TLS");
	c.sites[1].tls.certificate.n = 0;
	c.sites[1].tls.hsts_us = 1;
	assert_fault("site \"b\" has hsts, but");
	c.sites[1].tls.hsts_us = 0;
	c.sites[1].https_redirect = true;
	assert_fault("site \"b\" has https_redirect, but");
}

static void a_port_is_for_tls_or_not(void **state)
{
	(void)state;
	c.sites[1].listen.items[0] = 443;
	c.sites[1].listen_tls.items[0] = 444;
	assert_fault("443");
}

static void client_certificates_are_a_ports(void **state)
{
	(void)state;
	c.sites[0].tls.client_certificates = TLS_CLIENT_CERTIFICATES_REQUIRED;
	assert_fault("give client_ca");
	c.sites[0].tls.client_ca = "ca.pem";
	assert_fault("share port 443, which can ask for one kind of client certificates only");
	c.sites[1].tls.client_certificates = TLS_CLIENT_CERTIFICATES_REQUIRED;
	c.sites[1].tls.client_ca = "other.pem";
	assert_fault("one kind of client certificates only");
	c.sites[1].tls.client_ca = "ca.pem";
	assert_int_equal(config_finish(&c, &(struct failure){ "" }), 0);
}

static void the_same_hosts_on_a_port_for_tls_are_told(void **state)
{
	(void)state;
	c.sites[0].listen.items[0] = 81;
	c.sites[1].hosts.items[0] = "A.example";
	assert_fault("answer to the same hosts on port 443");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_sites_share_a_port_for_tls),
		TEST(tls_needs_a_certificate),
		TEST(certificates_and_keys_are_pairs),
		TEST(what_is_of_use_over_tls_needs_a_port_for_it),
		TEST(a_port_is_for_tls_or_not),
		TEST(client_certificates_are_a_ports),
		TEST(the_same_hosts_on_a_port_for_tls_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
