/*
 * Flow control. A reader that stops: what a page does not take of a response stays with its browser, and then with its
 * kernel, whose window closes. And a server that takes slowly: then it is the server's window.
 */
import { count, newRun, startDemo } from './demo.js';
import { Tally } from './demo-tally.js';

const PLOT = '/.taphouse/plot.js', SAMPLES_MS = 20;
const SIZE = 24 << 20, FIRST = 256 << 10; /* bytes: of all, and until the reader stops */
const PACE = 4000000; /* bytes a second: so that one can look on */

const $ = (id) => document.getElementById(id);
const bytes = (n) => `${count(n)} bytes`;
const seconds = (s) => `${s.toFixed(s < 10 ? 2 : 1)} s`;

/* ---- the chart: samples of one connection ---- */

let plots = {}; /* by experiment: { plot, connection, began } */

async function newPlots() {
	const { createPlot } = await import(PLOT);
	const newPlot = (name, label, series) => createPlot($(`${name}-plot`), { series, unit: 'bytes', label });

	plots = {
		stop: {
			values: (s) => [s.snd_wnd, s.in_flight],
			plot: newPlot('stop', 'What may be sent, and what is on its way',
				['the browser’s window', 'in flight']),
		},
		slow: {
			values: (s) => [s.rcv_wnd, s.in_flight],
			plot: newPlot('slow', 'The window that the server tells',
				['the server’s window', 'in flight, from the server']),
		},
	};
}

function follow(name, onSample) {
	const chart = plots[name] ?? {};

	chart.plot?.clear();
	Object.assign(chart, { connection: null, began: null, onSample });
	return chart;
}

function takeSamples(rows) {
	for (const row of rows)
		for (const chart of Object.values(plots))
			if (row.event === 'sample' && chart.connection !== null && row.connection === chart.connection)
				takeSample(chart, row);
}

function takeSample(chart, sample) {
	chart.began ??= sample.time;
	chart.plot.add(sample.time - chart.began, chart.values(sample));
	chart.onSample(sample);
}

/* ---- a reader that stops ---- */

/* Reads while it may. */
class Reader {
	taken = 0;
	isStopped = false;
	#goOn = null;

	constructor(response, onChange) {
		this.reader = response.body.getReader();
		this.onChange = onChange;
	}

	stop() {
		this.isStopped = true;
		this.onChange(this);
	}

	goOn() {
		this.isStopped = false;
		this.onChange(this);
		this.#goOn?.();
	}

	async readAll(stopAt) {
		for (;;) {
			const { done, value } = await this.reader.read();

			if (done)
				return;
			this.taken += value.length;
			this.onChange(this);
			if (this.taken >= stopAt && this.taken - value.length < stopAt)
				this.stop();
			if (this.isStopped)
				await new Promise((resolve) => { this.#goOn = resolve; });
		}
	}
}

let reader = null;

$('go').addEventListener('click', () => {
	if (reader.isStopped)
		reader.goOn();
	else
		reader.stop();
});

function showReader(experiment, { taken, isStopped }) {
	experiment.set('taken', `${count(taken)} of ${count(SIZE)} bytes`);
	$('go').hidden = false;
	$('go').textContent = isStopped ? 'Read on' : 'Stop reading';
}

/* What is acknowledged and not taken lies with kernel and browser. */
function showHeld(experiment, tally) {
	if (reader !== null)
		experiment.set('held', bytes(Math.max(0, tally.acknowledged - reader.taken)));
}

function showSample(experiment, { snd_wnd: window, in_flight: inFlight }) {
	experiment.set('window', bytes(window));
	experiment.set('in-flight', bytes(inFlight));
}

/* The persist timer: how long it was from one probe to the next. */
function showProbes(experiment, flow) {
	const times = flow.segments.filter(({ note }) => note?.includes('window probe')).map(({ time }) => time);
	const waits = times.slice(1).map((time, i) => seconds(time - times[i]));

	experiment.set('waits', waits.slice(-6).join(', ') || '–');
}

function showFlow(experiment, flow, tally, chart) {
	const counts = tally.update(flow);

	chart.connection = flow.connection;
	experiment.set('zero', count(counts.zeroWindows));
	experiment.set('probes', count(counts.probes));
	showHeld(experiment, tally);
	showProbes(experiment, flow);
}

async function stopReading(experiment) {
	const run = newRun(), url = `/demo/bytes?run=${run}&n=${SIZE}&pace=${PACE}`, tally = new Tally(run);
	const chart = follow('stop', (sample) => showSample(experiment, sample));

	experiment.follow((flow) => flow.tells(run), 0, (flow) => showFlow(experiment, flow, tally, chart));
	const response = await fetch(url, { cache: 'no-store' });

	if (!response.ok)
		throw new Error(`${url}: ${response.status} ${response.statusText}`);
	reader = new Reader(response, (changed) => {
		showReader(experiment, changed);
		showHeld(experiment, tally);
	});
	try {
		await reader.readAll(FIRST);
		experiment.set('held', bytes(0));
	} finally {
		reader = null;
		$('go').hidden = true;
	}
	return 'All read: it came to the last byte.';
}

/* ---- a server that takes slowly ---- */

async function sendToSlow(experiment) {
	const run = newRun(), url = `/demo/sink?run=${run}&rate=${$('rate').value}`, body = new Uint8Array(2 << 20);
	const chart = follow('slow', ({ rcv_wnd: window, received }) => {
		experiment.set('server-window', bytes(window));
		experiment.set('received', bytes(received));
	});

	experiment.follow((flow) => flow.tells(run), 0, (flow) => {
		const zero = flow.segments.filter(({ from, window }) => from === 'server' && window === 0);

		chart.connection = flow.connection;
		experiment.set('server-zero', count(zero.length));
	});
	const response = await fetch(url, { method: 'POST', body });

	await response.arrayBuffer();
	return `${response.status} ${response.statusText}: all ${count(body.length)} bytes were taken.`;
}

await newPlots().catch(() => {});
startDemo({ stop: stopReading, slow: sendToSlow }, { samples: SAMPLES_MS, onRows: takeSamples });
