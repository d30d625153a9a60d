/* Help, written from the tables of commands and options. */
#include "server/cli_table.h"

static void help_overview(FILE *out)
{
	fputs("taphouse: HTTP on tap, a web server that brings its own TCP/IP\n\n", out);
	for (int i = 0; i < COMMANDS; i++) {
		const struct cli_command *command = &cli_commands[i];

		fprintf(out, "  taphouse %-7s %-9s  %s\n", command->name,
			command->operand != NULL ? command->operand : "", command->summary);
	}
	fputs("\n\"taphouse COMMAND --help\" lists a command's options. See taphouse(8).\n", out);
}

/* Writes the text, its further lines indented like the first. */
static void help_indented(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		fputc(*text, out);
		if (*text == '\n')
			fprintf(out, "%26s", "");
	}
	fputc('\n', out);
}

static void help_options(FILE *out, enum command command)
{
	for (size_t i = 0; i < CLI_OPTIONS; i++) {
		const struct cli_option *o = &cli_options[i];
		char letter[] = { '-', o->letter, ',', '\0' };
		char name[24];

		if (!cli_option_is_for(o, command))
			continue;
		snprintf(name, sizeof name, "--%s%s%s", o->name, cli_option_is_optional(o) ? "" : " ",
			 o->argument != NULL ? o->argument : "");
		fprintf(out, "  %3s %-19s ", o->letter != 0 ? letter : "", name);
		help_indented(out, o->help);
	}
}

void cli_help(FILE *out, enum command command)
{
	const struct cli_command *info = &cli_commands[command];

	if (command == COMMAND_HELP) {
		help_overview(out);
		return;
	}
	fprintf(out, "usage: taphouse %s [options]", info->name);
	if (info->operand != NULL)
		fprintf(out, info->needs_operand ? " %s" : " [%s]", info->operand);
	fprintf(out, "\n\n%s%s\n", info->help, info->help[0] != '\0' ? "" : info->summary);
	help_options(out, command);
}
