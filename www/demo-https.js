/* HTTPS: a new connection, what TLS does on it before the first request, and whether it was resumed. */
import { between } from './demo-flows.js';
import { count, get, milliseconds, newRun, startDemo } from './demo.js';

const isRequest = ({ event, note }) => event === 'step' && note.startsWith('HTTP request');

/* What there was before the request. */
const before = (flow) => flow.rows.slice(0, flow.rows.findIndex(isRequest));

const textFrom = (rows, side) => rows.reduce((n, { from, len = 0 }) => n + (from === side ? len : 0), 0);

/* How often the client had to wait for an answer until it could ask: SYN and SYN-ACK, ClientHello and ServerHello, … The
 * last Finished ends it. Steps stand in front of the server's segment that says so, and behind the client's. */
function roundTrips(rows) {
	const last = rows.findLastIndex(({ note }) => note === 'TLS Finished');
	const speakers = rows.slice(0, last)
		.filter(({ event, flags, len }) => event === 'segment' && (len > 0 || flags.includes('SYN')))
		.map(({ from }) => from);
	const answered = speakers.filter((from, i) => from === 'server' && speakers[i - 1] === 'client').length;

	return answered + (rows[last].from === 'server' ? 1 : 0);
}

/* Who resumes has proved to be itself before: no certificate comes. */
const isFull = (rows) => rows.some(({ note }) => note === 'TLS Certificate');

function show(experiment, name, rows) {
	experiment.set(`${name}-trips`, count(roundTrips(rows)));
	experiment.set(`${name}-server`, count(textFrom(rows, 'server')));
	experiment.set(`${name}-client`, count(textFrom(rows, 'client')));
	experiment.set(`${name}-messages`, rows.filter(({ note }) => note?.startsWith('TLS '))
		.map(({ note }) => note.slice('TLS '.length)).join(', '));
}

async function open(experiment) {
	const run = newRun();

	experiment.follow((flow) => flow.tells(run));
	await get(1, `close&run=${run}`);
	const flow = await experiment.until((flows) => flows.find((one) => one.tells(run) && one.isClosed), 'The connection');
	const rows = before(flow), name = isFull(rows) ? 'full' : 'resumed';

	show(experiment, name, rows);
	experiment.set(`${name}-time`,
		milliseconds(between(rows.find((row) => row.third_ack), flow.rows.find(isRequest))));
	return `Port ${flow.port}: ${name === 'full' ? 'a full handshake. Press again.' : 'resumed.'}`;
}

if (location.protocol === 'https:') {
	startDemo({ open });
} else {
	document.querySelector('[data-plain]').hidden = false;
	document.querySelector('[data-plain] a').href = `https://${location.hostname}${location.pathname}`;
	document.querySelector('[data-live-state]').textContent = 'This page came by http.';
}
