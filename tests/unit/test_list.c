/* The intrusive list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	int value;
	struct list node;
};

static struct item *item_of(struct list *node)
{
	return LIST_ENTRY(node, struct item, node);
}

/* The values in order as one decimal number, checked backwards too. */
static int values(const struct list *head)
{
	int forward = 0, backward = 0, weight = 1;

	LIST_FOR_EACH(node, head)
		forward = forward * 10 + item_of(node)->value;
	for (struct list *node = head->prev; node != head; node = node->prev, weight *= 10)
		backward += weight * item_of(node)->value;
	assert_int_equal(forward, backward);
	return forward;
}

static void init_items(struct item *items, int count)
{
	for (int i = 0; i < count; i++) {
		items[i].value = i + 1;
		list_init(&items[i].node);
	}
}

static void a_new_list_is_empty(void **state)
{
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_is_empty(&head));
	assert_false(list_is_linked(&head));
	assert_null(list_first(&head));
	assert_null(list_last(&head));
}

static void order_is_that_of_append_prepend_and_insert(void **state)
{
	struct item items[4];
	struct list head;

	(void)state;
	list_init(&head);
	init_items(items, 4);
	list_append(&head, &items[0].node);
	list_append(&head, &items[1].node);
	assert_int_equal(values(&head), 12);
	list_prepend(&head, &items[2].node);
	assert_int_equal(values(&head), 312);
	list_insert_after(&items[0].node, &items[3].node);
	assert_int_equal(values(&head), 3142);
	assert_ptr_equal(list_first(&head), &items[2].node);
	assert_ptr_equal(list_last(&head), &items[1].node);
	assert_true(list_is_linked(&items[0].node));
}

static void removed_nodes_point_at_themselves(void **state)
{
	struct item items[3];
	struct list head;

	(void)state;
	list_init(&head);
	init_items(items, 3);
	for (int i = 0; i < 3; i++)
		list_append(&head, &items[i].node);
	list_remove(&items[1].node);
	assert_int_equal(values(&head), 13);
	assert_false(list_is_linked(&items[1].node));
	list_remove(&items[1].node);
	assert_int_equal(values(&head), 13);
	list_remove(&items[0].node);
	list_remove(&items[2].node);
	assert_true(list_is_empty(&head));
	list_append(&head, &items[1].node);
	assert_int_equal(values(&head), 2);
}

static void the_body_of_a_safe_walk_may_unlink(void **state)
{
	struct item items[5];
	struct list head, other;

	(void)state;
	list_init(&head);
	list_init(&other);
	init_items(items, 5);
	for (int i = 0; i < 5; i++)
		list_append(&head, &items[i].node);
	LIST_FOR_EACH_SAFE(node, &head) {
		if (item_of(node)->value % 2 != 0) {
			list_remove(node);
			list_append(&other, node);
		}
	}
	assert_int_equal(values(&head), 24);
	assert_int_equal(values(&other), 135);
}

static void splicing_moves_all_behind_all(void **state)
{
	struct item items[5];
	struct list head, other;

	(void)state;
	list_init(&head);
	list_init(&other);
	init_items(items, 5);
	list_splice(&head, &other);
	assert_true(list_is_empty(&head));
	for (int i = 0; i < 5; i++)
		list_append(i < 3 ? &other : &head, &items[i].node);
	list_splice(&head, &other);
	assert_int_equal(values(&head), 45123);
	assert_true(list_is_empty(&other));
	list_splice(&other, &head);
	assert_int_equal(values(&other), 45123);
	list_remove(&items[2].node);
	assert_int_equal(values(&other), 4512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_list_is_empty),
		cmocka_unit_test(order_is_that_of_append_prepend_and_insert),
		cmocka_unit_test(removed_nodes_point_at_themselves),
		cmocka_unit_test(the_body_of_a_safe_walk_may_unlink),
		cmocka_unit_test(splicing_moves_all_behind_all),
	};

	return cmocka_run_group_tests_name("base/list", tests, NULL, NULL);
}
