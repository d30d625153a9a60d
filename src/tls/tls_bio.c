/*
 * OpenSSL's way down in a handshake: a source that reads what the lower stream offers just now, and a sink
 * that writes records into buffers of ours. Neither ever blocks: there is input or there is none, and what
 * is written waits in the buffers.
 */
#include <string.h>

#include <openssl/bio.h>

#include "tls/tls_internal.h"

static int bio_write(BIO *bio, const char *data, size_t len, size_t *written)
{
	struct tls_stream *s = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	*written = 0;
	if (!tls_output_put(&s->output, &s->tls->buffers, data, len))
		return 0;
	*written = len;
	return 1;
}

static int bio_read(BIO *bio, char *data, size_t len, size_t *got)
{
	struct tls_stream *s = BIO_get_data(bio);
	size_t n = len < s->input.len ? len : s->input.len;

	BIO_clear_retry_flags(bio);
	*got = n;
	if (n == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(data, s->input.data, n);
	bytes_skip(&s->input, n);
	return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *tls_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "taphouse stream");

	if (m == NULL)
		return NULL;
	if (BIO_meth_set_write_ex(m, bio_write) == 1 && BIO_meth_set_read_ex(m, bio_read) == 1 &&
	    BIO_meth_set_ctrl(m, bio_control) == 1 && BIO_meth_set_create(m, bio_create) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

bool tls_bio_attach(struct tls_stream *s)
{
	BIO *bio = BIO_new(s->tls->bio);

	if (bio == NULL)
		return false;
	BIO_set_data(bio, s);
	SSL_set_bio(s->ssl, bio, bio);
	return true;
}
