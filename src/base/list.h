/*
 * Intrusive doubly linked list: the node lies inside the object, so linking
 * allocates nothing and unlinking needs no search.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* A node, or the head of a list. A node that is in no list points at itself. */
struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

#define LIST_FOR_EACH(node, head) \
	for (struct list *node = (head)->next; node != (head); node = node->next)

/* As LIST_FOR_EACH, and the body may unlink the node it is at. */
#define LIST_FOR_EACH_SAFE(node, head)                                            \
	for (struct list *node = (head)->next, *node##_next = node->next; node != (head); \
	     node = node##_next, node##_next = node->next)

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline bool list_is_linked(const struct list *node)
{
	return node->next != node;
}

static inline void list_insert_after(struct list *at, struct list *node)
{
	node->prev = at;
	node->next = at->next;
	at->next->prev = node;
	at->next = node;
}

static inline void list_append(struct list *head, struct list *node)
{
	list_insert_after(head->prev, node);
}

static inline void list_prepend(struct list *head, struct list *node)
{
	list_insert_after(head, node);
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Moves all nodes of `from` behind those of `head`. */
static inline void list_splice(struct list *head, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = head->prev;
	from->prev->next = head;
	head->prev->next = from->next;
	head->prev = from->prev;
	list_init(from);
}

/* The first node, or NULL if the list is empty. */
static inline struct list *list_first(const struct list *head)
{
	return list_is_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
	return list_is_empty(head) ? NULL : head->prev;
}

#endif
