/* The access log: lines and the time that stands in them. */
#include "server/access_log.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

_Static_assert((int)ACCESS_LOG_TIME >= (int)CLOCK_TEXT, "a time of either format fits");

static void set_format(struct access_log *a, enum access_format format)
{
	a->format = format;
	a->instant = 0;
	a->when[0] = '\0';
}

int access_log_open(struct access_log *a, const char *path, enum access_format format, const struct log *log,
		    struct failure *why)
{
	bool is_off = strcmp(path, "off") == 0;
	int r;

	set_format(a, format);
	a->file = (struct log_file){ .path = path, .log = log };
	r = is_off ? 0 : log_file_open(&a->file, path, log, why);
	a->is_open = r == 0 && !is_off;
	return r;
}

void access_log_take_turns(struct access_log *a, struct log_turn *turn)
{
	a->file.turn = turn;
}

void access_log_close(struct access_log *a)
{
	if (a->is_open)
		log_file_close(&a->file);
	a->is_open = false;
}

/* The same path stays open: whoever we are by now might not be allowed to open it. */
static bool is_same_file(const struct access_log *a, const struct access_log *b)
{
	return strcmp(a->file.path, b->file.path) == 0;
}

int access_log_prepare(const struct access_log *a, const char *path, enum access_format format,
		       struct access_log *next, struct failure *why)
{
	int r = 0;

	*next = (struct access_log){ .file.path = path };
	set_format(next, format);
	if (!is_same_file(a, next))
		r = access_log_open(next, path, format, a->file.log, why);
	access_log_take_turns(next, a->file.turn);
	return r;
}

void access_log_succeed(struct access_log *a, struct access_log *next)
{
	if (is_same_file(a, next)) {
		a->file.path = next->file.path;
		set_format(a, next->format);
		return;
	}
	access_log_close(a);
	next->file.lines = a->file.lines;
	next->file.lost = a->file.lost;
	*a = *next;
}

void access_log_discard(const struct access_log *a, struct access_log *next)
{
	if (!is_same_file(a, next))
		access_log_close(next);
}

int access_log_reopen(struct access_log *a, struct failure *why)
{
	return a->is_open ? log_file_reopen(&a->file, why) : 0;
}

void access_log_flush(struct access_log *a)
{
	if (a->is_open)
		log_file_flush(&a->file);
}

static void format_local(struct access_log *a, time_t second)
{
	struct tm local;

	if (localtime_r(&second, &local) == NULL ||
	    strftime(a->when, sizeof a->when, "%d/%b/%Y:%H:%M:%S %z", &local) == 0)
		a->when[0] = '\0';
}

/* Most lines of a busy server share their time with the one before. */
static const char *time_text(struct access_log *a, uint64_t wall_us)
{
	uint64_t instant = wall_us / (a->format == ACCESS_JSON ? 1000 : 1000000);

	if (instant == a->instant)
		return a->when;
	a->instant = instant;
	if (a->format == ACCESS_JSON)
		clock_format(wall_us, a->when);
	else
		format_local(a, (time_t)instant);
	return a->when;
}

void access_log_add(struct access_log *a, const struct http_log_record *record)
{
	const char *when;
	char *line;

	if (!a->is_open)
		return;
	when = time_text(a, clock_wall_us());
	line = log_file_reserve(&a->file, access_line_bound(record));
	if (line != NULL)
		log_file_commit(&a->file, access_line_format(a->format, record, when, line));
}
