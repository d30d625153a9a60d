/* The application's listening side. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fastcgi_peer.h"

void fastcgi_peer_listen(struct fastcgi_peer *p, int backlog)
{
	char text[64];

	strcpy(p->directory, "/tmp/taphouse-fastcgi-XXXXXX");
	assert_non_null(mkdtemp(p->directory));
	snprintf(p->path, sizeof p->path, "%s/app", p->directory);
	snprintf(text, sizeof text, "unix:%s", p->path);
	assert_int_equal(fastcgi_address_parse(text, &p->address), 0);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(bind(p->fd, (const struct sockaddr *)&p->address.storage, p->address.len), 0);
	assert_int_equal(listen(p->fd, backlog), 0);
}

bool fastcgi_peer_has_one(const struct fastcgi_peer *p)
{
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

int fastcgi_peer_accept(struct fastcgi_peer *p)
{
	int fd;

	assert_true(fastcgi_peer_has_one(p));
	fd = accept(p->fd, NULL, NULL);
	assert_true(fd >= 0);
	return fd;
}

void fastcgi_peer_stop(struct fastcgi_peer *p)
{
	close(p->fd);
	p->fd = -1;
}

void fastcgi_peer_close(struct fastcgi_peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	unlink(p->path);
	rmdir(p->directory);
}
