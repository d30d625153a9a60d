/* A buffered log file: see the header for what it promises. */
#include "server/log_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pipe that poll(2) calls writable takes this much without blocking (pipe(7): PIPE_BUF). */
enum { PATIENT_WRITE = 4096 };

void log_turn_init(struct log_turn *t)
{
	*t = (struct log_turn){ .torn = NULL };
	pthread_mutex_init(&t->lock, NULL);
}

void log_turn_fini(struct log_turn *t)
{
	pthread_mutex_destroy(&t->lock);
}

/* False: another one's line has been begun, and is to be ended first. */
static bool take_turn(const struct log_file *f)
{
	bool is_ours;

	if (f->turn == NULL)
		return true;
	pthread_mutex_lock(&f->turn->lock);
	is_ours = f->turn->torn == NULL || f->turn->torn == f;
	if (!is_ours)
		pthread_mutex_unlock(&f->turn->lock);
	return is_ours;
}

static void end_turn(const struct log_file *f, bool is_torn)
{
	if (f->turn == NULL)
		return;
	f->turn->torn = is_torn ? f : NULL;
	pthread_mutex_unlock(&f->turn->lock);
}

static int open_path(const char *path, struct failure *why)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return STDOUT_FILENO;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0)
		return failure_set(why, -errno, "log file %s: cannot be opened: %s", path, strerror(errno));
	return fd;
}

static void set_fd(struct log_file *f, int fd)
{
	struct stat st;

	f->fd = fd;
	f->may_block = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode);
}

static void close_fd(struct log_file *f)
{
	if (f->fd != STDOUT_FILENO)
		close(f->fd);
}

int log_file_open_fd(struct log_file *f, int fd, const char *name, struct failure *why)
{
	*f = (struct log_file){ .path = name, .buffer = malloc(LOG_FILE_BUFFER) };
	set_fd(f, fd);
	if (f->buffer != NULL)
		return 0;
	close_fd(f);
	return failure_set(why, -ENOMEM, "log file %s: out of memory", name);
}

int log_file_open(struct log_file *f, const char *path, const struct log *log, struct failure *why)
{
	int fd = open_path(path, why);
	int r = fd < 0 ? fd : log_file_open_fd(f, fd, path, why);

	if (r == 0)
		f->log = log;
	return r;
}

void log_file_close(struct log_file *f)
{
	log_file_flush(f);
	if (take_turn(f))
		end_turn(f, false);
	close_fd(f);
	free(f->buffer);
}

static uint64_t count_lines(const char *text, size_t len)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

static const char *shown_path(const struct log_file *f)
{
	return strcmp(f->path, "-") == 0 ? "standard output" : f->path;
}

static void lose(struct log_file *f, uint64_t lines, const char *why)
{
	if (!f->losing) {
		f->losing = true;
		f->lost_before = f->lost;
		log_line(f->log, LOG_ERROR, "log", "%s: lines are being lost: %s", shown_path(f), why);
	}
	f->lost += lines;
}

static void recover(struct log_file *f)
{
	f->losing = false;
	log_line(f->log, LOG_NOTICE, "log", "%s: works again, %" PRIu64 " lines were lost", shown_path(f),
		 f->lost - f->lost_before);
}

/* Throws away what could not be written. If a line was torn, the next must not be taken for its rest: what
 * ends it stands in front, and stays there until it is written. */
static void discard(struct log_file *f, int error)
{
	size_t end = f->used > 0 && f->buffer[0] == '\n' ? 1 : 0; /* no line is empty */

	lose(f, count_lines(f->buffer + end, f->used - end), strerror(error));
	f->used = 0;
	if (f->is_torn)
		f->buffer[f->used++] = '\n';
}

static bool is_writable(const struct log_file *f)
{
	struct pollfd p = { .fd = f->fd, .events = POLLOUT };

	return !f->may_block || poll(&p, 1, 0) == 1;
}

/* Of what may be written in one piece, the lines that are whole; a line that is longer alone goes in
 * several. */
static size_t whole_lines(const char *text, size_t len)
{
	const char *end = memrchr(text, '\n', len);

	return end != NULL ? (size_t)(end + 1 - text) : len;
}

/* Writes one piece at done. The number of bytes, 0: it would block, or negative errno. */
static ssize_t write_piece(const struct log_file *f, size_t done)
{
	size_t len = f->used - done;
	ssize_t n;

	if (!is_writable(f))
		return 0;
	if (f->may_block && len > PATIENT_WRITE)
		len = whole_lines(f->buffer + done, PATIENT_WRITE);
	n = write(f->fd, f->buffer + done, len);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static void write_out(struct log_file *f)
{
	size_t done = 0;
	ssize_t n = 1;

	while (done < f->used && (n = write_piece(f, done)) > 0)
		done += (size_t)n;
	if (done > 0)
		f->is_torn = f->buffer[done - 1] != '\n';
	f->used -= done;
	memmove(f->buffer, f->buffer + done, f->used);
	if (n < 0)
		discard(f, (int)-n);
	else if (done > 0 && f->used == 0 && f->losing)
		recover(f);
}

void log_file_flush(struct log_file *f)
{
	if (f->used == 0 || !take_turn(f))
		return;
	write_out(f);
	end_turn(f, f->is_torn);
}

char *log_file_reserve(struct log_file *f, size_t size)
{
	assert(size <= LOG_FILE_BUFFER - 1); /* 1: see discard() */
	if (size > LOG_FILE_BUFFER - f->used)
		log_file_flush(f);
	if (size <= LOG_FILE_BUFFER - f->used)
		return f->buffer + f->used;
	lose(f, 1, "nobody reads them");
	return NULL;
}

void log_file_commit(struct log_file *f, size_t len)
{
	f->lines++;
	f->used += len;
	assert(f->used <= LOG_FILE_BUFFER);
}

int log_file_reopen(struct log_file *f, struct failure *why)
{
	int fd = open_path(f->path, why);

	if (fd < 0)
		return fd;
	log_file_flush(f);
	if (fd == f->fd)
		return 0;
	close_fd(f);
	set_fd(f, fd);
	return 0;
}
