/* Jobs in a list, in the order of taking. */
#include "hand_offload.h"

static bool submit(struct offload *offload, struct offload_job *job)
{
	struct hand_offload *o = CONTAINER_OF(offload, struct hand_offload, offload);

	if (o->waiting == o->limit)
		return false;
	o->waiting++;
	list_append(&o->jobs, &job->node);
	return true;
}

void hand_offload_init(struct hand_offload *o, unsigned limit)
{
	*o = (struct hand_offload){ .offload = { .submit = submit }, .limit = limit };
	list_init(&o->jobs);
}

unsigned hand_offload_finish(struct hand_offload *o, bool ran)
{
	unsigned finished = 0;

	while (!list_is_empty(&o->jobs)) {
		struct offload_job *job = LIST_ENTRY(list_first(&o->jobs), struct offload_job, node);

		list_remove(&job->node);
		o->waiting--;
		job->ran = ran;
		if (ran)
			job->run(job);
		job->done(job);
		finished++;
	}
	return finished;
}
