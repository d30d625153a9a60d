/*
 * Values as people write them, in the configuration file and on the command line: times "30s", sizes "64K",
 * ports, devices "tap:NAME", MAC addresses. Each parser takes the whole text or refuses it.
 */
#ifndef SERVER_VALUES_H
#define SERVER_VALUES_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "link/link.h"

enum device_kind { DEVICE_TAP, DEVICE_PACKET, DEVICE_XDP };

struct device_name {
	enum device_kind kind;
	char interface[IFNAMSIZ];
};

/* Room for what the formatters write. */
enum { VALUE_TEXT = 32, DEVICE_NAME_TEXT = IFNAMSIZ + 8, MAC_TEXT = 18 };

/* All return 0, or -EINVAL: not of this form, or -ERANGE: too large to be kept. */

/* Decimal digits alone. */
int value_count(const char *text, uint64_t *out);
/* Digits and one of us, ms, s, m, h, d; a lone 0 needs no unit. */
int value_time(const char *text, uint64_t *us);
/* Digits and, for 1024, 1024^2, 1024^3, one of K, M, G (or k, m, g). */
int value_size(const char *text, uint64_t *bytes);
/* true, on, yes; false, off, no. */
int value_bool(const char *text, bool *out);
/* 1 to 65535. */
int value_port(const char *text, uint16_t *out);
/* "02:00:5e:10:00:01". -ERANGE: a group address, which no port may have; all zero as well. */
int value_mac(const char *text, struct mac_addr *out);
/* "tap:NAME", "packet:IFACE". -ERANGE: a kind that this version does not have. */
int value_device(const char *text, struct device_name *out);

/* Write with the largest unit that divides the value; return out. */
char *value_format_count(uint64_t v, char out[static VALUE_TEXT]);
char *value_format_time(uint64_t us, char out[static VALUE_TEXT]);
char *value_format_size(uint64_t bytes, char out[static VALUE_TEXT]);
char *value_format_device(const struct device_name *d, char out[static DEVICE_NAME_TEXT]);
char *value_format_mac(const struct mac_addr *mac, char out[static MAC_TEXT]);

#endif
