/* The program: which command, and its exit status. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/commands.h"

/* Whoever started us may have closed 0, 1 or 2: no device may get that number, and our messages with it. */
static void hold_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Output that did not arrive is a failure, unless another was told before. */
static int flushed(int status)
{
	struct failure why;

	if (fflush(stdout) == 0 || status != 0)
		return status;
	failure_set(&why, -errno, "standard output: %s", strerror(errno));
	return command_failed(&why, EXIT_FAILED);
}

static int run(const struct cli *cli)
{
	switch (cli->command) {
	case COMMAND_SERVE:
		return serve_command(cli);
	case COMMAND_CHECK:
		return check_command(cli);
	case COMMAND_GET:
		return get_command(cli);
	default:
		return version_command(cli);
	}
}

int main(int argc, char **argv)
{
	struct failure why;
	struct cli cli;

	hold_standard_streams();
	switch (cli_parse(argc, argv, &cli, &why)) {
	case CLI_RUN:
		return flushed(run(&cli));
	case CLI_HELP:
		cli_help(stdout, cli.command);
		return flushed(EXIT_SUCCESS);
	default:
		return command_failed(&why, EXIT_USAGE);
	}
}
