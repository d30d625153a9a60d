/*
 * The wire of the bench: joins two interfaces of a namespace and impairs every frame that passes, so that two
 * servers can be measured over the very same wire, whoever's TCP they use.
 *
 * 	bridge IFACE IFACE [SPEC]
 *
 * SPEC is that of taphouse's --impair: rx: is the way from the first interface to the second, tx: the way
 * back. What a sender left to its network card is done before: super-segments are cut, so that loss and the
 * queue meet single frames.
 *
 * It says "ready" once it forwards. SIGTERM or SIGINT ends it, and it prints as one line of JSON what
 * happened to the frames of both ways.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "base/timer.h"
#include "link/impair.h"
#include "link/packet.h"

/* An interface, and the path of what comes from it. */
struct port {
	struct device *raw, *impaired;
};

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static int open_port(struct port *p, const char *interface, const struct impair_path *path, uint64_t seed,
		     struct failure *why)
{
	struct packet_config config = { .interface = interface };
	struct impair_spec spec = { .rx = *path, .seed = seed };
	int r = packet_open(&config, &p->raw, why);

	if (r < 0)
		return r;
	r = impair_open(&spec, p->raw, &p->impaired);
	if (r < 0) {
		p->raw->ops->close(p->raw);
		return failure_set(why, r, "no memory for the impairment of %s", interface);
	}
	return 0;
}

static void close_port(struct port *p)
{
	p->impaired->ops->close(p->impaired);
}

static int open_ports(struct port ports[2], char **interfaces, const struct impair_spec *spec,
		      struct failure *why)
{
	int r = open_port(&ports[0], interfaces[0], &spec->rx, spec->seed, why);

	if (r < 0)
		return r;
	r = open_port(&ports[1], interfaces[1], &spec->tx, ~spec->seed, why);
	if (r < 0)
		close_port(&ports[0]);
	return r;
}

/* Moves what is due. 0, or a negative errno when an interface is gone. */
static int forward(const struct port *from, const struct port *to, uint64_t now_us)
{
	struct rx_frame in[DEVICE_BATCH];
	struct tx_frame out[DEVICE_BATCH];
	int n = from->impaired->ops->recv(from->impaired, in, DEVICE_BATCH, now_us);

	if (n <= 0)
		return n;
	for (int i = 0; i < n; i++)
		tx_wrap(&out[i], in[i].data, in[i].len);
	n = to->raw->ops->send(to->raw, out, n, now_us);
	return n < 0 ? n : 0;
}

/* Until a frame comes, one is due, or a signal arrives, which is let in only here. */
static void sleep_until_due(const struct port ports[2], const sigset_t *let_in)
{
	struct pollfd fds[2];
	uint64_t due = TIMER_NEVER, now = clock_now_us(), left;
	struct timespec timeout;

	for (int i = 0; i < 2; i++) {
		const struct device *d = ports[i].impaired;

		fds[i] = (struct pollfd){ .fd = d->ops->fd(d), .events = POLLIN };
		if (d->ops->deadline(d) < due)
			due = d->ops->deadline(d);
	}
	left = due > now ? due - now : 0;
	timeout.tv_sec = (time_t)(left / 1000000);
	timeout.tv_nsec = (long)(left % 1000000 * 1000);
	ppoll(fds, 2, due == TIMER_NEVER ? NULL : &timeout, let_in);
}

static int run(const struct port ports[2], const sigset_t *let_in)
{
	int r = 0;

	while (r == 0 && !ended) {
		uint64_t now;

		sleep_until_due(ports, let_in);
		now = clock_now_us();
		r = forward(&ports[0], &ports[1], now);
		if (r == 0)
			r = forward(&ports[1], &ports[0], now);
	}
	return r;
}

/* Of the way from one interface to the other. Frames missed, unusable or not sent make a measurement void. */
static void print_way(const char *name, const struct port *from, const struct port *to)
{
	const struct impair_counters *c = impair_rx_counters(from->impaired);

	printf("\"%s\": {\"frames\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"queue_full\": %" PRIu64
	       ", \"failed\": %" PRIu64 "}",
	       name, c->frames, c->lost, c->queue_full,
	       c->unusable + from->raw->stats.rx_dropped + to->raw->stats.tx_dropped);
}

static void print_counters(const struct port ports[2])
{
	printf("{");
	print_way("rx", &ports[0], &ports[1]);
	printf(", ");
	print_way("tx", &ports[1], &ports[0]);
	printf("}\n");
}

/* Signals wait from now on; *let_in is the mask with which they do not. */
static int catch_signals(sigset_t *let_in, struct failure *why)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t caught;

	sigemptyset(&caught);
	sigaddset(&caught, SIGTERM);
	sigaddset(&caught, SIGINT);
	if (sigprocmask(SIG_BLOCK, &caught, let_in) == 0 && sigaction(SIGTERM, &action, NULL) == 0 &&
	    sigaction(SIGINT, &action, NULL) == 0)
		return 0;
	return failure_set(why, -errno, "signals cannot be set up: %s", strerror(errno));
}

static int bridge(char **interfaces, const char *text, struct failure *why)
{
	struct impair_spec spec = { .seed = 0 };
	struct port ports[2];
	sigset_t let_in;
	int r = text != NULL ? impair_parse(text, &spec, why) : 0;

	if (r == 0)
		r = catch_signals(&let_in, why);
	if (r == 0)
		r = open_ports(ports, interfaces, &spec, why);
	if (r < 0)
		return r;
	puts("ready");
	fflush(stdout);
	r = run(ports, &let_in);
	if (r < 0)
		failure_set(why, r, "an interface is gone: %s", strerror(-r));
	print_counters(ports);
	close_port(&ports[0]);
	close_port(&ports[1]);
	return r;
}

int main(int argc, char **argv)
{
	struct failure why = { "" };

	if (argc != 3 && argc != 4) {
		fputs("usage: bridge IFACE IFACE [SPEC]\n", stderr);
		return 2;
	}
	(void)prctl(PR_SET_TIMERSLACK, 1UL); /* wake up when it is time, not up to 50 us later */
	if (bridge(argv + 1, argv[3], &why) == 0)
		return 0;
	fprintf(stderr, "bridge: %s\n", why.text);
	return 1;
}
