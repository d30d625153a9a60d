/* taphouse serve: configuration settled, worker opened, privileges dropped, the ready line, then the loop. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/commands.h"
#include "server/privileges.h"
#include "server/worker.h"

/* The error log: lines go out one by one, at once. */
struct error_log {
	const char *path;
	int fd;
	struct log log;
};

/* The descriptor, or negative errno and *why. */
static int open_error_file(const char *path, struct failure *why)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return STDERR_FILENO;
	if (strcmp(path, "off") == 0)
		path = "/dev/null";
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0)
		return failure_set(why, -errno, "log file %s: cannot be opened: %s", path, strerror(errno));
	return fd;
}

static int error_log_open(struct error_log *e, const struct config_log *c, struct failure *why)
{
	*e = (struct error_log){ .path = c->error, .fd = open_error_file(c->error, why) };
	e->log = (struct log){ .level = c->level, .write = log_write_to_fd, .context = &e->fd };
	return e->fd < 0 ? e->fd : 0;
}

static void error_log_close(struct error_log *e)
{
	if (e->fd != STDERR_FILENO)
		close(e->fd);
}

static void error_log_reopen(void *context)
{
	struct error_log *e = context;
	struct failure why;
	int fd = open_error_file(e->path, &why);

	if (fd < 0) {
		log_line(&e->log, LOG_ERROR, "server", "%s", why.text);
		return;
	}
	error_log_close(e);
	e->fd = fd;
}

/* DIR and --http stand for root and listen of the first site. */
static int apply_to_site(const struct cli *cli, struct config *c, struct failure *why)
{
	const char *port = cli_value(cli, "http");
	struct config_site *site = &c->sites[0];

	if (c->n_sites == 0) {
		config_add_site(c, "default", &site);
		site->root = ".";
	}
	if (cli->operand != NULL)
		site->root = cli->operand;
	if (port == NULL)
		return 0;
	site->listen.n = 1;
	if (value_port(port, &site->listen.items[0]) < 0)
		return failure_set(why, -EINVAL, "serve: --http: \"%s\" is not a port (1 to 65535); "
				   "see \"taphouse serve --help\"", port);
	return 0;
}

/* Defaults, then the file, then the command line. Returns the exit status. */
static int settle(const struct cli *cli, struct config *c, struct failure *why)
{
	const char *file = cli_value(cli, "config");

	if (file != NULL && config_load(c, file, why) < 0)
		return EXIT_FAILED;
	if (cli_apply(cli, c, why) < 0 || apply_to_site(cli, c, why) < 0)
		return EXIT_USAGE;
	return config_finish(c, why) < 0 ? EXIT_FAILED : EXIT_SUCCESS;
}

/* The line that scripts wait for. Nobody may be there to read it: that is no reason not to serve. */
static void say_ready(const struct config *c)
{
	const struct config_site *site = &c->sites[0];
	char address[IP_ADDR_TEXT];

	ip_addr_format(&c->device.address.items[0].addr, address);
	if (site->listen.items[0] == 80)
		printf("taphouse: serving %s at http://%s/\n", site->root, address);
	else
		printf("taphouse: serving %s at http://%s:%u/\n", site->root, address, site->listen.items[0]);
	if (fflush(stdout) != 0)
		clearerr(stdout);
}

static int run_worker(struct worker *w, struct error_log *errors, struct failure *why)
{
	int r = privileges_drop(w->config->user, why);

	if (r < 0)
		return r;
	say_ready(w->config);
	return worker_run(w, error_log_reopen, errors, why);
}

static int serve(const struct config *c, struct failure *why)
{
	struct error_log errors;
	struct signals signals;
	struct worker w;
	int r = error_log_open(&errors, &c->log, why);

	if (r < 0)
		return r;
	r = signals_open(&signals, why);
	if (r < 0)
		goto close_log;
	r = worker_open(&w, c, &errors.log, &signals, why);
	if (r < 0)
		goto close_signals;
	r = run_worker(&w, &errors, why);
	worker_close(&w);
close_signals:
	signals_close(&signals);
close_log:
	error_log_close(&errors);
	return r;
}

int serve_command(const struct cli *cli)
{
	struct config c;
	struct failure why;
	int status;

	config_init(&c);
	status = settle(cli, &c, &why);
	if (status == EXIT_SUCCESS && serve(&c, &why) < 0)
		status = EXIT_FAILED;
	config_fini(&c);
	return status == EXIT_SUCCESS ? status : command_failed(&why, status);
}
