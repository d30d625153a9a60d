/*
 * The records of a connection whose handshake is done. OpenSSL does handshakes, and is let go of behind
 * them: from there on the records are ours, with the keys that it tells (tls_key_schedule.h) and its ciphers
 * (tls_protection.h). What is left of TLS is little: alerts, KeyUpdate, and that nothing else may come.
 *
 * Why: SSL_write() takes one run of bytes a record, copies it in order to encrypt it in place, and its BIO
 * has it copied again; a request costs half the instructions without it, and a connection at rest a fifth
 * of the memory. Its interface for the kernel's TLS would hand out the keys too, but that is internal, is
 * not built everywhere, and in 3.0 knows no KeyUpdate.
 */
#ifndef TLS_TLS_RECORDS_H
#define TLS_TLS_RECORDS_H

#include "tls/tls_input.h"
#include "tls/tls_messages.h"
#include "tls/tls_output.h"

struct tls_stream;

/* What the handshake leaves; before that, what it has told so far. */
struct tls_records {
	struct tls_protection sending, receiving;
	struct tls_record_size size;
	struct tls_input input;
	struct tls_messages messages;
	uint32_t sent, received; /* by OpenSSL, with the keys that ours begin with */
	uint8_t idle;         /* records in a row that brought no text */
	bool owes_key_update;
	bool has_refused;     /* a handshake message of 1.2 */
};

/* OpenSSL tells what a handshake does. */
void tls_records_on_secret(struct tls_stream *s, const char *key_log_line);
void tls_records_on_record(struct tls_stream *s, bool is_ours, uint8_t type);
/* Takes over from it. False: that is not possible. */
bool tls_records_begin(struct tls_stream *s);

/* Puts contents into records, which wait in the output. False: that failed, and nothing waits any more. */
bool tls_records_send(struct tls_stream *s, const struct span *spans, size_t count);
/* The same with an alert. It is left out if there is no memory for it, and behind close_notify. */
void tls_records_send_alert(struct tls_stream *s, uint8_t level, uint8_t description);

enum tls_records_result {
	TLS_RECORDS_TEXT,
	TLS_RECORDS_AWAITED, /* all that came is taken */
	TLS_RECORDS_END,     /* close_notify */
	TLS_RECORDS_BROKEN,  /* the stream knows why, and an alert is in the output, if one is due */
};

/* Takes records from the stream's input up to the next text. room: for the text, TLS_CIPHERTEXT_MOST
 * bytes. */
enum tls_records_result tls_records_receive(struct tls_stream *s, uint8_t *room, struct bytes *text);

/* Keeps what is left of that text for later. False: it is broken for want of memory. */
bool tls_records_keep(struct tls_stream *s, struct bytes text);

void tls_records_end(struct tls_records *r);

#endif
