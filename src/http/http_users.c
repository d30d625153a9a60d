/* Users: the file read, its lines checked, and passwords compared with hashes. */
#include "http/http_users.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

/* Seconds for one password are too many for a server: what takes longer than about these is a slip. */
enum { FILE_MOST = 1 << 20, BCRYPT_COST_MOST = 15, SHA_ROUNDS_MOST = 2000000 };

/* What is taken: how it begins, how many digits stand behind its last dollar sign, and a setting that costs
 * as little as one of its kind can, to see whether this system's crypt(3) knows it. */
static const struct kind {
	const char *prefix;
	size_t digits;
	const char *probe;
} kinds[] = {
	{ "$2a$", 53, "$2a$04$abcdefghijklmnopqrstuu" },
	{ "$2b$", 53, "$2b$04$abcdefghijklmnopqrstuu" },
	{ "$2y$", 53, "$2y$04$abcdefghijklmnopqrstuu" },
	{ "$5$", 43, "$5$rounds=1000$probe$" },
	{ "$6$", 86, "$6$rounds=1000$probe$" },
	{ "$y$", 43, "$y$j75$abcdefghijklmnopqrstu.$" },
};

/* ---- the file ---- */

/* The whole file with a NUL behind it, and none in it. 0 or negative errno. */
static int read_all(int fd, struct http_users *u)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > FILE_MOST)
		return -EFBIG;
	u->text_len = (size_t)st.st_size;
	u->text = calloc(1, u->text_len + 1);
	if (u->text == NULL)
		return -ENOMEM;
	n = read(fd, u->text, u->text_len);
	if (n < 0)
		return -errno;
	return n == st.st_size && memchr(u->text, '\0', u->text_len) == NULL ? 0 : -EINVAL;
}

static int read_file(const char *path, struct http_users *u, struct failure *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int error = fd < 0 ? -errno : read_all(fd, u);

	if (fd >= 0)
		close(fd);
	return error == 0
		       ? 0
		       : failure_set(why, error, "users file %s: cannot be read: %s", path, strerror(-error));
}

/* ---- hashes ---- */

static const struct kind *kind_of(const char *hash)
{
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		if (strncmp(hash, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return &kinds[i];
	return NULL;
}

static bool is_whole(const struct kind *kind, const char *hash)
{
	static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *last = strrchr(hash, '$') + 1;

	return strlen(hash) <= HTTP_HASH_MOST && strlen(last) == kind->digits &&
	       strspn(last, digits) == kind->digits;
}

/* NULL: it failed; *data is the caller's to wipe and to free. */
static const char *hash_with(const char *password, const char *setting, struct crypt_data *data)
{
	const char *hash = crypt_r(password, setting, data);

	return hash != NULL && *hash != '*' ? hash : NULL;
}

static bool is_affordable(const char *hash)
{
	static const char rounds[] = "rounds=";
	const char *setting = strchr(hash + 1, '$') + 1;

	if (hash[1] == '2')
		return strtoul(setting, NULL, 10) <= BCRYPT_COST_MOST;
	return strncmp(setting, rounds, sizeof rounds - 1) != 0 ||
	       strtoul(setting + sizeof rounds - 1, NULL, 10) <= SHA_ROUNDS_MOST;
}

/* Kinds that were seen to be known are noted in *known, a bit each. */
static bool is_known_here(const struct kind *kind, unsigned *known)
{
	unsigned bit = 1u << (kind - kinds);
	struct crypt_data *data;

	if ((*known & bit) != 0)
		return true;
	data = calloc(1, sizeof *data);
	if (data != NULL && hash_with("", kind->probe, data) != NULL)
		*known |= bit;
	free(data);
	return (*known & bit) != 0;
}

/* What is wrong with it; NULL: nothing. */
static const char *complaint_about(const char *hash, unsigned *known)
{
	const struct kind *kind = kind_of(hash);

	if (kind == NULL)
		return "the hash is of a kind that is not taken: make one by \"htpasswd -B\" or "
		       "\"mkpasswd -m sha-512\" (bcrypt $2b$ and $2y$, SHA-crypt $5$ and $6$, yescrypt $y$)";
	if (!is_whole(kind, hash))
		return "the hash is not whole";
	if (!is_affordable(hash))
		return "the hash takes too long: make one with fewer rounds";
	return is_known_here(kind, known) ? NULL : "the hash is of a kind that crypt(3) does not know here";
}

/* As long as lengths are equal, whatever differs takes the same time to see. */
static bool is_same(const char *a, const char *b)
{
	size_t len = strlen(a);
	unsigned different = 0;

	if (strlen(b) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		different |= (unsigned char)a[i] ^ (unsigned char)b[i];
	return different == 0;
}

bool http_users_verify(const char *password, const char *hash)
{
	struct crypt_data *data = calloc(1, sizeof *data);
	const char *made = data != NULL ? hash_with(password, hash, data) : NULL;
	bool same = made != NULL && is_same(made, hash);

	if (data != NULL)
		explicit_bzero(data, sizeof *data);
	free(data);
	return same;
}

/* ---- lines ---- */

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

/* What is wrong with the line, which is cut into its parts; NULL: nothing. */
static const char *take_line(char *line, struct http_user *out, unsigned *known)
{
	char *colon = strchr(line, ':');

	if (colon == NULL || colon == line)
		return "this is not \"name:hash\"";
	if (colon - line > HTTP_USER_MOST)
		return "the name is too long";
	*colon = '\0';
	colon[1 + strcspn(colon + 1, ":\r")] = '\0'; /* what follows is a comment */
	*out = (struct http_user){ .name = line, .hash = colon + 1 };
	return complaint_about(out->hash, known);
}

static int take_lines(struct http_users *u, const char *path, struct failure *why)
{
	char *rest = u->text, *line;
	unsigned known = 0;

	for (unsigned number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
		struct http_user user;
		const char *complaint;

		if (*line == '\0' || *line == '#')
			continue;
		complaint = take_line(line, &user, &known);
		if (complaint != NULL)
			return failure_set(why, -EINVAL, "%s:%u: %s", path, number, complaint);
		u->items[u->count++] = user;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct http_user *)a)->name, ((const struct http_user *)b)->name);
}

static int sort(struct http_users *u, const char *path, struct failure *why)
{
	qsort(u->items, u->count, sizeof *u->items, by_name);
	for (size_t i = 1; i < u->count; i++)
		if (by_name(&u->items[i - 1], &u->items[i]) == 0)
			return failure_set(why, -EEXIST, "users file %s: user \"%s\" is there twice", path,
					   u->items[i].name);
	return 0;
}

int http_users_load(struct http_users *u, const char *path, struct failure *why)
{
	int error;

	*u = (struct http_users){ 0 };
	error = read_file(path, u, why);
	if (error == 0) {
		u->items = calloc(count_lines(u->text), sizeof *u->items);
		error = u->items != NULL ? take_lines(u, path, why)
					 : failure_set(why, -ENOMEM, "no memory for users");
	}
	if (error == 0)
		error = sort(u, path, why);
	if (error != 0)
		http_users_free(u);
	return error;
}

void http_users_free(struct http_users *u)
{
	if (u->text != NULL)
		explicit_bzero(u->text, u->text_len);
	free(u->items);
	free(u->text);
	*u = (struct http_users){ 0 };
}

const char *http_users_find(const struct http_users *u, const char *name)
{
	const struct http_user wanted = { .name = name };
	const struct http_user *found = u->count > 0
		? bsearch(&wanted, u->items, u->count, sizeof wanted, by_name) : NULL;

	return found != NULL ? found->hash : NULL;
}

const char *http_users_decoy(const struct http_users *u)
{
	static const char usual[] = "$6$decoy$";

	return u->count > 0 ? u->items[0].hash : usual;
}
