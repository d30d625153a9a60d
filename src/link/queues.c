/* Queues opened one after the other; the first that fails closes those before it. */
#include "link/queues.h"

int queues_open(unsigned n, queue_open_fn *open, void *context, struct device **out, struct failure *why)
{
	for (unsigned i = 0; i < n; i++) {
		int err = open(context, i, &out[i], why);

		if (err < 0) {
			queues_close(i, out);
			return err;
		}
	}
	return 0;
}

void queues_close(unsigned n, struct device *const *queues)
{
	while (n-- > 0)
		queues[n]->ops->close(queues[n]);
}
