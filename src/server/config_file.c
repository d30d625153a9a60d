/*
 * The configuration file, read with libConfuse.
 *
 * libConfuse is used for its grammar only. Every key is declared as an integer whose parse callback is
 * take_value(): it is called for each value with the line at hand, and reads the text by the key's own type
 * into struct config. So all ranges are checked where they stand, and defaults are what was there before.
 * libConfuse gives its callbacks no context; the place where it would store the integer (slot.ignored) is
 * inside our own struct, which leads to the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <confuse.h>

#include "server/config.h"
#include "server/config_inherit.h"
#include "server/config_source.h"
#include "server/location.h"

struct reader;

/* One key as libConfuse has it. */
struct slot {
	long ignored;                 /* what libConfuse takes for the value */
	const struct config_key *key;
	struct reader *reader;
	const cfg_t *given_in;        /* the section in which it was assigned last */
	int line;                     /* and the line */
};

struct reader {
	struct config *config;
	const char *file;
	char *directory;
	struct failure *why;
	bool failed;                  /* *why holds the first complaint; later ones are consequences */
	const cfg_t *site_section;    /* the site section being read, and its site */
	struct config_site *site;
	const cfg_t *location_section; /* the location section being read; it goes to its site at its end */
	struct config_location location;
	struct slot *slots;           /* one a key */
	cfg_opt_t *options;           /* backing store of the option tables below */
	cfg_opt_t *top;               /* root's table, in options */
};

__attribute__((format(printf, 3, 4))) static int complain(struct reader *r, int line, const char *format, ...)
{
	char text[sizeof r->why->text];
	va_list ap;

	if (r->failed)
		return -1;
	r->failed = true;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	failure_set(r->why, -EINVAL, "%s:%d: %s", r->file, line, text);
	return -1;
}

static struct slot *slot_of(const cfg_opt_t *option)
{
	return CONTAINER_OF(option->simple_value.number, struct slot, ignored);
}

/* Every section, and the root, has a key; each leads to the reader. */
static struct reader *reader_of(const cfg_t *section)
{
	const cfg_opt_t *option = section->opts;

	while (option->type != CFGT_INT)
		option++;
	return slot_of(option)->reader;
}

static const char *section_name(const cfg_t *section)
{
	return strcmp(section->name, "root") == 0 ? "" : section->name;
}

static void complain_unknown(struct reader *r, const cfg_t *section, const char *name)
{
	const char *where = section_name(section);
	const char *near = config_key_nearest(where, name), *elsewhere = config_key_elsewhere(where, name);

	if (elsewhere != NULL && *elsewhere == '\0')
		complain(r, section->line, "\"%s\" belongs outside of all sections", name);
	else if (elsewhere != NULL)
		complain(r, section->line, "\"%s\" belongs in section %s", name, elsewhere);
	else if (near != NULL)
		complain(r, section->line, "unknown key \"%s\"; did you mean \"%s\"?", name, near);
	else
		complain(r, section->line, "unknown key \"%s\"", name);
}

/* libConfuse's own complaints. */
__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *section, const char *format, va_list ap)
{
	struct reader *r = reader_of(section);
	char text[256];

	if (strcmp(format, "no such option '%s'") == 0) {
		complain_unknown(r, section, va_arg(ap, const char *));
		return;
	}
	if (strcmp(format, "found duplicate title '%s'") == 0) {
		complain(r, section->line, "a second section called \"%s\"", va_arg(ap, const char *));
		return;
	}
	vsnprintf(text, sizeof text, format, ap);
	complain(r, section->line, "%s", text);
}

/* The site of the section, which is made when it is first asked for; NULL after a complaint. */
static struct config_site *site_of(struct reader *r, const cfg_t *section)
{
	const char *name;

	if (r->site_section == section)
		return r->site;
	name = config_keep(r->config, section->title);
	if (name == NULL || config_add_site(r->config, name, &r->site) < 0) {
		complain(r, section->line, name == NULL ? "out of memory" : "too many sites");
		return NULL;
	}
	r->site_section = section;
	return r->site;
}

/* libConfuse does not tell in which site a location's section is, until it ends. */
static struct config_location *location_of(struct reader *r, const cfg_t *section)
{
	if (r->location_section != section) {
		r->location_section = section;
		r->location = config_location_default(config_keep(r->config, section->title));
	}
	if (r->location.prefix != NULL)
		return &r->location;
	complain(r, section->line, "out of memory");
	return NULL;
}

/* Where the key's value goes; NULL after a complaint. */
static void *field_of(struct reader *r, const struct config_key *key, const cfg_t *section)
{
	void *object = r->config;

	if (strcmp(key->section, "site") == 0)
		object = site_of(r, section);
	else if (strcmp(key->section, "location") == 0)
		object = location_of(r, section);
	return object != NULL ? config_key_field(key, object) : NULL;
}

/* Those of a site and a location can be overridden, or inherited. */
static void note_given(struct reader *r, const struct config_key *key, const cfg_t *section)
{
	if (strcmp(key->section, "site") == 0)
		config_note_given(&site_of(r, section)->given, key);
	else if (strcmp(key->section, "location") == 0)
		config_note_given(&location_of(r, section)->given, key);
}

/* True at the first value after "=", false at the next ones of a list and after "+=". */
static bool begins_assignment(cfg_opt_t *option)
{
	bool begins = (option->flags & CFGF_RESET) != 0;

	option->flags &= ~CFGF_RESET;
	return begins;
}

static int begin_assignment(struct reader *r, struct slot *slot, const cfg_t *section, void *field)
{
	const struct config_key *key = slot->key;

	if (slot->given_in == section)
		return complain(r, section->line, "%s is given twice, first in line %d", key->name,
				slot->line);
	slot->given_in = section;
	slot->line = section->line;
	note_given(r, key, section);
	if (key->type->is_list)
		memset(field, 0, key->type->size);
	return 0;
}

static int take_value(cfg_t *section, cfg_opt_t *option, const char *text, void *result)
{
	struct slot *slot = slot_of(option);
	struct reader *r = slot->reader;
	const struct config_key *key = slot->key;
	struct failure what;
	struct key_input in = {
		.key = key, .text = text, .config = r->config, .directory = r->directory, .why = &what,
	};
	void *field;

	*(long *)result = 0;
	if (strcmp(section_name(section), key->section) != 0) /* libConfuse's "section|key" */
		return complain(r, section->line, "\"%s\" belongs in section %s", key->name, key->section);
	field = field_of(r, key, section);
	if (field == NULL)
		return -1;
	if (begins_assignment(option) && begin_assignment(r, slot, section, field) != 0)
		return -1;
	if (key->type->parse(&in, field) < 0)
		return complain(r, section->line, "%s: %s", key->name, what.text);
	return 0;
}

static bool was_given(const struct reader *r, const cfg_t *section, const char *name)
{
	const struct config_key *key = config_key_find(section->name, name);

	return r->slots[key - config_keys].given_in == section;
}

/* "key = {}" reaches no callback: its option is left with the mark of an assignment that has not begun. */
static int take_empty_lists(struct reader *r, cfg_t *section)
{
	for (cfg_opt_t *option = section->opts; option->name != NULL; option++) {
		struct slot *slot;
		void *field;

		if (option->type != CFGT_INT || (option->flags & CFGF_RESET) == 0)
			continue;
		slot = slot_of(option);
		field = field_of(r, slot->key, section);
		if (field == NULL || begin_assignment(r, slot, section, field) != 0)
			return -1;
		begins_assignment(option);
	}
	return 0;
}

static cfg_t *section_closed(cfg_opt_t *option)
{
	return cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
}

static int on_section_end(cfg_t *root, cfg_opt_t *option)
{
	return take_empty_lists(reader_of(root), section_closed(option));
}

static int on_location_end(cfg_t *parent, cfg_opt_t *option)
{
	struct reader *r = reader_of(parent);
	cfg_t *section = section_closed(option);
	struct config_site *site = site_of(r, parent);
	struct config_location *location = location_of(r, section);
	struct failure what;

	if (site == NULL || location == NULL || take_empty_lists(r, section) != 0)
		return -1;
	if (location_check(location, &what) < 0)
		return complain(r, parent->line, "%s", what.text);
	if (config_add_location(r->config, site, location) < 0)
		return complain(r, parent->line, "too many locations");
	return 0;
}

static int on_site_end(cfg_t *root, cfg_opt_t *option)
{
	struct reader *r = reader_of(root);
	cfg_t *section = section_closed(option);
	struct config_site *site = site_of(r, section);

	if (site == NULL || take_empty_lists(r, section) != 0)
		return -1;
	if (site->root == NULL)
		return complain(r, root->line, "site \"%s\" has no root: which directory does it serve?",
				section->title);
	if (site->listen.n == 0 && site->listen_tls.n == 0)
		return complain(r, root->line, "site \"%s\" listens nowhere: give listen a port",
				section->title);
	return 0;
}

static int on_device_end(cfg_t *root, cfg_opt_t *option)
{
	struct reader *r = reader_of(root);
	cfg_t *section = section_closed(option);
	struct config_device *d = &r->config->device;

	if (take_empty_lists(r, section) != 0)
		return -1;
	if (cfg_opt_size(option) > 1)
		return complain(r, root->line, "a second device: this version has one");
	if (value_device(section->title, &d->name) < 0)
		return complain(r, root->line, "\"%s\" is not tap:NAME, packet:INTERFACE or xdp:INTERFACE",
				section->title);
	d->address_given = was_given(r, section, "address");
	d->host_address_given = was_given(r, section, "host_address");
	return 0;
}

enum { TITLED = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES | CFGF_NODEFAULT };

/* Those within others come first. */
static const struct section {
	const char *name;
	cfg_flag_t flags;
	cfg_validate_callback_t on_end;
} sections[] = {
	{ "location", TITLED, on_location_end },
	{ "device", TITLED, on_device_end },
	{ "tcp", CFGF_NONE, on_section_end },
	{ "http", CFGF_NONE, on_section_end },
	{ "tls", CFGF_NONE, on_section_end },
	{ "log", CFGF_NONE, on_section_end },
	{ "site", TITLED, on_site_end },
};

/* Writes the section's keys to *option; returns what is behind them. */
static cfg_opt_t *declare_keys(struct reader *r, const char *section, cfg_opt_t *option)
{
	for (size_t i = 0; i < config_keys_count; i++) {
		if (strcmp(config_keys[i].section, section) != 0)
			continue;
		r->slots[i] = (struct slot){ .key = &config_keys[i], .reader = r };
		*option++ = (cfg_opt_t){
			.name = config_keys[i].name,
			.type = CFGT_INT,
			.flags = CFGF_NODEFAULT | (config_keys[i].type->is_list ? CFGF_LIST : CFGF_NONE),
			.simple_value.number = &r->slots[i].ignored,
			.parsecb = take_value,
		};
	}
	return option;
}

/* Writes the section's table, keys first, to *option; tables[] has those of the sections that stand in it.
 * Returns what is behind it. */
static cfg_opt_t *declare_table(struct reader *r, const char *name, cfg_opt_t *const *tables,
				cfg_opt_t *option)
{
	option = declare_keys(r, name, option);
	for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
		if (strcmp(config_section_parent(sections[i].name), name) != 0)
			continue;
		*option++ = (cfg_opt_t){
			.name = sections[i].name,
			.type = CFGT_SEC,
			.flags = sections[i].flags,
			.subopts = tables[i],
			.validcb = sections[i].on_end,
		};
	}
	*option++ = (cfg_opt_t)CFG_END();
	return option;
}

static int declare(struct reader *r)
{
	cfg_opt_t *option, *tables[ARRAY_LENGTH(sections)];

	r->slots = calloc(config_keys_count, sizeof *r->slots);
	r->options = calloc(config_keys_count + 2 * ARRAY_LENGTH(sections) + 1, sizeof *r->options);
	if (r->slots == NULL || r->options == NULL)
		return -ENOMEM;
	option = r->options;
	for (size_t i = 0; i < ARRAY_LENGTH(sections); i++) {
		tables[i] = option;
		option = declare_table(r, sections[i].name, tables, option);
	}
	r->top = option;
	declare_table(r, "", tables, option);
	return 0;
}

static int parse(struct reader *r, cfg_t *root, char *text, size_t len)
{
	FILE *stream = fmemopen(text, len, "r");
	int result;

	if (stream == NULL)
		return failure_set(r->why, -ENOMEM, "%s: out of memory", r->file);
	cfg_set_error_function(root, on_error);
	result = cfg_parse_fp(root, stream);
	fclose(stream);
	if (r->failed)
		return -EINVAL;
	if (result != CFG_SUCCESS)
		return failure_set(r->why, -ENOMEM, "%s: out of memory", r->file);
	return 0;
}

static char *directory_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	if (slash == NULL)
		return strdup(".");
	return slash == file ? strdup("/") : strndup(file, (size_t)(slash - file));
}

static int read_text(struct reader *r, char *text, size_t len)
{
	cfg_t *root = NULL;
	int result = -ENOMEM;

	r->directory = directory_of(r->file);
	if (r->directory != NULL && declare(r) == 0)
		root = cfg_init(r->top, CFGF_NONE);
	if (root != NULL) {
		result = parse(r, root, text, len);
		cfg_free(root);
	} else {
		failure_set(r->why, -ENOMEM, "%s: out of memory", r->file);
	}
	free(r->options);
	free(r->slots);
	free(r->directory);
	return result;
}

int config_load(struct config *c, const char *file, struct failure *why)
{
	struct reader r = { .config = c, .file = file, .why = why };
	size_t len;
	char *text;
	int result = config_source_read(file, &text, &len, why);

	if (result < 0)
		return result;
	if (len > 0)
		result = read_text(&r, text, len);
	free(text);
	return result;
}
