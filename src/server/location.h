/*
 * What a location can be. A kind is a row of the table in location.c: the key that makes a location one of
 * this kind, and the handler that answers. The configuration, its checks and the worker know kinds from there
 * alone.
 */
#ifndef SERVER_LOCATION_H
#define SERVER_LOCATION_H

#include "server/config.h"

struct worker;

struct location_kind {
	const char *key;
	bool (*is_given)(const struct config_location *l);
	bool is_directory;        /* its pages link to one another: its prefix ends in a slash */
	bool is_private;          /* without allow it is for the networks of our own addresses, else for all */
	const struct http_handler *handler;
	/* The handler's context; NULL: it is the worker. */
	void *(*context)(struct worker *w, const struct config_location *l);
};

/* The kind of which the location is; NULL and *why: it is of none, or of several. */
const struct location_kind *location_kind_of(const struct config_location *l, struct failure *why);

/* The key of this name makes a location one of a kind. */
bool location_is_kind(const char *key);

/* 0, or -EINVAL and *why: what is wrong with the location. */
int location_check(const struct config_location *l, struct failure *why);

/* The location as HTTP is told of it. It points into *l and *device. */
struct http_location location_for_http(const struct config_location *l, const struct config_device *device,
				       struct worker *w);

#endif
