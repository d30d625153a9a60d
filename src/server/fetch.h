/*
 * One HTTP/1.1 request as a client, on a stream: sends it, has llhttp take the response apart, and writes the
 * body where it is wanted. It knows neither sockets nor our TCP: get.c makes the connection.
 */
#ifndef SERVER_FETCH_H
#define SERVER_FETCH_H

#include <llhttp.h>
#include <stdio.h>

#include "base/stream.h"
#include "server/url.h"

struct fetch_config {
	const struct url *url;
	const char *server; /* "10.78.0.1 port 80": for messages about it */
	const char *output; /* file for what is printed; NULL: standard output */
	bool head;          /* HEAD, and print the header */
	bool include;       /* print the header in front of the body */
	bool fail;          /* print nothing on a status of 400 or more */
	/* Told of each step before the stream is let go of; is_ours: the client's. NULL: nobody asks. */
	void (*on_step)(void *context, bool is_ours, const char *what);
	void *context;
};

enum fetch_state {
	FETCH_CONNECTING,
	FETCH_RECEIVING, /* the request is sent */
	FETCH_COMPLETE,  /* the response came whole */
	FETCH_FAILED,    /* why says */
};

struct fetch {
	struct fetch_config config;
	enum fetch_state state;
	struct failure why;
	struct stream *stream; /* NULL once it is gone or let go of */
	llhttp_t parser;
	llhttp_settings_t settings;
	bool in_header;
	char reason[128];      /* phrase of the status line, cut if longer */
	size_t reason_len;
	unsigned status;       /* of the last response whose header has come */
	uint64_t body_bytes;
	FILE *out;             /* NULL until something is to be written */
	char *request;
	size_t request_len;
};

/* The handler for the stream that the request goes over. Its user is the struct fetch. */
extern const struct stream_handler fetch_handler;

/* 0, or -ENOMEM and *why. *f must not move, and must outlive the stack that carries the stream: its request
 * is sent by reference. */
int fetch_init(struct fetch *f, const struct fetch_config *config, struct failure *why);

/* Closes what is open; 0, or negative errno and *why if what was received could not be written. */
int fetch_fini(struct fetch *f, struct failure *why);

static inline bool fetch_is_done(const struct fetch *f)
{
	return f->state == FETCH_COMPLETE || f->state == FETCH_FAILED;
}

#endif
