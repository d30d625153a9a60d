/* System calls: openat, fcntl, dup3, close. */
#include "server/error_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int open_file(const char *path)
{
	if (strcmp(path, "-") == 0)
		return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	if (strcmp(path, "off") == 0)
		path = "/dev/null";
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

/* The descriptor, or negative errno and *why. */
static int open_path(const char *path, struct failure *why)
{
	int fd = open_file(path);

	if (fd < 0)
		return failure_set(why, -errno, "log file %s: cannot be opened: %s", path, strerror(errno));
	return fd;
}

/* It can only fail for a descriptor that is not open. */
static void put_in_place(struct error_log *e, int fd)
{
	dup3(fd, e->fd, O_CLOEXEC);
	close(fd);
}

int error_log_open(struct error_log *e, const char *path, enum log_level level, struct failure *why)
{
	*e = (struct error_log){ .path = path, .fd = open_path(path, why) };
	e->log = (struct log){ .level = level, .write = log_write_to_fd, .context = &e->fd };
	return e->fd < 0 ? e->fd : 0;
}

void error_log_close(struct error_log *e)
{
	close(e->fd);
}

void error_log_reopen(struct error_log *e)
{
	struct failure why;
	int fd = open_path(e->path, &why);

	if (fd < 0) {
		log_line(&e->log, LOG_ERROR, "log", "%s", why.text);
		return;
	}
	put_in_place(e, fd);
}

/* The same path stays open: whoever we are by now might not be allowed to open it. */
int error_log_prepare(const struct error_log *e, const char *path, struct failure *why)
{
	return strcmp(e->path, path) == 0 ? e->fd : open_path(path, why);
}

void error_log_succeed(struct error_log *e, const char *path, int fd, enum log_level level)
{
	if (fd != e->fd)
		put_in_place(e, fd);
	e->path = path;
	log_set_level(&e->log, level);
}

void error_log_discard(const struct error_log *e, int fd)
{
	if (fd != e->fd)
		close(fd);
}
