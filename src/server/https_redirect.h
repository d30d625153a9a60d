/* Requests in clear text are sent on: the same authority and target, by https. */
#ifndef SERVER_HTTPS_REDIRECT_H
#define SERVER_HTTPS_REDIRECT_H

#include "http/http_call.h"

/* The handler of a location. Its context is the port to go to, a uint16_t. */
extern const struct http_handler https_redirect_handler;

#endif
