/*
 * One HTTP/1.1 request as a client. The request says "Connection: close", so that one response and the end of
 * the stream are all there is to expect; interim responses (1xx) are passed over.
 */
#include "server/fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tls/tls.h"

#define USER_AGENT "taphouse"

static struct fetch *fetch_of(llhttp_t *parser)
{
	return CONTAINER_OF(parser, struct fetch, parser);
}

/* The first failure counts: later ones are its consequences. */
__attribute__((format(printf, 2, 3)))
static void fail(struct fetch *f, const char *format, ...)
{
	va_list ap;

	if (fetch_is_done(f))
		return;
	f->state = FETCH_FAILED;
	va_start(ap, format);
	vsnprintf(f->why.text, sizeof f->why.text, format, ap);
	va_end(ap);
}

__attribute__((format(printf, 3, 4)))
static void tell(const struct fetch *f, bool is_ours, const char *format, ...)
{
	char what[128];
	va_list ap;

	if (f->config.on_step == NULL)
		return;
	va_start(ap, format);
	vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	f->config.on_step(f->config.context, is_ours, what);
}

/* Writes to the output, which is opened by the first byte. -1 ends the parsing. */
static int put(struct fetch *f, const char *data, size_t len)
{
	const char *path = f->config.output;

	if (f->out == NULL)
		f->out = path != NULL ? fopen(path, "we") : stdout;
	if (f->out == NULL) {
		fail(f, "%s: cannot be opened: %s", path, strerror(errno));
		return -1;
	}
	if (fwrite(data, 1, len, f->out) == len)
		return 0;
	fail(f, "%s: cannot be written: %s", path != NULL ? path : "standard output", strerror(errno));
	return -1;
}

static bool wants_header(const struct fetch *f)
{
	return f->config.head || f->config.include;
}

/* --fail silences an error response from its status line on. */
static bool is_silenced(const struct fetch *f)
{
	return f->config.fail && f->parser.status_code >= 400;
}

/* A piece of the header; what a chunked body has behind it (trailers) is left out. */
static int put_header(struct fetch *f, const char *data, size_t len)
{
	return f->in_header && wants_header(f) && !is_silenced(f) ? put(f, data, len) : 0;
}

static int on_message_begin(llhttp_t *parser)
{
	struct fetch *f = fetch_of(parser);

	f->in_header = true;
	f->reason_len = 0;
	return 0;
}

static int on_status(llhttp_t *parser, const char *data, size_t len)
{
	struct fetch *f = fetch_of(parser);
	size_t room = sizeof f->reason - f->reason_len;

	len = len < room ? len : room;
	memcpy(f->reason + f->reason_len, data, len);
	f->reason_len += len;
	return 0;
}

static int on_status_complete(llhttp_t *parser)
{
	struct fetch *f = fetch_of(parser);
	char line[sizeof f->reason + 64];
	int len = snprintf(line, sizeof line, "HTTP/%u.%u %u %.*s\r\n", parser->http_major,
			   parser->http_minor, parser->status_code, (int)f->reason_len, f->reason);

	return put_header(f, line, (size_t)len);
}

static int on_header_part(llhttp_t *parser, const char *data, size_t len)
{
	return put_header(fetch_of(parser), data, len);
}

static int on_header_name_end(llhttp_t *parser)
{
	return put_header(fetch_of(parser), ": ", 2);
}

static int on_header_value_end(llhttp_t *parser)
{
	return put_header(fetch_of(parser), "\r\n", 2);
}

/* 1: the response to HEAD has no body, whatever its header says. */
static int on_headers_complete(llhttp_t *parser)
{
	struct fetch *f = fetch_of(parser);
	int r = put_header(f, "\r\n", 2);

	f->in_header = false;
	f->status = parser->status_code;
	tell(f, false, "HTTP response: %u %.*s", f->status, (int)f->reason_len, f->reason);
	return r < 0 ? r : f->config.head;
}

static int on_body(llhttp_t *parser, const char *data, size_t len)
{
	struct fetch *f = fetch_of(parser);

	f->body_bytes += len;
	return is_silenced(f) ? 0 : put(f, data, len);
}

static int on_message_complete(llhttp_t *parser)
{
	struct fetch *f = fetch_of(parser);

	if (f->status / 100 == 1)
		return 0;
	tell(f, false, "HTTP body: all %" PRIu64 " bytes; close", f->body_bytes);
	if (!is_silenced(f) && put(f, "", 0) < 0) /* an empty body makes an empty file */
		return -1;
	f->state = FETCH_COMPLETE;
	return 0;
}

static void init_parser(struct fetch *f)
{
	llhttp_settings_init(&f->settings);
	f->settings.on_message_begin = on_message_begin;
	f->settings.on_status = on_status;
	f->settings.on_status_complete = on_status_complete;
	f->settings.on_header_field = on_header_part;
	f->settings.on_header_field_complete = on_header_name_end;
	f->settings.on_header_value = on_header_part;
	f->settings.on_header_value_complete = on_header_value_end;
	f->settings.on_headers_complete = on_headers_complete;
	f->settings.on_body = on_body;
	f->settings.on_message_complete = on_message_complete;
	llhttp_init(&f->parser, HTTP_RESPONSE, &f->settings);
}

int fetch_init(struct fetch *f, const struct fetch_config *config, struct failure *why)
{
	const struct url *url = config->url;
	char port[8] = "";
	int len;

	*f = (struct fetch){ .config = *config };
	if (url->port != url_default_port(url))
		snprintf(port, sizeof port, ":%u", url->port);
	len = asprintf(&f->request,
		       "%s %s HTTP/1.1\r\nHost: %s%s\r\nUser-Agent: " USER_AGENT "\r\nAccept: */*\r\n"
		       "Connection: close\r\n\r\n",
		       config->head ? "HEAD" : "GET", url->target, url->host, port);
	if (len < 0)
		return failure_set(why, -ENOMEM, "out of memory");
	f->request_len = (size_t)len;
	init_parser(f);
	return 0;
}

/* fclose(3) is where a full disk shows last. Standard output stays open: main() flushes it. */
static int close_output(struct fetch *f)
{
	if (f->out == NULL)
		return 0;
	if (f->out == stdout ? fflush(stdout) == 0 : fclose(f->out) == 0)
		return 0;
	return -errno;
}

int fetch_fini(struct fetch *f, struct failure *why)
{
	int r = close_output(f);

	free(f->request);
	return r == 0 ? 0 : failure_set(why, r, "what was received cannot be written: %s", strerror(-r));
}

static void let_go(struct fetch *f)
{
	struct stream *s = f->stream;

	f->stream = NULL;
	if (f->state == FETCH_COMPLETE)
		stream_close(s);
	else
		stream_abort(s);
}

static void on_open(struct stream *s)
{
	struct fetch *f = s->user;
	struct span request = { .data = (const uint8_t *)f->request, .len = f->request_len, .owner = NULL };
	int r = stream_send(s, &request, 1, 0);

	f->state = FETCH_RECEIVING;
	if (r == 0) {
		tell(f, true, "HTTP request: %.*s", (int)strcspn(f->request, "\r"), f->request);
		return;
	}
	fail(f, "%s: the request cannot be sent: %s", f->config.server, strerror(-r));
	let_go(f);
}

static void check_parser(struct fetch *f, llhttp_errno_t error)
{
	if (error != HPE_OK)
		fail(f, "%s: this is not a proper HTTP response: %s", f->config.server,
		     llhttp_get_error_reason(&f->parser));
}

static size_t on_receive(struct stream *s, struct bytes data)
{
	struct fetch *f = s->user;

	check_parser(f, llhttp_execute(&f->parser, (const char *)data.data, data.len));
	if (fetch_is_done(f))
		let_go(f);
	return data.len;
}

/* The end of the stream is the end of a response that has no length of its own. */
static void on_end(struct stream *s)
{
	struct fetch *f = s->user;

	if (llhttp_finish(&f->parser) != HPE_OK)
		fail(f, "%s: the connection was closed in the middle of the response, after %" PRIu64
		     " bytes of its body", f->config.server, f->body_bytes);
	else
		fail(f, "%s: the connection was closed without a response", f->config.server);
	let_go(f);
}

static void on_closed(struct stream *s, enum stream_end end)
{
	static const char *const texts[] = {
		[STREAM_END_NORMAL] = "the connection was closed before the response was complete",
		[STREAM_END_RESET] = "the connection was reset",
		[STREAM_END_REFUSED] = "connection refused: nothing listens there",
		[STREAM_END_TIMEOUT] = "no answer: the connection timed out",
		[STREAM_END_UNREACHABLE] = "not reachable: a router says so",
		[STREAM_END_ERROR] = "the connection failed on our side",
	};
	const char *tls = tls_failure_text(s);
	struct fetch *f = s->user;

	f->stream = NULL;
	fail(f, "%s: %s", f->config.server, *tls != '\0' ? tls : texts[end]);
}

const struct stream_handler fetch_handler = {
	.on_open = on_open,
	.on_receive = on_receive,
	.on_end = on_end,
	.on_closed = on_closed,
};
