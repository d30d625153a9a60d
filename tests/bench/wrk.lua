-- What wrk found out, as one line of JSON. Defining done() alone costs nothing while it runs.
function done(summary, latency)
	local e = summary.errors
	local line = '{"requests": %d, "bytes": %d, "seconds": %.6f, "errors": %d, "p50_us": %d, "p99_us": %d}\n'
	io.write(line:format(summary.requests, summary.bytes, summary.duration / 1e6,
		e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
