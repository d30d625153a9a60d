/* Detours: which rules can be, which paths they are for, and where they lead. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http_answer.h"
#include "http/http_buffer.h"
#include "http/http_detour.h"

static struct http_buffers buffers;
static struct span_owner keeper;

static void never(struct span_owner *owner)
{
	(void)owner;
}

static void ignore(void *context)
{
	(void)context;
}

static int set_up(void **state)
{
	(void)state;
	span_owner_init(&keeper, never);
	http_buffers_init(&buffers, 65536, 4, 4, &keeper, ignore, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(keeper.references, 1);
	http_buffers_fini(&buffers);
	return 0;
}

static void good_rules_are_taken(void **state)
{
	static const char *const redirects[] = {
		"301 /old /new", "302 /blog/* https://blog.example/*", "308 /a /b?x=1", "307 /* https://$host/*",
		"301 /* https://$host:8443/*", "303 /x/*/y /z/*", "410 /gone", "410 /gone/*", "301 /a/* /b", "301 / /home/",
		"301 /old* /new", "302 /a http://b.example:8080/c#d", "301 /a /b%20c", "301 /.well-known/x /y",
	};
	static const char *const rewrites[] = { "/v1/* /api/*", "/* /app/*", "/a /b", "/users/*/edit /edit.html" };

	(void)state;
	for (size_t i = 0; i < sizeof redirects / sizeof redirects[0]; i++)
		if (http_redirect_fault(redirects[i]) != NULL)
			fail_msg("%s: %s", redirects[i], http_redirect_fault(redirects[i]));
	for (size_t i = 0; i < sizeof rewrites / sizeof rewrites[0]; i++)
		if (http_rewrite_fault(rewrites[i]) != NULL)
			fail_msg("%s: %s", rewrites[i], http_rewrite_fault(rewrites[i]));
}

static void assert_fault(const char *fault, const char *expected)
{
	assert_non_null(fault);
	assert_string_equal(fault, expected);
}

static void bad_redirects_are_refused(void **state)
{
	static const char *const targets[] = {
		"new", "//evil.example/", "https://evil.example", "https:///x", "ftp://a/", "javascript:alert(1)", "/a\"b",
		"/a\r\nX:y", "https://*/x", "https://a.example*/", "https://*.example/*", "https://$hostile.example/",
		"https://a.$host/", "/$host", "https://a/$host", "/a**", "/*/*", "https://user@a/", "/\\evil.example",
	};
	char rule[HTTP_DETOUR_MAX + 20];

	(void)state;
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		snprintf(rule, sizeof rule, "301 /old/* %s", targets[i]);
		if (http_redirect_fault(rule) == NULL)
			fail_msg("taken: %s", rule);
	}
	assert_fault(http_redirect_fault("/old /new"),
		     "begins with no status of a redirect: 301, 302, 303, 307, 308, or 410");
	assert_fault(http_redirect_fault("200 /old /new"),
		     "begins with no status of a redirect: 301, 302, 303, 307, 308, or 410");
	assert_fault(http_redirect_fault("301 /old"), "is not a rule of a path and where it leads");
	assert_fault(http_redirect_fault("410 /old /new"), "is not a rule of a path and where it leads");
	assert_fault(http_redirect_fault("301 /old /new x"), "is not a rule of a path and where it leads");
	assert_fault(http_redirect_fault("301 old /new"), "begins at what is no path, such as /old or /old/*");
	assert_fault(http_redirect_fault("301 /a//b /new"), "begins at what is no path, such as /old or /old/*");
	assert_fault(http_redirect_fault("301 /%61 /new"), "begins at what is no path, such as /old or /old/*");
	assert_fault(http_redirect_fault("301 /*/* /new"), "begins at what is no path, such as /old or /old/*");
	assert_fault(http_redirect_fault("301 /a /b/*"), "has a star at its end for which there is none at its beginning");
	assert_fault(http_redirect_fault("301 /a /a"), "leads to itself");
	assert_fault(http_redirect_fault("302 /* /down.html"), "leads to itself");
	assert_fault(http_redirect_fault("301 /a/* /a/b/*"), "leads to itself");
	assert_fault(http_redirect_fault("301 /a/* /a/b?c"), "leads to itself");
	memset(rule, 'x', sizeof rule - 1);
	rule[sizeof rule - 1] = '\0';
	assert_fault(http_redirect_fault(rule), "is too long");
}

static void bad_rewrites_are_refused(void **state)
{
	(void)state;
	assert_fault(http_rewrite_fault("/a https://b/"), "leads to what is no path, such as /new or /new/*");
	assert_fault(http_rewrite_fault("/a /b/../c"), "leads to what is no path, such as /new or /new/*");
	assert_fault(http_rewrite_fault("/a"), "is not a rule of a path and where it leads");
	assert_fault(http_rewrite_fault(""), "is not a rule of a path and where it leads");
	assert_fault(http_rewrite_fault("a /b"), "begins at what is no path, such as /old or /old/*");
}

/* Follows a redirect; expected: its Location, or NULL if it is not for this request. */
static void assert_leads(const char *rule, const char *raw, const char *query, const char *host,
			 const char *expected)
{
	const char *const rules[] = { rule, NULL };
	struct http_target target = { .authority = bytes_of(host, strlen(host)),
				      .query = bytes_of(query, strlen(query)) };
	struct http_answer answer = { 0 };
	const struct http_detour *found;
	struct http_detours d;
	struct http_path path;
	struct failure why;
	struct bytes star;
	char line[2000];

	assert_int_equal(http_redirects_open(&d, rules, "site", &why), 0);
	http_path_resolve(raw, strlen(raw), &path);
	found = http_detours_find(&d, &path, &star);
	assert_int_equal(found != NULL, expected != NULL);
	if (found != NULL) {
		http_detour_redirect(found, star, &target, &buffers, &answer);
		snprintf(line, sizeof line, "Location: %s\r\n", expected);
		assert_int_equal(answer.extra.len, strlen(line));
		assert_memory_equal(answer.extra.data, line, answer.extra.len);
		span_owner_unref(answer.extra.owner);
	}
	http_detours_close(&d);
}

static void a_redirect_leads_to_its_target(void **state)
{
	(void)state;
	assert_leads("301 /old /new", "/old", "", "a", "/new");
	assert_leads("301 /old /new", "//./old", "", "a", "/new");
	assert_leads("301 /old /new", "/old/", "", "a", NULL);
	assert_leads("301 /old /new", "/older", "", "a", NULL);
	assert_leads("301 /old /new", "/ol", "", "a", NULL);
	assert_leads("301 / /home/", "/", "", "a", "/home/");
	assert_leads("302 /blog/* https://b.example/x/*", "/blog/2026/a", "", "a", "https://b.example/x/2026/a");
	assert_leads("302 /blog/* https://b.example/*", "/blog/", "", "a", "https://b.example/");
	assert_leads("302 /blog/* https://b.example/*", "/blog", "", "a", NULL);
	assert_leads("301 /x/*/y /z/*.html", "/x/a/b/y", "", "a", "/z/a/b.html");
	assert_leads("301 /x/*/y /z/*", "/x/y", "", "a", NULL);
	assert_leads("301 /a*a /b/*", "/a", "", "a", NULL); /* the two ends do not share a letter */
}

static void the_query_goes_along_unless_the_target_has_one(void **state)
{
	(void)state;
	assert_leads("301 /old /new", "/old", "?a=b&c", "a", "/new?a=b&c");
	assert_leads("301 /old /new?x", "/old", "?a=b", "a", "/new?x");
	assert_leads("301 /old /new#x", "/old", "?a=b", "a", "/new#x");
}

/* "&" in a path, encoded or not, begins no other value of the query. */
static void in_a_query_the_star_is_one_value(void **state)
{
	(void)state;
	assert_leads("301 /w/* /edit?page=*", "/w/a/b", "?q", "a", "/edit?page=a/b");
	assert_leads("301 /w/* /edit?page=*", "/w/a&admin=1", "", "a", "/edit?page=a%26admin%3D1");
	assert_leads("301 /w/* /edit?page=*", "/w/a%26admin%3D1;b+c%23d", "", "a", "/edit?page=a%26admin%3D1%3Bb%2Bc%23d");
	assert_leads("301 /w/* https://$host/?p=*&x=1", "/w/a&b", "", "a", "https://a/?p=a%26b&x=1");
	assert_leads("301 /w/* /x/*?page=1", "/w/a&b=c+d", "", "a", "/x/a&b=c+d?page=1");
}

static void the_host_of_the_request_can_be_named(void **state)
{
	(void)state;
	assert_leads("301 /* https://$host/*", "/a/b", "?q", "a.example:80", "https://a.example/a/b?q");
	assert_leads("301 /* https://$host:8443/*", "/", "", "a.example", "https://a.example:8443/");
	assert_leads("301 /* https://$host/*", "/a", "", "[2001:db8::1]:80", "https://[2001:db8::1]/a");
}

/* RFC 3986 section 4.2: "//evil.example/" is the name of a host. */
static void no_path_becomes_a_host(void **state)
{
	(void)state;
	assert_leads("301 /old* /*", "/old/evil.example", "", "a", "/evil.example");
	assert_leads("301 /old* /*", "/old//evil.example", "", "a", "/evil.example");
	assert_leads("301 /*/old /*/x", "/a/old", "", "a", "/a/x");
	assert_leads("301 /old/* /*/x", "/old/", "", "a", "/x");
	assert_leads("301 /old/* /*", "/old/%5cevil.example", "", "a", "/%5Cevil.example");
	assert_leads("301 /old/* /*", "/old/%0d%0aX:%20y", "", "a", "/%0D%0AX:%20y");
	assert_leads("302 /go/* https://b.example/*", "/go/@evil.example", "", "a", "https://b.example/@evil.example");
}

static void without_a_host_it_cannot_be_named(void **state)
{
	static const char *const rules[] = { "301 /* https://$host/*", NULL };
	const struct http_target target = { 0 };
	struct http_answer answer = { .status = 301 };
	struct http_detours d;
	struct http_path path;
	struct failure why;
	struct bytes star;

	(void)state;
	assert_int_equal(http_redirects_open(&d, rules, "site", &why), 0);
	http_path_resolve("/", 1, &path);
	http_detour_redirect(http_detours_find(&d, &path, &star), star, &target, &buffers, &answer);
	assert_int_equal(answer.status, 400);
	http_detours_close(&d);
}

static void assert_rewrites(const char *rule, const char *raw, enum http_path_verdict verdict,
			    const char *expected)
{
	const char *const rules[] = { rule, NULL };
	struct http_path path, out;
	struct http_detours d;
	struct failure why;
	struct bytes star;

	assert_int_equal(http_rewrites_open(&d, rules, "site", &why), 0);
	http_path_resolve(raw, strlen(raw), &path);
	assert_int_equal(http_detour_rewrite(http_detours_find(&d, &path, &star), star, &out), verdict);
	if (expected != NULL)
		assert_string_equal(out.text, expected);
	http_detours_close(&d);
}

static void a_rewrite_makes_a_path(void **state)
{
	(void)state;
	assert_rewrites("/v1/* /api/*", "/v1/a/b", HTTP_PATH_OK, "api/a/b");
	assert_rewrites("/v1/* /api/*", "/v1/a%20b%25", HTTP_PATH_OK, "api/a b%");
	assert_rewrites("/v1/* /api.html", "/v1/x", HTTP_PATH_OK, "api.html");
	assert_rewrites("/x* /*", "/x", HTTP_PATH_OK, "");
}

/* Pieces of harmless names put together. */
static void a_rewrite_cannot_reach_what_is_hidden(void **state)
{
	(void)state;
	assert_rewrites("/x* /*", "/x.env", HTTP_PATH_DOTFILE, ".env");
	assert_rewrites("/x* /*", "/x../secret", HTTP_PATH_BAD, NULL);
}

static void the_first_rule_counts(void **state)
{
	static const char *const rules[] = { "301 /a/b /1", "301 /a/* /2", "301 /a* /3", NULL };
	static const char *const bad[] = { "301 /a /b", "301 /a", NULL };
	struct http_detours d;
	struct http_path path;
	struct failure why;
	struct bytes star;

	(void)state;
	assert_int_equal(http_redirects_open(&d, rules, "site", &why), 0);
	http_path_resolve("/a/b", 4, &path);
	assert_string_equal(http_detours_find(&d, &path, &star)->to, "/1");
	http_path_resolve("/a/c", 4, &path);
	assert_string_equal(http_detours_find(&d, &path, &star)->to, "/2");
	http_detours_close(&d);
	assert_int_equal(http_redirects_open(&d, NULL, "site", &why), 0);
	assert_null(http_detours_find(&d, &path, &star));
	http_detours_close(&d);
	assert_int_equal(http_redirects_open(&d, bad, "site \"a\"", &why), -EINVAL);
	assert_string_equal(why.text, "site \"a\": \"301 /a\" is not a rule of a path and where it leads");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_rules_are_taken),
		TEST(bad_redirects_are_refused),
		TEST(bad_rewrites_are_refused),
		TEST(a_redirect_leads_to_its_target),
		TEST(the_query_goes_along_unless_the_target_has_one),
		TEST(in_a_query_the_star_is_one_value),
		TEST(the_host_of_the_request_can_be_named),
		TEST(no_path_becomes_a_host),
		TEST(without_a_host_it_cannot_be_named),
		TEST(a_rewrite_makes_a_path),
		TEST(a_rewrite_cannot_reach_what_is_hidden),
		TEST(the_first_rule_counts),
	};

	return cmocka_run_group_tests_name("http_detour", tests, NULL, NULL);
}
