/*
 * Work that would hold the loop up, such as hashing a password, compressing a file or waiting for a disk,
 * done elsewhere. This is the interface, which knows no threads: the server implements it
 * (server/helper.h), tests do by hand.
 *
 * The submitter keeps the job where it is until done() is called, whatever has become of what it was for. To
 * give a job up is to let done() throw its result away.
 */
#ifndef BASE_OFFLOAD_H
#define BASE_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct offload_job {
	/* On another thread, perhaps: touches the job and what belongs to it alone. */
	void (*run)(struct offload_job *job);
	/* In a later turn of the loop that submitted, once for each job that was
	 * taken, in the order of taking. */
	void (*done)(struct offload_job *job);
	bool ran; /* asked in done(): false when the server stopped before its turn came */
	struct list node; /* the implementation's */
};

/* First member of every implementation. */
struct offload {
	bool (*submit)(struct offload *o, struct offload_job *job);
};

/* o may be NULL: there is no such help here. False: too many jobs wait, or it is stopping; then the job was
 * not taken, and the submitter says so (503) or does without. */
static inline bool offload_submit(struct offload *o, struct offload_job *job)
{
	return o != NULL && o->submit(o, job);
}

#endif
