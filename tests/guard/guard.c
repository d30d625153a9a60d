/*
 * Fixed runs of the server on virtual time, for counting what they cost. The same run does the same work each
 * time, to the instruction; `compare` runs them under callgrind.
 *
 *   guard keepalive N     N requests of 1 KiB on one connection, which the client then closes
 *   guard recorded N      the same, with the recorder of a status location (server/recorder.h)
 *   guard pipelined N     the same as keepalive, four requests to a segment
 *   guard short N         N connections with one request of 1 KiB each, closed by the server
 *   guard bulk MIB        one file of so many MiB
 *   guard spread C N      C connections, each with a request behind it and idle; then N requests, of which the
 *                         connections are drawn by lot. Only these are counted
 *   guard idle N          N connections that are idle: the memory that they take
 *   guard half-open N     the same of N SYNs that nothing follows
 *   guard time-wait N     the same of N connections in TIME-WAIT
 *
 * Prints one line of JSON.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocations.h"
#include "base/random.h"
#include "counting.h"
#include "wire.h"

#define MIB (1024 * 1024ll)
#define SECOND_US UINT64_C(1000000)
#define PIPELINED 4
#define REST_US (5 * SECOND_US) /* until a connection is idle in every respect */
#define PAUSE_US 2000
#define HEADERS "Host: 10.77.0.2\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"

static const char small[] = "GET /small HTTP/1.1\r\n" HEADERS "\r\n";
static const char last[] = "GET /small HTTP/1.1\r\n" HEADERS "Connection: close\r\n\r\n";
static const char large[] = "GET /large HTTP/1.1\r\n" HEADERS "\r\n";

static char root[] = "/tmp/taphouse-guard-XXXXXX";
static struct guard_server server;
static struct guard_wire wire;

static void die(const char *what)
{
	fprintf(stderr, "guard: %s\n", what);
	exit(1);
}

static void need(bool is_true, const char *what)
{
	if (!is_true)
		die(what);
}

/* ---- files ---- */

static const char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof path, "%s/%s", root, name);
	return path;
}

/* A file of zeros, an hour old. */
static void make_file(const char *name, long long size)
{
	const struct timespec old[2] = { { .tv_sec = 1700000000 }, { .tv_sec = 1700000000 } };
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	need(fd >= 0 && ftruncate(fd, size) == 0 && futimens(fd, old) == 0, "cannot make a file");
	close(fd);
}

static void remove_files(void)
{
	unlink(path_of("small"));
	unlink(path_of("large"));
	rmdir(root);
}

static struct guard_client *open_all(uint32_t connections, const char *request)
{
	guard_server_open(&server, root, connections, SECOND_US);
	wire = (struct guard_wire){
		.server = &server,
		.client = guard_client_new(connections, request, SECOND_US),
	};
	return wire.client;
}

static void close_all(struct guard_client *c)
{
	guard_server_close(&server);
	guard_client_free(c);
}

/* Bytes of memory that the process has now. */
static long resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long pages = 0;

	need(f != NULL && fscanf(f, "%*s %ld", &pages) == 1, "cannot read /proc/self/statm");
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/* ---- runs ---- */

static uint32_t segments_left;
static uint64_t allocations_before; /* the second request: the first one fills cache and pools */

static void ask_on(struct guard_client *c, uint32_t peer)
{
	if (c->answers <= PIPELINED)
		allocations_before = allocations();
	if (segments_left-- > 0)
		guard_client_ask(c, peer);
	else
		guard_client_close(c, peer);
}

static void show(const struct guard_client *c)
{
	printf("{\"requests\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"frames_in\": %" PRIu64
	       ", \"frames_out\": %" PRIu64 ", \"allocations\": %" PRIu64 ", \"copies\": %" PRIu64 "}\n",
	       c->answers, c->bytes, wire.frames_in, wire.frames_out, allocations() - allocations_before,
	       wire.elsewhere);
}

static void ask_in_turn(uint32_t n, uint32_t at_once)
{
	struct guard_client *c = open_all(64, small);

	c->at_once = at_once;
	segments_left = n / at_once;
	c->on_open = c->on_answer = ask_on;
	counting_begins();
	guard_client_connect(c, 0);
	guard_wire_exchange(&wire);
	counting_ends();
	need(c->answers == n && c->closed == 1, "not all requests were answered");
	show(c);
	close_all(c);
}

static void keepalive(uint32_t n)
{
	ask_in_turn(n, 1);
}

static void pipelined(uint32_t n)
{
	ask_in_turn(n, PIPELINED);
}

static void recorded(uint32_t n)
{
	server.is_recorded = true;
	keepalive(n);
}

static void ask_once(struct guard_client *c, uint32_t peer)
{
	guard_client_ask(c, peer);
}

/* From `first` to the last, one after the other; each has a request answered, if there is one to ask. */
static void open_from(struct guard_client *c, uint32_t first)
{
	for (uint32_t i = first; i < c->count; i++) {
		guard_client_connect(c, i);
		guard_wire_exchange(&wire);
	}
}

static void short_connections(uint32_t n)
{
	struct guard_client *c = open_all(n, last);

	c->on_open = ask_once;
	counting_begins();
	open_from(c, 0);
	counting_ends();
	need(c->answers == n && c->closed == n, "not all requests were answered");
	show(c);
	close_all(c);
}

static void bulk(uint32_t mib)
{
	struct guard_client *c = open_all(64, large);

	make_file("large", mib * MIB);
	c->on_open = ask_once;
	counting_begins();
	guard_client_connect(c, 0);
	guard_wire_exchange(&wire);
	while (c->answers == 0)
		guard_wire_pass(&wire, 1000);
	counting_ends();
	printf("{\"requests\": %u, \"bytes\": %" PRIu64 "}\n", mib, c->bytes);
	close_all(c);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Asks on connections drawn by lot, so often that those of many come to rest in between; returns the median of the
 * time that the server takes for one, and its ACK. */
static uint64_t ask_by_lot(struct guard_client *c, uint32_t requests)
{
	uint64_t *spent = calloc(requests, sizeof *spent), median;
	struct random lots;

	need(spent != NULL, "no memory");
	random_init(&lots, 1);
	for (uint32_t i = 0; i < requests; i++) {
		uint64_t before = wire.spent_ns;

		guard_client_ask(c, (uint32_t)(random_u64(&lots) % c->count));
		guard_wire_exchange(&wire);
		spent[i] = wire.spent_ns - before;
		guard_wire_pass(&wire, PAUSE_US);
	}
	qsort(spent, requests, sizeof *spent, by_value);
	median = spent[requests / 2];
	free(spent);
	return median;
}

static void spread(uint32_t connections, uint32_t requests)
{
	struct guard_client *c = open_all(connections, small);
	uint64_t median;

	c->on_open = ask_once;
	open_from(c, 0);
	guard_wire_pass(&wire, REST_US);
	counting_begins();
	median = ask_by_lot(c, requests);
	counting_ends();
	need(c->answers == (uint64_t)connections + requests, "not all requests were answered");
	printf("{\"requests\": %u, \"median_ns\": %" PRIu64 ", \"resident\": %ld}\n", requests, median,
	       resident());
	close_all(c);
}

/* ---- memory ---- */

/* What all but the first of n connections add. */
static void memory(uint32_t n, const char *request, bool only_open)
{
	struct guard_client *c = open_all(n, request);
	long before;

	c->on_open = ask_once;
	c->only_open = only_open;
	guard_client_connect(c, 0);
	guard_wire_exchange(&wire);
	before = resident();
	open_from(c, 1);
	if (!only_open)
		guard_wire_pass(&wire, REST_US);
	printf("{\"connections\": %u, \"bytes_each\": %.1f}\n", n, (double)(resident() - before) / (n - 1));
	close_all(c);
}

static void idle(uint32_t n)
{
	memory(n, small, false);
}

static void half_open(uint32_t n)
{
	memory(n, small, true);
}

static void time_wait(uint32_t n)
{
	memory(n, last, false);
}

static const struct run {
	const char *name;
	void (*run)(uint32_t n);
	void (*run_two)(uint32_t n, uint32_t m);
} runs[] = {
	{ "keepalive", keepalive, NULL }, { "pipelined", pipelined, NULL },     { "recorded", recorded, NULL },
	{ "bulk", bulk, NULL },           { "short", short_connections, NULL }, { "spread", NULL, spread },
	{ "idle", idle, NULL },           { "half-open", half_open, NULL },     { "time-wait", time_wait, NULL },
};

static const struct run *find_run(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < ARRAY_LENGTH(runs); i++)
		if (strcmp(argv[1], runs[i].name) == 0 && argc == (runs[i].run_two != NULL ? 4 : 3))
			return &runs[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct run *run = find_run(argc, argv);

	if (run == NULL)
		die("usage: guard keepalive|pipelined|recorded|short|bulk|idle|half-open|time-wait N, or guard spread N N");
	need(mkdtemp(root) != NULL, "cannot make a directory");
	atexit(remove_files);
	make_file("small", 1024);
	if (run->run != NULL)
		run->run((uint32_t)atol(argv[2]));
	else
		run->run_two((uint32_t)atol(argv[2]), (uint32_t)atol(argv[3]));
	return 0;
}
