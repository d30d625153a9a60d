/* Writing metrics in Prometheus' text format. */
#include "server/metric.h"

#define PREFIX "taphouse_"

void metric_begin(struct document *d, const char *name, const char *type, const char *help)
{
	document_add_text(d, "# HELP " PREFIX);
	document_add_text(d, name);
	document_add(d, " ", 1);
	document_add_text(d, help);
	document_add_text(d, "\n# TYPE " PREFIX);
	document_add_text(d, name);
	document_add(d, " ", 1);
	document_add_text(d, type);
	document_add(d, "\n", 1);
}

/* Backslash, quote and line feed are escaped. */
static void add_label_value(struct document *d, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			document_add(d, "\\n", 2);
			continue;
		}
		if (*text == '\\' || *text == '"')
			document_add(d, "\\", 1);
		document_add(d, text, 1);
	}
}

/* Without the braces around them. */
static void add_pairs(struct document *d, const struct metric_label *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			document_add(d, ",", 1);
		document_add_text(d, labels[i].name);
		document_add(d, "=\"", 2);
		add_label_value(d, labels[i].value);
		document_add(d, "\"", 1);
	}
}

static void add_labels(struct document *d, const struct metric_label *labels, size_t n)
{
	if (n == 0)
		return;
	document_add(d, "{", 1);
	add_pairs(d, labels, n);
	document_add(d, "}", 1);
}

static void add_name(struct document *d, const char *name, const char *suffix)
{
	document_add_text(d, PREFIX);
	document_add_text(d, name);
	document_add_text(d, suffix);
}

static void end_sample(struct document *d, uint64_t value)
{
	document_add(d, " ", 1);
	document_add_number(d, value);
	document_add(d, "\n", 1);
}

void metric_sample(struct document *d, const char *name, const struct metric_label *labels, size_t n,
		   uint64_t value)
{
	add_name(d, name, "");
	add_labels(d, labels, n);
	end_sample(d, value);
}

static void end_seconds(struct document *d, uint64_t us)
{
	document_add(d, " ", 1);
	document_add_seconds(d, us);
	document_add(d, "\n", 1);
}

void metric_seconds(struct document *d, const char *name, const struct metric_label *labels, size_t n,
		    uint64_t us)
{
	add_name(d, name, "");
	add_labels(d, labels, n);
	end_seconds(d, us);
}

/* ---- histograms ---- */

static void add_bucket(struct document *d, const char *name, const struct metric_label *labels, size_t n,
		       unsigned bucket)
{
	add_name(d, name, "_bucket{");
	add_pairs(d, labels, n);
	document_add_text(d, n > 0 ? ",le=\"" : "le=\"");
	if (bucket < HISTOGRAM_BOUNDS)
		document_add_seconds(d, histogram_bound_us(bucket));
	else
		document_add_text(d, "+Inf");
	document_add(d, "\"}", 2);
}

void metric_histogram(struct document *d, const char *name, const struct metric_label *labels, size_t n,
		      const struct histogram *h)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		count += h->counts[i];
		add_bucket(d, name, labels, n, i);
		end_sample(d, count);
	}
	add_name(d, name, "_sum");
	add_labels(d, labels, n);
	end_seconds(d, h->sum_us);
	add_name(d, name, "_count");
	add_labels(d, labels, n);
	end_sample(d, count);
}

/* ---- those of one sample ---- */

void metric_gauge(struct document *d, const char *name, const char *help, uint64_t value)
{
	metric_begin(d, name, "gauge", help);
	metric_sample(d, name, NULL, 0, value);
}

void metric_counter(struct document *d, const char *name, const char *help, uint64_t value)
{
	metric_begin(d, name, "counter", help);
	metric_sample(d, name, NULL, 0, value);
}
