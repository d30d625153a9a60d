/* The fixture: nothing of the machine but a directory under /tmp. */
#include "common/http_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void copy_text(char out[static HTTP_FIXTURE_TEXT], const char *text, size_t len)
{
	if (len >= HTTP_FIXTURE_TEXT)
		len = HTTP_FIXTURE_TEXT - 1;
	if (len > 0)
		memcpy(out, text, len);
	out[len] = '\0';
}

static void on_request_done(void *context, const struct http_log_record *record)
{
	struct http_fixture *f = context;
	struct http_logged *l = &f->logs[f->log_count++ % HTTP_FIXTURE_LOGS];

	l->status = record->status;
	copy_text(l->method, record->method, record->method_len);
	copy_text(l->target, record->target, record->target_len);
	copy_text(l->host, record->host, record->host_len);
	copy_text(l->referer, record->referer, record->referer_len);
	copy_text(l->user_agent, record->user_agent, record->user_agent_len);
	copy_text(l->user, record->user, record->user_len);
	l->body_bytes_sent = record->body_bytes_sent;
	l->started_us = record->started_us;
	l->finished_us = record->finished_us;
	l->connection_requests = record->connection_requests;
	l->version = record->version_major * 10u + record->version_minor;
}

static uint64_t wall_us(void *context)
{
	return ((struct http_fixture *)context)->wall_us;
}

void http_fixture_init(struct http_fixture *f)
{
	char base[] = "/tmp/taphouse-http-XXXXXX";

	memset(f, 0, sizeof *f);
	assert_non_null(mkdtemp(base));
	snprintf(f->root, sizeof f->root, "%s/root", base);
	snprintf(f->outside, sizeof f->outside, "%s/outside", base);
	assert_int_equal(mkdir(f->root, 0755), 0);
	assert_int_equal(mkdir(f->outside, 0755), 0);
	assert_int_equal(world_init(&f->world, 5000000, 1, NULL), 0);
	f->wall_us = (uint64_t)time(NULL) * 1000000 + 250000;
	http_config_default(&f->config);
	f->site = (struct http_site){ .name = "test", .root = f->root };
}

void http_fixture_start(struct http_fixture *f)
{
	const struct http_hooks hooks = { .on_request_done = on_request_done,
					  .wall_us = wall_us,
					  .context = f,
					  .offload = f->offload };
	struct failure why;

	f->site.locations = f->locations;
	f->site.n_locations = f->n_locations;
	assert_int_equal(http_server_new(&f->config, &f->site, 1, &f->world, &hooks, &f->server, &why), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void http_fixture_fini(struct http_fixture *f)
{
	http_server_free(f->server);
	*strrchr(f->root, '/') = '\0';
	assert_int_equal(nftw(f->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void http_fixture_write(struct http_fixture *f, const char *path, const void *data, size_t len)
{
	const struct timespec times[2] = { { .tv_sec = time(NULL) - 3600 }, { .tv_sec = time(NULL) - 3600 } };
	char name[512];
	int fd;

	snprintf(name, sizeof name, "%s/%s", f->root, path);
	for (char *slash = strchr(name + strlen(f->root) + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(name, 0755);
		*slash = '/';
	}
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)data + done, len - done);

		assert_true(n > 0);
		done += (size_t)n;
	}
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

void http_fixture_write_text(struct http_fixture *f, const char *path, const char *text)
{
	http_fixture_write(f, path, text, strlen(text));
}

void http_fixture_advance(struct http_fixture *f, uint64_t us)
{
	f->wall_us += us;
	world_advance(&f->world, f->world.now_us + us);
	if (f->server != NULL)
		http_look(f->server);
}

bool http_fixture_has_openat2(void)
{
	struct open_how how = { .flags = O_PATH };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool http_reply_field(const struct http_reply *r, const char *name, char out[static 256])
{
	size_t name_len = strlen(name);
	const char *end = r->head + r->head_len - 2;

	out[0] = '\0';
	for (const char *line = r->head; line < end; line = strstr(line, "\r\n") + 2) {
		const char *value = line + name_len + 1;

		if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		value += strspn(value, " ");
		snprintf(out, 256, "%.*s", (int)(strstr(value, "\r\n") - value), value);
		return true;
	}
	return false;
}

bool http_reply_next(const char *sent, size_t len, size_t *at, bool for_head, struct http_reply *out)
{
	char value[256];
	const char *end = *at < len ? memmem(sent + *at, len - *at, "\r\n\r\n", 4) : NULL;

	if (end == NULL)
		return false;
	*out = (struct http_reply){ .head = sent + *at };
	out->head_len = (size_t)(end + 4 - out->head);
	out->body = end + 4;
	assert_memory_equal(out->head, "HTTP/1.1 ", 9);
	out->status = (unsigned)atoi(out->head + 9);
	if (out->status >= 200 && out->status != 204 && out->status != 304) {
		assert_true(http_reply_field(out, "Content-Length", value));
		if (!for_head)
			out->body_len = strtoul(value, NULL, 10);
	}
	if (len - *at < out->head_len + out->body_len)
		return false;
	*at += out->head_len + out->body_len;
	return true;
}
