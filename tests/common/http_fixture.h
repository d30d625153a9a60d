/* What tests of src/http share: a world, a site in a temporary directory, a server, and replies taken
 * apart. */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/world.h"
#include "common/fake_stream.h"
#include "http/http.h"

enum { HTTP_FIXTURE_LOGS = 64, HTTP_FIXTURE_TEXT = 128 };

/* A log record, copied. */
struct http_logged {
	unsigned status;
	char method[HTTP_FIXTURE_TEXT], target[HTTP_FIXTURE_TEXT], host[HTTP_FIXTURE_TEXT];
	char referer[HTTP_FIXTURE_TEXT], user_agent[HTTP_FIXTURE_TEXT];
	char user[HTTP_FIXTURE_TEXT];
	uint64_t body_bytes_sent, started_us, finished_us;
	uint32_t connection_requests;
	unsigned version;
};

struct http_fixture {
	char root[64];    /* the site's directory; there is more beside it */
	char outside[64]; /* a directory that is not below root */
	struct world world;
	struct http_config config;
	struct http_site site; /* its locations are the next two */
	const struct http_location *locations; /* of the site */
	size_t n_locations;
	struct offload *offload; /* NULL: the server has none */
	struct http_server *server;
	uint64_t wall_us; /* what the server is told */
	struct http_logged logs[HTTP_FIXTURE_LOGS];
	size_t log_count;
};

/* Makes the directories and a configuration; the caller may change that before http_fixture_start(). */
void http_fixture_init(struct http_fixture *f);
void http_fixture_start(struct http_fixture *f);
/* Frees the server (if it is still there) and removes the directories. */
void http_fixture_fini(struct http_fixture *f);

/* Writes a file below the root, with its directories; its times lie an hour back. */
void http_fixture_write(struct http_fixture *f, const char *path, const void *data, size_t len);
void http_fixture_write_text(struct http_fixture *f, const char *path, const char *text);

/* Moves time, both clocks alike, fires timers, and lets the server look at its files. */
void http_fixture_advance(struct http_fixture *f, uint64_t us);

/* The kernel has openat2(2). Under valgrind it has not, and then symlinks are not followed. */
bool http_fixture_has_openat2(void);

struct http_reply {
	unsigned status;
	const char *head;
	size_t head_len; /* with the empty line */
	const char *body;
	size_t body_len;
};

/* The next whole reply from *at on (in sent, len bytes); false, and nothing moves, if there is none.
 * for_head: the request was HEAD. A reply of 1xx, 204 or 304 has no body; others must say a length. */
bool http_reply_next(const char *sent, size_t len, size_t *at, bool for_head, struct http_reply *out);

/* The value of a field (its first line) into out; "" and false if it is not there. */
bool http_reply_field(const struct http_reply *r, const char *name, char out[static 256]);

#endif
