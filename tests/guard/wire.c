/* Clients and server joined in one process. */
#include "wire.h"

#include <time.h>

enum { ROUND_TRIP_US = 50 };

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void carry_in(struct guard_wire *w)
{
	struct rx_frame batch[DEVICE_BATCH];
	int n = guard_client_give(w->client, batch, DEVICE_BATCH);
	uint64_t began;

	if (n == 0)
		return;
	w->frames_in += (uint64_t)n;
	began = wall_ns();
	guard_server_input(w->server, batch, n, w->client->now_us);
	w->spent_ns += wall_ns() - began;
}

static void look_at(struct guard_wire *w, const struct tx_frame *f)
{
	const void *body = f->iov[f->pieces].iov_base;

	w->frames_out++;
	if (f->pieces == 0)
		return;
	if (w->body == NULL)
		w->body = body;
	w->elsewhere += body != w->body;
}

static void carry_out(struct guard_wire *w)
{
	static uint8_t flat[1 << 17];
	struct tx_frame *frames;
	int n;

	do {
		uint64_t began = wall_ns();

		n = guard_server_poll(w->server, w->client->now_us, &frames);
		w->spent_ns += wall_ns() - began;
		for (int i = 0; i < n; i++) {
			look_at(w, &frames[i]);
			guard_client_take(w->client, flat, tx_flatten(&frames[i], flat));
		}
	} while (n > 0);
}

void guard_wire_exchange(struct guard_wire *w)
{
	do {
		carry_in(w);
		carry_out(w);
		w->client->now_us += ROUND_TRIP_US;
	} while (w->client->waiting > 0);
}

void guard_wire_pass(struct guard_wire *w, uint64_t us)
{
	uint64_t end = w->client->now_us + us, next;

	while ((next = stack_deadline(w->server->stack)) < end) {
		if (next > w->client->now_us)
			w->client->now_us = next;
		guard_wire_exchange(w);
	}
	if (w->client->now_us < end)
		w->client->now_us = end;
	guard_wire_exchange(w);
}
