/*
 * Inheritance of keys: what a location does not give is its site's, and what a site does not give is the http
 * section's, where those have a key of that name. A list that a location only adds to ("+=") begins with its
 * site's elements.
 */
#ifndef SERVER_CONFIG_INHERIT_H
#define SERVER_CONFIG_INHERIT_H

#include "server/config_keys.h"

/* Notes that a section assigned this key ("="). */
void config_note_given(struct config_given *given, const struct config_key *key);

/* The key of this name and section was assigned. */
bool config_is_given(const struct config_given *given, const char *section, const char *name);

/* The key from which this one takes its value when it is not given; NULL: it has a default of its own. */
const struct config_key *config_key_above(const struct config_key *key);

/* To be called once, when everything is read. 0, or -EINVAL and *why: a list has become too long. */
int config_inherit(struct config *c, struct failure *why);

#endif
