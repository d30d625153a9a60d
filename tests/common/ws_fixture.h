/* What tests of WebSocket connections share: an HTTP server with an endpoint at /ws/, clients on streams
 * in memory, and a handler that keeps a diary. */
#ifndef TESTS_WS_FIXTURE_H
#define TESTS_WS_FIXTURE_H

#include "common/fake_stream.h"
#include "common/http_fixture.h"
#include "common/ws_client.h"
#include "websocket/ws.h"

struct ws_fixture {
	struct http_fixture http;
	struct ws_limits limits;
	struct ws_config config;
	struct ws_handler handler;
	struct ws_server *server;
	struct ws_endpoint *endpoint;
	struct http_location location;
};

/* The caller may change limits, config and handler before ws_fixture_start(). */
void ws_fixture_init(struct ws_fixture *f);
void ws_fixture_start(struct ws_fixture *f);
/* Asserts that no connection and no memory is left behind. */
void ws_fixture_fini(struct ws_fixture *f);

struct ws_usage ws_fixture_usage(const struct ws_fixture *f);

/* A client: what it has sent that is not fed yet, and how far it has read. */
struct ws_test_client {
	struct fake_stream s;
	struct ws_bytes out;
	size_t at;
};

/* Sends the request and what is in c->out; more: fields, whole lines, which may be those of key
 * and version. Returns the status. */
unsigned ws_test_connect(struct ws_fixture *f, struct ws_test_client *c, const char *path, const char *more,
			 size_t buffer);
void ws_test_fini(struct ws_test_client *c);

/* Feeds what is in c->out. */
void ws_test_flush(struct ws_test_client *c);
/* Makes a frame and feeds it. */
void ws_test_send(struct ws_test_client *c, uint8_t first, const void *payload, size_t len);
void ws_test_send_text(struct ws_test_client *c, const char *text);
void ws_test_send_close(struct ws_test_client *c, unsigned code);

/* The next frame is this one. */
void ws_test_expect(struct ws_test_client *c, uint8_t first, const void *payload, size_t len);
void ws_test_expect_text(struct ws_test_client *c, const char *text);
void ws_test_expect_close(struct ws_test_client *c, unsigned code);
void ws_test_expect_nothing(struct ws_test_client *c);

#endif
