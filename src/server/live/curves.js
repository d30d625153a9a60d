// The curves of the connection that is shown, from the moment on that it is: a sample an answer.
import { Chart } from './chart.js';
import { count, duration, hasThreshold } from './format.js';
import { $ } from './page.js';

const MOST = 1000; // samples that are kept

const charts = [
	new Chart($('charts'), {
		title: 'Congestion, in bytes',
		format: count,
		series: [
			{ name: 'cwnd', value: (s) => s.row.cwnd },
			{ name: 'ssthresh', value: (s) => (hasThreshold(s.row) ? s.row.ssthresh : null) },
			{ name: 'in flight', value: (s) => s.row.in_flight },
		],
	}),
	new Chart($('charts'), {
		title: 'Windows, in bytes',
		format: count,
		series: [
			{ name: 'the client’s', value: (s) => s.row['snd.wnd'] },
			{ name: 'ours', value: (s) => s.row['rcv.wnd'] },
		],
	}),
	new Chart($('charts'), {
		title: 'Round trip',
		format: duration,
		series: [
			{ name: 'srtt', value: (s) => s.row.srtt },
			{ name: 'least', value: (s) => s.row.min_rtt },
		],
	}),
];

let samples = [];

export function drawCurves(row) {
	if (samples.length > 0 && samples[0].row.id !== row.id)
		samples = [];
	samples.push({ at: performance.now(), row });
	samples = samples.slice(-MOST);
	for (const chart of charts)
		chart.draw(samples);
}
