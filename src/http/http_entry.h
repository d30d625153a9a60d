/*
 * What is needed to answer for a file: its version, contents or descriptor, and ready-made field lines. These
 * never change: a file that changes gets another entry, and responses under way keep the one they began with.
 * An entry may get encoded ones later (http_compress.h).
 */
#ifndef HTTP_HTTP_ENTRY_H
#define HTTP_HTTP_ENTRY_H

#include "base/list.h"
#include "base/span.h"
#include "http/http_conditional.h"
#include "http/http_find.h"
#include "http/http_watch.h"

struct http_cache;

struct http_entry {
	struct span_owner owner;
	struct http_cache *cache;
	struct http_entry *next; /* in its bucket */
	struct list lru;         /* in no list: no longer found, kept by who still refers to it */
	uint64_t hash;
	uint64_t fresh_until_us; /* world time up to which it needs no comparison with the file system */
	struct http_dependent depends; /* on its names in a watched directory */
	const struct http_open_policy *policy;
	uint32_t key_len;
	const char *key; /* the path as resolved */
	struct http_version version; /* its size is that of the contents here */
	bool settled; /* was old enough when read that no later write has the same times */
	bool is_negotiable; /* has encoded ones, or may get them */
	bool is_made;     /* was encoded here: there is no such file */
	uint8_t warm_after; /* after so many requests the contents are read into memory; 0: never */
	uint8_t makeable; /* a bit for each coding in which it may still be encoded here */
	enum http_coding coding;
	const char *type;
	struct http_validators validators;
	const uint8_t *fields; /* field lines of a 200, with the empty line that ends them */
	uint32_t fields_len;
	uint32_t length_at;     /* before this is the type (and coding) alone */
	uint32_t ranges_at;     /* before this are type and length */
	uint32_t validators_at; /* those from here on go with a 304 as well */
	uint32_t tail_at;       /* from here on: the policy's tail for a 200; other statuses have theirs */
	const uint8_t *body;    /* the contents, right behind fields, or warm; NULL: to be read from fd */
	uint8_t *warm;          /* contents that were read later (http_warm.h), of malloc(); NULL: none */
	int fd;                 /* -1 when the contents are right behind fields */
	size_t footprint;       /* bytes of memory that it takes up */
	struct http_entry *encoded[HTTP_CODINGS]; /* the same compressed; NULL: not there. Holds references */
	char memory[];                            /* key, etag, fields, body */
};

/* Makes an entry with one reference, and takes what was found over, whatever comes of it. 200, or 503. */
unsigned http_entry_load(struct http_cache *c, const struct http_open_policy *policy,
			 const struct http_path *path, struct http_found *found, struct http_entry **out);

/* The same as e with a coding, of these contents, whose hash tells them from others of the same file; with
 * one reference. NULL: no memory, or no room in the cache. */
struct http_entry *http_entry_encode(const struct http_entry *e, enum http_coding coding,
				     struct bytes contents, uint64_t hash);

/* To be called when that may have changed. */
void http_entry_set_negotiable(struct http_entry *e);

/* What was found is what the entry was made of. */
bool http_entry_is_of(const struct http_entry *e, const struct http_found *found);

/* How many it holds, with its encoded ones. */
unsigned http_entry_descriptors(const struct http_entry *e);

static inline void http_entry_unref(struct http_entry *e)
{
	if (e != NULL)
		span_owner_unref(&e->owner);
}

#endif
