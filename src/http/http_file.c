/*
 * Reading files. What was read is used only if the file's size and time are still those of the entry
 * afterwards: a response never holds bytes of two versions. (A file that is appended to all the time cannot
 * be sent from its descriptor that way; contents in the cache are.) System calls: pread, fstat.
 */
#include "http/http_file.h"

#include <errno.h>
#include <unistd.h>

/* So many bytes, from offset at on; false: they are not there, or cannot be read. */
static bool read_bytes(int fd, uint8_t *out, size_t wanted, uint64_t at)
{
	size_t done = 0;

	while (done < wanted) {
		ssize_t n = pread(fd, out + done, wanted - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

size_t http_file_read(const struct http_entry *e, uint64_t at, uint64_t max, struct http_buffer *buffer)
{
	size_t wanted = max < buffer->room ? (size_t)max : buffer->room;

	return read_bytes(e->fd, buffer->data, wanted, at) && http_version_is_current(&e->version, e->fd)
		       ? wanted : 0;
}

bool http_file_read_all(const struct http_entry *e, uint8_t *out)
{
	return read_bytes(e->fd, out, e->version.size, 0) && http_version_is_current(&e->version, e->fd);
}
