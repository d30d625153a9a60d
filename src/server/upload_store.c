/*
 * What is in the directory is added up when it is opened, when it has changed by another's hand since (its
 * time tells), and before anybody is refused for want of room: files may be taken away at any time. Where
 * other workers put files, the time of our own change may hide one of theirs, and is looked at like theirs.
 * Bytes on their way count too, so that many uploads at once do not exceed together what each alone would
 * keep to.
 *
 * System calls: openat, linkat, unlinkat, write, sync_file_range, fstat, newfstatat, getdents64,
 * fdatasync, fsync, close, futex.
 */
#include "server/upload_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MOST_NUMBERS = 1000,   /* tried for one name */
	WRITE_BACK = 4 << 20,  /* bytes after which the disk is set to work on them, so
				* that little is left at the end */
};

/* ---- what is in the directory ---- */

static uint64_t size_of(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_size;
}

/* The bytes of all files in it, not of those in directories below. UINT64_MAX: it cannot be read. */
static uint64_t add_up(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	uint64_t sum = 0;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return UINT64_MAX;
	}
	while ((entry = readdir(d)) != NULL)
		sum += size_of(dir, entry->d_name);
	closedir(d);
	return sum;
}

static struct timespec time_of_change(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 ? st.st_mtim : (struct timespec){ 0 };
}

/* The time first: a change while adding up is seen next time. */
static void look(struct upload_store *s)
{
	s->changed = time_of_change(s->dir);
	s->stored = add_up(s->dir);
}

static void look_if_changed(struct upload_store *s)
{
	struct timespec now = time_of_change(s->dir);

	if (now.tv_sec != s->changed.tv_sec || now.tv_nsec != s->changed.tv_nsec)
		look(s);
}

/* There is room for so many bytes more. */
static bool has_room(const struct upload_store *s, uint64_t len)
{
	uint64_t max = s->limits.max_total;

	return s->stored <= max && s->arriving <= max - s->stored && len <= max - s->stored - s->arriving;
}

static bool reserve(struct upload_store *s, uint64_t len)
{
	bool fits;

	pthread_mutex_lock(&s->lock);
	if (!has_room(s, len))
		look(s);
	fits = has_room(s, len);
	if (fits)
		s->arriving += len;
	pthread_mutex_unlock(&s->lock);
	return fits;
}

/* What was arriving is in the directory now, or gone. */
static void settle(struct upload_files *f, bool is_stored)
{
	struct upload_store *s = f->store;

	pthread_mutex_lock(&s->lock);
	s->arriving -= f->reserved;
	if (is_stored)
		s->stored += f->reserved;
	if (is_stored && !s->is_shared)
		s->changed = time_of_change(s->dir);
	pthread_mutex_unlock(&s->lock);
	f->reserved = 0;
}

/* ---- the directory ---- */

static int open_nameless(int dir)
{
	return openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640);
}

/* Files without a name are not for every file system; better to know at once. */
static int try_directory(const struct upload_store *s, struct failure *why)
{
	int fd = open_nameless(s->dir), error = errno;

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (error == EOPNOTSUPP || error == EISDIR)
		return failure_set(why, -error,
				   "upload directory %s: its file system has no files without a name "
				   "(O_TMPFILE): use ext4, xfs, btrfs or tmpfs",
				   s->path);
	return failure_set(why, -error, "upload directory %s: no file can be made in it: %s", s->path,
			   strerror(error));
}

int upload_store_open(struct upload_store *s, const char *path, const struct upload_limits *limits,
		      struct failure *why)
{
	int error;

	*s = (struct upload_store){ .path = path, .limits = *limits };
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return failure_set(why, -errno, "upload directory %s: cannot be opened: %s", path,
				   strerror(errno));
	error = try_directory(s, why);
	if (error < 0) {
		close(s->dir);
		return error;
	}
	pthread_mutex_init(&s->lock, NULL);
	look(s);
	return 0;
}

void upload_store_close(struct upload_store *s)
{
	pthread_mutex_destroy(&s->lock);
	close(s->dir);
}

/* ---- files on their way ---- */

static unsigned status_of(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return 507;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return 503;
	default:
		return 500;
	}
}

static unsigned fail(const struct upload_files *f, int error, const char *what, struct failure *why)
{
	failure_set(why, -error, "%s: %s: %s", f->store->path, what, strerror(error));
	return status_of(error);
}

int upload_files_init(struct upload_files *f, struct upload_store *store)
{
	*f = (struct upload_files){ .store = store,
				    .items = calloc(store->limits.max_files, sizeof *f->items) };
	return f->items != NULL ? 0 : -ENOMEM;
}

static bool take_place(struct upload_store *s)
{
	bool is_free;

	pthread_mutex_lock(&s->lock);
	is_free = s->open < UPLOAD_OPEN_FILES;
	s->open += is_free;
	if (is_free)
		look_if_changed(s);
	pthread_mutex_unlock(&s->lock);
	return is_free;
}

static void give_place(struct upload_store *s)
{
	pthread_mutex_lock(&s->lock);
	s->open--;
	pthread_mutex_unlock(&s->lock);
}

static void close_all(struct upload_files *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		if (f->items[i].fd < 0)
			continue;
		close(f->items[i].fd);
		f->items[i].fd = -1;
		give_place(f->store);
	}
}

void upload_files_fini(struct upload_files *f)
{
	close_all(f);
	settle(f, false);
	free(f->items);
	*f = (struct upload_files){ 0 };
}

unsigned upload_files_add(struct upload_files *f, const char *name, struct failure *why)
{
	struct upload_store *s = f->store;
	struct upload_file *file;

	if (f->count == s->limits.max_files)
		return 413;
	if (!take_place(s))
		return 503;
	file = &f->items[f->count];
	file->fd = open_nameless(s->dir);
	if (file->fd < 0) {
		give_place(s);
		return fail(f, errno, "cannot make a file", why);
	}
	snprintf(file->name, sizeof file->name, "%s", name);
	f->count++;
	return 0;
}

static int write_all(int fd, struct bytes data)
{
	while (data.len > 0) {
		ssize_t n = write(fd, data.data, data.len);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes_skip(&data, n > 0 ? (size_t)n : 0);
	}
	return 0;
}

/* A hint: whether all of it is there is for fdatasync(2) to say. */
static void write_back(const struct upload_store *s, const struct upload_file *file, uint64_t before)
{
	uint64_t from = before / WRITE_BACK * WRITE_BACK, to = file->len / WRITE_BACK * WRITE_BACK;

	if (s->limits.fsync && to > from)
		sync_file_range(file->fd, (off_t)from, (off_t)(to - from), SYNC_FILE_RANGE_WRITE);
}

unsigned upload_files_write(struct upload_files *f, struct bytes data, struct failure *why)
{
	struct upload_store *s = f->store;
	struct upload_file *file = &f->items[f->count - 1];
	int error;

	if (data.len > s->limits.max_file - file->len)
		return 413;
	if (!reserve(s, data.len)) {
		failure_set(why, -EDQUOT, "%s: upload_max_total is reached", s->path);
		return 507;
	}
	f->reserved += data.len;
	file->len += data.len;
	error = write_all(file->fd, data);
	if (error < 0)
		return fail(f, -error, "cannot write", why);
	write_back(s, file, file->len - data.len);
	return 0;
}

/* ---- names ---- */

/* 0, or negative errno; -EEXIST: this name is taken. */
static int link_as(const struct upload_files *f, const struct upload_file *file, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", file->fd);
	return linkat(AT_FDCWD, path, f->store->dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int link_file(struct upload_files *f, struct upload_file *file)
{
	unsigned most = f->store->limits.numbers ? MOST_NUMBERS : 1;
	char name[UPLOAD_NUMBERED_SIZE];
	int error = -EEXIST;

	for (unsigned number = 1; number <= most && error == -EEXIST; number++) {
		upload_name_number(file->name, number, name);
		error = link_as(f, file, name);
	}
	if (error == 0)
		memcpy(file->name, name, sizeof name);
	return error;
}

static void unlink_first(const struct upload_files *f, unsigned count)
{
	while (count-- > 0)
		unlinkat(f->store->dir, f->items[count].name, 0);
}

static int sync_files(const struct upload_files *f)
{
	for (unsigned i = 0; i < f->count; i++)
		if (fdatasync(f->items[i].fd) < 0)
			return -errno;
	return 0;
}

/* 0, or negative errno, and none is linked. */
static int link_files(struct upload_files *f)
{
	int error = 0;

	for (unsigned i = 0; i < f->count && error == 0; i++) {
		error = link_file(f, &f->items[i]);
		if (error < 0)
			unlink_first(f, i);
	}
	if (error == 0 && f->store->limits.fsync && fsync(f->store->dir) < 0) {
		error = -errno;
		unlink_first(f, f->count);
	}
	return error;
}

unsigned upload_files_store(struct upload_files *f, struct failure *why)
{
	int error = f->store->limits.fsync ? sync_files(f) : 0;

	if (error < 0)
		return fail(f, -error, "cannot bring a file to the disk", why);
	error = link_files(f);
	if (error == -EEXIST)
		return 409;
	if (error < 0)
		return fail(f, -error, "cannot name a file", why);
	close_all(f);
	settle(f, true);
	return 0;
}
