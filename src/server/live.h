/*
 * The live page: what lies in src/server/live/, which the build puts into the program, so that a status
 * location needs no file beside it. The page reads status.json and connections.json from there, over and
 * over.
 */
#ifndef SERVER_LIVE_H
#define SERVER_LIVE_H

#include <stdbool.h>

#include "http/http.h"

/* The file at this path below the location, "" being the page. False: there is none. */
bool live_find(const char *path, struct http_document *out);

#endif
