/*
 * The observer: what it wants to see is made rows of, which are written as lines.
 * System calls: open, fcntl, fstat, ioctl, isatty, poll, and those of log_file.h.
 */
#include "server/ladder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/ladder_json.h"
#include "server/ladder_line.h"
#include "server/ladder_rows.h"
#include "server/log_file.h"
#include "server/values.h"

enum {
	FLUSH_US = 20000,        /* a line is written out after so long */
	PATIENCE_US = 1000000,   /* for a slow reader, at the end */
	LOST_LINE = 128,
};

struct ladder {
	struct observer observer;
	struct timer timer;
	struct stack *stack;
	struct ladder_config config;
	struct ladder_look look;
	struct log_file out;
	uint64_t lost_told;      /* of the lines lost */
	struct ladder_rows rows;
};

/* ---- options ---- */

static bool parse_word(const char *word, struct ladder_options *out)
{
	if (strcmp(word, "json") == 0)
		return out->json = true;
	if (ip_addr_parse(word, &out->addr))
		return out->has_addr = true;
	return value_port(word, &out->port) == 0;
}

int ladder_options_parse(const char *text, struct ladder_options *out, struct failure *why)
{
	char words[VALUE_TEXT + IP_ADDR_TEXT], *rest = words, *word;

	*out = (struct ladder_options){ .wanted = text != NULL };
	if (text == NULL || *text == '\0')
		return 0;
	snprintf(words, sizeof words, "%s", text);
	while ((word = strsep(&rest, ",")) != NULL)
		if (strlen(text) >= sizeof words || !parse_word(word, out))
			return failure_set(why, -EINVAL, "--trace: \"%s\" is not json, an address or a port",
					   word);
	return 0;
}

/* ---- writing ---- */

static void look_at_terminal(struct ladder *l)
{
	struct winsize size;
	unsigned width = LADDER_WIDTH;

	if (ioctl(l->out.fd, TIOCGWINSZ, &size) == 0 && size.ws_col > LADDER_WIDTH)
		width = size.ws_col;
	l->look.width = width < LADDER_WIDEST ? width : LADDER_WIDEST;
}

/* https://no-color.org: whatever is in it, if it is not empty. */
static bool wants_colour(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && (no_color == NULL || *no_color == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}

static void write_lost(struct ladder *l, struct document *d)
{
	uint64_t lost = l->out.lost - l->lost_told;
	char text[LOST_LINE];

	if (lost == 0)
		return;
	l->lost_told = l->out.lost;
	snprintf(text, sizeof text, "        (%" PRIu64 " lines were left out: nobody read them)", lost);
	if (l->config.options.json)
		ladder_json_lost(d, lost);
	else
		document_add_text(d, text);
	document_add(d, "\n", 1);
}

static void set_timer(struct ladder *l)
{
	if (!timer_is_set(&l->timer))
		timer_set(&l->stack->world.timers, &l->timer, l->stack->world.now_us + FLUSH_US);
}

static void write_lines(const struct ladder *l, struct document *d, const struct ladder_row *row)
{
	if (!l->config.options.json) {
		ladder_line(d, &l->look, row);
		return;
	}
	ladder_json(d, row);
	document_add(d, "\n", 1);
}

/* row NULL: nothing but what was left out. */
static void write_row(struct ladder *l, const struct ladder_row *row)
{
	char *room = log_file_reserve(&l->out, LADDER_LINE + LOST_LINE);
	struct document d;

	if (room == NULL)
		return;
	d = document_in(room, LADDER_LINE + LOST_LINE);
	write_lost(l, &d);
	if (row != NULL)
		write_lines(l, &d, row);
	log_file_commit(&l->out, d.len);
	set_timer(l);
}

static void write_head(struct ladder *l)
{
	char *room = log_file_reserve(&l->out, LADDER_LINE);
	struct document d = document_in(room, LADDER_LINE);

	ladder_line_head(&d, &l->look, l->config.ours);
	log_file_commit(&l->out, d.len);
}

static void on_row(void *context, const struct ladder_row *row)
{
	write_row(context, row);
}

/* ---- frames ---- */

static bool parse(const struct trace_event *e, struct ladder_segment *s)
{
	const struct iovec *piece;

	if (e->kind == TRACE_FRAME_IN)
		return ladder_segment_parse(bytes_of(e->rx->data, e->rx->len), bytes_of(NULL, 0), s);
	piece = e->tx->pieces > 0 ? &e->tx->iov[1] : &(const struct iovec){ .iov_base = NULL };
	return ladder_segment_parse(bytes_of(tx_head(e->tx), tx_head_len(e->tx)),
				    bytes_of(piece->iov_base, piece->iov_len), s);
}

static bool is_wanted(const struct ladder_options *o, const struct ladder_segment *s)
{
	if (o->has_addr && !ip_addr_equal(&o->addr, &s->src) && !ip_addr_equal(&o->addr, &s->dst))
		return false;
	return o->port == 0 || o->port == s->src_port || o->port == s->dst_port;
}

/* What is damaged, or was not for us, makes no connection. */
static bool is_credible(struct ladder *l, const struct trace_event *e, const struct ladder_segment *s)
{
	return e->drop == DROP_NONE || e->drop == DROP_WIRE || e->drop > DROP_TCP_CHECKSUM ||
	       ladder_flow_find(&l->rows.flows, &s->dst, s->dst_port, &s->src, s->src_port) != NULL;
}

/* Our state at the end of the turn in which the frame was made; not known if no connection has made it, or
 * one that is no longer (in TIME-WAIT, perhaps, for all that its block knows). */
static void tell_state(const struct trace_event *e, struct ladder_seen *seen)
{
	enum tcp_state state;

	if (e->conn == NULL)
		return;
	state = tcp_conn_state(e->conn, &seen->connection);
	seen->own = state != TCP_CLOSED ? state : 0;
}

static void on_frame(struct ladder *l, const struct trace_event *e)
{
	struct ladder_seen seen = {
		.now_us = e->now_us,
		.is_out = e->kind == TRACE_FRAME_OUT,
		.drop = e->drop,
		.note = e->note,
	};

	if (!parse(e, &seen.segment) || !is_wanted(&l->config.options, &seen.segment) ||
	    !is_credible(l, e, &seen.segment))
		return;
	tell_state(e, &seen);
	ladder_rows_segment(&l->rows, &seen);
}

static void on_conn_event(struct ladder *l, const struct trace_event *e)
{
	struct tcp_name name;

	tcp_conn_name(e->conn, &name);
	ladder_rows_event(&l->rows, e, &name);
	if (l->rows.n_steps > 0)
		set_timer(l);
}

static void on_event(void *context, const struct trace_event *e)
{
	if ((e->kind & (TRACE_FRAME_IN | TRACE_FRAME_OUT)) != 0)
		on_frame(context, e);
	else if (e->conn != NULL)
		on_conn_event(context, e);
}

/* ---- from beginning to end ---- */

static void on_flush(struct timer *t, uint64_t now_us)
{
	struct ladder *l = CONTAINER_OF(t, struct ladder, timer);

	ladder_rows_flush(&l->rows);
	look_at_terminal(l);
	log_file_flush(&l->out);
	if (l->out.used > 0)
		timer_set(&l->stack->world.timers, t, now_us + FLUSH_US);
}

/* A description of our own, so that not to wait is nobody else's concern. Of a file it would have an
 * offset of its own as well; a socket cannot be opened anew. */
static int open_again(int fd)
{
	struct stat st;
	char path[32];
	int own = -1;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static int open_output(struct ladder *l, struct failure *why)
{
	int fd = open_again(l->config.fd);
	int r = fd >= 0 ? 0 : failure_set(why, -errno, "--trace: standard error: %s", strerror(errno));

	return r < 0 ? r : log_file_open_fd(&l->out, fd, "standard error", why);
}

int ladder_open(const struct ladder_config *config, struct stack *stack, struct ladder **out,
		struct failure *why)
{
	struct ladder *l;
	int r;

	*out = NULL;
	if (!config->options.wanted)
		return 0;
	l = calloc(1, sizeof *l);
	if (l == NULL)
		return failure_set(why, -ENOMEM, "--trace: out of memory");
	l->config = *config;
	l->stack = stack;
	l->observer = (struct observer){ .kinds = TRACE_FRAME_IN | TRACE_FRAME_OUT | LADDER_STEP_KINDS,
					 .on_event = on_event,
					 .context = l };
	r = open_output(l, why);
	if (r < 0) {
		free(l);
		return r;
	}
	ladder_rows_init(&l->rows, stack->tcp, config->wall_offset_us, on_row, l);
	timer_init(&l->timer, on_flush);
	l->look.colour = wants_colour(l->out.fd);
	look_at_terminal(l);
	if (!config->options.json)
		write_head(l);
	stack_observe(stack, &l->observer);
	*out = l;
	return 0;
}

static void drain(struct ladder *l)
{
	uint64_t until_us = clock_now_us() + PATIENCE_US;

	for (log_file_flush(&l->out); l->out.used > 0 && clock_now_us() < until_us; log_file_flush(&l->out)) {
		struct pollfd p = { .fd = l->out.fd, .events = POLLOUT };

		poll(&p, 1, (int)((until_us - clock_now_us()) / 1000));
	}
}

void ladder_close(struct ladder *l)
{
	if (l == NULL)
		return;
	stack_unobserve(l->stack, &l->observer);
	timer_cancel(&l->stack->world.timers, &l->timer);
	ladder_rows_flush(&l->rows);
	drain(l);
	if (l->out.lost > l->lost_told)
		write_row(l, NULL);
	timer_cancel(&l->stack->world.timers, &l->timer);
	log_file_close(&l->out);
	free(l);
}
