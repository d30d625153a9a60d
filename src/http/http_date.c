/*
 * HTTP dates, RFC 9110 section 5.6.7. Days are counted by the civil calendar in eras of 400 years that begin
 * on 1 March, so that the leap day is the last of its year; neither locale nor time zone is asked.
 */
#include "http/http_date.h"

#include <string.h>

#include "base/ascii.h"

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const long_day_names[7] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
					       "Thursday", "Friday", "Saturday" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

enum { DAY_S = 86400, ERA_DAYS = 146097, DAYS_TO_1970 = 719468 };
static const int64_t LAST_S = 253402300799; /* 9999-12-31 23:59:59 */

struct civil {
	int64_t year;
	int month; /* 0 to 11 */
	int day;   /* 1 to 31 */
	int hour, minute, second;
};

static void civil_from_days(int64_t days, struct civil *c)
{
	int64_t z = days + DAYS_TO_1970;
	int64_t era = z / ERA_DAYS;
	int64_t doe = z % ERA_DAYS;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	c->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c->month = (int)(mp < 10 ? mp + 2 : mp - 10);
	c->year = yoe + era * 400 + (c->month <= 1 ? 1 : 0);
}

static int64_t days_from_civil(const struct civil *c)
{
	int64_t y = c->year - (c->month <= 1 ? 1 : 0);
	int64_t era = y / 400;
	int64_t yoe = y % 400;
	int64_t mp = (c->month + 10) % 12;
	int64_t doy = (153 * mp + 2) / 5 + c->day - 1;

	return era * ERA_DAYS + yoe * 365 + yoe / 4 - yoe / 100 + doy - DAYS_TO_1970;
}

static char *put_digits(char *out, int64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + digits;
}

static char *put_text(char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return out + len;
}

void http_date_format(int64_t unix_s, char out[static HTTP_DATE_LEN])
{
	struct civil c;

	if (unix_s < 0)
		unix_s = 0;
	if (unix_s > LAST_S)
		unix_s = LAST_S;
	civil_from_days(unix_s / DAY_S, &c);
	out = put_text(out, day_names[(unix_s / DAY_S + 4) % 7], 3);
	out = put_text(out, ", ", 2);
	out = put_digits(out, c.day, 2);
	*out++ = ' ';
	out = put_text(out, month_names[c.month], 3);
	*out++ = ' ';
	out = put_digits(out, c.year, 4);
	*out++ = ' ';
	out = put_digits(out, unix_s % DAY_S / 3600, 2);
	*out++ = ':';
	out = put_digits(out, unix_s % 3600 / 60, 2);
	*out++ = ':';
	out = put_digits(out, unix_s % 60, 2);
	put_text(out, " GMT", 4);
}

/* What is left of a text being taken apart. */
struct cursor {
	const char *at;
	size_t left;
};

static bool take_text(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if (c->left < len || memcmp(c->at, text, len) != 0)
		return false;
	c->at += len;
	c->left -= len;
	return true;
}

static bool take_number(struct cursor *c, int digits, int *value)
{
	*value = 0;
	if (c->left < (size_t)digits)
		return false;
	for (int i = 0; i < digits; i++) {
		if (!ascii_is_digit(c->at[i]))
			return false;
		*value = *value * 10 + (c->at[i] - '0');
	}
	c->at += digits;
	c->left -= (size_t)digits;
	return true;
}

static bool take_month(struct cursor *c, int *month)
{
	for (*month = 0; *month < 12; (*month)++)
		if (take_text(c, month_names[*month]))
			return true;
	return false;
}

static bool take_day_name(struct cursor *c, bool *is_long)
{
	for (int i = 0; i < 7; i++) {
		*is_long = take_text(c, long_day_names[i]);
		if (*is_long || take_text(c, day_names[i]))
			return true;
	}
	return false;
}

static bool take_time(struct cursor *c, struct civil *out)
{
	return take_number(c, 2, &out->hour) && take_text(c, ":") && take_number(c, 2, &out->minute) &&
	       take_text(c, ":") && take_number(c, 2, &out->second);
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool take_imf_fixdate(struct cursor *c, struct civil *out)
{
	int year;

	if (!take_number(c, 2, &out->day) || !take_text(c, " ") || !take_month(c, &out->month) ||
	    !take_text(c, " ") || !take_number(c, 4, &year))
		return false;
	out->year = year;
	return take_text(c, " ") && take_time(c, out) && take_text(c, " GMT");
}

/* "06-Nov-94 08:49:37 GMT"; a year that looks more than 50 years ahead is of the century before. */
static bool take_rfc850(struct cursor *c, int64_t now_s, struct civil *out)
{
	struct civil now;
	int year;

	if (!take_number(c, 2, &out->day) || !take_text(c, "-") || !take_month(c, &out->month) ||
	    !take_text(c, "-") || !take_number(c, 2, &year))
		return false;
	civil_from_days(now_s / DAY_S, &now);
	out->year = now.year / 100 * 100 + year;
	if (out->year > now.year + 50)
		out->year -= 100;
	return take_text(c, " ") && take_time(c, out) && take_text(c, " GMT");
}

/* "Nov  6 08:49:37 1994" */
static bool take_asctime(struct cursor *c, struct civil *out)
{
	int year;

	if (!take_month(c, &out->month) || !take_text(c, " "))
		return false;
	if (!(take_text(c, " ") ? take_number(c, 1, &out->day) : take_number(c, 2, &out->day)))
		return false;
	if (!take_text(c, " ") || !take_time(c, out) || !take_text(c, " ") || !take_number(c, 4, &year))
		return false;
	out->year = year;
	return true;
}

static bool is_in_range(const struct civil *c)
{
	static const int days[12] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	/* 60: a leap second. */
	return c->day >= 1 && c->day <= days[c->month] && c->hour < 24 && c->minute < 60 && c->second <= 60;
}

bool http_date_parse(const char *text, size_t len, int64_t now_s, int64_t *unix_s)
{
	struct cursor c = { .at = text, .left = len };
	struct civil date = { 0 };
	bool is_long, taken;

	if (!take_day_name(&c, &is_long))
		return false;
	if (is_long)
		taken = take_text(&c, ", ") && take_rfc850(&c, now_s, &date);
	else if (take_text(&c, ", "))
		taken = take_imf_fixdate(&c, &date);
	else
		taken = take_text(&c, " ") && take_asctime(&c, &date);
	if (!taken || c.left != 0 || !is_in_range(&date))
		return false;
	*unix_s = days_from_civil(&date) * DAY_S + date.hour * 3600 + date.minute * 60 + date.second;
	return true;
}
