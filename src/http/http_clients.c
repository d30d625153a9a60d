/* Clients by address: networks sorted once, so that the first that fits decides. */
#include "http/http_clients.h"

#include <stdlib.h>

static int by_precedence(const void *left, const void *right)
{
	const struct http_network *a = left, *b = right;

	if (a->prefix.bits != b->prefix.bits)
		return (int)b->prefix.bits - (int)a->prefix.bits;
	return (int)a->is_allowed - (int)b->is_allowed;
}

static void add(struct http_clients *a, const struct ip_prefix *prefixes, size_t count, bool is_allowed)
{
	for (size_t i = 0; i < count; i++)
		a->networks[a->count++] = (struct http_network){ prefixes[i], is_allowed };
}

bool http_clients_open(struct http_clients *a, const struct ip_prefix *allow, size_t n_allow,
			 const struct ip_prefix *deny, size_t n_deny)
{
	*a = (struct http_clients){ .admits_others = n_allow == 0 };
	if (n_allow + n_deny == 0)
		return true;
	a->networks = calloc(n_allow + n_deny, sizeof *a->networks);
	if (a->networks == NULL)
		return false;
	add(a, allow, n_allow, true);
	add(a, deny, n_deny, false);
	qsort(a->networks, a->count, sizeof *a->networks, by_precedence);
	return true;
}

void http_clients_close(struct http_clients *a)
{
	free(a->networks);
	*a = (struct http_clients){ 0 };
}

bool http_clients_admit(const struct http_clients *a, const struct ip_addr *client)
{
	for (size_t i = 0; i < a->count; i++)
		if (ip_prefix_contains(&a->networks[i].prefix, client))
			return a->networks[i].is_allowed;
	return a->count == 0 || a->admits_others;
}
