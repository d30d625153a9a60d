/*
 * What a location can be, beside files. A kind is a row of the table in location.c: the key that makes
 * a location one of this kind, and the handler that answers. The configuration, its checks and
 * generations know kinds from there alone.
 */
#ifndef SERVER_LOCATION_H
#define SERVER_LOCATION_H

#include "server/config.h"

struct generation;

struct location_kind {
	const char *key;
	bool (*is_given)(const struct config_location *l);
	bool is_directory;        /* its pages link to one another: its prefix ends in a slash */
	bool is_private;          /* without allow it is for the networks of our own
				   * addresses, else for all */
	const struct http_handler *handler;
	/* The handler's context; NULL: it is the worker. */
	void *(*context)(struct generation *g, const struct config_location *l);
};

/* Finds the kind of which the location is: NULL, if it is files. 0, or -EINVAL and *why: it is of several. */
int location_find_kind(const struct config_location *l, const struct location_kind **out,
		       struct failure *why);

/* The key of this name makes a location one of a kind. */
bool location_is_kind(const char *key);

/* 0, or -EINVAL and *why: what is wrong with the location. */
int location_check(const struct config_location *l, struct failure *why);

/* The location as HTTP is told of it, and its policy into *policy. They point into *l and the generation's
 * configuration. */
struct http_location location_for_http(const struct config_location *l, struct generation *g,
				       struct http_policy *policy);

#endif
