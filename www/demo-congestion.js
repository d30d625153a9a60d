/*
 * Congestion control: the same file by Reno, CUBIC and BBR, each over a connection of its own and the same
 * bottleneck, one after the other or all at once. The curves are the server's samples of these connections.
 */
import { count, fresh, newRun, startDemo } from './demo.js';
import { newPhases } from './demo-phases.js';
import { Tally } from './demo-tally.js';
import { makeWire, mendWire } from './demo-wire.js';

const PLOT = '/.taphouse/plot.js', SAMPLES_MS = 50, NONE_YET = 0x7fffffff; /* ssthresh before the first loss */
const CONTROLS = [
	{ control: 'reno', title: 'Reno', hasThreshold: true },
	{ control: 'cubic', title: 'CUBIC', hasThreshold: true },
	{ control: 'bbr', title: 'BBR', hasThreshold: false },
];

const form = document.getElementById('bottleneck');
const cell = (control, name) => document.querySelector(`[data-control="${control}"] [data-cell="${name}"]`);

form.addEventListener('submit', (event) => event.preventDefault());

let leftOut = 0; /* rows that the server did not tell */

const atLeast = (n, { isCut }) => `${leftOut > 0 || isCut ? 'at least ' : ''}${count(n)}`;

/* ---- curves ---- */

let lanes = []; /* one for each control, while it runs or when it has */

class Lane {
	connection = null;
	tally = null;
	#began = null;
	#hasThreshold;
	#windows;
	#times;

	constructor({ control, title, hasThreshold }, createPlot) {
		const element = (kind) => document.querySelector(`[data-control="${control}"] [data-plot="${kind}"]`);
		const series = hasThreshold ? ['cwnd', 'in flight', 'ssthresh'] : ['cwnd', 'in flight'];

		this.control = control;
		this.#hasThreshold = hasThreshold;
		this.#windows = createPlot?.(element('windows'),
			{ series, unit: 'bytes', label: `${title}: ${series.join(', ')}` });
		this.#times = createPlot?.(element('rtt'),
			{ series: ['srtt'], unit: 'us', label: `${title}: round trip`, height: 120 });
	}

	begin() {
		this.connection = this.#began = null;
		this.phases = newPhases();
		this.#windows?.clear();
		this.#times?.clear();
		for (const name of ['time', 'rate', 'most', 'losses', 'timeouts', 'phase', 'phases'])
			cell(this.control, name).textContent = '–';
	}

	take(sample) {
		const { time, cwnd, ssthresh, in_flight: inFlight, srtt } = sample;

		const threshold = ssthresh >= NONE_YET ? null : ssthresh;

		this.#began ??= time;
		this.#windows?.add(time - this.#began, [cwnd, inFlight, ...this.#hasThreshold ? [threshold] : []]);
		this.#times?.add(time - this.#began, [srtt || null]);
		this.phases.sample(this.control, sample);
		cell(this.control, 'most').textContent = `${count(this.phases.most)} bytes`;
		cell(this.control, 'phase').textContent = this.phases.now;
		cell(this.control, 'phases').textContent = this.phases.seen.join(' → ');
	}

	look(flow) {
		const { fast, tail, timeouts } = this.tally.update(flow);

		this.connection = flow.connection;
		cell(this.control, 'losses').textContent = atLeast(fast + tail, flow);
		cell(this.control, 'timeouts').textContent = atLeast(timeouts, flow);
	}
}

function take(row) {
	if (row.event === 'left_out')
		leftOut += row.rows;
	if (row.event === 'sample')
		lanes.find(({ connection }) => connection !== null && connection === row.connection)?.take(row);
}

/* ---- the downloads ---- */

async function readAll(response) {
	let n = 0;

	for (const reader = response.body.getReader(); ;) {
		const { done, value } = await reader.read();

		if (done)
			return n;
		n += value.length;
	}
}

const runs = new Map(); /* what tells a request of this press: its lane */

async function download(lane) {
	const run = newRun(), began = performance.now();

	runs.set(`run=${run}`, lane);
	lane.tally = new Tally(`run=${run}`);
	const response = await fresh(`/demo/bytes?run=${run}&cc=${lane.control}&n=${form.size.value}&close`);

	if (!response.ok)
		throw new Error(`/demo/bytes: ${response.status} ${response.statusText}`);
	const n = await readAll(response), ms = performance.now() - began;

	cell(lane.control, 'time').textContent = `${(ms / 1000).toFixed(2)} s`;
	cell(lane.control, 'rate').textContent = `${(8 * n / ms / 1000).toFixed(2)} Mbit/s`;
}

const laneOf = (flow) => [...runs].find(([text]) => flow.tells(text))?.[1];

/* The delay is on both ways, the bottleneck on the server's way alone. */
async function overBottleneck(work) {
	const { rate, delay, queue } = form;
	const bottleneck = { 'tx.rate_kbit': 1000 * rate.value, 'tx.queue': Number(queue.value) };

	await makeWire({ ...bottleneck, delay_ms: delay.value / 2 });
	try {
		await work();
	} finally {
		await mendWire();
	}
}

/* The wire stays as it is until the last of them is through, whatever became of the others. */
async function downloadTogether() {
	const failed = (await Promise.allSettled(lanes.map(download))).find(({ status }) => status === 'rejected');

	if (failed)
		throw failed.reason;
}

async function race(experiment, { dataset }) {
	runs.clear();
	leftOut = 0;
	lanes.forEach((lane) => lane.begin());
	experiment.follow(laneOf, 0, (flow) => laneOf(flow).look(flow));
	await overBottleneck(async () => {
		if (dataset.do === 'together')
			await downloadTogether();
		else
			for (const lane of lanes)
				await download(lane);
	});
	return dataset.do === 'together' ? 'All three shared the bottleneck.' : 'Each had the bottleneck to itself.';
}

const { createPlot } = await import(PLOT).catch(() => ({}));

lanes = CONTROLS.map((control) => new Lane(control, createPlot));
startDemo({ race }, { samples: SAMPLES_MS, onRows: (rows) => rows.forEach(take) });
