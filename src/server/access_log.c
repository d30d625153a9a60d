/* The access log's lines. */
#include "server/access_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* Address, time, status, sizes, punctuation. */
enum { FIXED_PART = 256 };

int access_log_open(struct access_log *a, const char *path, const struct log *log, struct failure *why)
{
	a->second = 0;
	a->when[0] = '\0';
	return log_file_open(&a->file, path, log, why);
}

void access_log_close(struct access_log *a)
{
	log_file_close(&a->file);
}

static char *put_escaped(char *out, const char *text, size_t len, size_t most)
{
	static const char hex[] = "0123456789abcdef";
	size_t shown = len < most ? len : most;

	for (size_t i = 0; i < shown; i++) {
		uint8_t c = (uint8_t)text[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			*out++ = (char)c;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	return shown < len ? stpcpy(out, "...") : out;
}

static char *put_field(char *out, const char *text, size_t len)
{
	return text != NULL ? put_escaped(out, text, len, ACCESS_LOG_FIELD) : stpcpy(out, "-");
}

/* "GET / HTTP/1.1", or "-" if what came was no request line. */
static char *put_request(char *out, const struct http_log_record *r)
{
	if (r->method == NULL)
		return stpcpy(out, "-");
	out = put_escaped(out, r->method, r->method_len, ACCESS_LOG_METHOD);
	*out++ = ' ';
	out = put_field(out, r->target, r->target_len);
	return out + sprintf(out, " HTTP/%u.%u", r->version_major, r->version_minor);
}

static size_t field_bound(size_t len, size_t most)
{
	return 4 * (len < most ? len : most) + sizeof "...";
}

size_t access_log_bound(const struct http_log_record *r)
{
	return FIXED_PART + field_bound(r->method_len, ACCESS_LOG_METHOD) +
	       field_bound(r->target_len, ACCESS_LOG_FIELD) + field_bound(r->referer_len, ACCESS_LOG_FIELD) +
	       field_bound(r->user_agent_len, ACCESS_LOG_FIELD);
}

size_t access_log_format(const struct http_log_record *r, const char *when, char *out)
{
	char remote[IP_ADDR_TEXT];
	char *p = out;

	p += sprintf(p, "%s - - [%s] \"", ip_addr_format(&r->stream.remote, remote), when);
	p = put_request(p, r);
	p += sprintf(p, "\" %u %" PRIu64 " \"", r->status, r->body_bytes_sent);
	p = put_field(p, r->referer, r->referer_len);
	p = stpcpy(p, "\" \"");
	p = put_field(p, r->user_agent, r->user_agent_len);
	p = stpcpy(p, "\"\n");
	return (size_t)(p - out);
}

static const char *time_text(struct access_log *a, time_t second)
{
	struct tm local;

	if (second == a->second && a->when[0] != '\0')
		return a->when;
	a->second = second;
	if (localtime_r(&second, &local) == NULL ||
	    strftime(a->when, sizeof a->when, "%d/%b/%Y:%H:%M:%S %z", &local) == 0)
		a->when[0] = '\0';
	return a->when;
}

void access_log_add(struct access_log *a, const struct http_log_record *record)
{
	const char *when = time_text(a, (time_t)(clock_wall_us() / 1000000));
	char *line = log_file_reserve(&a->file, access_log_bound(record));

	if (line != NULL)
		log_file_commit(&a->file, access_log_format(record, when, line));
}
