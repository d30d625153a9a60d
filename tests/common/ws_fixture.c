#include "common/ws_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void ws_fixture_init(struct ws_fixture *f)
{
	memset(f, 0, sizeof *f);
	http_fixture_init(&f->http);
	f->limits = (struct ws_limits){
		.max_connections = 4096, .max_connections_per_address = 4096, .memory = 64 << 20,
	};
	ws_config_default(&f->config);
}

void ws_fixture_start(struct ws_fixture *f)
{
	assert_int_equal(ws_server_new(&f->limits, &f->http.world, &f->server), 0);
	f->endpoint = ws_endpoint_new(f->server, &f->config, &f->handler, f);
	assert_non_null(f->endpoint);
	f->location = (struct http_location){
		.prefix = "/ws/", .handler = &ws_http_handler, .context = f->endpoint,
	};
	f->http.locations = &f->location;
	f->http.n_locations = 1;
	http_fixture_start(&f->http);
}

struct ws_usage ws_fixture_usage(const struct ws_fixture *f)
{
	return *ws_server_usage(f->server);
}

void ws_fixture_fini(struct ws_fixture *f)
{
	http_fixture_advance(&f->http, 0);
	assert_int_equal(ws_fixture_usage(f).connections, 0);
	assert_int_equal(ws_fixture_usage(f).topics, 0);
	assert_int_equal(ws_fixture_usage(f).memory, 0);
	ws_endpoint_close(f->endpoint);
	http_fixture_fini(&f->http);
	ws_server_free(f->server);
}

unsigned ws_test_connect(struct ws_fixture *f, struct ws_test_client *c, const char *path, const char *more,
			 size_t buffer)
{
	char head[4096];
	int len = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
			   "Connection: Upgrade\r\n%s%s%s\r\n", path,
			   strstr(more, "Version") != NULL ? "" : "Sec-WebSocket-Version: 13\r\n",
			   strstr(more, "Key") != NULL ? "" : "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", more);
	struct http_reply reply;
	struct ws_bytes all = { 0 };

	assert_in_range(len, 1, sizeof head - 1);
	fake_stream_init(&c->s, buffer);
	http_serve(f->http.server, &c->s.stream);
	ws_bytes_add(&all, head, (size_t)len);
	ws_bytes_add(&all, c->out.data, c->out.len);
	c->out.len = 0;
	fake_stream_feed(&c->s, all.data, all.len);
	ws_bytes_fini(&all);
	c->at = 0;
	assert_true(http_reply_next(c->s.sent, c->s.sent_len, &c->at, false, &reply));
	return reply.status;
}

void ws_test_fini(struct ws_test_client *c)
{
	fake_stream_fini(&c->s);
	ws_bytes_fini(&c->out);
}

void ws_test_flush(struct ws_test_client *c)
{
	fake_stream_feed(&c->s, c->out.data, c->out.len);
	c->out.len = 0;
}

void ws_test_send(struct ws_test_client *c, uint8_t first, const void *payload, size_t len)
{
	ws_client_frame(&c->out, first, payload, len);
	ws_test_flush(c);
}

void ws_test_send_text(struct ws_test_client *c, const char *text)
{
	ws_test_send(c, WS_FIN | WS_TEXT, text, strlen(text));
}

void ws_test_send_close(struct ws_test_client *c, unsigned code)
{
	uint8_t payload[2 + WS_CLOSE_REASON_MAX];

	ws_test_send(c, WS_FIN | WS_CLOSE, payload, ws_close_format(payload, code, (struct bytes){ 0 }));
}

void ws_test_expect(struct ws_test_client *c, uint8_t first, const void *payload, size_t len)
{
	struct ws_server_frame frame;

	assert_true(ws_server_frame_next(c->s.sent, c->s.sent_len, &c->at, &frame));
	assert_int_equal(frame.first, first);
	assert_int_equal(frame.payload.len, len);
	if (len > 0)
		assert_memory_equal(frame.payload.data, payload, len);
}

void ws_test_expect_text(struct ws_test_client *c, const char *text)
{
	ws_test_expect(c, WS_FIN | WS_TEXT, text, strlen(text));
}

void ws_test_expect_close(struct ws_test_client *c, unsigned code)
{
	struct ws_server_frame frame;

	assert_true(ws_server_frame_next(c->s.sent, c->s.sent_len, &c->at, &frame));
	assert_int_equal(frame.first, WS_FIN | WS_CLOSE);
	if (code == WS_CLOSE_NO_STATUS) {
		assert_int_equal(frame.payload.len, 0);
		return;
	}
	assert_true(frame.payload.len >= 2);
	assert_int_equal(load_be16(frame.payload.data), code);
}

void ws_test_expect_nothing(struct ws_test_client *c)
{
	assert_int_equal(c->at, c->s.sent_len);
}
