/* The command line, read by the tables of cli_table.c. */
#include "server/cli.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "server/cli_table.h"
#include "server/config_keys.h"

static bool find_command(const char *name, enum command *out)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(cli_commands[i].name, name) == 0) {
			*out = (enum command)i;
			return true;
		}
	return false;
}

/* Long options are numbered from here, so that letters stay letters. */
enum { FIRST_OPTION = 256 };

/* What getopt_long() wants to know, for one command. */
struct getopt_tables {
	char letters[2 * CLI_OPTIONS + 2];
	struct option names[CLI_OPTIONS + 1];
};

static int argument_kind(const struct cli_option *o)
{
	if (o->argument == NULL)
		return no_argument;
	return cli_option_is_optional(o) ? optional_argument : required_argument;
}

static void fill_tables(struct getopt_tables *t, enum command command)
{
	struct option *name = t->names;
	char *letter = t->letters;

	*letter++ = ':'; /* a missing argument is told from an unknown option */
	for (size_t i = 0; i < CLI_OPTIONS; i++) {
		const struct cli_option *o = &cli_options[i];

		if (!cli_option_is_for(o, command))
			continue;
		*name++ = (struct option){
			.name = o->name,
			.has_arg = argument_kind(o),
			.val = FIRST_OPTION + (int)i,
		};
		if (o->letter == 0)
			continue;
		*letter++ = o->letter;
		if (o->argument != NULL)
			*letter++ = ':';
	}
	*name = (struct option){ .name = NULL };
	*letter = '\0';
}

static const struct cli_option *option_by_code(int code, enum command command)
{
	if (code >= FIRST_OPTION)
		return &cli_options[code - FIRST_OPTION];
	for (size_t i = 0; i < CLI_OPTIONS; i++)
		if (cli_options[i].letter == code && cli_option_is_for(&cli_options[i], command))
			return &cli_options[i];
	return NULL;
}

/* "taphouse serve: what is wrong; see …": every complaint about usage ends alike. */
__attribute__((format(printf, 3, 4)))
static int complain(enum command command, struct failure *why, const char *format, ...)
{
	const char *name = cli_commands[command].name;
	struct failure what;
	va_list ap;

	va_start(ap, format);
	vsnprintf(what.text, sizeof what.text, format, ap);
	va_end(ap);
	return failure_set(why, -EINVAL, "%s: %s; see \"taphouse %s --help\"", name, what.text, name);
}

/* getopt_long() refused: code is ':' or '?', optopt what it was about if it knows. */
static int explain(int code, char **argv, enum command command, struct failure *why)
{
	const char *text = argv[optind - 1];
	const struct cli_option *known = optopt != 0 ? option_by_code(optopt, command) : NULL;

	if (code == ':')
		return complain(command, why, "option \"%s\" needs an argument, %s", text, known->argument);
	if (known != NULL)
		return complain(command, why, "option \"--%s\" takes no argument", known->name);
	if (optopt != 0)
		return complain(command, why, "unknown option \"-%c\"", optopt);
	return complain(command, why, "unknown option \"%s\"", text);
}

static int take_operands(struct cli *cli, int count, char **operands, struct failure *why)
{
	const struct cli_command *command = &cli_commands[cli->command];
	int most = command->operand != NULL;

	if (count > most)
		return complain(cli->command, why, "\"%s\" is one argument too many", operands[most]);
	if (count > 0)
		cli->operand = operands[0];
	else if (command->needs_operand)
		return complain(cli->command, why, "%s is missing", command->operand);
	return 0;
}

static int take_option(struct cli *cli, const struct cli_option *option, struct failure *why)
{
	if (cli->n_given == CLI_GIVEN)
		return complain(cli->command, why, "more than %d options", CLI_GIVEN);
	cli->given[cli->n_given].option = option;
	cli->given[cli->n_given].value = option->argument != NULL ? optarg : NULL;
	cli->n_given++;
	return 0;
}

/* argv[0] is the command's name. */
static enum cli_verdict take_arguments(struct cli *cli, int argc, char **argv, struct failure *why)
{
	struct getopt_tables tables;
	int code, r = 0;

	fill_tables(&tables, cli->command);
	optind = 0; /* getopt(3): begins anew, whatever was parsed before */
	opterr = 0;
	while (r == 0 && (code = getopt_long(argc, argv, tables.letters, tables.names, NULL)) != -1) {
		const struct cli_option *option = option_by_code(code, cli->command);

		if (option == NULL)
			r = explain(code, argv, cli->command, why);
		else if (option->letter == 'h')
			return CLI_HELP;
		else
			r = take_option(cli, option, why);
	}
	if (r == 0)
		r = take_operands(cli, argc - optind, argv + optind, why);
	return r < 0 ? CLI_USAGE : CLI_RUN;
}

static enum cli_verdict unknown_command(const char *name, struct failure *why)
{
	if (*name == '\0')
		failure_set(why, -EINVAL, "which command? See \"taphouse help\"");
	else
		failure_set(why, -EINVAL, "unknown command \"%s\"; see \"taphouse help\"", name);
	return CLI_USAGE;
}

/* "taphouse help COMMAND" is "taphouse COMMAND --help". */
static enum cli_verdict help_with(struct cli *cli, struct failure *why)
{
	if (cli->operand == NULL || find_command(cli->operand, &cli->command))
		return CLI_HELP;
	return unknown_command(cli->operand, why);
}

enum cli_verdict cli_parse(int argc, char **argv, struct cli *out, struct failure *why)
{
	const char *name = argc > 1 ? argv[1] : "";
	enum cli_verdict verdict;

	*out = (struct cli){ .command = COMMAND_HELP };
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return CLI_HELP;
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	if (!find_command(name, &out->command))
		return unknown_command(name, why);
	verdict = take_arguments(out, argc - 1, argv + 1, why);
	return verdict == CLI_RUN && out->command == COMMAND_HELP ? help_with(out, why) : verdict;
}

const char *cli_value(const struct cli *cli, const char *option)
{
	for (unsigned i = cli->n_given; i-- > 0;)
		if (strcmp(cli->given[i].option->name, option) == 0)
			return cli->given[i].value != NULL ? cli->given[i].value : "";
	return NULL;
}

static bool is_first_of_its_kind(const struct cli *cli, unsigned index)
{
	for (unsigned i = 0; i < index; i++)
		if (cli->given[i].option == cli->given[index].option)
			return false;
	return true;
}

static int apply_key(const struct cli *cli, unsigned index, struct config *c, struct failure *why)
{
	const struct cli_given *given = &cli->given[index];
	const struct config_key *key = config_key_find(given->option->section, given->option->key);
	void *field = config_key_field(key, c);
	struct failure what;
	struct key_input in = {
		.key = key, .text = given->value, .config = c, .directory = ".", .why = &what,
	};

	if (key->type->is_list && is_first_of_its_kind(cli, index))
		memset(field, 0, key->type->size);
	if (key->type->parse(&in, field) < 0)
		return complain(cli->command, why, "--%s: %s", given->option->name, what.text);
	return 0;
}

static int apply_device(const struct cli *cli, struct config_device *d, struct failure *why)
{
	const char *text = cli_value(cli, "device");

	d->address_given |= cli_value(cli, "address") != NULL;
	d->host_address_given |= cli_value(cli, "host-address") != NULL;
	if (text != NULL && value_device(text, &d->name) < 0)
		return complain(cli->command, why,
				"--device: \"%s\" is not tap:NAME, packet:INTERFACE or xdp:INTERFACE", text);
	return 0;
}

int cli_apply(const struct cli *cli, struct config *c, struct failure *why)
{
	for (unsigned i = 0; i < cli->n_given; i++) {
		int r = cli->given[i].option->key != NULL ? apply_key(cli, i, c, why) : 0;

		if (r < 0)
			return r;
	}
	return apply_device(cli, &c->device, why);
}
