/* The commands. Each is given the parsed command line and returns the exit status. */
#ifndef SERVER_COMMANDS_H
#define SERVER_COMMANDS_H

#include "server/cli.h"

enum {
	EXIT_FAILED = 1,     /* configuration or start-up error; get: nothing, or not all, was received */
	EXIT_USAGE = 2,
	EXIT_HTTP_ERROR = 22 /* get --fail: as curl has it */
};

int serve_command(const struct cli *cli);
int check_command(const struct cli *cli);
int get_command(const struct cli *cli);
int version_command(const struct cli *cli);

/* "taphouse: what is wrong" on standard error; gives status back. */
int command_failed(const struct failure *why, int status);

#endif
