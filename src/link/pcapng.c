/*
 * Blocks of draft-ietf-opsawg-pcapng sections 4.1 (section header), 4.2 (interface description), 4.3
 * (enhanced packet) and 4.7 (decryption secrets), in the host's byte order as the format allows. Each block
 * is put together in one bounded buffer, which is written out when the next block may not fit.
 *
 * What changed a connection (its state, loss recovery, the path's MTU) is told before the frame that caused
 * it, at the same instant (base/trace.h); such texts are kept until that frame comes and dropped once time
 * has moved on without it.
 */
#include "link/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link/frame.h"

#ifndef TH_VERSION /* config.h has it */
#define TH_VERSION "unknown"
#endif

enum {
	BUFFER_SIZE = 256 * 1024,
	FRAME_MAX = 128 * 1024, /* bytes of one frame that are kept; none is longer today */
	COMMENT_MAX = 512,
	BLOCK_MAX = FRAME_MAX + COMMENT_MAX + 64,
	CHANGES = 16, /* texts that wait for their frame; the oldest gives way */
};

enum block_type {
	SECTION_HEADER = 0x0a0d0d0a,
	INTERFACE_DESCRIPTION = 1,
	ENHANCED_PACKET = 6,
	DECRYPTION_SECRETS = 10,
};

enum option_code {
	OPT_END = 0,
	OPT_COMMENT = 1,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_TSRESOL = 9,
	EPB_FLAGS = 2,
};

enum direction { INBOUND = 1, OUTBOUND = 2 }; /* the low bits of epb_flags, section 4.3.1 */

enum { CHANGE_KINDS = TRACE_TCP_STATE | TRACE_TCP_RECOVERY | TRACE_TCP_MTU | TRACE_LAYER };

enum { BYTE_ORDER_MAGIC = 0x1a2b3c4d, LINKTYPE_ETHERNET = 1, MICROSECONDS = 6, TLS_KEY_LOG = 0x544c534b };

struct change {
	const struct tcp_conn *conn;
	uint64_t at_us;
	char text[TRACE_TEXT];
};

struct pcapng {
	struct observer observer;
	int fd;
	int error;               /* of the first failed write, negative; nothing is written after it */
	uint64_t wall_offset_us;
	bool has_secrets;        /* and is its owner's alone */
	uint64_t written;        /* bytes in the file, all of them whole blocks */
	struct change changes[CHANGES]; /* oldest first */
	unsigned n_changes;
	uint32_t block;          /* where in the buffer the block being written begins */
	uint32_t used;           /* bytes of the buffer */
	uint8_t buffer[BUFFER_SIZE];
};

static void put(struct pcapng *p, const void *data, uint32_t len)
{
	memcpy(p->buffer + p->used, data, len);
	p->used += len;
}

static void put_u16(struct pcapng *p, uint16_t v)
{
	put(p, &v, sizeof v);
}

static void put_u32(struct pcapng *p, uint32_t v)
{
	put(p, &v, sizeof v);
}

/* Everything is padded to 32 bits; blocks begin on such a boundary, and so does the buffer. */
static void pad(struct pcapng *p)
{
	while (p->used % 4 != 0)
		p->buffer[p->used++] = 0;
}

static void put_option(struct pcapng *p, enum option_code code, const void *value, size_t len)
{
	put_u16(p, (uint16_t)code);
	put_u16(p, (uint16_t)len);
	put(p, value, (uint32_t)len);
	pad(p);
}

static int write_all(struct pcapng *p)
{
	uint32_t done = 0;

	while (done < p->used) {
		ssize_t n = write(p->fd, p->buffer + done, p->used - done);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (uint32_t)n;
	}
	p->written += p->used;
	return 0;
}

/* A half block at the end would spoil the file for its readers. Of a pipe nothing can be taken back. */
static void give_up(struct pcapng *p, int error)
{
	int ignored;

	p->error = error;
	p->observer.kinds = 0;
	ignored = ftruncate(p->fd, (off_t)p->written);
	(void)ignored;
}

int pcapng_flush(struct pcapng *p)
{
	int err = p->error;

	if (err == 0 && p->used > 0)
		err = write_all(p);
	if (err < 0 && p->error == 0)
		give_up(p, err);
	p->used = 0;
	return err;
}

static void begin_block(struct pcapng *p, enum block_type type)
{
	if (BUFFER_SIZE - p->used < BLOCK_MAX)
		(void)pcapng_flush(p);
	p->block = p->used;
	put_u32(p, (uint32_t)type);
	put_u32(p, 0);
}

static void end_block(struct pcapng *p)
{
	uint32_t len;

	put_u32(p, OPT_END);
	len = p->used + 4 - p->block;
	memcpy(p->buffer + p->block + 4, &len, sizeof len);
	put_u32(p, len);
}

static void put_section_header(struct pcapng *p)
{
	static const char program[] = "taphouse " TH_VERSION;
	const uint64_t unknown_length = UINT64_MAX;

	begin_block(p, SECTION_HEADER);
	put_u32(p, BYTE_ORDER_MAGIC);
	put_u16(p, 1); /* version 1.0 */
	put_u16(p, 0);
	put(p, &unknown_length, sizeof unknown_length);
	put_option(p, SHB_USERAPPL, program, sizeof program - 1);
	end_block(p);
}

static void put_interface_description(struct pcapng *p, const char *interface)
{
	const uint8_t resolution = MICROSECONDS;

	begin_block(p, INTERFACE_DESCRIPTION);
	put_u16(p, LINKTYPE_ETHERNET);
	put_u16(p, 0);
	put_u32(p, FRAME_MAX);
	put_option(p, IF_NAME, interface, strnlen(interface, COMMENT_MAX));
	put_option(p, IF_TSRESOL, &resolution, sizeof resolution);
	end_block(p);
}

static uint32_t put_rx(struct pcapng *p, const struct rx_frame *f)
{
	uint32_t len = f->len < FRAME_MAX ? f->len : FRAME_MAX;
	uint8_t *copy = p->buffer + p->used;

	put(p, f->data, len);
	if ((f->flags & RX_CHECKSUM_PARTIAL) != 0)
		frame_finish_checksum(copy, len, f->checksum_start, f->checksum_offset);
	return len;
}

static uint32_t put_tx(struct pcapng *p, const struct tx_frame *f)
{
	uint8_t *copy = p->buffer + p->used;

	assert(tx_len(f) <= FRAME_MAX);
	p->used += tx_flatten(f, copy);
	if ((f->flags & TX_CHECKSUM_PARTIAL) != 0)
		frame_finish_checksum(copy, tx_len(f), f->checksum_start, f->checksum_offset);
	return tx_len(f);
}

/* Section 4.3; frame and options follow. */
static void put_packet(struct pcapng *p, const struct trace_event *e, const char *comment)
{
	uint64_t time_us = e->now_us + p->wall_offset_us;
	uint32_t flags = e->kind == TRACE_FRAME_IN ? INBOUND : OUTBOUND;
	uint32_t lengths[2], at;

	begin_block(p, ENHANCED_PACKET);
	put_u32(p, 0); /* the only interface */
	put_u32(p, (uint32_t)(time_us >> 32));
	put_u32(p, (uint32_t)time_us);
	at = p->used;
	p->used += sizeof lengths;
	lengths[0] = e->kind == TRACE_FRAME_IN ? put_rx(p, e->rx) : put_tx(p, e->tx);
	lengths[1] = e->kind == TRACE_FRAME_IN ? e->rx->len : lengths[0];
	memcpy(p->buffer + at, lengths, sizeof lengths);
	pad(p);
	put_option(p, EPB_FLAGS, &flags, sizeof flags);
	if (comment[0] != '\0')
		put_option(p, OPT_COMMENT, comment, strlen(comment));
	end_block(p);
}

static void remember_change(struct pcapng *p, const struct trace_event *e)
{
	struct change *c;

	if (e->note == NULL)
		return;
	if (p->n_changes == CHANGES)
		memmove(&p->changes[0], &p->changes[1], --p->n_changes * sizeof *c);
	c = &p->changes[p->n_changes++];
	c->conn = e->conn;
	c->at_us = e->now_us;
	trace_text(e, c->text);
}

/* What was told since the last frame belongs to this one, if it comes in: processing it was all that went
 * on. What the stack sends at the end of a batch is told apart by connection. */
static bool belongs(const struct change *c, const struct trace_event *e)
{
	const struct tcp_conn *conn = e->conn;

	if (conn == NULL && e->kind == TRACE_FRAME_OUT)
		conn = e->tx->conn;
	return c->conn == conn || (e->kind == TRACE_FRAME_IN && (conn == NULL || c->conn == NULL));
}

static void append(char comment[static COMMENT_MAX], const char *before, const char *text)
{
	size_t len = strlen(comment);

	snprintf(comment + len, COMMENT_MAX - len, "%s%s%s", len > 0 ? "; " : "", before, text);
}

static void append_changes(struct pcapng *p, const struct trace_event *e, char comment[static COMMENT_MAX])
{
	unsigned kept = 0;

	for (unsigned i = 0; i < p->n_changes; i++) {
		const struct change *c = &p->changes[i];
		if (c->at_us != e->now_us)
			continue;
		if (belongs(c, e))
			append(comment, "", c->text);
		else
			p->changes[kept++] = *c;
	}
	p->n_changes = kept;
}

static void on_frame(struct pcapng *p, const struct trace_event *e)
{
	char comment[COMMENT_MAX] = "";

	if (e->drop != DROP_NONE)
		append(comment, "dropped: ", drop_reason_text(e->drop));
	if (e->note != NULL)
		append(comment, "", e->note);
	else if (e->kind == TRACE_FRAME_OUT && e->tx->note != NULL)
		append(comment, "", e->tx->note);
	append_changes(p, e, comment);
	put_packet(p, e, comment);
}

static void on_event(void *context, const struct trace_event *e)
{
	if ((e->kind & CHANGE_KINDS) != 0)
		remember_change(context, e);
	else
		on_frame(context, e);
}

int pcapng_open(const char *path, const char *interface, uint64_t wall_offset_us, struct pcapng **out,
		struct failure *why)
{
	struct pcapng *p = calloc(1, sizeof *p);
	int err;

	if (p == NULL)
		return failure_set(why, -ENOMEM, "no memory to write %s", path);
	p->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (p->fd < 0) {
		err = failure_set(why, -errno, "cannot write %s: %s", path, strerror(errno));
		free(p);
		return err;
	}
	p->observer = (struct observer){ .kinds = TRACE_FRAME_IN | TRACE_FRAME_OUT | CHANGE_KINDS,
					 .on_event = on_event,
					 .context = p };
	p->wall_offset_us = wall_offset_us;
	put_section_header(p);
	put_interface_description(p, interface);
	err = pcapng_flush(p);
	if (err < 0) {
		failure_set(why, err, "cannot write %s: %s", path, strerror(-err));
		pcapng_close(p);
		return err;
	}
	*out = p;
	return 0;
}

static bool make_private(struct pcapng *p)
{
	if (!p->has_secrets && fchmod(p->fd, 0600) < 0)
		return false;
	p->has_secrets = true;
	return true;
}

/* Section 4.7. Secrets stand before the first frame that they open. */
void pcapng_secrets(struct pcapng *p, const struct iovec *text, size_t n)
{
	uint32_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += (uint32_t)text[i].iov_len;
	if (p->error < 0 || len > COMMENT_MAX || !make_private(p))
		return;
	begin_block(p, DECRYPTION_SECRETS);
	put_u32(p, TLS_KEY_LOG);
	put_u32(p, len);
	for (size_t i = 0; i < n; i++)
		put(p, text[i].iov_base, (uint32_t)text[i].iov_len);
	pad(p);
	end_block(p);
}

struct observer *pcapng_observer(struct pcapng *p)
{
	return &p->observer;
}

int pcapng_close(struct pcapng *p)
{
	int err = pcapng_flush(p);

	if (close(p->fd) < 0 && err == 0)
		err = -errno;
	free(p);
	return err;
}
