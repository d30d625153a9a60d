/* Rates of requests: read from a text, and shared among policies. */
#include "http/http_rate.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/bytes.h"

struct http_rate {
	unsigned references;
	struct addr_rates clients;
};

/* Leading digits off the text, as a number from 1 to HTTP_RATE_MOST. */
static bool take_count(const char **text, uint32_t *out)
{
	uint32_t n = 0;

	if (!ascii_is_digit(**text))
		return false;
	for (; ascii_is_digit(**text) && n <= HTTP_RATE_MOST; (*text)++)
		n = 10 * n + (uint32_t)(**text - '0');
	*out = n;
	return n >= 1 && n <= HTTP_RATE_MOST;
}

static uint64_t unit_us(char name)
{
	static const struct {
		char name;
		uint64_t us;
	} units[] = { { 's', 1000000 }, { 'm', 60000000 }, { 'h', 3600000000 }, { 'd', 86400000000 } };

	for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
		if (units[i].name == name)
			return units[i].us;
	return 0;
}

/* "10/s" off the text. */
static bool take_rate(const char **text, struct rate_limit *out)
{
	if (!take_count(text, &out->burst) || *(*text)++ != '/' || unit_us(**text) == 0)
		return false;
	out->interval_us = unit_us(*(*text)++) / out->burst;
	return true;
}

/* " burst=20" off the text. */
static bool take_burst(const char **text, struct rate_limit *out)
{
	static const char name[] = "burst=";

	*text += strspn(*text, " ");
	if (strncmp(*text, name, sizeof name - 1) != 0)
		return false;
	*text += sizeof name - 1;
	return take_count(text, &out->burst);
}

bool http_rate_parse(const char *text, struct rate_limit *out)
{
	struct rate_limit limit = { 0 };

	if (*text != '\0' && !take_rate(&text, &limit))
		return false;
	if (*text == ' ' && !take_burst(&text, &limit))
		return false;
	if (*text != '\0')
		return false;
	*out = limit;
	return true;
}

struct http_rate *http_rate_new(const struct rate_limit *limit, const struct hash_key *key)
{
	struct http_rate *r = malloc(sizeof *r);

	if (r == NULL)
		return NULL;
	r->references = 1;
	if (addr_rates_init(&r->clients, limit, HTTP_RATE_CLIENTS, key) == 0)
		return r;
	free(r);
	return NULL;
}

struct http_rate *http_rate_ref(struct http_rate *r)
{
	r->references++;
	return r;
}

void http_rate_unref(struct http_rate *r)
{
	if (r == NULL || --r->references > 0)
		return;
	addr_rates_fini(&r->clients);
	free(r);
}

bool http_rate_has_limit(const struct http_rate *r, const struct rate_limit *limit)
{
	return r->clients.limit.interval_us == limit->interval_us && r->clients.limit.burst == limit->burst;
}

struct addr_rates *http_rate_clients(struct http_rate *r)
{
	return &r->clients;
}

uint32_t http_rate_retry_s(uint64_t wait_us)
{
	uint64_t s = (wait_us + 999999) / 1000000;

	return s == 0 ? 1 : s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
}
