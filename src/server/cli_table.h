/* The tables of commands and options, for cli.c and cli_help.c. */
#ifndef SERVER_CLI_TABLE_H
#define SERVER_CLI_TABLE_H

#include "server/cli.h"

struct cli_option {
	const char *name;
	char letter;               /* 0: none */
	unsigned commands;         /* that take it: 1 << enum command, or'ed */
	const char *argument;      /* NULL: takes none; "[=WHAT]": may take one, behind = */
	const char *section, *key; /* the configuration key that it stands for, or NULL */
	const char *help;
};

struct cli_command {
	const char *name;
	const char *operand;       /* NULL: takes none */
	bool needs_operand;
	const char *summary;       /* in the overview */
	const char *help;          /* at the head of its own help; "": the summary */
};

enum { CLI_OPTIONS = 25 };
extern const struct cli_option cli_options[CLI_OPTIONS];
extern const struct cli_command cli_commands[COMMANDS];

static inline bool cli_option_is_optional(const struct cli_option *o)
{
	return o->argument != NULL && o->argument[0] == '[';
}

static inline bool cli_option_is_for(const struct cli_option *o, enum command command)
{
	return (o->commands & 1U << command) != 0;
}

#endif
