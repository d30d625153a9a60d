/* The access log: lines and the time that stands in them. */
#include "server/access_log.h"

#include <time.h>

#include "base/clock.h"

_Static_assert((int)ACCESS_LOG_TIME >= (int)CLOCK_TEXT, "a time of either format fits");

int access_log_open(struct access_log *a, const char *path, enum access_format format, const struct log *log,
		    struct failure *why)
{
	a->format = format;
	a->instant = 0;
	a->when[0] = '\0';
	return log_file_open(&a->file, path, log, why);
}

void access_log_close(struct access_log *a)
{
	log_file_close(&a->file);
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
	const char *when = time_text(a, clock_wall_us());
	char *line = log_file_reserve(&a->file, access_line_bound(record));

	if (line != NULL)
		log_file_commit(&a->file, access_line_format(a->format, record, when, line));
}
