/* taphouse check FILE: everything that serve would find wrong before it opens a device. */
#include <stdlib.h>

#include "server/commands.h"
#include "server/secure.h"

static int check(const char *file, struct config *c, struct failure *why)
{
	struct failure what;
	int r = config_load(c, file, why);

	if (r < 0)
		return r;
	r = config_finish(c, &what);
	if (r == 0)
		r = secure_check(c, &what);
	return r < 0 ? failure_set(why, r, "%s: %s", file, what.text) : 0;
}

int check_command(const struct cli *cli)
{
	struct config c;
	struct failure why;
	int r;

	config_init(&c);
	r = check(cli->operand, &c, &why);
	config_fini(&c);
	if (r == 0 && config_advice(&c) != NULL)
		printf("%s: %s\n", cli->operand, config_advice(&c));
	if (r < 0) {
		fprintf(stderr, "%s\n", why.text);
		return EXIT_FAILED;
	}
	printf("%s: in order\n", cli->operand);
	return EXIT_SUCCESS;
}
