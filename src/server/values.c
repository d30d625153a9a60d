/* Values as people write them. Units are tables, read one way by the parsers, the other by the formatters. */
#include "server/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first. */
static const struct unit time_units[] = {
	{ "d", 86400000000 }, { "h", 3600000000 }, { "m", 60000000 },
	{ "s", 1000000 },     { "ms", 1000 },      { "us", 1 },
};
static const struct unit size_units[] = {
	{ "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 }, { "", 1 },
};

/* Leading digits into *out; *rest is what follows them. */
static int take_digits(const char *text, uint64_t *out, const char **rest)
{
	uint64_t v = 0;

	if (!ascii_is_digit(*text))
		return -EINVAL;
	for (; ascii_is_digit(*text); text++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *text - '0', &v))
			return -ERANGE;
	*out = v;
	*rest = text;
	return 0;
}

static int take_unit(const char *unit, const struct unit *units, size_t n_units,
		     int (*compare)(const char *, const char *), uint64_t *value)
{
	for (size_t i = 0; i < n_units; i++)
		if (compare(unit, units[i].name) == 0)
			return __builtin_mul_overflow(*value, units[i].factor, value) ? -ERANGE : 0;
	return -EINVAL;
}

int value_count(const char *text, uint64_t *out)
{
	const char *rest;
	int r = take_digits(text, out, &rest);

	if (r < 0)
		return r;
	return *rest == '\0' ? 0 : -EINVAL;
}

int value_time(const char *text, uint64_t *us)
{
	const char *rest;
	int r = take_digits(text, us, &rest);

	if (r < 0)
		return r;
	if (*us == 0 && *rest == '\0')
		return 0;
	return take_unit(rest, time_units, ARRAY_LENGTH(time_units), strcmp, us);
}

int value_size(const char *text, uint64_t *bytes)
{
	const char *rest;
	int r = take_digits(text, bytes, &rest);

	if (r < 0)
		return r;
	return take_unit(rest, size_units, ARRAY_LENGTH(size_units), strcasecmp, bytes);
}

int value_bool(const char *text, bool *out)
{
	static const char *const words[] = { "false", "true", "off", "on", "no", "yes" };

	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		if (strcmp(text, words[i]) == 0) {
			*out = i % 2 == 1;
			return 0;
		}
	return -EINVAL;
}

int value_port(const char *text, uint16_t *out)
{
	uint64_t v;
	int r = value_count(text, &v);

	if (r < 0)
		return r;
	if (v < 1 || v > UINT16_MAX)
		return -ERANGE;
	*out = (uint16_t)v;
	return 0;
}

int value_mac(const char *text, struct mac_addr *out)
{
	static const struct mac_addr zero;

	if (strlen(text) != MAC_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof out->b; i++, text += 3) {
		int high = ascii_hex(text[0]), low = ascii_hex(text[1]);
		char after = i + 1 < sizeof out->b ? ':' : '\0';

		if (high < 0 || low < 0 || text[2] != after)
			return -EINVAL;
		out->b[i] = (uint8_t)(high << 4 | low);
	}
	return (out->b[0] & 1) != 0 || memcmp(out, &zero, sizeof zero) == 0 ? -ERANGE : 0;
}

/* What the kernel takes as a name (dev_valid_name), less '%', which would make it a pattern. */
static bool is_interface_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name != '\0'; name++)
		if (!ascii_is_visible(*name) || strchr("/:%", *name) != NULL)
			return false;
	return true;
}

static const char *const device_kinds[] = {
	[DEVICE_TAP] = "tap", [DEVICE_PACKET] = "packet", [DEVICE_XDP] = "xdp",
};

int value_device(const char *text, struct device_name *out)
{
	const char *colon = strchr(text, ':');

	if (colon == NULL || !is_interface_name(colon + 1))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LENGTH(device_kinds); i++)
		if (strlen(device_kinds[i]) == (size_t)(colon - text) &&
		    strncmp(text, device_kinds[i], (size_t)(colon - text)) == 0) {
			out->kind = (enum device_kind)i;
			snprintf(out->interface, sizeof out->interface, "%s", colon + 1);
			return 0;
		}
	return -ERANGE;
}

static char *format_with_unit(uint64_t v, const struct unit *units, char out[static VALUE_TEXT])
{
	while (units->factor > 1 && (v == 0 || v % units->factor != 0))
		units++;
	snprintf(out, VALUE_TEXT, "%" PRIu64 "%s", v / units->factor, v == 0 ? "" : units->name);
	return out;
}

char *value_format_count(uint64_t v, char out[static VALUE_TEXT])
{
	snprintf(out, VALUE_TEXT, "%" PRIu64, v);
	return out;
}

char *value_format_time(uint64_t us, char out[static VALUE_TEXT])
{
	return format_with_unit(us, time_units, out);
}

char *value_format_size(uint64_t bytes, char out[static VALUE_TEXT])
{
	return format_with_unit(bytes, size_units, out);
}

char *value_format_device(const struct device_name *d, char out[static DEVICE_NAME_TEXT])
{
	snprintf(out, DEVICE_NAME_TEXT, "%s:%s", device_kinds[d->kind], d->interface);
	return out;
}

char *value_format_mac(const struct mac_addr *mac, char out[static MAC_TEXT])
{
	const uint8_t *b = mac->b;

	snprintf(out, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return out;
}
