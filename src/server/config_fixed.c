/* Fixed keys: workers and user, the device, and what TCP was made with, and who is told secrets. */
#include "server/config_fixed.h"

#include <errno.h>
#include <string.h>

#include "server/config_keys.h"

static bool is_fixed(const struct config_key *key)
{
	if (*key->section == '\0')
		return key->offset == offsetof(struct config, workers) ||
		       key->offset == offsetof(struct config, cpu_affinity) ||
		       key->offset == offsetof(struct config, user);
	if (strcmp(key->section, "tls") == 0)
		return key->offset == offsetof(struct config, tls.key_log) ||
		       key->offset == offsetof(struct config, tls.capture_secrets);
	if (strcmp(key->section, "tcp") == 0)
		return key->offset != offsetof(struct config, tcp_keepalive);
	return strcmp(key->section, "device") == 0;
}

static bool is_same(const struct config_key *key, const void *a, const void *b)
{
	if (key->type->is_text)
		return strcmp(*(const char *const *)a, *(const char *const *)b) == 0;
	return memcmp(a, b, key->type->size) == 0;
}

static int keep_key(struct config *next, const struct config *in_use, const struct config_key *key,
		    const struct log *log)
{
	void *to = config_key_field(key, next);
	const void *from = (const char *)in_use + key->offset;
	const char *text;

	if (is_same(key, from, to))
		return 0;
	log_line(log, LOG_WARNING, "server", "%s%s%s has changed: that needs a restart", key->section,
		 *key->section != '\0' ? " " : "", key->name);
	if (!key->type->is_text) {
		memcpy(to, from, key->type->size);
		return 0;
	}
	text = config_keep(next, *(const char *const *)from);
	if (text == NULL)
		return -ENOMEM;
	*(const char **)to = text;
	return 0;
}

static void keep_device_name(struct config *next, const struct config *in_use, const struct log *log)
{
	char old[DEVICE_NAME_TEXT], new[DEVICE_NAME_TEXT];

	value_format_device(&in_use->device.name, old);
	value_format_device(&next->device.name, new);
	if (strcmp(old, new) == 0)
		return;
	log_line(log, LOG_WARNING, "server", "the device is another one, %s: that needs a restart", new);
	next->device.name = in_use->device.name;
}

int config_keep_fixed(struct config *next, const struct config *in_use, const struct log *log)
{
	keep_device_name(next, in_use, log);
	for (size_t i = 0; i < config_keys_count; i++)
		if (is_fixed(&config_keys[i]) && keep_key(next, in_use, &config_keys[i], log) < 0)
			return -ENOMEM;
	return 0;
}
