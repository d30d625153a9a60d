/*
 * The stack: link, IP and TCP of one worker joined. It does no I/O and knows no clock (design rule 1): frames
 * and time come in as arguments, frames go out as a batch that the caller hands to a device.
 *
 *   n = device recv(frames)          stack_input(s, frames, n, now)
 *   while ((n = stack_poll(s, now, &tx)) > 0)  device send(tx, n)
 *   sleep until the device has frames or stack_deadline(s)
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include "base/failure.h"
#include "ip/ip.h"
#include "link/link.h"
#include "tcp/tcp.h"

struct stack_config {
	struct device_caps caps;  /* of the device that will carry the frames */
	struct mac_addr mac;      /* zero: one is made from the random source, locally administered */
	uint64_t seed;            /* 0: secrets from the system; else every run with it alike */
	const struct log *log;    /* may be NULL */
	struct tcp_config tcp;
};

struct stack {
	struct world world;
	struct link link;
	struct ip ip;
	struct tcp *tcp;
	bool given; /* the link's ring was handed out by the last poll, to be sent */
	bool more;  /* and connections still had something when it was full */
};

/* Fills in defaults; the caller sets caps. */
void stack_config_default(struct stack_config *c);

/* 0 and *out, or -ENOMEM, -EINVAL and *why. */
int stack_new(const struct stack_config *config, uint64_t now_us, struct stack **out, struct failure *why);
void stack_free(struct stack *s);

/* Processes a batch of received frames. Nothing is sent before all of it is processed (RFC 9293 MUST-59). */
void stack_input(struct stack *s, const struct rx_frame *frames, int count, uint64_t now_us);

/* Runs the timers, and gives the frames to be sent now: *frames is valid, and the payload it refers to in
 * place, until the next call of any function of the stack. To be called, and its frames sent, until it
 * returns 0. */
int stack_poll(struct stack *s, uint64_t now_us, struct tx_frame **frames);

/* When stack_poll() must be called next though no frame has arrived, or TIMER_NEVER. */
uint64_t stack_deadline(const struct stack *s);

/* All pools of link, IP and TCP. */
void stack_each_pool(const struct stack *s, pool_visit_fn *visit, void *context);

/* Observers see frames, drops and every change of every connection (base/trace.h). */
void stack_observe(struct stack *s, struct observer *o);
void stack_unobserve(struct stack *s, struct observer *o);

#endif
