/*
 * Scripts. With fastcgi_script there is one, which answers all; with fastcgi_root they lie in a directory,
 * and the path says which and what is left for it; with neither the application is one, and needs no file.
 *
 * Of a path only what is a file, and has the extension of fastcgi_index, is a script: an application
 * that is handed "/photo.jpg/x.php" might look for itself, and run what somebody uploaded as a
 * photo. System calls: newfstatat.
 */
#include "server/fastcgi_script.h"

#include <stdio.h>
#include <sys/stat.h>

/* The prefix without the slash that may end it. */
static size_t prefix_len(const struct config_location *l)
{
	size_t len = strlen(l->prefix);

	return l->prefix[len - 1] == '/' ? len - 1 : len;
}

/* Writes the text, as snprintf() does. False: it is too long. */
#define WRITE(to, ...) ((size_t)snprintf(to, sizeof(to), __VA_ARGS__) < sizeof(to))

static struct bytes text_of(const char *text)
{
	return bytes_of(text, strlen(text));
}

/* SCRIPT_NAME is the prefix and the name of the script, if it has one. */
static unsigned set_names(struct fastcgi_script *s, const struct config_location *l, const char *name,
			  size_t name_len, const char *slash, const char *path_info)
{
	if (!WRITE(s->name, "%.*s%s%.*s", (int)prefix_len(l), l->prefix, name_len > 0 ? "/" : "",
		   (int)name_len, name) ||
	    !WRITE(s->path_info, "%s%s", slash, path_info))
		return 414;
	s->cgi.name = text_of(s->name);
	s->cgi.path_info = text_of(s->path_info);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* ---- scripts in a directory ---- */

static bool has_extension(const char *name, size_t len, const char *like)
{
	const char *dot = strrchr(like, '.');
	size_t dot_len = dot != NULL ? strlen(dot) : 0;

	return len > dot_len && memcmp(name + len - dot_len, dot != NULL ? dot : "", dot_len) == 0;
}

/* Is there a script of this name below the root? Then its file is written. */
static bool is_script(struct fastcgi_script *s, const struct config_location *l, const char *name, size_t len)
{
	struct stat st;

	if (!has_extension(name, len, l->fastcgi_index) ||
	    !WRITE(s->file, "%s/%.*s", l->fastcgi_root, (int)len, name))
		return false;
	return stat(s->file, &st) == 0 && S_ISREG(st.st_mode);
}

/* Length of the first part of the path, segment by segment, that is a script; 0: none is. */
static size_t find_part(struct fastcgi_script *s, const struct config_location *l, const char *path)
{
	for (size_t len = 0;; len++) {
		if (path[len] != '/' && path[len] != '\0')
			continue;
		if (is_script(s, l, path, len))
			return len;
		if (path[len] == '\0' || path[len + 1] == '.')
			return 0;
	}
}

static unsigned find_in_root(struct fastcgi_script *s, const struct config_location *l, const char *path)
{
	size_t len = strlen(path), part = *path != '.' ? find_part(s, l, path) : 0;
	char index[PATH_MAX];

	if (part == 0 && (len == 0 || path[len - 1] == '/')) {
		if (!WRITE(index, "%s%s", path, l->fastcgi_index))
			return 414;
		path = index;
		part = find_part(s, l, path);
	}
	if (part == 0)
		return 404;
	s->cgi.file = text_of(s->file);
	s->cgi.root = text_of(l->fastcgi_root);
	return set_names(s, l, path, part, "", path + part);
}

/* One application, by whichever path. */
static unsigned set_one(struct fastcgi_script *s, const struct config_location *l, const char *rest)
{
	const char *name = base_name(l->fastcgi_script);
	bool has_slash = l->prefix[strlen(l->prefix) - 1] == '/';

	s->cgi.file = text_of(l->fastcgi_script);
	if (*name != '\0' && *rest == '\0')
		has_slash = false;
	return set_names(s, l, name, strlen(name), has_slash ? "/" : "", rest);
}

unsigned fastcgi_script_find(const struct config_location *l, const char *rest, struct fastcgi_script *out)
{
	out->cgi = (struct cgi_script){ 0 };
	if (*l->fastcgi_root != '\0')
		return find_in_root(out, l, *rest == '/' ? rest + 1 : rest);
	return set_one(out, l, rest);
}
