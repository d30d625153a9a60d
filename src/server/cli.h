/*
 * The command line: which command, which options. One table of options serves parsing and help, and most
 * options name the configuration key that they stand for, so that both are read by the same code.
 */
#ifndef SERVER_CLI_H
#define SERVER_CLI_H

#include <stdio.h>

#include "server/config.h"

enum command { COMMAND_SERVE, COMMAND_CHECK, COMMAND_GET, COMMAND_VERSION, COMMAND_HELP, COMMANDS };

enum { CLI_GIVEN = 64 }; /* most options in one command line */

struct cli_option;

struct cli_given {
	const struct cli_option *option;
	const char *value; /* NULL: the option takes none, or was given none */
};

struct cli {
	enum command command;
	const char *operand; /* DIR, FILE, URL, or NULL */
	struct cli_given given[CLI_GIVEN];
	unsigned n_given;
};

enum cli_verdict { CLI_RUN, CLI_HELP, CLI_USAGE };

/* CLI_RUN, CLI_HELP (print cli_help() of out->command), CLI_USAGE and *why. out keeps pointers into argv. */
enum cli_verdict cli_parse(int argc, char **argv, struct cli *out, struct failure *why);

/* The option's value (the last one given; "" if it has none), or NULL if it was not given. */
const char *cli_value(const struct cli *cli, const char *option);

/* Writes the options that stand for configuration keys, --device among them, into *c. 0, or negative errno
 * and *why: a usage error. */
int cli_apply(const struct cli *cli, struct config *c, struct failure *why);

/* The help of a command; of COMMAND_HELP: the overview. */
void cli_help(FILE *out, enum command command);

#endif
