/* Spans and the references to what owns their bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/span.h"

struct counted {
	struct span_owner owner;
	unsigned released;
};

static void release(struct span_owner *owner)
{
	CONTAINER_OF(owner, struct counted, owner)->released++;
}

static void the_last_reference_releases_once(void **state)
{
	struct counted c = { .released = 0 };

	(void)state;
	span_owner_init(&c.owner, release);
	assert_int_equal(c.owner.references, 1);
	span_owner_ref(&c.owner);
	span_owner_ref(&c.owner);
	assert_int_equal(c.owner.references, 3);
	span_owner_unref(&c.owner);
	span_owner_unref(&c.owner);
	assert_int_equal(c.released, 0);
	span_owner_unref(&c.owner);
	assert_int_equal(c.released, 1);
}

static void two_owners_do_not_share_a_count(void **state)
{
	struct counted a = { .released = 0 }, b = { .released = 0 };

	(void)state;
	span_owner_init(&a.owner, release);
	span_owner_init(&b.owner, release);
	span_owner_unref(&a.owner);
	assert_int_equal(a.released, 1);
	assert_int_equal(b.released, 0);
	assert_int_equal(b.owner.references, 1);
}

static void no_owner_means_bytes_that_stay(void **state)
{
	static const uint8_t text[] = "HTTP/1.1 200 OK";
	struct span s = { .data = text, .len = sizeof text - 1, .owner = NULL };

	(void)state;
	span_owner_ref(s.owner);
	span_owner_unref(s.owner);
	span_owner_unref(s.owner);
	assert_null(s.owner);
	assert_memory_equal(s.data, "HTTP/1.1 200 OK", s.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_reference_releases_once),
		cmocka_unit_test(two_owners_do_not_share_a_count),
		cmocka_unit_test(no_owner_means_bytes_that_stay),
	};

	return cmocka_run_group_tests_name("base/span", tests, NULL, NULL);
}
