/* The one line that a person reads when something cannot start. */
#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/ascii.h"

/* What is quoted may be anything: a value from a file, a name from the network. */
static void make_one_line(char *text)
{
	for (; *text != '\0'; text++)
		if (ascii_is_control(*text))
			*text = '?';
}

int failure_set(struct failure *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vsnprintf(why->text, sizeof why->text, format, args) < 0)
		why->text[0] = '\0';
	va_end(args);
	make_one_line(why->text);
	return error;
}
