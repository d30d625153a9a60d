/*
 * Opening below a root. The kernel resolves the path with RESOLVE_BENEATH, so that a ".." or a symlink that
 * leaves the root fails there, without a race. System calls: openat2, openat, newfstatat, close.
 */
#include "http/http_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* O_NONBLOCK: a fifo without a writer would block the worker. O_NOCTTY: a terminal is no file to
	 * serve. */
	OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	STEP_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	RACES = 8, /* tries while others rename directories on the way */
};

int http_open_root(const char *directory)
{
	int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 ? -errno : http_check_root(fd);

	if (error == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return error;
}

/* O_PATH asks for no right to what it opens. */
int http_check_root(int root)
{
	struct stat st;

	return fstatat(root, ".", &st, 0) == 0 ? 0 : -errno;
}

static int open_beneath(int root, const char *path)
{
	struct open_how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int error = EAGAIN;

	for (int i = 0; i < RACES && (error == EAGAIN || error == EINTR); i++) {
		long fd = syscall(SYS_openat2, root, path, &how, sizeof how);

		if (fd >= 0)
			return (int)fd;
		error = errno;
	}
	return -error;
}

int http_open_beneath(int root, const char *path)
{
	int fd = open_beneath(root, *path == '\0' ? "." : path);

	/* An old sandbox answers EPERM to a call that it does not know. */
	if (fd == -ENOSYS || fd == -EPERM)
		return http_open_by_steps(root, path);
	return fd;
}

int http_open_anywhere(int root, const char *path)
{
	int fd = openat(root, *path == '\0' ? "." : path, OPEN_FLAGS);

	return fd < 0 ? -errno : fd;
}

/* Opens the component at *path below dir and moves *path behind it. */
static int open_step(int dir, const char **path)
{
	char name[256];
	size_t len = strcspn(*path, "/");
	const char *next = *path + len + strspn(*path + len, "/");
	int fd;

	if (len >= sizeof name)
		return -ENAMETOOLONG;
	memcpy(name, *path, len);
	name[len] = '\0';
	if (strcmp(name, "..") == 0)
		return -EXDEV;
	if (*next != '\0')
		fd = openat(dir, name, STEP_FLAGS);
	else
		fd = openat(dir, name, OPEN_FLAGS | O_NOFOLLOW | ((*path)[len] == '/' ? O_DIRECTORY : 0));
	*path = next;
	return fd < 0 ? -errno : fd;
}

int http_open_by_steps(int root, const char *path)
{
	int dir = root, fd;

	if (*path == '\0')
		path = ".";
	if (*path == '/')
		return -EXDEV;
	do {
		fd = open_step(dir, &path);
		if (dir != root)
			close(dir);
		dir = fd;
	} while (fd >= 0 && *path != '\0');
	return fd;
}
