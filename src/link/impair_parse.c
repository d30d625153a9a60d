/* The text of --impair: items "key=value" with commas between them, each value a number with its unit. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "link/impair.h"

enum { ITEM_MAX = 64, NUMBER_DIGITS_MAX = 18 };

/* A unit, and by which power of ten a number of it becomes the number that is stored. */
struct unit {
	const char *name; /* NULL ends a list */
	unsigned digits;
};

static const struct unit percent[] = { { "%", 4 }, { NULL, 0 } };
static const struct unit times[] = { { "us", 0 }, { "ms", 3 }, { "s", 6 }, { NULL, 0 } };
static const struct unit rates[] = { { "bit", 0 }, { "kbit", 3 }, { "mbit", 6 }, { "gbit", 9 }, { NULL, 0 } };
static const struct unit counts[] = { { "", 0 }, { NULL, 0 } };

struct key {
	const char *name;
	size_t offset, size; /* of the number in struct impair_path; size 0: it is the seed */
	const struct unit *units;
	uint64_t min, max;
	const char *form; /* what a person should have written */
};

#define FIELD(f) offsetof(struct impair_path, f), sizeof(((struct impair_path *)0)->f)
#define PERCENT_FORM "a percentage from 0% to 100% with at most 4 decimals, such as 1% or 0.1%"
#define RATE_FORM "a rate from 1kbit to 1000gbit, such as 50mbit or 1.5gbit"
#define TIME_FORM "a time of at most 600s, such as 20ms, 1.5s or 300us"

static const struct key keys[] = {
	{ "loss", FIELD(loss_ppm), percent, 0, 1000000, PERCENT_FORM },
	{ "reorder", FIELD(reorder_ppm), percent, 0, 1000000, PERCENT_FORM },
	{ "duplicate", FIELD(duplicate_ppm), percent, 0, 1000000, PERCENT_FORM },
	{ "corrupt", FIELD(corrupt_ppm), percent, 0, 1000000, PERCENT_FORM },
	{ "delay", FIELD(delay_us), times, 0, 600000000, TIME_FORM },
	{ "jitter", FIELD(jitter_us), times, 0, 600000000, TIME_FORM },
	{ "rate", FIELD(rate_bps), rates, 1000, 1000000000000, RATE_FORM },
	{ "queue", FIELD(queue), counts, 1, IMPAIR_QUEUE_MAX, "a number of frames from 1 to 100000" },
	{ "seed", 0, 0, counts, 0, 999999999999999999, "a number of at most 18 digits" },
};

/* Decimal digits, with at most `decimals` behind a point, as an integer of 10^-decimals. */
static bool parse_decimal(const char *text, size_t len, unsigned decimals, uint64_t *out)
{
	unsigned digits = 0;
	bool after_point = false;

	*out = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' && !after_point && digits > 0 && i + 1 < len) {
			after_point = true;
			continue;
		}
		if (text[i] == '.' || ++digits > NUMBER_DIGITS_MAX || (after_point && decimals-- == 0))
			return false;
		*out = *out * 10 + (uint64_t)(text[i] - '0');
	}
	for (; decimals > 0; decimals--)
		if (__builtin_mul_overflow(*out, 10, out))
			return false;
	return digits > 0;
}

static bool parse_value(const struct key *key, const char *text, uint64_t *out)
{
	size_t len = strspn(text, "0123456789.");

	for (const struct unit *u = key->units; u->name != NULL; u++)
		if (strcasecmp(text + len, u->name) == 0)
			return parse_decimal(text, len, u->digits, out) && *out >= key->min &&
			       *out <= key->max;
	return false;
}

static void store(const struct key *key, uint64_t value, struct impair_path *path)
{
	uint8_t *field = (uint8_t *)path + key->offset;
	uint32_t narrow = (uint32_t)value;

	if (key->size == sizeof narrow)
		memcpy(field, &narrow, sizeof narrow);
	else
		memcpy(field, &value, sizeof value);
}

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* item is "key=value" or "rx:key=value", and is taken to pieces. */
static int parse_item(char *item, struct impair_spec *out, struct failure *why)
{
	bool rx = strncmp(item, "tx:", 3) != 0, tx = strncmp(item, "rx:", 3) != 0;
	char *name = rx && tx ? item : item + 3;
	char *value = strchr(name, '=');
	const struct key *key;
	uint64_t number;

	if (value == NULL)
		return failure_set(why, -EINVAL, "'%s' is not key=value, such as loss=1%%", item);
	*value++ = '\0';
	key = find_key(name);
	if (key == NULL)
		return failure_set(why, -EINVAL,
				   "there is no key '%s': use loss, delay, jitter, reorder, "
				   "duplicate, corrupt, rate, queue or seed, with rx: or tx: in front for "
				   "one direction",
				   item);
	if (!parse_value(key, value, &number))
		return failure_set(why, -EINVAL, "%s=%s: give %s", name, value, key->form);
	if (key->size == 0 && !(rx && tx))
		return failure_set(why, -EINVAL, "%s: the seed is that of both directions: use seed=",
				   item);
	if (key->size == 0)
		out->seed = number;
	if (key->size > 0 && rx)
		store(key, number, &out->rx);
	if (key->size > 0 && tx)
		store(key, number, &out->tx);
	return 0;
}

int impair_parse(const char *text, struct impair_spec *out, struct failure *why)
{
	char item[ITEM_MAX];
	size_t len;
	int err;

	*out = (struct impair_spec){ 0 };
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (len >= sizeof item)
			return failure_set(why, -EINVAL, "'%.40s' is too long for key=value", text);
		memcpy(item, text, len);
		item[len] = '\0';
		err = parse_item(item, out, why);
		if (err < 0 || text[len] == '\0')
			return err;
	}
}
