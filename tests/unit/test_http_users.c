/* Files of users: which hashes are taken, what is wrong with others, and passwords that fit. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "http/http_users.h"

#define BCRYPT "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
#define BCRYPT_OF_APACHE "$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
#define SHA256 "$5$rounds=1000$salt$bNpYMFIfAIhG7T8Aq/dbZPkv6Sz54LDaoVFhs0ioLy1"
#define SHA512 \
	"$6$rounds=1000$salt$a.kkYHxH6gHEz/JNckBfRsTnbZnoFO/tendiIQBp6yXy.L52c8.VgSMxceucKTp7TZLi65R1VM9P.4ODvNrxR/"
#define YESCRYPT "$y$j75$abcdefghijklmnopqrstu.$fDli63z6mn8u5g61oaFlxY.y3CgFss57QvK8jvPoD79"
#define X43 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static char path[64];
static struct http_users users;
static struct failure why;

static int set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/taphouse-users-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_users_free(&users);
	unlink(path);
	return 0;
}

static int load_bytes(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	http_users_free(&users);
	return http_users_load(&users, path, &why);
}

static int load(const char *text)
{
	return load_bytes(text, strlen(text));
}

static bool verify(const char *user, const char *password)
{
	const char *hash = http_users_find(&users, user);

	assert_non_null(hash);
	return http_users_verify(password, hash);
}

static void each_kind_of_slow_hash_is_taken(void **state)
{
	(void)state;
	assert_int_equal(load("# who may\n\nzoe:" BCRYPT "\nann:" SHA256 "\nbob:" SHA512 ":a comment\r\n"
			      "eve:" YESCRYPT "\r\nmax:" BCRYPT_OF_APACHE), 0);
	assert_int_equal(users.count, 5);
	assert_true(verify("zoe", "open sesame") && verify("max", "open sesame"));
	assert_true(verify("ann", "five") && verify("bob", "123\xc2\xa3") && verify("eve", "yes"));
	assert_false(verify("zoe", "open sesam") || verify("zoe", "") || verify("ann", "yes"));
	assert_null(http_users_find(&users, "an"));
	assert_null(http_users_find(&users, ""));
}

static void nobody_is_a_file_as_well(void **state)
{
	(void)state;
	assert_int_equal(load("# nobody\n"), 0);
	assert_null(http_users_find(&users, "ann"));
	assert_false(http_users_verify("x", http_users_decoy(&users)));
}

static void a_decoy_is_a_hash_of_the_same_file(void **state)
{
	(void)state;
	assert_int_equal(load("ann:" BCRYPT "\n"), 0);
	assert_string_equal(http_users_decoy(&users), BCRYPT);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *line, *what;
	} cases[] = {
		{ "ann:secret\n", ":1: ", "kind" },
		{ "ann:" SHA256 "\nbob:$apr1$salt$hash\n", ":2: ", "kind" },
		{ "#\n\nbob:$1$salt$hash", ":3: ", "kind" },
		{ "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", ":1: ", "kind" },
		{ "bob:abJnggxhB/yWI\n", ":1: ", "kind" },
		{ "bob:\n", ":1: ", "kind" },
		{ "bob\n", ":1: ", "name:hash" },
		{ ":" SHA256 "\n", ":1: ", "name:hash" },
		{ "bob:$2b$04$abcdefghijklmnopqrstuu\n", ":1: ", "whole" },
		{ "bob:$5$\n", ":1: ", "whole" },
		{ "bob:$5$" X43 "x\n", ":1: ", "whole" },
		{ "bob:$5$salt$" X43 "!\n", ":1: ", "whole" },
		{ "bob:$2b$16$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy\n", ":1: ", "too long" },
		{ "bob:$5$rounds=2000001$salt$" X43 "\n", ":1: ", "too long" },
		{ "12345678901234567890123456789012345678901234567890123456789012345:" SHA256, ":1: ", "name is too long" },
		{ "bob:" SHA256 "\nann:" SHA256 "\nbob:" SHA512 "\n", "", "\"bob\" is there twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		assert_true(load(cases[i].text) < 0);
		assert_non_null(strstr(why.text, cases[i].line));
		assert_non_null(strstr(why.text, cases[i].what));
		assert_null(strstr(why.text, "secret"));
		assert_null(users.items);
	}
}

static void what_is_no_text_is_no_users_file(void **state)
{
	static const char binary[] = "ann:\0" SHA256;

	(void)state;
	assert_int_equal(load_bytes(binary, sizeof binary - 1), -EINVAL);
	assert_int_equal(http_users_load(&users, "/tmp", &why), -EINVAL);
	assert_int_equal(http_users_load(&users, "/nonexistent/users", &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nonexistent/users"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_kind_of_slow_hash_is_taken),
		TEST(nobody_is_a_file_as_well),
		TEST(a_decoy_is_a_hash_of_the_same_file),
		TEST(what_is_wrong_is_told_with_its_line),
		TEST(what_is_no_text_is_no_users_file),
	};

	return cmocka_run_group_tests_name("http/http_users", tests, NULL, NULL);
}
