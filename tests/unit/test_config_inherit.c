/* Inheritance: what a location does not give is its site's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/config_inherit.h"

/* Reads text as a configuration, to its end; *c is to be finished by the caller. */
static int finish(const char *text, struct config *c, struct failure *why)
{
	char name[] = "/tmp/test_inherit.XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	config_init(c);
	if (config_load(c, name, why) != 0)
		fail_msg("%s", why->text);
	unlink(name);
	return config_finish(c, why);
}

static void assert_finishes(const char *text, struct config *c)
{
	struct failure why;

	if (finish(text, c, &why) != 0)
		fail_msg("%s", why.text);
}

static void a_location_has_what_it_does_not_give_from_its_site(void **state)
{
	struct config c;
	const struct config_location *l;

	(void)state;
	assert_finishes("site a { root = \".\"\n"
			"location \"/x/\" { max_body = 5 }\n"
			"location \"/y/\" { cache_control = {} allow = 10.0.0.1 }\n"
			"max_body = 7 cache_control = \"* no-store\" deny = 192.0.2.1 }\n"
			"site b { root = \".\" listen = 81 location \"/x/\" {} }", &c);
	l = c.sites[0].locations;
	assert_int_equal(l[0].policy.max_body, 5);
	assert_string_equal(l[0].policy.cache_control.items[0], "* no-store");
	assert_int_equal(l[0].policy.deny.n, 1);
	assert_int_equal(l[0].policy.allow.n, 0);
	assert_int_equal(l[1].policy.max_body, 7);
	assert_int_equal(l[1].policy.cache_control.n, 0);
	assert_int_equal(l[1].policy.allow.n, 1);
	assert_int_equal(c.sites[0].policy.allow.n, 0);
	l = c.sites[1].locations;
	assert_int_equal(l[0].policy.max_body, 2 << 20);
	assert_memory_equal(&l[0].policy.cache_control, &c.sites[1].policy.cache_control,
			    sizeof l[0].policy.cache_control);
	config_fini(&c);
}

static void a_site_has_max_body_from_http(void **state)
{
	struct config c;

	(void)state;
	assert_finishes("site a { root = \".\" location \"/x/\" {} }\n"
			"site b { root = \".\" listen = 81 max_body = 7 }\n"
			"http { max_body = 5 }", &c);
	assert_int_equal(c.sites[0].policy.max_body, 5);
	assert_int_equal(c.sites[0].locations[0].policy.max_body, 5);
	assert_int_equal(c.sites[1].policy.max_body, 7);
	config_fini(&c);
}

static void a_list_that_is_only_added_to_begins_with_the_sites(void **state)
{
	struct config c;
	const struct text_list *rules;

	(void)state;
	assert_finishes("site a { root = \".\" cache_control = {\"a/a 1\", \"b/b 2\"}\n"
			"location \"/x/\" { cache_control += \"c/c 3\" }\n"
			"location \"/y/\" { cache_control = \"d/d 4\" cache_control += \"e/e 5\" } }", &c);
	rules = &c.sites[0].locations[0].policy.cache_control;
	assert_int_equal(rules->n, 3);
	assert_string_equal(rules->items[0], "a/a 1");
	assert_string_equal(rules->items[1], "b/b 2");
	assert_string_equal(rules->items[2], "c/c 3");
	assert_null(rules->items[3]);
	rules = &c.sites[0].locations[1].policy.cache_control;
	assert_int_equal(rules->n, 2);
	assert_string_equal(rules->items[0], "d/d 4");
	config_fini(&c);
}

static void a_list_that_becomes_too_long_is_refused(void **state)
{
	struct config c;
	struct failure why;

	(void)state;
	assert_int_equal(finish("site a { root = \".\" cache_control = {\"a/a 1\", \"a/a 1\", \"a/a 1\", \"a/a 1\","
				"\"a/a 1\", \"a/a 1\", \"a/a 1\", \"a/a 1\", \"a/a 1\", \"a/a 1\", \"a/a 1\","
				"\"a/a 1\", \"a/a 1\", \"a/a 1\", \"a/a 1\", \"a/a 1\"}\n"
				"location \"/x/\" { cache_control += \"c/c 3\" } }", &c, &why), -EINVAL);
	assert_string_equal(why.text, "cache_control: with those of the site there are more than 16 values");
	config_fini(&c);
}

static void the_bits_hold_all_keys(void **state)
{
	(void)state;
	assert_true(config_keys_count <= 8 * sizeof(struct config_given));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_location_has_what_it_does_not_give_from_its_site),
		cmocka_unit_test(a_site_has_max_body_from_http),
		cmocka_unit_test(a_list_that_is_only_added_to_begins_with_the_sites),
		cmocka_unit_test(a_list_that_becomes_too_long_is_refused),
		cmocka_unit_test(the_bits_hold_all_keys),
	};

	return cmocka_run_group_tests_name("config_inherit", tests, NULL, NULL);
}
