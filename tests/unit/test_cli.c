/* The command line: commands, options, what is refused, what reaches the configuration; complete help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/cli.h"
#include "server/cli_table.h"

enum { MOST_WORDS = 80 };

/* Parses the words of line, which are kept in *store. */
static enum cli_verdict parse(const char *line, char **store, struct cli *cli, struct failure *why)
{
	static char program[] = "taphouse";
	char *argv[MOST_WORDS + 2] = { program };
	int argc = 1;

	*store = strdup(line);
	assert_non_null(*store);
	why->text[0] = '\0';
	for (char *word = strtok(*store, " "); word != NULL; word = strtok(NULL, " ")) {
		assert_true(argc <= MOST_WORDS);
		argv[argc++] = word;
	}
	return cli_parse(argc, argv, cli, why);
}

/* "serve: what is wrong" must be what was said, with the way to the command's help behind it. */
static void assert_complaint(const struct failure *why, const char *expected)
{
	char whole[600];

	snprintf(whole, sizeof whole, "%s; see \"taphouse %.*s --help\"", expected,
		 (int)strcspn(expected, ":"), expected);
	assert_string_equal(why->text, whole);
}

static void assert_usage(const char *line, const char *expected)
{
	struct failure why;
	struct cli cli;
	char *store;

	assert_int_equal(parse(line, &store, &cli, &why), CLI_USAGE);
	assert_complaint(&why, expected);
	free(store);
}

static void assert_unknown_command(const char *line, const char *expected)
{
	struct failure why;
	struct cli cli;
	char *store;

	assert_int_equal(parse(line, &store, &cli, &why), CLI_USAGE);
	assert_string_equal(why.text, expected);
	free(store);
}

static void assert_help(const char *line, enum command command)
{
	struct failure why;
	struct cli cli;
	char *store;

	assert_int_equal(parse(line, &store, &cli, &why), CLI_HELP);
	assert_int_equal(cli.command, command);
	free(store);
}

/* Parses and applies; the caller finishes *c and frees *store. */
static int apply(const char *line, char **store, struct cli *cli, struct config *c, struct failure *why)
{
	assert_int_equal(parse(line, store, cli, why), CLI_RUN);
	config_init(c);
	return cli_apply(cli, c, why);
}

static void assert_not_applied(const char *line, const char *expected)
{
	struct failure why;
	struct config c;
	struct cli cli;
	char *store;

	assert_true(apply(line, &store, &cli, &c, &why) < 0);
	assert_complaint(&why, expected);
	config_fini(&c);
	free(store);
}

static void test_commands_and_operands(void **state)
{
	struct failure why;
	struct cli cli;
	char *store;

	(void)state;
	assert_int_equal(parse("serve ./site", &store, &cli, &why), CLI_RUN);
	assert_int_equal(cli.command, COMMAND_SERVE);
	assert_string_equal(cli.operand, "./site");
	free(store);
	assert_int_equal(parse("serve", &store, &cli, &why), CLI_RUN);
	assert_null(cli.operand);
	free(store);
	assert_int_equal(parse("get -- -x", &store, &cli, &why), CLI_RUN);
	assert_string_equal(cli.operand, "-x");
	free(store);
	assert_int_equal(parse("--version", &store, &cli, &why), CLI_RUN);
	assert_int_equal(cli.command, COMMAND_VERSION);
	free(store);
}

static void test_wrong_commands_and_operands_are_usage_errors(void **state)
{
	(void)state;
	assert_unknown_command("", "which command? See \"taphouse help\"");
	assert_unknown_command("sevre", "unknown command \"sevre\"; see \"taphouse help\"");
	assert_unknown_command("help sevre", "unknown command \"sevre\"; see \"taphouse help\"");
	assert_usage("check", "check: FILE is missing");
	assert_usage("get -i", "get: URL is missing");
	assert_usage("serve a b", "serve: \"b\" is one argument too many");
	assert_usage("version x", "version: \"x\" is one argument too many");
}

static void test_wrong_options_are_usage_errors(void **state)
{
	(void)state;
	assert_usage("serve --frobnicate", "serve: unknown option \"--frobnicate\"");
	assert_usage("serve -x .", "serve: unknown option \"-x\"");
	assert_usage("serve --http", "serve: option \"--http\" needs an argument, PORT");
	assert_usage("serve -d", "serve: option \"-d\" needs an argument, DEVICE");
	assert_usage("get --head=3 u", "get: option \"--head\" takes no argument");
	/* An option of another command is no option of this one. */
	assert_usage("serve --head .", "serve: unknown option \"--head\"");
	assert_usage("get --http 80 u", "get: unknown option \"--http\"");
	assert_usage("check --config x y", "check: unknown option \"--config\"");
}

/* Options whose feature is still to come must not be taken in silence. */
static void test_what_there_is_not_is_refused(void **state)
{
	(void)state;
	assert_not_applied("serve --device tun:eth0",
			   "serve: --device: \"tun:eth0\" is not tap:NAME, packet:INTERFACE or xdp:INTERFACE");
}

static void test_values_of_options(void **state)
{
	struct failure why;
	struct cli cli;
	char *store;

	(void)state;
	assert_int_equal(parse("get -I -o a --output b -m3 http://x/", &store, &cli, &why), CLI_RUN);
	assert_string_equal(cli_value(&cli, "output"), "b");
	assert_string_equal(cli_value(&cli, "max-time"), "3");
	assert_string_equal(cli_value(&cli, "head"), "");
	assert_null(cli_value(&cli, "include"));
	assert_string_equal(cli.operand, "http://x/");
	free(store);
}

static void test_options_reach_the_configuration(void **state)
{
	struct failure why;
	struct config c;
	struct cli cli;
	char *store, text[IP_PREFIX_TEXT];

	(void)state;
	assert_int_equal(apply("serve --device packet:eth7 -a 10.1.0.2/16 --address 10.1.0.3/16 -g 10.1.0.1 "
			       "--mac 02:00:00:00:00:09 --user nobody --impair loss=2% --pcap p "
			       "--log-level debug --host-address 10.1.0.9/16",
			       &store, &cli, &c, &why),
			 0);
	assert_int_equal(c.device.name.kind, DEVICE_PACKET);
	assert_string_equal(c.device.name.interface, "eth7");
	assert_int_equal(c.device.address.n, 2);
	assert_string_equal(ip_prefix_format(&c.device.address.items[0], text), "10.1.0.2/16");
	assert_true(c.device.address_given);
	assert_int_equal(c.device.gateway.n, 1);
	assert_string_equal(ip_prefix_format(&c.device.host_address.prefix, text), "10.1.0.9/16");
	assert_true(c.device.host_address_given);
	assert_int_equal(c.device.mac.b[5], 9);
	assert_string_equal(c.user, "nobody");
	assert_int_equal(c.device.impair.spec.tx.loss_ppm, 20000);
	assert_string_equal(c.device.pcap, "p");
	assert_int_equal(c.log.level, LOG_DEBUG);
	config_fini(&c);
	free(store);
}

static void test_no_option_leaves_the_configuration_alone(void **state)
{
	struct failure why;
	struct config c, defaults;
	struct cli cli;
	char *store;

	(void)state;
	assert_int_equal(apply("serve .", &store, &cli, &c, &why), 0);
	config_init(&defaults);
	assert_memory_equal(&c.device, &defaults.device, sizeof c.device);
	assert_memory_equal(&c.tcp, &defaults.tcp, sizeof c.tcp);
	assert_memory_equal(&c.log, &defaults.log, sizeof c.log);
	config_fini(&c);
	free(store);
}

static void test_bad_values_are_usage_errors(void **state)
{
	(void)state;
	assert_not_applied("serve --address 10.1",
			   "serve: --address: \"10.1\" is not an IPv4 address with its prefix length, "
			   "such as \"10.77.0.2/24\"");
	assert_not_applied("get --gateway x u",
			   "get: --gateway: \"x\" is not an IPv4 address");
	assert_not_applied("serve --log-level loud",
			   "serve: --log-level: \"loud\" is not a level "
			   "(error, warning, notice, info, debug)");
}

static void assert_value(const char *line, const char *option, const char *value)
{
	struct failure why;
	struct cli cli;
	char *store;

	assert_int_equal(parse(line, &store, &cli, &why), CLI_RUN);
	if (value != NULL)
		assert_string_equal(cli_value(&cli, option), value);
	else
		assert_null(cli_value(&cli, option));
	assert_string_equal(cli.operand, "u");
	free(store);
}

/* What stands behind it without = is the operand. */
static void test_an_argument_may_be_left_out(void **state)
{
	(void)state;
	assert_value("get --trace u", "trace", "");
	assert_value("get --trace=json,80 u", "trace", "json,80");
	assert_value("get u", "trace", NULL);
}

static void test_too_many_options_are_refused(void **state)
{
	char line[8 + 3 * (CLI_GIVEN + 1)] = "get u";

	(void)state;
	for (int i = 0; i <= CLI_GIVEN; i++)
		strcat(line, " -i");
	assert_usage(line, "get: more than 64 options");
}

static void test_help_wherever_it_is_asked_for(void **state)
{
	(void)state;
	assert_help("help", COMMAND_HELP);
	assert_help("--help", COMMAND_HELP);
	assert_help("-h", COMMAND_HELP);
	assert_help("help serve", COMMAND_SERVE);
	assert_help("get --help", COMMAND_GET);
	assert_help("check -h", COMMAND_CHECK);
	assert_help("serve --http 80 . --help", COMMAND_SERVE);
}

static char *help_of(enum command command)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	cli_help(f, command);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void test_help_tells_every_option_of_the_command_and_no_other(void **state)
{
	(void)state;
	for (enum command command = 0; command < COMMAND_HELP; command++) {
		char *text = help_of(command);

		assert_non_null(strstr(text, cli_commands[command].name));
		for (size_t i = 0; i < CLI_OPTIONS; i++) {
			char name[32];

			snprintf(name, sizeof name, " --%s%c", cli_options[i].name,
				 cli_option_is_optional(&cli_options[i]) ? '[' : ' ');
			assert_int_equal(strstr(text, name) != NULL,
					 cli_option_is_for(&cli_options[i], command));
		}
		free(text);
	}
}

static void test_overview_tells_every_command(void **state)
{
	char *text = help_of(COMMAND_HELP);

	(void)state;
	for (int i = 0; i < COMMANDS; i++)
		assert_non_null(strstr(text, cli_commands[i].summary));
	free(text);
}

static void test_no_letter_stands_for_two_options_of_a_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLI_OPTIONS; i++)
		for (size_t k = 0; k < i; k++)
			if (cli_options[i].letter == cli_options[k].letter && cli_options[i].letter != 0)
				assert_int_equal(cli_options[i].commands & cli_options[k].commands, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands_and_operands),
		cmocka_unit_test(test_wrong_commands_and_operands_are_usage_errors),
		cmocka_unit_test(test_wrong_options_are_usage_errors),
		cmocka_unit_test(test_what_there_is_not_is_refused),
		cmocka_unit_test(test_values_of_options),
		cmocka_unit_test(test_options_reach_the_configuration),
		cmocka_unit_test(test_no_option_leaves_the_configuration_alone),
		cmocka_unit_test(test_bad_values_are_usage_errors),
		cmocka_unit_test(test_an_argument_may_be_left_out),
		cmocka_unit_test(test_too_many_options_are_refused),
		cmocka_unit_test(test_help_wherever_it_is_asked_for),
		cmocka_unit_test(test_help_tells_every_option_of_the_command_and_no_other),
		cmocka_unit_test(test_overview_tells_every_command),
		cmocka_unit_test(test_no_letter_stands_for_two_options_of_a_command),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
