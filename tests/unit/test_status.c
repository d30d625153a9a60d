/*
 * The status documents of a worker on a wire: that each path has its document, each counter its place in
 * both forms, and that rows and memory are bounded. tests/e2e/test_status.py parses them whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/visitors.h"
#include "link/wire.h"
#include "server/status.h"

struct fixture {
	struct config config;
	struct worker worker;
	struct websocket place; /* what the location's context is */
	struct generation generation; /* without ports */
	struct device *far;
};

static int set_up(void **state)
{
	static struct fixture f;
	struct stack_config c;
	struct failure why;

	f = (struct fixture){
		.worker = { .config = &f.config, .current = &f.generation,
			    .documents.limit = STATUS_DOCUMENTS },
	};
	f.place.worker = &f.worker;
	config_init(&f.config);
	assert_int_equal(wire_open(&(struct wire_config){ .mtu = 1500 }, &f.worker.host.port, &f.far), 0);
	assert_int_equal(visitors_open(f.worker.host.port, &f.worker.host.device), 0);
	stack_config_default(&c);
	c.caps = f.worker.host.device->caps;
	c.seed = 1;
	assert_int_equal(stack_new(&c, 5000000, &f.worker.host.stack, &why), 0);
	assert_int_equal(ip_add_address(&f.worker.host.stack->ip, &f.config.device.address.items[0]), 0);
	assert_int_equal(websockets_open_server(&f.worker, &f.config, &why), 0);
	assert_int_equal(secure_open(&f.worker.secure, &f.config, &f.worker.host.stack->world, NULL, NULL,
				     NULL, &why), 0);
	f.worker.started_us = 1000000;
	f.worker.opened_us = 1700000000999999;
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	websockets_close_server(&f->worker);
	secure_close(&f->worker.secure);
	host_close(&f->worker.host);
	f->far->ops->close(f->far);
	assert_int_equal(f->worker.documents.in_use, 0);
	config_fini(&f->config);
	return 0;
}

/* The document at path, to be freed; NULL if the status is another one than 200. */
static char *get(struct fixture *f, const char *path, const char *type)
{
	struct http_document out = { 0 };
	struct http_request *request = calloc(1, sizeof *request); /* without fields */
	struct http_call call = { .handler = &status_handler, .context = &f->place, .path = path,
				  .request = request };
	unsigned status = call.handler->begin(&call);
	char *text;

	assert_int_equal(status, 0);
	status = call.handler->answer(&call, &out);
	free(request);
	if (status != 200) {
		assert_null(out.body.data);
		return NULL;
	}
	assert_string_equal(out.type, type);
	text = strndup((const char *)out.body.data, out.body.len);
	assert_non_null(text);
	span_owner_unref(out.body.owner);
	return text;
}

static void assert_has(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("\"%s\" is not in %s", what, text);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static void each_path_has_its_document(void **state)
{
	static const char *const nothing[] = { "x", "status", "status.json/", "/", "metrics?", "Metrics" };

	free(get(*state, "", "text/html; charset=utf-8"));
	free(get(*state, "status.json", "application/json"));
	free(get(*state, "connections.json", "application/json"));
	free(get(*state, "metrics", "text/plain; version=0.0.4; charset=utf-8"));
	for (size_t i = 0; i < ARRAY_LENGTH(nothing); i++)
		assert_null(get(*state, nothing[i], ""));
}

/* Each counter gets a value that no other has, and that value stands behind its names. */
static void every_counter_stands_in_json_and_metrics(void **state)
{
	struct fixture *f = *state;
	uint64_t *drops = f->worker.host.stack->world.drops, next = 1000;
	char *json, *metrics, line[128];

	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++)
		drops[i] = next++;
	for (size_t g = 0; g < status_groups_count; g++)
		for (size_t i = 0; i < status_groups[g].n; i++) {
			const void *base = status_groups[g].base(&f->worker);

			memcpy((char *)(uintptr_t)base + status_groups[g].counters[i].offset, &next,
			       sizeof next);
			next++;
		}
	json = get(f, "status.json", "application/json");
	metrics = get(f, "metrics", "text/plain; version=0.0.4; charset=utf-8");
	next = 1000;
	for (int i = DROP_NONE + 1; i < DROP_REASON_COUNT; i++, next++) {
		snprintf(line, sizeof line, "\"%s\":%u", drop_reason_name((enum drop_reason)i),
			 (unsigned)next);
		assert_has(json, line);
		snprintf(line, sizeof line, "\ntaphouse_drops_total{reason=\"%s\"} %u\n",
			 drop_reason_name((enum drop_reason)i), (unsigned)next);
		assert_has(metrics, line);
	}
	for (size_t g = 0; g < status_groups_count; g++)
		for (size_t i = 0; i < status_groups[g].n; i++, next++) {
			const struct status_counter *c = &status_groups[g].counters[i];

			snprintf(line, sizeof line, "\"%s\":%u", c->name, (unsigned)next);
			assert_has(json, line);
			snprintf(line, sizeof line, "\ntaphouse_%s_%s_total %u\n", status_groups[g].name,
				 c->field, (unsigned)next);
			assert_has(metrics, line);
		}
	free(json);
	free(metrics);
}

static void metrics_have_the_linux_name_in_their_help(void **state)
{
	char *text = get(*state, "metrics", "text/plain; version=0.0.4; charset=utf-8");

	assert_has(text, "# HELP taphouse_tcp_retrans_segs_total RetransSegs, as in /proc/net/snmp");
	assert_has(text, "# TYPE taphouse_tcp_retrans_segs_total counter\n");
	assert_has(text, "# HELP taphouse_icmp_in_echos_total InEchos, as in");
	assert_has(text, "\ntaphouse_start_time_seconds 1700000000\n");
	assert_has(text, "taphouse_pool_limit{pool=\"tcp_connection\"} 131072\n");
	free(text);
}

static void on_closed(struct stream *s, enum stream_end why)
{
	(void)s;
	(void)why;
}

static void open_connection(struct fixture *f)
{
	static const struct stream_handler handler = { .on_closed = on_closed };
	struct ip_addr any = { { 0 } }, remote = ip_addr_from_4(0x0a4d0001);
	struct stream *s;

	assert_int_equal(tcp_connect(f->worker.host.stack->tcp, &any, 0, &remote, 7, &handler, NULL, &s), 0);
}

static void write_rows(struct document *d, struct fixture *f, uint32_t most)
{
	static struct status_sample total;
	const struct http_call call = { .path = "" };
	const struct status_view view = { .worker = &f->worker, .total = &total, .rows = &total.row, .n = 1 };

	status_take(&total, &f->worker);
	status_write_connections(d, &view, &call, NULL, 0, most);
}

/* connections.json with at most two rows must have so many. */
static void assert_rows(struct fixture *f, unsigned rows, const char *truncated)
{
	struct document *d = document_new(&f->worker.documents, STATUS_DOCUMENT);
	struct span span;
	char *text;

	write_rows(d, f, 2);
	assert_true(document_finish(d, &span));
	text = strndup((const char *)span.data, span.len);
	assert_non_null(text);
	assert_int_equal(count(text, "\"state\":\"SYN-SENT\""), rows);
	assert_has(text, truncated);
	free(text);
	span_owner_unref(span.owner);
}

static void rows_are_bounded_and_it_is_told(void **state)
{
	for (unsigned rows = 0; rows < 3; rows++) {
		assert_rows(*state, rows, "\"truncated\":false");
		open_connection(*state);
	}
	assert_rows(*state, 2, "\"truncated\":true");
}

/* With no room for a whole row, there is none, and the document is still well-formed. */
static void rows_end_where_the_document_would(void **state)
{
	struct fixture *f = *state;
	struct document *d = document_new(&f->worker.documents, 1000);
	struct span span;

	open_connection(f);
	write_rows(d, f, 2);
	assert_true(document_finish(d, &span));
	assert_memory_equal(span.data + span.len - 3, "e}\n", 3);
	assert_true(span.len < 300);
	span_owner_unref(span.owner);
}

/* What a worker has counted is twice as much with another one that has counted the same. */
static void samples_add_up(void **state)
{
	static struct status_sample one, two;
	struct fixture *f = *state;

	open_connection(f);
	f->worker.host.stack->world.drops[DROP_TCP_CHECKSUM] = 7;
	f->worker.reloads.done = 3;
	status_take(&one, &f->worker);
	status_take(&two, &f->worker);
	status_add(&two, &one);
	assert_int_equal(two.tcp.connections, 2);
	assert_int_equal(two.row.connections, 1); /* rows are a worker's own */
	assert_int_equal(two.drops[DROP_TCP_CHECKSUM], 14);
	for (size_t g = 0; g < status_groups_count; g++)
		for (size_t i = 0; i < status_groups[g].n; i++)
			assert_int_equal(status_values(&two, &status_groups[g])[i],
					 2 * status_values(&one, &status_groups[g])[i]);
	assert_int_equal(two.n_pools, one.n_pools);
	assert_true(one.n_pools > 5 && one.n_pools < STATUS_POOLS);
	for (unsigned i = 0; i < one.n_pools; i++) {
		assert_string_equal(two.pools[i].name, one.pools[i].name);
		assert_int_equal(two.pools[i].object_size, one.pools[i].object_size);
		assert_int_equal(two.pools[i].limit, 2 * one.pools[i].limit);
		assert_int_equal(two.pools[i].in_use, 2 * one.pools[i].in_use);
	}
}

/* Rows of others come first, whole, and what they left out counts. */
static void rows_of_others_go_in_front(void **state)
{
	static struct status_sample total;
	struct fixture *f = *state;
	const struct http_call call = { .path = "" };
	const struct status_view view = { .worker = &f->worker, .total = &total, .rows = &total.row, .n = 2 };
	struct document *d = document_new(&f->worker.documents, STATUS_DOCUMENT);
	struct status_connections others = {
		.connections = document_new(&f->worker.documents, STATUS_DOCUMENT),
		.time_waits = document_new(&f->worker.documents, STATUS_DOCUMENT), .max = 1,
	};

	open_connection(f);
	open_connection(f);
	status_write_rows(&others, &f->worker);
	assert_int_equal(others.left_out, 1);
	status_write_connections(d, &view, &call, &others, 1, 2);
	document_add(d, "", 1);
	assert_int_equal(count(d->text, "\"state\":\"SYN-SENT\""), 3);
	assert_has(d->text, "\"connections\":[{");
	assert_has(d->text, "},\n{");
	assert_has(d->text, "\"truncated\":true");
	span_owner_unref(&others.connections->owner);
	span_owner_unref(&others.time_waits->owner);
	span_owner_unref(&d->owner);
}

static void busy_means_503(void **state)
{
	struct fixture *f = *state;

	f->worker.documents.limit = 1000;
	assert_null(get(f, "status.json", ""));
	f->worker.documents.limit = STATUS_DOCUMENTS;
	free(get(f, "status.json", "application/json"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_path_has_its_document),
		TEST(every_counter_stands_in_json_and_metrics),
		TEST(metrics_have_the_linux_name_in_their_help),
		TEST(rows_are_bounded_and_it_is_told),
		TEST(rows_end_where_the_document_would),
		TEST(samples_add_up),
		TEST(rows_of_others_go_in_front),
		TEST(busy_means_503),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
