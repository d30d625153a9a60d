/*
 * The live page: what lies in src/server/live/, which the build puts into the program, so that a status
 * location needs no file beside it. The page reads status.json and connections.json from there, over and
 * over.
 */
#ifndef SERVER_LIVE_H
#define SERVER_LIVE_H

#include "http/http_call.h"

/* The file at the call's path below the location, "" being the page, as far as the client has not got it
 * already: 200, 304, or why not. */
unsigned live_answer(const struct http_call *call, struct http_document *out);

#endif
