/* The one line that a person reads when something cannot start. */
#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>

int failure_set(struct failure *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vsnprintf(why->text, sizeof why->text, format, args) < 0)
		why->text[0] = '\0';
	va_end(args);
	return error;
}
