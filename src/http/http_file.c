/*
 * Reading large files. A piece is used only if the file's size and time are still those of the entry
 * after it was read: a response never holds bytes of two versions. (A file that is appended to all the
 * time cannot be sent from its descriptor that way; contents in the cache are.) System calls: pread,
 * fstat.
 */
#include "http/http_file.h"

#include <errno.h>
#include <unistd.h>

size_t http_file_read(const struct http_entry *e, uint64_t at, uint64_t max, struct http_buffer *buffer)
{
	size_t wanted = max < buffer->room ? (size_t)max : buffer->room;
	size_t done = 0;

	while (done < wanted) {
		ssize_t n = pread(e->fd, buffer->data + done, wanted - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		done += (size_t)n;
	}
	return http_version_is_current(&e->version, e->fd) ? done : 0;
}
