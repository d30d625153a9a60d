/*
 * Writing JSON (RFC 8259) to a document. jansson and json-c maintain this too, and build a tree of allocated
 * nodes first: for 10,000 connections of twenty members each that is 200,000 of them, in the middle of the
 * event loop. Nothing is read here, so what is left to get right is a comma and the escapes of a string.
 */
#ifndef SERVER_JSON_H
#define SERVER_JSON_H

#include "server/document.h"

/* key is NULL inside of arrays, and for the value that is the document; it is written as it stands. */
void json_open_object(struct document *d, const char *key);
void json_close_object(struct document *d);
void json_open_array(struct document *d, const char *key);
void json_close_array(struct document *d);
void json_number(struct document *d, const char *key, uint64_t n);
void json_seconds(struct document *d, const char *key, uint64_t us); /* as 0.000123 */
void json_bool(struct document *d, const char *key, bool value);
/* The length of the UTF-8 sequence at p (RFC 3629 section 4), of which left bytes are
 * there, at least one; 0: it is none. */
size_t utf8_length(const uint8_t *p, size_t left);
/* The key of the next value, which is then written with key NULL: any bytes, as in a text. */
void json_key(struct document *d, const void *name, size_t len);
/* Values that another document has, one or more. */
void json_values(struct document *d, const struct document *from);
/* Any bytes; those that are no UTF-8 become U+FFFD. */
void json_bytes(struct document *d, const char *key, const void *data, size_t len);
/* The same up to a NUL; NULL becomes null. */
void json_text(struct document *d, const char *key, const char *text);

#endif
