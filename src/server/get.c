/* taphouse get URL: a host of our own, one connection, one response. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/commands.h"
#include "server/fetch.h"
#include "server/ladder.h"
#include "server/loop.h"
#include "tls/tls.h"
#include "tls/tls_context.h"

#define GET_DEVICE "taphouse-get"
#define GET_ADDRESS "10.78.0.2/24"
#define GET_KERNEL "10.78.0.1"

/* How long the close may take once the response is here. */
enum { CLOSE_US = 1000000 };

struct get {
	struct config config;
	struct url url;
	struct ip_addr server;
	char server_text[IP_ADDR_TEXT + 16]; /* "10.78.0.1 port 80" */
	uint64_t max_time_us; /* 0: no limit */
	struct log log;
	int log_fd;
	struct signals signals;
	struct host host;
	struct loop loop;
	struct fetch fetch;
	struct ladder_options trace;
	struct ladder *ladder;
	const char *ca;        /* file of the authorities to be trusted; NULL: the system's */
	bool insecure;         /* the server may be anybody */
	struct tls *tls;       /* of an https URL */
	struct tls_context *trust;
};

/* A network beside that of serve, so that both can run on one machine. */
static void set_defaults(struct config *c)
{
	struct config_device *d = &c->device;

	config_init(c);
	c->log.level = LOG_WARNING;
	d->name = (struct device_name){ .kind = DEVICE_TAP, .interface = GET_DEVICE };
	ip_prefix_parse(GET_ADDRESS, &d->address.items[0]);
	ip_prefix_parse(GET_KERNEL "/24", &d->host_address.prefix);
	ip_addr_parse(GET_KERNEL, &d->gateway.items[0]);
	d->gateway.n = 1;
}

/* "10", as curl has it, or with a unit, "500ms". */
static int read_max_time(const struct cli *cli, uint64_t *us, struct failure *why)
{
	const char *text = cli_value(cli, "max-time");

	*us = 0;
	if (text == NULL || value_time(text, us) == 0)
		return 0;
	if (value_count(text, us) == 0 && !__builtin_mul_overflow(*us, 1000000, us))
		return 0;
	return failure_set(why, -EINVAL, "get: --max-time: \"%s\" is not a number of seconds; "
			   "see \"taphouse get --help\"", text);
}

/* Returns the exit status. */
static int settle(struct get *g, const struct cli *cli, struct failure *why)
{
	struct config_device *d = &g->config.device;

	set_defaults(&g->config);
	if (cli_apply(cli, &g->config, why) < 0 ||
	    ladder_options_parse(cli_value(cli, "trace"), &g->trace, why) < 0 ||
	    read_max_time(cli, &g->max_time_us, why) < 0 || url_parse(cli->operand, &g->url, why) < 0)
		return EXIT_USAGE;
	if (cli_value(cli, "gateway") == NULL && (d->address_given || d->name.kind != DEVICE_TAP))
		d->gateway.n = 0; /* the default gateway goes with the default addresses */
	return config_finish(&g->config, why) < 0 ? EXIT_FAILED : EXIT_SUCCESS;
}

static int find_address(const char *host, struct ip_addr *out, struct failure *why)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
	struct sockaddr_in address;
	int r;

	if (ip_addr_parse(host, out))
		return 0;
	r = getaddrinfo(host, NULL, &hints, &found);
	if (r != 0)
		return failure_set(why, -EHOSTUNREACH, "%s: no IPv4 address: %s", host, gai_strerror(r));
	memcpy(&address, found->ai_addr, sizeof address);
	freeaddrinfo(found);
	*out = ip_addr_from_4(ntohl(address.sin_addr.s_addr));
	return 0;
}

static int find_server(struct get *g, struct failure *why)
{
	char address[IP_ADDR_TEXT];
	int r = find_address(g->url.host, &g->server, why);

	if (r < 0)
		return r;
	snprintf(g->server_text, sizeof g->server_text, "%s port %u", ip_addr_format(&g->server, address),
		 g->url.port);
	return 0;
}

static int open_tls(struct get *g, struct failure *why)
{
	struct tls_config config;
	int r;

	tls_config_default(&config);
	r = tls_new(&config, &g->host.stack->world, NULL, &g->tls, why);
	return r < 0 ? r : tls_context_new_client(g->tls, g->ca, g->insecure, &g->trust, why);
}

static void close_tls(struct get *g)
{
	tls_context_free(g->trust);
	tls_free(g->tls);
}

/* TLS over the connection that is being opened. */
static int secure(struct get *g)
{
	return tls_connect(g->tls, g->trust, g->fetch.stream, g->url.host, &fetch_handler, &g->fetch,
			   &g->fetch.stream);
}

static int connect_to_server(struct get *g, struct failure *why)
{
	struct ip_addr any = { { 0 } };
	int r = tcp_connect(g->host.stack->tcp, &any, 0, &g->server, g->url.port, &fetch_handler, &g->fetch,
			    &g->fetch.stream);

	if (r == 0 && g->url.is_https)
		r = secure(g);

	if (r == -EHOSTUNREACH)
		return failure_set(why, r,
				   "no route: give --gateway, or an --address in the server's network");
	return r == 0 ? 0 : failure_set(why, r, "cannot connect: %s", strerror(-r));
}

static bool is_closed(const struct get *g)
{
	struct tcp_usage usage;

	tcp_usage(g->host.stack->tcp, &usage);
	return usage.connections == 0;
}

/* Steps until done() or the deadline. 1: done, 0: the deadline came first, or negative errno and *why. */
static int run_until(struct get *g, bool (*done)(const struct get *g), uint64_t deadline_us,
		     struct failure *why)
{
	while (!done(g)) {
		enum signal_event signal;
		int r = loop_step(&g->loop, deadline_us, &signal);

		if (r < 0)
			return failure_set(why, r, "device %s is gone: %s", g->config.device.name.interface,
					   strerror(-r));
		if (signal == SIGNAL_STOP)
			return failure_set(why, -EINTR, "interrupted");
		if (clock_now_us() >= deadline_us)
			return 0;
	}
	return 1;
}

static bool is_fetched(const struct get *g)
{
	return fetch_is_done(&g->fetch);
}

static int transfer(struct get *g, struct failure *why)
{
	uint64_t now = clock_now_us();
	uint64_t deadline = g->max_time_us != 0 ? now + g->max_time_us : TIMER_NEVER;
	int r = connect_to_server(g, why);

	if (r < 0)
		return r;
	r = run_until(g, is_fetched, deadline, why);
	if (r < 0)
		return r;
	if (r == 0)
		return failure_set(why, -ETIMEDOUT, "no complete response within --max-time");
	run_until(g, is_closed, clock_now_us() + CLOSE_US, &(struct failure){ "" });
	return g->fetch.state == FETCH_COMPLETE ? 0 : failure_set(why, -EIO, "%s", g->fetch.why.text);
}

static void on_idle(void *context)
{
	host_flush(&((struct get *)context)->host);
}

static int open_ladder(struct get *g, struct failure *why)
{
	struct ladder_config config = {
		.options = g->trace, .ours = LADDER_CLIENT, .fd = STDERR_FILENO,
		.wall_offset_us = clock_wall_us() - clock_now_us(),
	};

	return ladder_open(&config, g->host.stack, &g->ladder, why);
}

static int run_on_host(struct get *g, struct failure *why)
{
	int r = host_open(&g->host, &g->config.device, &g->config.tcp, &g->log, why);

	if (r < 0)
		return r;
	r = open_ladder(g, why);
	if (r == 0 && g->url.is_https)
		r = open_tls(g, why);
	loop_init(&g->loop, &g->host, &g->signals, NULL, on_idle, g);
	if (r == 0)
		r = transfer(g, why);
	if (g->fetch.stream != NULL)
		stream_abort(g->fetch.stream);
	close_tls(g);
	host_turn(&g->host, clock_now_us()); /* a RST, perhaps */
	ladder_close(g->ladder);
	host_close(&g->host);
	return r;
}

static int fetch_url(struct get *g, const struct fetch_config *config, struct failure *why)
{
	struct failure output_failure;
	int r = find_server(g, why);

	if (r < 0)
		return r;
	r = fetch_init(&g->fetch, config, why);
	if (r < 0)
		return r;
	r = run_on_host(g, why);
	if (fetch_fini(&g->fetch, &output_failure) < 0 && r == 0) {
		*why = output_failure;
		r = -EIO;
	}
	return r;
}

/* A step of HTTP, for those who watch the stack. */
static void on_step(void *context, bool is_ours, const char *what)
{
	const struct get *g = context;
	const struct world *w = &g->host.stack->world;

	observers_tell(w->observer, &(struct trace_event){
		.kind = TRACE_LAYER,
		.now_us = w->now_us,
		.conn = tcp_conn_of_stream(tls_stream_under(g->fetch.stream)),
		.note = what,
		.new_value = is_ours ? TRACE_OURS : TRACE_PEERS,
	});
}

static int run(struct get *g, const struct cli *cli, struct failure *why)
{
	struct fetch_config config = {
		.url = &g->url,
		.server = g->server_text,
		.output = cli_value(cli, "output"),
		.head = cli_value(cli, "head") != NULL,
		.include = cli_value(cli, "include") != NULL,
		.fail = cli_value(cli, "fail") != NULL,
		.on_step = on_step,
		.context = g,
	};
	int r;

	g->ca = cli_value(cli, "ca");
	g->insecure = cli_value(cli, "insecure") != NULL;
	g->log_fd = STDERR_FILENO;
	g->log.level = g->config.log.level;
	g->log.write = log_write_to_fd;
	g->log.context = &g->log_fd;
	r = signals_open(&g->signals, why);
	if (r < 0)
		return EXIT_FAILED;
	r = fetch_url(g, &config, why);
	signals_close(&g->signals);
	if (r < 0)
		return EXIT_FAILED;
	if (!config.fail || g->fetch.status < 400)
		return EXIT_SUCCESS;
	failure_set(why, -EIO, "the server answered with status %u", g->fetch.status);
	return EXIT_HTTP_ERROR;
}

int get_command(const struct cli *cli)
{
	struct get *g = calloc(1, sizeof *g);
	struct failure why;
	int status;

	if (g == NULL) {
		failure_set(&why, -ENOMEM, "out of memory");
		return command_failed(&why, EXIT_FAILED);
	}
	status = settle(g, cli, &why);
	if (status == EXIT_SUCCESS)
		status = run(g, cli, &why);
	config_fini(&g->config);
	free(g);
	return status == EXIT_SUCCESS ? status : command_failed(&why, status);
}
