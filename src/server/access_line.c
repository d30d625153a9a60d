/* The formats of access log lines. */
#include "server/access_line.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/json.h"

/* Addresses, times, numbers, names of keys, punctuation, and what TLS is called. */
enum { FIXED_PART = 1024 };

static const char hex[] = "0123456789abcdef";
static const char cut_mark[] = "...";

static size_t shown_length(size_t len, size_t most)
{
	return len < most ? len : most;
}

/* ---- combined ---- */

/* Bytes from `lowest` on stand for themselves, as far as they are visible. */
static char *put_escaped(char *out, const char *text, size_t len, size_t most, uint8_t lowest)
{
	size_t shown = shown_length(len, most);

	for (size_t i = 0; i < shown; i++) {
		uint8_t c = (uint8_t)text[i];

		if (c >= lowest && c < 0x7f && c != '"' && c != '\\') {
			*out++ = (char)c;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	return shown < len ? stpcpy(out, cut_mark) : out;
}

static char *put_field(char *out, const char *text, size_t len, size_t most)
{
	return text != NULL ? put_escaped(out, text, len, most, ' ') : stpcpy(out, "-");
}

static char *put_user(char *out, const struct http_log_record *r)
{
	return r->user_len > 0 ? put_escaped(out, r->user, r->user_len, ACCESS_USER, ' ' + 1)
			       : stpcpy(out, "-");
}

/* "GET / HTTP/1.1", or "-" if what came was no request line. */
static char *put_request(char *out, const struct http_log_record *r)
{
	if (r->method == NULL)
		return stpcpy(out, "-");
	out = put_field(out, r->method, r->method_len, ACCESS_METHOD);
	*out++ = ' ';
	out = put_field(out, r->target, r->target_len, ACCESS_FIELD);
	return out + sprintf(out, " HTTP/%u.%u", r->version_major, r->version_minor);
}

static char *put_combined(char *out, const struct http_log_record *r, const char *when)
{
	char remote[IP_ADDR_TEXT];

	out += sprintf(out, "%s - ", ip_addr_format(&r->stream.remote, remote));
	out = put_user(out, r);
	out += sprintf(out, " [%s] \"", when);
	out = put_request(out, r);
	out += sprintf(out, "\" %u %" PRIu64 " \"", r->status, r->body_bytes_sent);
	out = put_field(out, r->referer, r->referer_len, ACCESS_FIELD);
	out = stpcpy(out, "\" \"");
	out = put_field(out, r->user_agent, r->user_agent_len, ACCESS_FIELD);
	return stpcpy(out, "\"");
}

static uint64_t request_time_us(const struct http_log_record *r)
{
	return r->finished_us - r->started_us;
}

static char *put_tcp(char *out, const struct http_log_record *r)
{
	const struct stream_info *s = &r->stream;
	uint64_t us = request_time_us(r);

	out = stpcpy(out, " host=\"");
	out = put_field(out, r->host, r->host_len, ACCESS_HOST);
	return out + sprintf(out,
			     "\" request_time=%" PRIu64 ".%06u connection=%" PRIu64
			     " connection_requests=%" PRIu32 " rtt=%" PRIu32 " retransmissions=%" PRIu32
			     " bytes_received=%" PRIu64 " tls=%s cipher=%s resumed=%d",
			     us / 1000000, (unsigned)(us % 1000000), s->id, r->connection_requests,
			     s->srtt_us, s->retransmissions, s->bytes_received,
			     s->tls_version != NULL ? s->tls_version : "-",
			     s->tls_cipher != NULL ? s->tls_cipher : "-", s->tls_resumed);
}

/* ---- JSON ---- */

static void add_field(struct document *d, const char *key, const char *text, size_t len, size_t most)
{
	char cut[ACCESS_FIELD + sizeof cut_mark];

	if (text == NULL) {
		json_text(d, key, NULL);
	} else if (len <= most) {
		json_bytes(d, key, text, len);
	} else {
		memcpy(cut, text, most);
		memcpy(cut + most, cut_mark, sizeof cut_mark);
		json_bytes(d, key, cut, most + sizeof cut_mark - 1);
	}
}

static void add_client(struct document *d, const struct http_log_record *r)
{
	char remote[IP_ADDR_TEXT];

	json_text(d, "remote_addr", ip_addr_format(&r->stream.remote, remote));
	json_number(d, "remote_port", r->stream.remote_port);
	json_number(d, "port", r->stream.local_port);
	add_field(d, "user", r->user, r->user_len, ACCESS_USER);
}

static void add_request(struct document *d, const struct http_log_record *r)
{
	char protocol[sizeof "HTTP/255.255"];

	snprintf(protocol, sizeof protocol, "HTTP/%u.%u", r->version_major, r->version_minor);
	add_field(d, "host", r->host, r->host_len, ACCESS_HOST);
	add_field(d, "method", r->method, r->method_len, ACCESS_METHOD);
	add_field(d, "target", r->target, r->target_len, ACCESS_FIELD);
	json_text(d, "protocol", r->method != NULL ? protocol : NULL);
	json_number(d, "status", r->status);
	json_number(d, "body_bytes_sent", r->body_bytes_sent);
	json_seconds(d, "request_time", request_time_us(r));
	add_field(d, "referer", r->referer, r->referer_len, ACCESS_FIELD);
	add_field(d, "user_agent", r->user_agent, r->user_agent_len, ACCESS_FIELD);
}

static void add_connection(struct document *d, const struct http_log_record *r)
{
	const struct stream_info *s = &r->stream;

	json_number(d, "connection", s->id);
	json_number(d, "connection_requests", r->connection_requests);
	json_number(d, "rtt", s->srtt_us);
	json_number(d, "retransmissions", s->retransmissions);
	json_number(d, "bytes_received", s->bytes_received);
	json_text(d, "tls_version", s->tls_version);
	json_text(d, "tls_cipher", s->tls_cipher);
	json_bool(d, "tls_resumed", s->tls_resumed);
}

static size_t format_json(const struct http_log_record *r, const char *when, char *out, size_t room)
{
	struct document d = document_in(out, room);

	json_open_object(&d, NULL);
	json_text(&d, "time", when);
	add_client(&d, r);
	add_request(&d, r);
	add_connection(&d, r);
	json_close_object(&d);
	document_add(&d, "\n", 1);
	assert(!d.failed);
	return d.len;
}

/* ---- both ---- */

/* An octet becomes six in JSON (\u0001), four in the others. */
static size_t field_bound(size_t len, size_t most)
{
	return 6 * shown_length(len, most) + sizeof cut_mark;
}

size_t access_line_bound(const struct http_log_record *r)
{
	return FIXED_PART + field_bound(r->method_len, ACCESS_METHOD) +
	       field_bound(r->target_len, ACCESS_FIELD) + field_bound(r->referer_len, ACCESS_FIELD) +
	       field_bound(r->user_agent_len, ACCESS_FIELD) + field_bound(r->host_len, ACCESS_HOST) +
	       field_bound(r->user_len, ACCESS_USER);
}

size_t access_line_format(enum access_format format, const struct http_log_record *r, const char *when,
			  char *out)
{
	char *end;

	if (format == ACCESS_JSON)
		return format_json(r, when, out, access_line_bound(r));
	end = put_combined(out, r, when);
	if (format == ACCESS_COMBINED_TCP)
		end = put_tcp(end, r);
	*end++ = '\n';
	return (size_t)(end - out);
}
