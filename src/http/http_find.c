/*
 * Finding files. Siblings are opened as their file is, so that a symlink out of the root, or a directory of
 * that name, is no sibling. System calls: openat2, fstat, fstatat, close.
 */
#include "http/http_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/http_mime.h"
#include "http/http_watch.h"

enum { NAME_ROOM = HTTP_PATH_SIZE + 256 };

static void close_file(struct http_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void http_found_close(struct http_found *f)
{
	for (int i = 0; i < HTTP_CODINGS; i++)
		close_file(&f->files[i]);
}

static unsigned status_of_error(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return 403;
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
	case -ELOOP:
	case -EXDEV: /* leads out of the root: not even its existence is told */
	case -ENXIO: /* a socket */
	case -ENODEV:
		return 404;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EAGAIN:
		return 503;
	default:
		return 500;
	}
}

/* Notes that the name was tried. */
static void note_tried(struct http_sought *s, const char *name)
{
	const char *slash = strrchr(name, '/');
	size_t len = slash != NULL ? (size_t)(slash + 1 - name) : 0;

	if (s->names == 0) {
		s->is_watchable = len <= sizeof s->directory;
		s->directory_len = s->is_watchable ? len : 0;
		memcpy(s->directory, name, s->directory_len);
	} else if (len != s->directory_len || memcmp(name, s->directory, len) != 0) {
		s->is_watchable = false;
	}
	s->names |= http_watch_name(name + len, strlen(name + len));
}

/* The file has this name only, and by no symlink. */
static bool is_named(const struct http_open_policy *policy, const char *name, const struct stat *file)
{
	struct stat st;

	return file->st_nlink == 1 && fstatat(policy->site->root, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* Opens name and looks what it is: 200 for a regular file, 301 for a directory. */
static unsigned open_name(const struct http_open_policy *policy, const char *name, enum http_coding coding,
			  struct http_found *out)
{
	struct http_file *file = &out->files[coding];
	struct stat st;
	unsigned status;
	int fd;

	note_tried(&out->sought, name);
	fd = http_site_open(policy, name);
	if (fd < 0)
		return status_of_error(fd);
	if (fstat(fd, &st) != 0)
		status = 500;
	else if (S_ISREG(st.st_mode))
		status = 200;
	else
		status = S_ISDIR(st.st_mode) ? 301 : 404;
	if (status != 200) {
		close(fd);
		return status;
	}
	out->sought.is_watchable = out->sought.is_watchable && is_named(policy, name, &st);
	file->fd = fd;
	http_version_set(&file->version, &st);
	return 200;
}

/* One that is older than the file was made from another version of it. */
static void open_sibling(const struct http_open_policy *policy, const char *name, enum http_coding coding,
			 struct http_found *out)
{
	const struct http_version *file = &out->files[HTTP_CODING_IDENTITY].version;
	struct http_file *sibling = &out->files[coding];
	char sibling_name[NAME_ROOM];
	int len = snprintf(sibling_name, sizeof sibling_name, "%s%s", name, http_coding_suffix(coding));

	if (len < 0 || (size_t)len >= sizeof sibling_name ||
	    open_name(policy, sibling_name, coding, out) != 200)
		return;
	if (sibling->version.modified.tv_sec < file->modified.tv_sec)
		close_file(sibling);
}

/* The file of this name, and those beside it that hold the same compressed. */
static unsigned open_variants(const struct http_sites *sites, const struct http_open_policy *policy,
			      const char *name, struct http_found *out)
{
	unsigned status = open_name(policy, name, HTTP_CODING_IDENTITY, out);

	out->type = http_mime_type(&sites->types, name, strlen(name));
	if (status == 200 && policy->precompressed && http_policy_encodes(policy, out->type))
		for (int i = HTTP_CODING_IDENTITY + 1; i < HTTP_CODINGS; i++)
			open_sibling(policy, name, (enum http_coding)i, out);
	return status;
}

/* The first index file that is there; without one 403 if the directory is there. */
static unsigned open_index(const struct http_sites *sites, const struct http_open_policy *policy,
			   const struct http_path *path, struct http_found *out)
{
	char name[NAME_ROOM];
	unsigned status;

	for (char **index = policy->index; *index != NULL; index++) {
		int len = snprintf(name, sizeof name, "%s%s", path->text, *index);

		if (len < 0 || (size_t)len >= sizeof name)
			continue;
		status = open_variants(sites, policy, name, out);
		if (status != 404 && status != 301)
			return status;
	}
	status = open_name(policy, path->text, HTTP_CODING_IDENTITY, out);
	if (status == 200) { /* a file by the name of a directory: only a race can do this */
		http_found_close(out);
		return 404;
	}
	return status == 301 ? 403 : status;
}

static unsigned open_path(const struct http_sites *sites, const struct http_open_policy *policy,
			  const struct http_path *path, struct http_found *out)
{
	return http_path_is_directory(path) ? open_index(sites, policy, path, out)
					    : open_variants(sites, policy, path->text, out);
}

/* A directory named without its slash is the answer only if no later try finds a file. */
static unsigned open_first(const struct http_sites *sites, const struct http_open_policy *policy,
			   const struct http_path *path, struct http_found *out)
{
	const struct http_tries *tries = &policy->tries;
	struct http_path made;
	unsigned best = 404;

	for (size_t i = tries->uri_at; i < tries->uri_end; i++) {
		unsigned status = 404;

		if (http_try_make(&tries->items[i], path, &made))
			status = open_path(sites, policy, &made, out);
		if (status != 404 && status != 301)
			return status;
		if (status == 301)
			best = 301;
	}
	return best;
}

static unsigned open_file(const struct http_sites *sites, const struct http_open_policy *policy,
			  const char *name, struct http_found *out)
{
	unsigned status = open_variants(sites, policy, name, out);

	return status == 301 ? 404 : status;
}

unsigned http_find(const struct http_sites *sites, const struct http_open_policy *policy,
		   const struct http_path *path, struct http_found *out)
{
	out->sought.names = 0;
	for (int i = 0; i < HTTP_CODINGS; i++)
		out->files[i].fd = -1;
	if (path->text[0] == '/')
		return open_file(sites, policy, path->text + 1, out);
	return open_first(sites, policy, path, out);
}
