/* A visitor's wire in words: what a POST may say, and what is answered. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/minmax.h"
#include "server/json.h"
#include "server/values.h"
#include "server/visitor_wire.h"

enum { PPM = 1000000, PPM_DIGITS = 6 };

/* ---- reading ---- */

/* A share as 0.02 or as 2%. */
static bool read_share(const char *text, uint64_t *ppm)
{
	size_t len = strlen(text);
	bool is_percent = len > 0 && text[len - 1] == '%';
	const char *end = text + len - is_percent, *at = text;
	int digits = is_percent ? PPM_DIGITS - 2 : PPM_DIGITS;

	for (*ppm = 0; at < end && ascii_is_digit(*at) && *ppm < PPM; at++)
		*ppm = *ppm * 10 + (uint64_t)(*at - '0');
	if (at == text || (at < end && (*at != '.' || at + 1 == end)))
		return false;
	for (at += at < end; at < end && ascii_is_digit(*at) && digits > 0; at++, digits--)
		*ppm = *ppm * 10 + (uint64_t)(*at - '0');
	for (; at < end && *at == '0'; at++) /* finer than a millionth is nothing but zeros */
		;
	for (; digits > 0; digits--)
		*ppm *= 10;
	return at == end;
}

static bool read_count(const char *text, uint64_t *n)
{
	return value_count(text, n) == 0;
}

struct key {
	const char *name;
	size_t offset, size; /* in struct impair_path */
	bool (*read)(const char *text, uint64_t *n);
	uint64_t min, max;   /* or 0: off */
	uint64_t unit;       /* what is stored, of one that is read */
};

#define FIELD(f) offsetof(struct impair_path, f), sizeof(((struct impair_path *)0)->f)
#define SHARE read_share, 0, VISITOR_WIRE_SHARE_PPM, 1

static const struct key keys[] = {
	{ "loss", FIELD(loss_ppm), SHARE },
	{ "reorder", FIELD(reorder_ppm), SHARE },
	{ "duplicate", FIELD(duplicate_ppm), SHARE },
	{ "corrupt", FIELD(corrupt_ppm), SHARE },
	{ "delay_ms", FIELD(delay_us), read_count, 0, VISITOR_WIRE_DELAY_MS, 1000 },
	{ "jitter_ms", FIELD(jitter_us), read_count, 0, VISITOR_WIRE_JITTER_MS, 1000 },
	{ "rate_kbit", FIELD(rate_bps), read_count, VISITOR_WIRE_RATE_KBIT, VISITOR_WIRE_RATE_MAX_KBIT,
	  1000 },
	{ "queue", FIELD(queue), read_count, VISITOR_WIRE_QUEUE, VISITORS_QUEUE, 1 },
};

static void store(const struct key *key, uint64_t value, struct impair_path *path)
{
	uint8_t *field = (uint8_t *)path + key->offset;
	uint32_t narrow = (uint32_t)value;

	if (key->size == sizeof narrow)
		memcpy(field, &narrow, sizeof narrow);
	else
		memcpy(field, &value, sizeof value);
}

static bool read_path(const char *name, const char *value, bool rx, bool tx, struct visitor_wire *wire)
{
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		const struct key *key = &keys[i];

		if (strcmp(key->name, name) != 0)
			continue;
		if (!key->read(value, &n) || (n != 0 && n < key->min) || n > key->max)
			return false;
		if (rx)
			store(key, n * key->unit, &wire->rx);
		if (tx)
			store(key, n * key->unit, &wire->tx);
		return true;
	}
	return false;
}

static const char *const drops[] = {
	[DROP_NEXT_SYN] = "syn", [DROP_NEXT_SYN_ACK] = "synack", [DROP_NEXT_DATA] = "data",
};

/* "synack:1"; "": none. */
static bool read_drop(const char *text, bool rx, bool tx, struct drop_next *next)
{
	uint64_t n;

	next->left = 0;
	if (*text == '\0')
		return true;
	for (size_t i = 0; i < ARRAY_LENGTH(drops); i++) {
		size_t len = strlen(drops[i]);

		if (strncmp(text, drops[i], len) != 0 || text[len] != ':')
			continue;
		if (value_count(text + len + 1, &n) < 0 || n > VISITOR_WIRE_DROP)
			return false;
		*next = (struct drop_next){ .kind = (enum drop_next_kind)i, .left = (uint32_t)n, .rx = rx,
					    .tx = tx, .port = next->port };
		return true;
	}
	return false;
}

/* That of drop_next, whichever of the two comes first. 0: any. */
static bool read_port(const char *text, struct drop_next *next)
{
	uint64_t n;

	if (value_count(text, &n) < 0 || n > UINT16_MAX)
		return false;
	next->port = (uint16_t)n;
	return true;
}

static bool read_pair(const char *name, const char *value, struct visitor_wire *wire)
{
	bool rx = strncmp(name, "tx.", 3) != 0, tx = strncmp(name, "rx.", 3) != 0;
	const char *key = rx && tx ? name : name + 3;

	if (strcmp(name, "port") == 0)
		return read_port(value, &wire->next);
	if (strcmp(key, "drop_next") == 0)
		return read_drop(value, rx, tx, &wire->next);
	return read_path(key, value, rx, tx, wire);
}

bool visitor_wire_read(struct pairs *pairs, struct visitor_wire *wire)
{
	char name[PAIRS_TEXT], value[PAIRS_TEXT];
	bool any = false;

	for (; pairs_next(pairs, name, value); any = true)
		if (!read_pair(name, value, wire))
			return false;
	return any && !pairs->failed;
}

/* ---- writing ---- */

/* A millionth is to a share what a microsecond is to a second. */
static void write_share(struct document *d, const char *key, uint32_t ppm)
{
	json_seconds(d, key, ppm);
}

static void write_path(struct document *d, const struct impair_path *p, const struct impair_counters *c)
{
	write_share(d, "loss", p->loss_ppm);
	write_share(d, "reorder", p->reorder_ppm);
	write_share(d, "duplicate", p->duplicate_ppm);
	write_share(d, "corrupt", p->corrupt_ppm);
	json_number(d, "delay_ms", p->delay_us / 1000);
	json_number(d, "jitter_ms", p->jitter_us / 1000);
	json_number(d, "rate_kbit", p->rate_bps / 1000);
	json_number(d, "queue", p->queue > 0 ? p->queue : VISITORS_QUEUE);
	json_number(d, "frames", c->frames);
	json_number(d, "lost", c->lost + c->queue_full + c->unusable);
	json_number(d, "reordered", c->reordered);
	json_number(d, "duplicated", c->duplicated);
	json_number(d, "corrupted", c->corrupted);
}

/* The worse of both ways. */
static struct impair_path worse(const struct impair_path *a, const struct impair_path *b)
{
	uint64_t rate = min_u64(a->rate_bps, b->rate_bps);
	uint32_t queue = min_u32(a->queue, b->queue);

	return (struct impair_path){
		.loss_ppm = max_u32(a->loss_ppm, b->loss_ppm),
		.reorder_ppm = max_u32(a->reorder_ppm, b->reorder_ppm),
		.duplicate_ppm = max_u32(a->duplicate_ppm, b->duplicate_ppm),
		.corrupt_ppm = max_u32(a->corrupt_ppm, b->corrupt_ppm),
		.delay_us = max_u64(a->delay_us, b->delay_us),
		.jitter_us = max_u64(a->jitter_us, b->jitter_us),
		.rate_bps = rate > 0 ? rate : max_u64(a->rate_bps, b->rate_bps),
		.queue = queue > 0 ? queue : max_u32(a->queue, b->queue),
	};
}

static struct impair_counters both(const struct impair_counters *a, const struct impair_counters *b)
{
	return (struct impair_counters){
		.frames = a->frames + b->frames,
		.lost = a->lost + b->lost,
		.duplicated = a->duplicated + b->duplicated,
		.corrupted = a->corrupted + b->corrupted,
		.reordered = a->reordered + b->reordered,
		.queue_full = a->queue_full + b->queue_full,
		.unusable = a->unusable + b->unusable,
	};
}

static void write_next(struct document *d, const struct drop_next *next)
{
	const char *way = next->rx && next->tx ? "" : next->rx ? "rx." : "tx.";
	char text[PAIRS_TEXT] = "";

	if (next->left > 0)
		snprintf(text, sizeof text, "%s%s:%" PRIu32, way, drops[next->kind], next->left);
	json_text(d, "drop_next", text);
	json_number(d, "port", next->left > 0 ? next->port : 0);
}

void visitor_wire_write(struct document *d, const struct visitor_wire *wire, const struct visitor_counters *c,
			uint64_t expires_in_us)
{
	struct impair_path path = worse(&wire->rx, &wire->tx);
	struct impair_counters counters = both(&c->rx, &c->tx);

	json_open_object(d, NULL);
	write_path(d, &path, &counters);
	write_next(d, &wire->next);
	json_number(d, "dropped", c->dropped);
	json_seconds(d, "expires_in", expires_in_us);
	json_open_object(d, "rx");
	write_path(d, &wire->rx, &c->rx);
	json_close_object(d);
	json_open_object(d, "tx");
	write_path(d, &wire->tx, &c->tx);
	json_close_object(d);
	json_close_object(d);
	document_add_text(d, "\n");
}
