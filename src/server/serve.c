/* taphouse serve: configuration settled, workers opened, privileges dropped, the ready line, then their
 * loops. System calls: prlimit64 (start), and those of what it opens. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/commands.h"
#include "server/config_fixed.h"
#include "server/crew.h"
#include "server/error_log.h"
#include "server/ladder.h"
#include "server/notify.h"
#include "server/privileges.h"
#include "server/self_signed.h"

/* ---- the command line's site: the first one ---- */

static int bad_port(const char *option, const char *text, struct failure *why)
{
	return failure_set(why, -EINVAL, "serve: --%s: \"%s\" is not a port (1 to 65535); "
			   "see \"taphouse serve --help\"", option, text);
}

/* The option is the only port of the list, if it is given. */
static int apply_port(const struct cli *cli, const char *option, struct port_list *list, struct failure *why)
{
	const char *text = cli_value(cli, option);

	if (text == NULL)
		return 0;
	list->n = 1;
	return value_port(text, &list->items[0]) == 0 ? 0 : bad_port(option, text, why);
}

static int apply_certificate(const struct cli *cli, struct config_site *site, struct failure *why)
{
	const char *certificate = cli_value(cli, "certificate"), *key = cli_value(cli, "key");
	struct config_site_tls *tls = &site->tls;

	if ((certificate == NULL) != (key == NULL))
		return failure_set(why, -EINVAL, "serve: --certificate and --key belong together; "
				   "see \"taphouse serve --help\"");
	if (certificate != NULL) {
		tls->certificate = (struct text_list){ .n = 1, .items = { certificate } };
		tls->key = (struct text_list){ .n = 1, .items = { key } };
		tls->ocsp_staple.n = 0;
		tls->self_signed = false;
	}
	if (cli_value(cli, "self-signed") != NULL) {
		tls->self_signed = true;
		tls->certificate.n = tls->key.n = tls->ocsp_staple.n = 0;
	}
	if ((certificate != NULL || tls->self_signed) && site->listen_tls.n == 0)
		site->listen_tls = (struct port_list){ .n = 1, .items = { 443 } };
	return 0;
}

static int apply_to_site(const struct cli *cli, struct config *c, struct failure *why)
{
	struct config_site *site = &c->sites[0];
	int r;

	if (c->n_sites == 0) {
		config_add_site(c, "default", &site);
		site->root = ".";
	}
	if (cli->operand != NULL)
		site->root = cli->operand;
	r = apply_port(cli, "http", &site->listen, why);
	if (r == 0)
		r = apply_port(cli, "https", &site->listen_tls, why);
	return r < 0 ? r : apply_certificate(cli, site, why);
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

/* "http://10.77.0.2/", with the port where the scheme does not say it. */
static void print_url(const char *scheme, unsigned usual, const struct port_list *ports, const char *address)
{
	if (ports->items[0] == usual)
		printf("%s://%s/", scheme, address);
	else
		printf("%s://%s:%u/", scheme, address, ports->items[0]);
}

/* How to trust what nobody vouches for: its file, if it could be written, and what browsers show of it. */
static void say_self_signed(const struct config *c, const struct secure *secure)
{
	char file[SELF_SIGNED_PATH], fingerprint[TLS_FINGERPRINT], address[IP_ADDR_TEXT];

	if (secure->own.certificate == NULL)
		return;
	tls_fingerprint(secure->own.certificate, fingerprint);
	ip_addr_format(&c->device.address.items[0].addr, address);
	printf("taphouse: the certificate is self-signed, until the next start; SHA-256 %s\n", fingerprint);
	if (self_signed_write(secure->own.certificate, c->device.name.interface, file))
		printf("taphouse: to trust it: curl --cacert %s https://%s/\n", file, address);
}

/* The line that scripts wait for. Nobody may be there to read it: that is no reason not to serve. */
static void say_ready(const struct config *c)
{
	const struct config_site *site = &c->sites[0];
	char address[IP_ADDR_TEXT];

	ip_addr_format(&c->device.address.items[0].addr, address);
	printf("taphouse: serving %s at ", site->root);
	if (site->listen.n > 0)
		print_url("http", 80, &site->listen, address);
	if (site->listen.n > 0 && site->listen_tls.n > 0)
		printf(" and ");
	if (site->listen_tls.n > 0)
		print_url("https", 443, &site->listen_tls, address);
	printf("\n");
	if (fflush(stdout) != 0)
		clearerr(stdout);
}

/* All that serves. */
struct serving {
	const struct cli *cli;
	struct error_log errors;
	struct crew *crew;
	struct ladder_options trace;
	struct config *next;  /* read on SIGHUP, and not in use yet; NULL: none */
	int next_errors;      /* its error log */
	bool read_again;      /* another SIGHUP came meanwhile */
};

static const struct worker *first_worker(const struct serving *s)
{
	return crew_worker(s->crew, 0);
}

static void reopen_error_log(void *context)
{
	struct serving *s = context;

	error_log_reopen(&s->errors);
}

/* ---- SIGHUP ---- */

/* The configuration as it stands now; NULL and *why: it does not do. */
static struct config *read_again(const struct serving *s, struct failure *why)
{
	struct config *c = config_new();

	if (c != NULL && settle(s->cli, c, why) != EXIT_SUCCESS) {
		config_unref(c);
		return NULL;
	}
	if (c != NULL && config_keep_fixed(c, first_worker(s)->config, &s->errors.log) == 0)
		return c;
	config_unref(c);
	failure_set(why, -ENOMEM, "out of memory");
	return NULL;
}

/* Reads it, and opens its error log. */
static int prepare(struct serving *s, struct failure *why)
{
	struct config *c = read_again(s, why);

	if (c == NULL)
		return -EINVAL;
	s->next_errors = error_log_prepare(&s->errors, c->log.error, why);
	if (s->next_errors < 0) {
		config_unref(c);
		return s->next_errors;
	}
	s->next = c;
	return 0;
}

static void tell_refusal(const struct serving *s, const struct failure *why)
{
	const char *user = first_worker(s)->config->user;

	if (*user != '\0')
		log_line(&s->errors.log, LOG_ERROR, "server",
			 "SIGHUP: the configuration in use stays: %s (read as user \"%s\")", why->text, user);
	else
		log_line(&s->errors.log, LOG_ERROR, "server", "SIGHUP: the configuration in use stays: %s",
			 why->text);
}

static void tell_outcome(struct serving *s, const struct failure *why)
{
	struct worker_reloads *reloads = &crew_worker(s->crew, 0)->reloads;

	*(why == NULL ? &reloads->done : &reloads->refused) += 1;
	if (why != NULL)
		tell_refusal(s, why);
	else
		log_line(&s->errors.log, LOG_NOTICE, "server",
			 "SIGHUP: the configuration was read again, and is in use");
	notify_ready();
}

static void reload(void *context)
{
	struct serving *s = context;
	struct failure why;

	s->read_again = s->next != NULL;
	if (s->read_again)
		return;
	notify_reloading();
	if (prepare(s, &why) < 0)
		tell_outcome(s, &why);
	else
		crew_reload(s->crew, s->next);
}

static void on_reloaded(void *context, const struct failure *why)
{
	struct serving *s = context;

	if (why == NULL)
		error_log_succeed(&s->errors, s->next->log.error, s->next_errors, s->next->log.level);
	else
		error_log_discard(&s->errors, s->next_errors);
	config_unref(s->next);
	s->next = NULL;
	tell_outcome(s, why);
	if (s->read_again)
		reload(s);
}

static void discard_next(struct serving *s)
{
	if (s->next == NULL)
		return;
	error_log_discard(&s->errors, s->next_errors);
	config_unref(s->next);
	s->next = NULL;
}

/* ---- start to end ---- */

static int run_crew(struct serving *s, struct failure *why)
{
	const struct worker *first = first_worker(s);
	const char *user = first->config->user;
	struct failure what;
	int r;

	say_self_signed(first->config, &first->secure);
	r = privileges_drop(user, why);
	if (r < 0)
		return r;
	r = generation_check_roots(first->current, &what);
	if (r < 0)
		return failure_set(why, r, "as user \"%s\": %s", user, what.text);
	r = crew_start(s->crew, why);
	if (r < 0)
		return r;
	say_ready(crew_worker(s->crew, 0)->config);
	notify_ready();
	return crew_run(s->crew, why);
}

/* As many descriptors as there may be: the soft limit of 1024 is for programs that call select(). Each port
 * keeps up to 256 files open, and each answer under way has its own; applications, uploads and reloads need
 * some as well. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* if it is refused, there are fewer */
}

static int check_trace(const struct serving *s, const struct config *c, struct failure *why)
{
	if (c->workers > 1 && cli_value(s->cli, "trace") != NULL)
		return failure_set(why, -EINVAL,
				   "serve: --trace tells of one worker: use it with --workers 1");
	return 0;
}

static int run_traced(struct serving *s, struct failure *why)
{
	struct ladder_config config = {
		.options = s->trace, .ours = LADDER_SERVER, .fd = STDERR_FILENO,
		.wall_offset_us = clock_wall_us() - clock_now_us(),
	};
	struct ladder *ladder;
	int r = ladder_open(&config, first_worker(s)->host.stack, &ladder, why);

	if (r < 0)
		return r;
	r = run_crew(s, why);
	ladder_close(ladder);
	return r;
}

static int serve(struct serving *s, struct config *c, struct failure *why)
{
	const struct crew_owner owner = {
		.reopen = reopen_error_log, .reload = reload, .reloaded = on_reloaded, .context = s,
	};
	struct signals signals;
	int r = check_trace(s, c, why);

	if (r == 0)
		r = error_log_open(&s->errors, c->log.error, c->log.level, why);
	if (r < 0)
		return r;
	if (config_advice(c) != NULL)
		log_line(&s->errors.log, LOG_NOTICE, "server", "%s", config_advice(c));
	raise_descriptor_limit();
	r = signals_open(&signals, why);
	if (r < 0)
		goto close_log;
	r = crew_open(&s->crew, c, &owner, &s->errors.log, &signals, why);
	if (r == 0) {
		r = run_traced(s, why);
		crew_close(s->crew);
		discard_next(s);
	}
	signals_close(&signals);
close_log:
	error_log_close(&s->errors);
	return r;
}

int serve_command(const struct cli *cli)
{
	struct serving s = { .cli = cli };
	struct config *c = config_new();
	struct failure why;
	int status;

	if (c == NULL) {
		failure_set(&why, -ENOMEM, "out of memory");
		return command_failed(&why, EXIT_FAILED);
	}
	status = ladder_options_parse(cli_value(cli, "trace"), &s.trace, &why) < 0 ? EXIT_USAGE
										   : settle(cli, c, &why);
	if (status == EXIT_SUCCESS && serve(&s, c, &why) < 0)
		status = EXIT_FAILED;
	config_unref(c);
	return status == EXIT_SUCCESS ? status : command_failed(&why, status);
}
