/*
 * The one idiom for errors that a person must read: a function that can fail
 * at start-up takes a `struct failure *why`, returns a negative errno, and
 * leaves in it one line that says what is wrong and what to do next.
 * On the hot path errors are verdicts and counters (base/drop.h), not text.
 */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

struct failure {
	char text[512];
};

/* Writes the line (cut if it is too long, with '?' for control characters) and returns error, so that a
 * caller can say: return failure_set(why, -EINVAL, "…"). */
int failure_set(struct failure *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
