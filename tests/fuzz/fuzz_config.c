/*
 * libFuzzer target: bytes as a configuration file. Any input is a good one: it is read whole, checked
 * as `taphouse check` does, and either taken or refused in one line that begins with the file's name.
 * Read once more it comes to the same. The only files that reading touches are those that the text
 * names, and these only by stat(2).
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/config.h"
#include "server/location.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fd;
static char name[64];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fd = memfd_create("config", MFD_CLOEXEC);
	assert(fd >= 0);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	return 0;
}

static void write_file(const uint8_t *data, size_t size)
{
	ssize_t n;

	assert(ftruncate(fd, 0) == 0);
	n = pwrite(fd, data, size, 0);
	assert(n == (ssize_t)size);
}

static int read_file(struct config *c, struct failure *why)
{
	int r;

	why->text[0] = '\0';
	config_init(c);
	r = config_load(c, name, why);
	if (r < 0) {
		assert(strncmp(why->text, name, strlen(name)) == 0);
		assert(strchr(why->text, '\n') == NULL);
		return r;
	}
	return config_finish(c, why);
}

/* What the checks let through holds for whoever uses it. */
static void check_sites(const struct config *c)
{
	struct failure why;

	assert(c->n_sites > 0);
	for (unsigned i = 0; i < c->n_sites; i++) {
		const struct config_site *site = &c->sites[i];

		assert(site->root != NULL && site->listen.n > 0 && site->n_locations <= c->n_locations);
		for (unsigned k = 0; k < site->n_locations; k++)
			assert(location_check(&site->locations[k], &why) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config c; /* it is large */
	struct failure first, second;
	int r;

	write_file(data, size);
	r = read_file(&c, &first);
	if (r == 0)
		check_sites(&c);
	else
		assert(first.text[0] != '\0');
	config_fini(&c);
	assert(read_file(&c, &second) == r);
	assert(r == 0 || strcmp(first.text, second.text) == 0);
	config_fini(&c);
	return 0;
}
