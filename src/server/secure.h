/*
 * TLS of a worker: the instance, contexts made from what the configuration says of a port, secrets told to
 * those who may know them, and certificate files looked at now and then.
 */
#ifndef SERVER_SECURE_H
#define SERVER_SECURE_H

#include <pthread.h>

#include "server/config.h"
#include "server/host.h"
#include "tls/tls.h"
#include "tls/tls_context.h"

/* What the workers' TLS have in common: clients are shown one certificate, and a ticket opens at all of
 * them. */
struct secure_common {
	pthread_mutex_t lock;
	struct tls_self_signed own; /* made by who needs it first; the others have copies. It stays the
				     * same while the process lives */
	uint8_t ticket_secret[TLS_SHARED_SECRET];
	unsigned workers;           /* who share the limits */
	uint64_t since_us;          /* the first ticket key is used from here on */
};

/* now_us: as worlds have it. 0, or negative errno and *why. */
int secure_common_init(struct secure_common *c, unsigned workers, uint64_t now_us, struct failure *why);
void secure_common_fini(struct secure_common *c);

struct secure {
	struct tls *tls;
	struct secure_common *common; /* NULL: there are no others */
	const struct log *log;
	struct host *host;          /* whose capture gets the secrets; NULL: none does */
	int key_log;                /* descriptor, or -1 */
	struct tls_self_signed own; /* certificate NULL: not made yet */
	uint64_t ticket_mark;       /* of the file with ticket keys */
};

/* What a port has. All zero: no TLS. */
struct secure_port {
	struct tls_context *context; /* NULL: no TLS */
	uint64_t mark;               /* of the files that it was made of */
};

/* world, host and common must outlive it; the last two may be NULL. 0, or negative errno and *why. */
int secure_open(struct secure *s, const struct config *c, struct world *world, struct host *host,
		struct secure_common *common, const struct log *log, struct failure *why);
/* To be called when no context is left. */
void secure_close(struct secure *s);

/* Another configuration is to be used. 0, or negative errno and *why; all is as it was then. */
int secure_change(struct secure *s, const struct config *c, struct failure *why);

/* Makes what the port needs; nothing if it is not for TLS. 0, or negative errno and *why. */
int secure_port_open(struct secure_port *p, struct secure *s, const struct config *c, uint16_t number,
		     struct failure *why);
void secure_port_close(struct secure_port *p);

/* If files have changed what they say is used from now on, or else, if it does not do, told in the log. */
void secure_port_look(struct secure_port *p, struct secure *s, const struct config *c, uint16_t number);
void secure_look_at_tickets(struct secure *s, const struct config *c);

/* What would be wrong with the files that c names. 0, or negative errno and *why. */
int secure_check(const struct config *c, struct failure *why);

#endif
