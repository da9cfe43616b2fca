-- SPDX-License-Identifier: GPL-2.0-or-later
-- The result of wrk for a program to read.

function done(summary, latency)
	local errors = summary.errors
	io.write(string.format(
		'{"requests": %d, "seconds": %.6f, "refused": %d, "errors": %d, "p50": %d, "p99": %d}\n',
		summary.requests, summary.duration / 1e6, errors.status,
		errors.connect + errors.read + errors.write + errors.timeout,
		latency:percentile(50), latency:percentile(99)))
end
