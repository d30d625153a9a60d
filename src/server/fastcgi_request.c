/* Requests as records. A stream of parameters is cut into records wherever one is full. */
#include "server/fastcgi_request.h"

#include "server/fastcgi_record.h"

/* A stream under way: the header of its last record is written when its length is known. */
struct writer {
	struct document *d;
	enum fastcgi_type type;
	size_t record_at;
};

static void begin_record(struct writer *w)
{
	static const uint8_t empty[FASTCGI_HEADER];

	w->record_at = w->d->len;
	document_add(w->d, empty, sizeof empty);
}

static size_t record_len(const struct writer *w)
{
	return w->d->len - w->record_at - FASTCGI_HEADER;
}

static void end_record(struct writer *w)
{
	if (!w->d->failed)
		fastcgi_put_header((uint8_t *)w->d->text + w->record_at, w->type, record_len(w));
}

static void put(struct writer *w, const void *data, size_t len)
{
	while (len > 0 && !w->d->failed) {
		size_t room = FASTCGI_CONTENT_MAX - record_len(w), n = len < room ? len : room;

		document_add(w->d, data, n);
		data = (const uint8_t *)data + n;
		len -= n;
		if (n == room) {
			end_record(w);
			begin_record(w);
		}
	}
}

/* Its last record has no content: if the one under way has some, another one follows. */
static void end_stream(struct writer *w)
{
	if (record_len(w) > 0) {
		end_record(w);
		begin_record(w);
	}
	end_record(w);
}

static void put_pair(void *context, struct bytes name, struct bytes value)
{
	uint8_t lengths[FASTCGI_LENGTHS_MAX];

	put(context, lengths, fastcgi_put_lengths(lengths, (uint32_t)name.len, (uint32_t)value.len));
	put(context, name.data, name.len);
	put(context, value.data, value.len);
}

bool fastcgi_request_write(struct document *d, const struct http_call *call, const struct cgi_script *script,
			   uint64_t body_len, const struct bytes *body, const char *const *extra)
{
	struct writer w = { .d = d, .type = FASTCGI_PARAMS };
	uint8_t begin[FASTCGI_BEGIN];
	bool has_memory;

	fastcgi_put_begin(begin);
	document_add(d, begin, sizeof begin);
	begin_record(&w);
	has_memory = cgi_variables_put(call, script, body_len, extra, d->budget, put_pair, &w);
	end_stream(&w);
	if (body != NULL) {
		w.type = FASTCGI_STDIN;
		begin_record(&w);
		put(&w, body->data, body->len);
		end_stream(&w);
	}
	return has_memory && !d->failed;
}
