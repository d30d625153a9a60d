/*
 * A connection to an application: a non-blocking socket of the kernel's with one request on it at
 * a time. Bytes go out as far as they go, and records come in when they are asked for, so that
 * both sides can hold the other up.
 */
#ifndef SERVER_FASTCGI_CONN_H
#define SERVER_FASTCGI_CONN_H

#include "base/list.h"
#include "base/timer.h"
#include "server/fastcgi_address.h"
#include "server/fastcgi_record.h"
#include "server/poller.h"

enum { FASTCGI_BUFFER = 32 << 10 };

struct fastcgi_conn {
	struct poll_watch watch;
	struct poller *poller;
	uint32_t events;      /* waited for */
	bool is_connected;
	bool is_hung_up;      /* and not watched any more: what there is can be read without waiting */
	bool is_unwritable;   /* it takes nothing more, and may still have answered */
	bool is_reused;       /* it has had a request before this one */
	bool is_proven;       /* the application has answered on it: it does not wait to be accepted */
	bool has_answered;    /* something has come for this request */
	bool has_ended;       /* so has the end of it, which is read */
	bool is_awaited;      /* the request waits for what comes */
	struct bytes first;   /* to be sent first; whoever gave it keeps it */
	size_t out_at, out_len, in_at, in_len; /* in the buffers: what is to be sent, what is to be read */
	struct fastcgi_reader reader;
	/* Something has happened: it is connected, takes more, has something, or is broken. */
	void (*on_event)(struct fastcgi_conn *c);
	/* The owner's. */
	void *request;
	struct list node;
	struct timer timer;
	size_t drained;
	uint8_t out[FASTCGI_BUFFER];
	uint8_t in[FASTCGI_BUFFER];
};

/* 0, -EAGAIN if the application's queue is full, or another negative errno. on_event() and what follows in
 * the struct is the caller's to set. */
int fastcgi_conn_open(struct poller *p, const struct fastcgi_address *to, struct fastcgi_conn **out);
void fastcgi_conn_close(struct fastcgi_conn *c);

/* To be asked when something happened before it was connected. 0: it is now.
 * 1: not yet. Or negative errno. */
int fastcgi_conn_check(struct fastcgi_conn *c);

/* No more than that could be said if it were asked now: the application has not hung up meanwhile. */
bool fastcgi_conn_is_alive(const struct fastcgi_conn *c);

/* A request begins, whose first bytes these are. */
void fastcgi_conn_begin(struct fastcgi_conn *c, struct bytes first);

/* Bytes of STDIN that fit now. */
size_t fastcgi_conn_room(const struct fastcgi_conn *c);
/* Adds a record of STDIN; data fits. Without data it is the last one, for which there always is room. */
void fastcgi_conn_add(struct fastcgi_conn *c, struct bytes data);
/* Sends what there is as far as it goes. */
void fastcgi_conn_flush(struct fastcgi_conn *c);
/* All that was added is sent. */
bool fastcgi_conn_is_flushed(const struct fastcgi_conn *c);

enum fastcgi_read { FASTCGI_READ_EVENT, FASTCGI_READ_NOTHING, FASTCGI_READ_BROKEN };

/* The next event, if there is one. *content is valid until the next call. NOTHING: on_event() will tell. */
enum fastcgi_read fastcgi_conn_read(struct fastcgi_conn *c, size_t most, enum fastcgi_event *event,
				    struct bytes *content);

/* The last n bytes of the last content are to come once more. */
void fastcgi_conn_unread(struct fastcgi_conn *c, size_t n);

/* Reads on behind what is not read yet, as far as there is room for it. */
void fastcgi_conn_look_ahead(struct fastcgi_conn *c);

/* What has come already, and is not read yet, holds the end of the request. */
bool fastcgi_conn_holds_end(const struct fastcgi_conn *c);

/* The last request has ended, and nothing of it is left: it can have another. */
bool fastcgi_conn_is_clean(const struct fastcgi_conn *c);

#endif
