/* Queues: the device of each kind opened, its frames steered. */
#include "server/ports.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "link/packet.h"
#include "link/queues.h"
#include "link/steer_program.h"
#include "link/tap.h"
#include "link/xdp.h"

/* What is opened. */
struct wanted {
	const struct config_device *device;
	unsigned queues;
	int program; /* that steers; -1: none */
};

static int open_tap(const struct wanted *w, struct device **out, struct failure *why)
{
	const struct config_device *d = w->device;
	struct tap_config c = {
		.name = d->name.interface,
		.host_address = d->host_address.given ? &d->host_address.prefix : NULL,
		.offload = !d->impair.given,
		.napi = d->napi,
		.queues = w->queues,
		.program = w->program,
	};

	return tap_open(&c, out, why);
}

static int open_packet(const struct wanted *w, struct device **out, struct failure *why)
{
	struct packet_config c = {
		.interface = w->device->name.interface,
		.offload = !w->device->impair.given,
		.queues = w->queues,
		.program = w->program,
	};

	return packet_open(&c, out, why);
}

static int open_xdp(const struct wanted *w, struct device **out, struct failure *why)
{
	const char *interface = w->device->name.interface;
#ifdef TH_WITH_XDP
	struct xdp_config c = { .interface = interface, .queues = w->queues };

	return xdp_open(&c, out, why);
#else
	(void)out;
	return failure_set(why, -EOPNOTSUPP,
			   "xdp:%s: this taphouse was built without AF_XDP: use packet:%s, or build it with "
			   "configure --with-xdp", interface, interface);
#endif
}

static int open_queues(const struct wanted *w, struct device **out, struct failure *why)
{
	switch (w->device->name.kind) {
	case DEVICE_PACKET:
		return open_packet(w, out, why);
	case DEVICE_XDP:
		return open_xdp(w, out, why);
	case DEVICE_TAP:
		break;
	}
	return open_tap(w, out, why);
}

static int make_rule(const struct config_device *d, unsigned n, struct steer_rule *rule, struct failure *why)
{
	struct random random;
	int err = random_init_from_system(&random);

	if (err < 0)
		return failure_set(why, err, "no random numbers from the system: %s", strerror(-err));
	*rule = steer_rule_make(d->steering, n, random_u64(&random));
	return 0;
}

/* A card chooses the queue of a frame for AF_XDP, before a program sees it. */
static int load_program(const struct config_device *d, const struct steer_rule *rule, const struct log *log)
{
	int program;

	if (d->name.kind == DEVICE_XDP)
		return -1;
	program = steer_program_load(rule);
	if (program >= 0)
		return program;
	log_line(log, LOG_NOTICE, "device",
		 "the kernel takes no program of ours that steers frames to workers (%s): "
		 "those that come to another worker are handed over", strerror(-program));
	return -1;
}

/* Each queue wrapped. On failure all of them are closed. */
static int wrap(struct ports *p, struct failure *why)
{
	for (unsigned i = 0; i < p->n; i++) {
		int err = steer_open(p->group, i, p->queues[i], &p->queues[i]);

		if (err < 0) {
			queues_close(p->n, p->queues);
			return failure_set(why, err, "cannot wait for frames of %u workers: %s", p->n,
					   strerror(-err));
		}
	}
	return 0;
}

/* Nothing is left for ports_close(). */
static void forget(struct ports *p)
{
	steer_group_free(p->group);
	*p = (struct ports){ .n = 0 };
}

static int open_group(struct ports *p, const struct config_device *d, const struct log *log,
		      struct failure *why)
{
	struct wanted w = { .device = d, .queues = p->n };
	struct steer_rule rule;
	int err = make_rule(d, p->n, &rule, why);

	if (err == 0)
		err = steer_group_new(&rule, &p->group, why);
	if (err < 0)
		return err;
	w.program = load_program(d, &rule, log);
	err = open_queues(&w, p->queues, why);
	if (w.program >= 0)
		close(w.program);
	if (err == 0)
		err = wrap(p, why);
	if (err < 0)
		forget(p);
	return err;
}

/* Where it depends on the driver or the kernel. */
static void say_mode(const struct ports *p, const struct config_device *d, const struct log *log)
{
	const char *mode = p->queues[0]->caps.mode;
	char name[DEVICE_NAME_TEXT];

	if (mode != NULL)
		log_line(log, LOG_INFO, "device", "%s: frames pass by %s",
			 value_format_device(&d->name, name), mode);
}

int ports_open(struct ports *p, const struct config_device *d, unsigned n, const struct log *log,
	       struct failure *why)
{
	const struct wanted one = { .device = d, .queues = 1, .program = -1 };
	int err;

	assert(n >= 1 && n <= STEER_QUEUES);
	*p = (struct ports){ .n = n };
	err = n == 1 ? open_queues(&one, p->queues, why) : open_group(p, d, log, why);
	if (err == 0)
		say_mode(p, d, log);
	return err;
}

struct device *ports_take(struct ports *p, unsigned queue)
{
	struct device *d = p->queues[queue];

	assert(queue < p->n && d != NULL);
	p->queues[queue] = NULL;
	return d;
}

void ports_close(struct ports *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->queues[i] != NULL)
			p->queues[i]->ops->close(p->queues[i]);
	steer_group_free(p->group);
}
