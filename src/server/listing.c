/*
 * Listings: the names in a directory that would be answered for, as HTML or as JSON, whichever the client
 * likes better. Hidden files are not shown, nor what a symlink leads to that may not be followed. Reading is
 * bounded: of a larger directory the first LISTING_ENTRIES that the file system gives are shown. System
 * calls: getdents, fstatat, openat2, fstat, close.
 */
#include "server/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http/http_accept.h"
#include "http/http_open.h"
#include "http/http_path.h"
#include "server/html.h"
#include "server/json.h"

struct entry {
	char *name;
	bool is_directory;
	uint64_t size;
	time_t modified;
};

struct listing {
	const struct http_directory *directory;
	struct entry *entries;
	size_t count;
	bool is_cut; /* there are more than are shown */
};

/* ---- reading ---- */

/* Where a symlink leads, if that may be shown. */
static bool stat_link(const struct http_directory *dir, const char *name, struct stat *st)
{
	char path[HTTP_PATH_SIZE];
	int len = snprintf(path, sizeof path, "%s%s", dir->path, name), fd;
	bool found;

	if (len < 0 || (size_t)len >= sizeof path)
		return false;
	fd = dir->follow_symlinks ? http_open_anywhere(dir->root, path) : http_open_beneath(dir->root, path);
	if (fd < 0)
		return false;
	found = fstat(fd, st) == 0;
	close(fd);
	return found;
}

static bool stat_entry(const struct listing *l, int fd, const char *name, struct stat *st)
{
	if (name[0] == '.' || fstatat(fd, name, st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	if (S_ISLNK(st->st_mode) && !stat_link(l->directory, name, st))
		return false;
	return S_ISDIR(st->st_mode) || S_ISREG(st->st_mode);
}

/* False: no memory. */
static bool add_entry(struct listing *l, const char *name, const struct stat *st)
{
	char *copy = strdup(name);

	if (copy == NULL)
		return false;
	l->entries[l->count++] = (struct entry){
		.name = copy,
		.is_directory = S_ISDIR(st->st_mode),
		.size = (uint64_t)st->st_size,
		.modified = st->st_mtim.tv_sec,
	};
	return true;
}

static bool read_entries(struct listing *l, DIR *dir)
{
	const struct dirent *d;
	struct stat st;

	while ((d = readdir(dir)) != NULL) {
		if (!stat_entry(l, dirfd(dir), d->d_name, &st))
			continue;
		if (l->count == LISTING_ENTRIES) {
			l->is_cut = true;
			return true;
		}
		if (!add_entry(l, d->d_name, &st))
			return false;
	}
	return true;
}

/* Directories first, then by name. */
static int compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->is_directory != b->is_directory)
		return a->is_directory ? -1 : 1;
	return strcmp(a->name, b->name);
}

static bool read_directory(struct listing *l)
{
	DIR *dir = fdopendir(l->directory->fd);
	bool whole;

	if (dir == NULL) {
		close(l->directory->fd);
		return false;
	}
	l->entries = calloc(LISTING_ENTRIES, sizeof *l->entries);
	whole = l->entries != NULL && read_entries(l, dir);
	closedir(dir);
	if (whole)
		qsort(l->entries, l->count, sizeof *l->entries, compare);
	return whole;
}

static void free_listing(struct listing *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->entries[i].name);
	free(l->entries);
}

/* ---- writing ---- */

enum {
	TIME_ROOM = 32,
	/* What one entry can take up, each byte of its name written as six at
	 * most; and what follows the last. */
	ENTRY_ROOM = 12 * 255 + 512,
};

static struct bytes text_bytes(const char *text)
{
	return bytes_of(text, strlen(text));
}

/* RFC 3339, in UTC. */
static const char *format_time(time_t t, char out[static TIME_ROOM])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
	return out;
}

static void write_json_entry(struct document *d, const struct entry *e)
{
	char text[TIME_ROOM];

	json_open_object(d, NULL);
	json_text(d, "name", e->name);
	json_text(d, "type", e->is_directory ? "directory" : "file");
	if (!e->is_directory)
		json_number(d, "size", e->size);
	json_text(d, "modified", format_time(e->modified, text));
	json_close_object(d);
}

/* Writes the entries that fit: names may be long and strange. */
static void write_entries(struct document *d, struct listing *l,
			  void (*write)(struct document *d, const struct entry *e))
{
	for (size_t i = 0; i < l->count; i++) {
		if (document_left(d) < 2 * ENTRY_ROOM) {
			l->is_cut = true;
			return;
		}
		write(d, &l->entries[i]);
	}
}

static void write_json(struct document *d, struct listing *l)
{
	char path[HTTP_PATH_SIZE + 1];

	snprintf(path, sizeof path, "/%s", l->directory->path);
	json_open_object(d, NULL);
	json_text(d, "path", path);
	json_open_array(d, "entries");
	write_entries(d, l, write_json_entry);
	json_close_array(d);
	json_bool(d, "truncated", l->is_cut);
	json_close_object(d);
	document_add_text(d, "\n");
}

static const char html_style[] =
	"<style>\n"
	":root{color-scheme:light dark;--page:#fbfaf7;--ink:#1f2430;"
	"--soft:#5d6472;--line:#e2dfd8;--tap:#b45309}\n"
	"@media (prefers-color-scheme:dark)"
	"{:root{--page:#15171c;--ink:#e8e6e1;--soft:#a2a7b3;--line:#2b2f38;--tap:#f0a04b}}\n"
	"body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\n"
	"main{width:min(100% - 2rem,56rem);margin:0 auto;padding:2rem 0}\n"
	"h1{margin:0 0 1rem;font-size:1.5rem;overflow-wrap:anywhere}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"th{text-align:left;font-weight:600;color:var(--soft)}\n"
	"th,td{padding:.35rem 0;border-bottom:1px solid var(--line);vertical-align:top}\n"
	"td:first-child{overflow-wrap:anywhere}\n"
	"td+td,th+th{padding-left:1.5rem;white-space:nowrap;"
	"color:var(--soft);font-variant-numeric:tabular-nums;text-align:right}\n"
	"a{color:var(--tap);text-decoration:none}\n"
	"a:hover,a:focus-visible{text-decoration:underline}\n"
	"p{color:var(--soft)}\n"
	"@media (max-width:36rem){td:last-child,th:last-child{display:none}}\n"
	"</style>\n";

static const char *format_size(uint64_t size, char out[static TIME_ROOM])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)size;
	size_t unit = 0;

	while (value >= 1023.95) {
		value /= 1024;
		unit++;
	}
	snprintf(out, TIME_ROOM, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return out;
}

/* "./" before the name: one with a colon would else be read as a scheme (RFC 3986 section 4.2). */
static void write_link(struct document *d, const struct entry *e)
{
	char encoded[3 * 255 + 3]; /* three a byte of a name, and as many as the encoder wants to see free */
	size_t len = http_path_encode(e->name, strlen(e->name), encoded, sizeof encoded);
	const char *slash = e->is_directory ? "/" : "";

	document_add_text(d, "<a href=\"./");
	html_text(d, bytes_of(encoded, len));
	document_add_text(d, slash);
	document_add_text(d, "\">");
	html_text(d, text_bytes(e->name));
	document_add_text(d, slash);
	document_add_text(d, "</a>");
}

static void write_row(struct document *d, const struct entry *e)
{
	char text[TIME_ROOM];

	document_add_text(d, "<tr><td>");
	write_link(d, e);
	document_add_text(d, "<td>");
	document_add_text(d, e->is_directory ? "" : format_size(e->size, text));
	document_add_text(d, "<td>");
	format_time(e->modified, text);
	document_add(d, text, strcspn(text, "T"));
	document_add_text(d, "\n");
}

static void write_heading(struct document *d, const char *before, const char *path, const char *after)
{
	document_add_text(d, before);
	document_add_text(d, "/");
	html_text(d, text_bytes(path));
	document_add_text(d, after);
}

static void write_html(struct document *d, struct listing *l)
{
	const char *path = l->directory->path;

	document_add_text(d, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
			     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
	write_heading(d, "<title>", path, "</title>\n");
	document_add_text(d, html_style);
	write_heading(d, "<main>\n<h1>", path, "</h1>\n");
	document_add_text(d, "<table>\n<thead><tr><th>Name<th>Size<th>Modified\n<tbody>\n");
	if (*path != '\0')
		document_add_text(d, "<tr><td><a href=\"../\">../</a><td><td>\n");
	write_entries(d, l, write_row);
	document_add_text(d, "</table>\n");
	if (l->is_cut)
		document_add_text(d, "<p>There is more here than is shown.</p>\n");
	document_add_text(d, "</main>\n</html>\n");
}

static const char *const media[] = { "text/html", "application/json" };
static const struct {
	const char *type;
	void (*write)(struct document *d, struct listing *l);
} formats[] = {
	{ "text/html; charset=utf-8", write_html },
	{ "application/json", write_json },
};

unsigned listing_answer(void *context, const struct http_directory *directory, struct http_document *out)
{
	size_t format = http_accept_best(directory->accept, media, ARRAY_LENGTH(media));
	struct listing l = { .directory = directory };
	bool whole = read_directory(&l);
	struct document *d = whole ? document_new(context, LISTING_DOCUMENT) : NULL;

	if (d != NULL)
		formats[format].write(d, &l);
	free_listing(&l);
	out->type = formats[format].type;
	return d != NULL && document_finish(d, &out->body) ? 200 : 503;
}
