/* Date blocks: a block that nobody points at any more is written anew in place, else another is taken. */
#include "http/http_clock.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "http/http_date.h"

enum {
	SECOND_US = 1000000,
	/* A block is held by what its peer has not acknowledged yet; more than these many seconds old
	 * and all still held is an attack, and then Date stays behind until one comes back. */
	MAX_BLOCKS = 512,
};

static void block_release(struct span_owner *owner)
{
	struct http_date_block *b = (struct http_date_block *)(void *)owner;
	struct http_clock *c = b->clock;

	pool_give(&c->blocks, b);
	span_owner_unref(c->keeper);
}

static struct http_date_block *block_new(struct http_clock *c)
{
	struct http_date_block *b = pool_take(&c->blocks);

	if (b == NULL)
		return NULL;
	span_owner_init(&b->owner, block_release);
	span_owner_ref(c->keeper);
	b->clock = c;
	return b;
}

static void append(struct http_date_block *b, const char *text, size_t len)
{
	memcpy(b->text + b->len, text, len);
	b->len += len;
}

static void write_block(struct http_date_block *b, int64_t wall_s, bool server_header)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\n", server[] = "Server: taphouse\r\n", date[] = "Date: ";
	char text[HTTP_DATE_LEN];

	http_date_format(wall_s, text);
	b->len = 0;
	append(b, ok, sizeof ok - 1);
	if (server_header)
		append(b, server, sizeof server - 1);
	append(b, date, sizeof date - 1);
	append(b, text, sizeof text);
	append(b, "\r\n", 2);
}

static uint64_t read_wall(const struct http_clock *c)
{
	return c->wall_us != NULL ? c->wall_us(c->context) : clock_wall_us();
}

/* Brings the current block up to date, or leaves the old one if there is no memory for another. */
static void refresh(struct http_clock *c)
{
	uint64_t wall_us = read_wall(c);
	struct http_date_block *b = c->current;

	if (b == NULL || b->owner.references > 1) {
		b = block_new(c);
		if (b == NULL)
			return;
		if (c->current != NULL)
			span_owner_unref(&c->current->owner);
		c->current = b;
	}
	c->wall_s = (int64_t)(wall_us / SECOND_US);
	c->until_us = c->world->now_us + SECOND_US - wall_us % SECOND_US;
	write_block(b, c->wall_s, c->server_header);
}

int http_clock_init(struct http_clock *c, const struct world *w, uint64_t (*wall_us)(void *), void *context,
		    bool server_header, struct span_owner *keeper)
{
	*c = (struct http_clock){
		.world = w,
		.wall_us = wall_us,
		.context = context,
		.server_header = server_header,
		.keeper = keeper,
	};
	pool_init(&c->blocks, "http_date_block", sizeof(struct http_date_block), MAX_BLOCKS);
	refresh(c);
	return c->current != NULL ? 0 : -ENOMEM;
}

void http_clock_close(struct http_clock *c)
{
	if (c->current != NULL)
		span_owner_unref(&c->current->owner);
	c->current = NULL;
}

void http_clock_fini(struct http_clock *c)
{
	pool_fini(&c->blocks);
}

struct http_date_block *http_clock_block(struct http_clock *c)
{
	if (UNLIKELY(c->world->now_us >= c->until_us))
		refresh(c);
	return c->current;
}

int64_t http_clock_wall_s(struct http_clock *c)
{
	http_clock_block(c);
	return c->wall_s;
}
