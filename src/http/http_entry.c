/*
 * Entries: files read, and their field lines written. The contents of files up to the cache's max_file are
 * read; a larger one keeps its descriptor. System calls: fstat, close.
 */
#include "http/http_entry.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http_cache.h"
#include "http/http_cache_control.h"
#include "http/http_date.h"
#include "http/http_file.h"
#include "http/http_mime.h"

enum {
	FIELDS_ROOM = 768,
	READ_TRIES = 3, /* while somebody writes to the file */
};

/* What an entry is made of. */
struct source {
	const struct http_open_policy *policy;
	const char *key;
	size_t key_len;
	struct http_file *file;
	const char *type;
	enum http_coding coding;
	uint64_t variant; /* tells it from the other representations of the file */
};

static void entry_free(struct http_entry *e)
{
	struct http_cache *c = e->cache;

	c->bytes -= e->footprint;
	if (e->fd >= 0)
		close(e->fd);
	for (int i = 0; i < HTTP_CODINGS; i++)
		http_entry_unref(e->encoded[i]);
	free(e->warm);
	free(e);
	span_owner_unref(c->keeper);
}

static void entry_release(struct span_owner *owner)
{
	entry_free((struct http_entry *)(void *)owner);
}

/* RFC 9110 section 8.8.2.1: never later than Date. 0 when the file has no sensible time. */
static int64_t last_modified_of(struct http_cache *c, const struct http_version *v)
{
	int64_t now_s = http_clock_wall_s(c->clock);

	if (v->modified.tv_sec <= 0)
		return 0;
	return v->modified.tv_sec < now_s ? v->modified.tv_sec : now_s;
}

/* The field lines of an entry, and where their sections begin. */
struct fields {
	char text[FIELDS_ROOM];
	uint32_t len, length_at, ranges_at, validators_at;
};

__attribute__((format(printf, 2, 3)))
static void fields_add(struct fields *f, const char *format, ...)
{
	size_t room = sizeof f->text - f->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(f->text + f->len, room, format, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < room);
	f->len += (uint32_t)len;
}

/* The type; what belongs to a 200 alone; what a 206 and a 304 have as well (RFC
 * 9110 sections 15.3.7, 15.4.5). */
static void format_fields(const struct http_entry *e, const struct source *from, const char *etag,
			  struct fields *f)
{
	const char *cache_control = http_cache_control_for(from->policy->cache_control, from->type);
	char date[HTTP_DATE_LEN];

	f->len = 0;
	fields_add(f, "Content-Type: %s\r\n", from->type);
	if (e->coding != HTTP_CODING_IDENTITY)
		fields_add(f, "Content-Encoding: %s\r\n", http_coding_name(e->coding));
	f->length_at = f->len;
	fields_add(f, "Content-Length: %llu\r\n", (unsigned long long)e->version.size);
	f->ranges_at = f->len;
	fields_add(f, "Accept-Ranges: bytes\r\n");
	f->validators_at = f->len;
	if (e->validators.last_modified_s > 0) {
		http_date_format(e->validators.last_modified_s, date);
		fields_add(f, "Last-Modified: %.*s\r\n", HTTP_DATE_LEN, date);
	}
	fields_add(f, "ETag: %s\r\n", etag);
	if (http_policy_encodes(from->policy, from->type))
		fields_add(f, "Vary: Accept-Encoding\r\n");
	if (cache_control != NULL)
		fields_add(f, "Cache-Control: %s\r\n", cache_control);
}

/* Copies len bytes to *at, moves it behind them, and returns where they are. */
static char *put(char **at, const void *data, size_t len)
{
	char *start = *at;

	memcpy(start, data, len);
	*at += len;
	return start;
}

/* An entry without its contents. body_len: room for them, 0 if they stay in the file. */
static struct http_entry *entry_new(struct http_cache *c, const struct source *from, size_t body_len)
{
	const struct http_version *version = &from->file->version;
	struct http_entry draft = {
		.cache = c,
		.key_len = (uint32_t)from->key_len,
		.version = *version,
		.settled = http_version_is_settled(version, http_clock_wall_s(c->clock)),
		.coding = from->coding,
		.type = from->type,
		.validators = { .last_modified_s = last_modified_of(c, version) },
		.fd = from->file->fd,
	};
	char etag[HTTP_ETAG_ROOM];
	size_t etag_len = http_version_etag(version, !draft.settled, from->variant, etag);
	struct http_entry *e;
	const struct http_lines *tail = http_tails_get(&from->policy->tails, 200);
	struct fields fields;
	char *at;

	format_fields(&draft, from, etag, &fields);
	draft.footprint = sizeof *e + from->key_len + etag_len + fields.len + tail->len + body_len;
	e = malloc(draft.footprint);
	if (e == NULL)
		return NULL;
	*e = draft;
	span_owner_init(&e->owner, entry_release);
	list_init(&e->lru);
	list_init(&e->depends.node);
	at = e->memory;
	e->key = put(&at, from->key, from->key_len);
	e->validators.etag = bytes_of(put(&at, etag, etag_len), etag_len);
	e->fields = (uint8_t *)put(&at, fields.text, fields.len);
	put(&at, tail->text, tail->len);
	e->fields_len = fields.len + (uint32_t)tail->len;
	e->length_at = fields.length_at;
	e->ranges_at = fields.ranges_at;
	e->validators_at = fields.validators_at;
	e->tail_at = fields.len;
	c->bytes += e->footprint;
	span_owner_ref(c->keeper);
	return e;
}

/* The room for the contents, right behind the fields. */
static char *body_of(struct http_entry *e)
{
	return e->memory + e->key_len + e->validators.etag.len + e->fields_len;
}

/* Reads the contents; false if the file changed meanwhile, or could not be read. */
static bool entry_read(struct http_entry *e)
{
	uint8_t *body = (uint8_t *)body_of(e);

	if (!http_file_read_all(e, body))
		return false;
	close(e->fd);
	e->fd = -1;
	e->body = body;
	return true;
}

/* More bytes than an entry of this policy has beside its contents. */
static size_t spare_of(const struct http_open_policy *policy)
{
	return sizeof(struct http_entry) + HTTP_PATH_SIZE + FIELDS_ROOM +
	       http_tails_get(&policy->tails, 200)->len;
}

/* Takes the file over, whatever comes of it. NULL: no memory, or the file keeps changing. */
static struct http_entry *load(struct http_cache *c, const struct source *from)
{
	struct http_file *file = from->file;
	struct http_entry *loaded = NULL;

	for (int i = 0; i < READ_TRIES && loaded == NULL; i++) {
		bool in_memory = file->version.size <= c->limits.max_file &&
				 http_cache_make_room(c, file->version.size + spare_of(from->policy));
		struct http_entry *e = entry_new(c, from, in_memory ? file->version.size : 0);
		struct stat st;

		if (e == NULL)
			break;
		if (!in_memory || entry_read(e)) {
			e->warm_after = http_warm_after(e);
			loaded = e;
			break;
		}
		e->fd = -1;
		entry_free(e);
		if (fstat(file->fd, &st) != 0)
			break;
		http_version_set(&file->version, &st);
	}
	if (loaded == NULL)
		close(file->fd);
	file->fd = -1;
	return loaded;
}

unsigned http_entry_load(struct http_cache *c, const struct http_open_policy *policy,
			 const struct http_path *path, struct http_found *found, struct http_entry **out)
{
	struct source from = {
		.policy = policy,
		.key = path->text,
		.key_len = path->len,
		.file = &found->files[HTTP_CODING_IDENTITY],
		.type = found->type,
	};
	struct http_entry *e = load(c, &from);

	*out = e;
	if (e == NULL) {
		http_found_close(found);
		return 503;
	}
	from.key_len = 0;
	for (int i = HTTP_CODING_IDENTITY + 1; i < HTTP_CODINGS; i++) {
		from.file = &found->files[i];
		from.coding = (enum http_coding)i;
		from.variant = (uint64_t)i;
		if (from.file->fd >= 0)
			e->encoded[i] = load(c, &from);
	}
	e->makeable = http_compress_codings(&c->compressor, policy, e);
	http_entry_set_negotiable(e);
	return 200;
}

struct http_entry *http_entry_encode(const struct http_entry *e, enum http_coding coding,
				     struct bytes contents, uint64_t hash)
{
	struct http_cache *c = e->cache;
	struct http_file file = { .fd = -1, .version = e->version };
	const struct source from = {
		.policy = e->policy,
		.key = "",
		.file = &file,
		.type = e->type,
		.coding = coding,
		.variant = hash,
	};
	struct http_entry *encoded;

	file.version.size = contents.len;
	if (!http_cache_make_room(c, contents.len + spare_of(e->policy)))
		return NULL;
	encoded = entry_new(c, &from, contents.len);
	if (encoded == NULL)
		return NULL;
	memcpy(body_of(encoded), contents.data, contents.len);
	encoded->body = (uint8_t *)body_of(encoded);
	encoded->is_made = true;
	return encoded;
}

void http_entry_set_negotiable(struct http_entry *e)
{
	e->is_negotiable = e->makeable != 0;
	for (int i = 0; i < HTTP_CODINGS; i++)
		e->is_negotiable |= e->encoded[i] != NULL;
}

static bool is_of(const struct http_entry *e, const struct http_file *file)
{
	bool is_file = e != NULL && !e->is_made;

	if (!is_file || file->fd < 0)
		return !is_file && file->fd < 0;
	return e->settled && http_version_same(&e->version, &file->version);
}

bool http_entry_is_of(const struct http_entry *e, const struct http_found *found)
{
	bool same = is_of(e, &found->files[HTTP_CODING_IDENTITY]);

	for (int i = HTTP_CODING_IDENTITY + 1; i < HTTP_CODINGS; i++)
		same = same && is_of(e->encoded[i], &found->files[i]);
	return same;
}

unsigned http_entry_descriptors(const struct http_entry *e)
{
	unsigned n = e->fd >= 0;

	for (int i = 0; i < HTTP_CODINGS; i++)
		n += e->encoded[i] != NULL && e->encoded[i]->fd >= 0;
	return n;
}
