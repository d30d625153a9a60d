/*
 * Metrics as Prometheus reads them (text format, version 0.0.4): "# HELP" and "# TYPE" once, then all samples
 * of that metric together. Names come without the prefix that all of ours have.
 */
#ifndef SERVER_METRIC_H
#define SERVER_METRIC_H

#include "base/histogram.h"
#include "server/document.h"

struct metric_label {
	const char *name, *value; /* of the value any bytes up to a NUL; they are escaped */
};

/* type: "counter", "gauge", "histogram". help: one line. */
void metric_begin(struct document *d, const char *name, const char *type, const char *help);
void metric_sample(struct document *d, const char *name, const struct metric_label *labels, size_t n,
		   uint64_t value);
/* The same of a time: in seconds. */
void metric_seconds(struct document *d, const char *name, const struct metric_label *labels, size_t n,
		    uint64_t us);
/* The samples of one: its buckets, each with those before it, their sum in seconds and their number. */
void metric_histogram(struct document *d, const char *name, const struct metric_label *labels, size_t n,
		      const struct histogram *h);

/* A metric that is one sample without labels. */
void metric_gauge(struct document *d, const char *name, const char *help, uint64_t value);
void metric_counter(struct document *d, const char *name, const char *help, uint64_t value);

#endif
