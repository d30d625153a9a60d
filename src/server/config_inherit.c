/* Inheritance of keys, from the table of keys alone. */
#include "server/config_inherit.h"

#include <errno.h>
#include <string.h>

void config_note_given(struct config_given *given, const struct config_key *key)
{
	size_t i = (size_t)(key - config_keys);

	given->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool has_bit(const struct config_given *given, const struct config_key *key)
{
	size_t i = (size_t)(key - config_keys);

	return (given->bits[i / 64] >> (i % 64) & 1) != 0;
}

bool config_is_given(const struct config_given *given, const char *section, const char *name)
{
	return has_bit(given, config_key_find(section, name));
}

const struct config_key *config_key_above(const struct config_key *key)
{
	if (strcmp(key->section, "location") == 0)
		return config_key_find("site", key->name);
	return strcmp(key->section, "site") == 0 ? config_key_find("http", key->name) : NULL;
}

/* Puts the elements of the list `from` before those of `to`. */
static int prepend(const struct config_key *key, void *to, const void *from, struct failure *why)
{
	unsigned *n = to, added = *(const unsigned *)from;
	size_t item = key->type->item_size;
	char *items = (char *)to + key->type->items_at;

	if (*n + added > key->type->most)
		return failure_set(why, -EINVAL, "%s: with those of the site there are more than %u values",
				   key->name, key->type->most);
	memmove(items + added * item, items, *n * item);
	memcpy(items, (const char *)from + key->type->items_at, added * item);
	*n += added;
	return 0;
}

/* What `object` does not give of the section's keys it has from those above. */
static int inherit(const char *section, void *object, const struct config_given *given, void *site,
		   struct config *c, struct failure *why)
{
	int error = 0;

	for (size_t i = 0; i < config_keys_count && error == 0; i++) {
		const struct config_key *key = &config_keys[i], *above = config_key_above(key);
		void *from;

		if (strcmp(key->section, section) != 0 || above == NULL || has_bit(given, key))
			continue;
		from = config_key_field(above, strcmp(above->section, "site") == 0 ? site : c);
		if (key->type->is_list)
			error = prepend(key, config_key_field(key, object), from, why);
		else
			memcpy(config_key_field(key, object), from, key->type->size);
	}
	return error;
}

static int inherit_site(struct config *c, struct config_site *site, struct failure *why)
{
	int error = inherit("site", site, &site->given, NULL, c, why);

	for (unsigned i = 0; i < site->n_locations && error == 0; i++) {
		struct config_location *location = &c->locations[site->locations + i - c->locations];

		error = inherit("location", location, &location->given, site, c, why);
	}
	return error;
}

int config_inherit(struct config *c, struct failure *why)
{
	int error = 0;

	for (unsigned i = 0; i < c->n_sites && error == 0; i++)
		error = inherit_site(c, &c->sites[i], why);
	return error;
}
