// The curves of the connection that is shown, from the moment on that it is: from samples of the feed, as often as
// something changed, and from the answers once a second, also when nothing did.
import { hasThreshold } from './format.js';
import { createPlot } from './plot.js';
import { $ } from './page.js';

const SPAN_S = 120;

const congestion = createPlot($('charts'), {
	label: 'Congestion', unit: 'bytes', span: SPAN_S, series: ['cwnd', 'ssthresh', 'in flight'],
});
const windows = createPlot($('charts'), {
	label: 'Windows', unit: 'bytes', span: SPAN_S, series: ['the client’s', 'ours'],
});
const roundTrip = createPlot($('charts'), { label: 'Round trip', unit: 'us', span: SPAN_S, series: ['srtt'] });

const now = () => performance.now() / 1000;

let shown = null; // whose curves these are
let offset = Infinity; // of our clock to the server's: that of the batch which was under way the shortest

function show(connection) {
	if (shown === connection)
		return;
	shown = connection;
	for (const plot of [congestion, windows, roundTrip])
		plot.clear();
}

function add(time, s) {
	congestion.add(time, [s.cwnd, hasThreshold(s) ? s.ssthresh : null, s.in_flight]);
	windows.add(time, [s.snd_wnd, s.rcv_wnd]);
	roundTrip.add(time, [s.srtt || null]); // nought: nothing was measured yet
}

// A row of connections.json.
export function drawCurves(row) {
	show(row.id);
	add(now(), { ...row, snd_wnd: row['snd.wnd'], rcv_wnd: row['rcv.wnd'] });
}

// Rows of the feed, of which the samples of this connection are taken.
export function takeRows(connection, rows) {
	const samples = rows.filter((row) => row.event === 'sample' && row.connection === connection);

	show(connection);
	for (const { time } of samples)
		offset = Math.min(offset, now() - time);
	for (const sample of samples)
		add(sample.time + offset, sample);
}
