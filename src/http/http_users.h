/*
 * Users and the hashes of their passwords, from a file as htpasswd(1) writes it: a line "name:hash" each.
 * Hashes are those of crypt(3) that are made to be slow: bcrypt, yescrypt, SHA-crypt.
 */
#ifndef HTTP_HTTP_USERS_H
#define HTTP_HTTP_USERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"

enum { HTTP_USER_MOST = 64, HTTP_HASH_MOST = 160 }; /* longest name, longest hash */

struct http_user {
	const char *name, *hash; /* in the text */
};

struct http_users {
	struct http_user *items; /* in the order of their names */
	size_t count;
	char *text; /* of the file, in pieces */
	size_t text_len;
};

/* Reads the file. 0, or negative errno and *why: "file:line: what is wrong"; then nothing is held. Plain
 * text, DES and MD5 are refused: who steals such a file has the passwords. */
int http_users_load(struct http_users *u, const char *path, struct failure *why);
void http_users_free(struct http_users *u);

/* The hash of this user's password; NULL: there is no such user. */
const char *http_users_find(const struct http_users *u, const char *name);

/* A hash to try in place of that of a user who is not there, so that it takes as long as for one who is. */
const char *http_users_decoy(const struct http_users *u);

/* The password has this hash. It takes as long as who made the hash wanted it to: nothing for the
 * loop to wait for (base/offload.h). */
bool http_users_verify(const char *password, const char *hash);

#endif
