/*
 * The form location: each POST appends one line of JSON to a file, and the client is sent on to a page, or
 * told in JSON. One struct form a location with form = FILE, whatever the number of ports that it answers on.
 */
#ifndef SERVER_FORM_H
#define SERVER_FORM_H

#include "http/http_call.h"
#include "server/config.h"

struct worker;

struct form {
	const struct config_location *config;
	struct worker *worker;
	int fd;       /* -1: not open */
	bool failing; /* the last line could not be written; told once */
};

struct forms {
	struct form *items; /* one a location; those that are no forms have no file */
	unsigned n;
};

/* The context is a struct form. */
extern const struct http_handler form_handler;

/* Opens the files of all of the configuration's locations that are forms. 0, or negative errno
 * and *why; then nothing is held. */
int forms_open(struct forms *forms, const struct config *c, struct worker *w, struct failure *why);
void forms_close(struct forms *forms);
/* Opens the files anew: they may have been renamed. One that cannot be is told of, and kept as it was. */
void forms_reopen(struct forms *forms);

/* The one of this location of that configuration. */
struct form *forms_find(const struct forms *forms, const struct config_location *l);

#endif
