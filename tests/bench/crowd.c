/*
 * A crowd of clients on an interface: any number of connections with a request behind them, idle, and then
 * requests on connections drawn by lot, one at a time.
 *
 * 	crowd IFACE MOST
 *
 * The server at the other end is 10.77.0.2 with the MAC 02:00:00:00:00:02, and finds all clients, which have many
 * addresses, behind 10.77.0.1 (tests/guard/guard.h). The kernel must hold no address on the interface.
 *
 * Each line of its input is answered by a line of JSON, and it ends with the last:
 *
 * 	open N    until N connections are open, each with a request answered
 * 	ask N     so many requests
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../guard/client.h"
#include "base/clock.h"
#include "base/random.h"
#include "link/packet.h"

enum {
	AT_ONCE = 64,            /* connections that are being opened */
	SYN_AGAIN_US = 200000,   /* until the server is there */
	PATIENCE_US = 20000000,  /* longest silence */
	TELL_EVERY = 100000,
};

static const char request[] = "GET /1k.bin HTTP/1.1\r\nHost: 10.77.0.2\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";

struct crowd {
	struct device *device;
	struct guard_client *clients;
	uint64_t heard_us; /* when the server last said something */
	uint32_t begun, wanted; /* connections */
};

static struct crowd crowd;

static void die(const char *what)
{
	fprintf(stderr, "crowd: %s\n", what);
	exit(1);
}

static void send_waiting(void)
{
	struct rx_frame frames[DEVICE_BATCH];
	struct tx_frame out[DEVICE_BATCH];
	int n = guard_client_give(crowd.clients, frames, DEVICE_BATCH);

	for (int i = 0; i < n; i++)
		tx_wrap(&out[i], frames[i].data, frames[i].len);
	if (n > 0 && crowd.device->ops->send(crowd.device, out, n, crowd.clients->now_us) != n)
		die("a frame could not be sent");
}

/* One turn: what came, and what is said to it. */
static void turn(void)
{
	struct rx_frame in[DEVICE_BATCH];
	int n;

	crowd.clients->now_us = clock_now_us();
	n = crowd.device->ops->recv(crowd.device, in, DEVICE_BATCH, crowd.clients->now_us);
	if (n < 0)
		die("the interface is gone");
	for (int i = 0; i < n; i++)
		guard_client_take(crowd.clients, in[i].data, in[i].len);
	if (n > 0)
		crowd.heard_us = crowd.clients->now_us;
	else if (crowd.clients->now_us - crowd.heard_us > PATIENCE_US)
		die("the server is silent: was a frame lost?");
	while (crowd.clients->waiting > 0)
		send_waiting();
}

/* ---- opening ---- */

static void ask_once(struct guard_client *c, uint32_t peer)
{
	guard_client_ask(c, peer);
}

static void begin_next(struct guard_client *c, uint32_t peer)
{
	(void)peer;
	if (crowd.begun < crowd.wanted)
		guard_client_connect(c, crowd.begun++);
	if (c->opened % TELL_EVERY == 0)
		fprintf(stderr, "  %" PRIu64 " connections\n", c->opened);
}

/* Until the server is there, and has answered on the first connection. */
static void open_first(void)
{
	uint64_t again_us = 0;

	while (crowd.clients->answers == 0) {
		if (crowd.clients->opened == 0 && crowd.clients->now_us >= again_us) {
			guard_client_connect(crowd.clients, 0);
			again_us = crowd.clients->now_us + SYN_AGAIN_US;
		}
		turn();
	}
	crowd.begun = 1;
}

static void open_until(uint32_t wanted)
{
	uint64_t began = clock_now_us(), awaited;

	crowd.clients->on_open = ask_once;
	if (crowd.begun == 0)
		open_first();
	awaited = crowd.clients->answers + wanted - crowd.begun;
	crowd.wanted = wanted;
	crowd.clients->on_answer = begin_next;
	for (int i = 0; i < AT_ONCE && crowd.begun < wanted; i++)
		guard_client_connect(crowd.clients, crowd.begun++);
	while (crowd.clients->answers < awaited)
		turn();
	crowd.clients->on_answer = NULL;
	turn();
	printf("{\"connections\": %u, \"seconds\": %.3f}\n", wanted, (double)(clock_now_us() - began) / 1e6);
}

/* ---- asking ---- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t ask(uint32_t peer)
{
	uint64_t awaited = crowd.clients->answers + 1, began = now_ns();

	guard_client_ask(crowd.clients, peer);
	while (crowd.clients->waiting > 0)
		send_waiting();
	while (crowd.clients->answers < awaited)
		turn();
	return now_ns() - began;
}

static void ask_by_lot(struct random *lots, uint32_t n)
{
	uint64_t *took = calloc(n, sizeof *took), began = now_ns();
	double seconds;

	if (took == NULL)
		die("no memory");
	for (uint32_t i = 0; i < n; i++)
		took[i] = ask(random_below(lots, crowd.begun));
	seconds = (double)(now_ns() - began) / 1e9;
	qsort(took, n, sizeof *took, by_value);
	printf("{\"requests\": %u, \"seconds\": %.3f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n", n, seconds,
	       (double)took[n / 2] / 1e3, (double)took[n - n / 100 - 1] / 1e3);
	free(took);
}

static void obey(struct random *lots, const char *line)
{
	uint32_t n;

	crowd.heard_us = clock_now_us();
	if (sscanf(line, "open %" SCNu32, &n) == 1 && n > crowd.begun && n <= crowd.clients->count)
		open_until(n);
	else if (sscanf(line, "ask %" SCNu32, &n) == 1 && n > 0 && crowd.begun > 0)
		ask_by_lot(lots, n);
	else
		die("open how many, more than there are and not above MOST? ask how many?");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct packet_config config = { .interface = argc == 3 ? argv[1] : "" };
	struct failure why = { "" };
	struct random lots;
	char line[32];
	long most = argc == 3 ? atol(argv[2]) : 0;

	if (most < 1 || most > 10000000) {
		fputs("usage: crowd IFACE MOST\n", stderr);
		return 2;
	}
	if (packet_open(&config, &crowd.device, &why) < 0)
		die(why.text);
	random_init(&lots, 1);
	crowd.clients = guard_client_new((uint32_t)most, request, clock_now_us());
	crowd.clients->on_device = true;
	while (fgets(line, sizeof line, stdin) != NULL)
		obey(&lots, line);
	guard_client_free(crowd.clients);
	crowd.device->ops->close(crowd.device);
	return 0;
}
