// Queues, counters since the start, and drops: from status.json, and what they grew by since the one before.
import { count } from './format.js';
import { $, setText } from './page.js';
import { createPlot } from './plot.js';
import { Table } from './table.js';

// ---- queues ----

const queues = [
	{ name: 'half_open', limit: 'syn_backlog', unit: 'half-open' },
	{ name: 'accept_queued', limit: 'accept_backlog', unit: 'waiting' },
	{ name: 'time_wait', limit: 'max_time_wait', unit: 'in TIME-WAIT' },
].map((queue) => {
	const label = $(`${queue.name}-title`).textContent;
	const plot = createPlot($(`${queue.name}-plot`), {
		label, series: [label], unit: queue.unit, span: 120, height: 90,
	});

	return { ...queue, plot };
});

function showQueues(now, limits) {
	for (const { name, limit, plot } of queues) {
		const meter = $(`${name}-meter`);

		setText($(name), `${count(now[name])} of ${count(limits[limit])}`);
		meter.max = limits[limit];
		meter.value = now[name];
		plot.add(performance.now() / 1000, [now[name]]);
	}
}

// ---- counters ----

const columns = (title) => [
	{ title, header: true, value: (c) => c.name },
	{ title: 'All', number: true, value: (c) => c.value, text: (c) => count(c.value) },
	{
		title: 'A second',
		number: true,
		value: (c) => c.growth,
		text: (c) => (c.growth === null ? '–' : count(Math.round(c.growth))),
	},
];
const totals = new Table($('totals'), columns('What'), { key: (c) => c.name });
const drops = new Table($('drops'), columns('Reason'), { key: (c) => c.name });

const named = [
	['Handshakes (PassiveOpens)', 'PassiveOpens'],
	['SYNs received', 'TCPSynsReceived'],
	['SYN-ACKs sent again', 'TCPSynAckRetrans'],
	['Cookies sent', 'SyncookiesSent'],
	['Cookies that came back', 'SyncookiesRecv'],
	['Segments in', 'InSegs'],
	['Segments out', 'OutSegs'],
	['Retransmissions', 'RetransSegs'],
	['Retransmission timeouts', 'TCPTimeouts'],
	['Resets sent', 'OutRsts'],
	['Connections reset', 'EstabResets'],
	['Bytes in', 'TCPInBytes'],
	['Bytes out', 'TCPOutBytes'],
];

let before = null; // status.json, and when it came

function counter(name, group, key, now) {
	const value = now.status[group][key];
	const growth = before && (value - before.status[group][key]) * 1000 / (now.at - before.at);

	return { name, value, growth };
}

export function showStatus(status) {
	const now = { status, at: performance.now() };
	const dropped = Object.keys(status.drops).filter((key) => status.drops[key] > 0);

	showQueues(status.tcp_now, status.limits.tcp);
	totals.update(named.map(([name, key]) => counter(name, 'tcp', key, now)));
	drops.update(dropped.map((key) => counter(key.replaceAll('_', ' '), 'drops', key, now)));
	$('drops').hidden = dropped.length === 0;
	$('no-drops').hidden = dropped.length > 0;
	before = now;
}
