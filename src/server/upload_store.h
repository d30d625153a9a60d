/*
 * The directory of an upload location, and files on their way into it.
 *
 * A file that is arriving has no name (O_TMPFILE): a connection that is lost, a worker that stops and a
 * machine that crashes leave nothing behind. All files of a request get their names when all are whole and,
 * by choice, on the disk; a name that is taken is never taken over. Or none gets one.
 *
 * These functions wait for the disk. They may be called from several threads for different requests.
 */
#ifndef SERVER_UPLOAD_STORE_H
#define SERVER_UPLOAD_STORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "server/upload_name.h"

enum {
	UPLOAD_FILES = 256,      /* most of a request, whatever its limit says */
	UPLOAD_OPEN_FILES = 256, /* most on their way at once: the site's own files need descriptors too */
};

struct upload_limits {
	uint32_t max_files;           /* of a request */
	uint64_t max_file, max_total; /* bytes of a file, and of all files in the directory */
	bool numbers;                 /* a name that is taken gets a number; else the request is refused */
	bool fsync;                   /* on the disk before a file has its name */
};

struct upload_store {
	const char *path;
	struct upload_limits limits;
	bool is_shared;          /* other workers have stores of the same directory */
	int dir;
	pthread_mutex_t lock;    /* of what follows */
	uint64_t stored;         /* bytes in the directory, when last looked at */
	uint64_t arriving;       /* bytes that have no name yet */
	unsigned open;           /* files that have none */
	struct timespec changed; /* when the directory was changed, as far as is known */
};

struct upload_file {
	int fd; /* -1: closed */
	uint64_t len;
	char name[UPLOAD_NUMBERED_SIZE]; /* the one wished for; once stored the one that it has */
};

/* The files of a request. */
struct upload_files {
	struct upload_store *store;
	unsigned count;
	uint64_t reserved; /* their share of store->arriving */
	struct upload_file *items; /* limits.max_files */
};

/* path must outlive the store. 0, or negative errno and *why. */
int upload_store_open(struct upload_store *s, const char *path, const struct upload_limits *limits,
		      struct failure *why);
void upload_store_close(struct upload_store *s);

/* 0, or -ENOMEM. */
int upload_files_init(struct upload_files *f, struct upload_store *store);
/* Those that have no name are gone. */
void upload_files_fini(struct upload_files *f);

/* These give 0, or the status that refuses the request, and *why if the fault is on our side. */

/* One more file, to be stored under this name (upload_name()) if it is free. */
unsigned upload_files_add(struct upload_files *f, const char *name, struct failure *why);
/* More content of the one that was added last. */
unsigned upload_files_write(struct upload_files *f, struct bytes data, struct failure *why);
/* Gives all of them their names, and closes them. */
unsigned upload_files_store(struct upload_files *f, struct failure *why);

#endif
