/* Metrics in Prometheus' text format, to the byte. tests/e2e/test_metrics.py has promtool read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/metric.h"

static char memory[8192];

static void assert_is(const struct document *d, const char *expected)
{
	assert_false(d->failed);
	assert_int_equal(d->len, strlen(expected));
	assert_memory_equal(d->text, expected, d->len);
}

static void a_metric_is_begun_once_and_has_its_samples(void **state)
{
	const struct metric_label labels[] = { { "port", "80" }, { "class", "2xx" } };
	struct document d = document_in(memory, sizeof memory);

	(void)state;
	metric_begin(&d, "http_responses_total", "counter", "Responses.");
	metric_sample(&d, "http_responses_total", labels, 1, 7);
	metric_sample(&d, "http_responses_total", labels, 2, UINT64_MAX);
	assert_is(&d, "# HELP taphouse_http_responses_total Responses.\n"
		      "# TYPE taphouse_http_responses_total counter\n"
		      "taphouse_http_responses_total{port=\"80\"} 7\n"
		      "taphouse_http_responses_total{port=\"80\",class=\"2xx\"} 18446744073709551615\n");
}

static void one_sample_has_no_labels(void **state)
{
	struct document d = document_in(memory, sizeof memory);

	(void)state;
	metric_gauge(&d, "now", "N.", 1);
	metric_counter(&d, "ever_total", "E.", 2);
	assert_is(&d, "# HELP taphouse_now N.\n# TYPE taphouse_now gauge\ntaphouse_now 1\n"
		      "# HELP taphouse_ever_total E.\n# TYPE taphouse_ever_total counter\n"
		      "taphouse_ever_total 2\n");
}

/* A file name can have anything in it. */
static void label_values_are_escaped(void **state)
{
	const struct metric_label label = { "file", "a\\b\"c\nd" };
	struct document d = document_in(memory, sizeof memory);

	(void)state;
	metric_sample(&d, "x", &label, 1, 0);
	assert_is(&d, "taphouse_x{file=\"a\\\\b\\\"c\\nd\"} 0\n");
}

/* The line must be there. */
static void assert_line(const struct document *d, const char *line)
{
	size_t len = strlen(line);
	const char *at = memmem(d->text, d->len, line, len);

	if (at == NULL || (at != d->text && at[-1] != '\n') || at[len] != '\n')
		fail_msg("%s is not in %.*s", line, (int)d->len, d->text);
}

static void buckets_are_cumulative(void **state)
{
	const struct metric_label label = { "port", "80" };
	struct document d = document_in(memory, sizeof memory);
	struct histogram h = { 0 };

	(void)state;
	histogram_add(&h, 5);
	histogram_add(&h, 1000);
	histogram_add(&h, 1000);
	histogram_add(&h, 70000000);
	metric_histogram(&d, "t_seconds", &label, 1, &h);
	assert_line(&d, "taphouse_t_seconds_bucket{port=\"80\",le=\"0.000016\"} 1");
	assert_line(&d, "taphouse_t_seconds_bucket{port=\"80\",le=\"0.000512\"} 1");
	assert_line(&d, "taphouse_t_seconds_bucket{port=\"80\",le=\"0.001024\"} 3");
	assert_line(&d, "taphouse_t_seconds_bucket{port=\"80\",le=\"67.108864\"} 3");
	assert_line(&d, "taphouse_t_seconds_bucket{port=\"80\",le=\"+Inf\"} 4");
	assert_line(&d, "taphouse_t_seconds_sum{port=\"80\"} 70.002005");
	assert_line(&d, "taphouse_t_seconds_count{port=\"80\"} 4");
}

static void a_histogram_without_labels_has_only_bounds(void **state)
{
	struct document d = document_in(memory, sizeof memory);
	struct histogram h = { 0 };

	(void)state;
	histogram_add(&h, 20);
	metric_histogram(&d, "t_seconds", NULL, 0, &h);
	assert_line(&d, "taphouse_t_seconds_bucket{le=\"0.000016\"} 0");
	assert_line(&d, "taphouse_t_seconds_bucket{le=\"+Inf\"} 1");
	assert_line(&d, "taphouse_t_seconds_sum 0.000020");
	assert_line(&d, "taphouse_t_seconds_count 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_metric_is_begun_once_and_has_its_samples),
		cmocka_unit_test(one_sample_has_no_labels),
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(buckets_are_cumulative),
		cmocka_unit_test(a_histogram_without_labels_has_only_bounds),
	};

	return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
