/*
 * The table of configuration keys: section, name, type, place and range of each. The parser, the tests of
 * conf/taphouse.conf and of docs/configuration.md all work from it, so that none can drift from the others.
 */
#ifndef SERVER_CONFIG_KEYS_H
#define SERVER_CONFIG_KEYS_H

#include <stddef.h>

#include "server/config_types.h"

struct config_key {
	const char *section; /* "" at top level */
	const char *name;
	const struct key_type *type;
	size_t offset;       /* in struct config; for keys of a site, a location in theirs */
	uint64_t min, max;   /* numbers only */
};

extern const struct config_key config_keys[];
extern const size_t config_keys_count;

static inline void *config_key_field(const struct config_key *key, void *object)
{
	return (char *)object + key->offset;
}

/* The key of this name and section, or NULL. */
const struct config_key *config_key_find(const char *section, const char *name);

/* What a person who wrote `name` in the section meant: a key, or a section
 * that stands there; NULL: no idea. */
const char *config_key_nearest(const char *section, const char *name);

/* The section in which sections of this name stand; "": at top level. */
const char *config_section_parent(const char *section);

/* The section, other than this one, that has a key or a section of this name; NULL if none has. */
const char *config_key_elsewhere(const char *section, const char *name);

#endif
