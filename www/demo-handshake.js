/* The three-way handshake: of a new connection, of the next one whoever opens it, with a SYN-ACK lost, and while the
 * SYN queue is full. */
import { between, has, isLost } from './demo-flows.js';
import { count, fetchJson, fresh, get, milliseconds, newRun, poll, startDemo } from './demo.js';
import { makeWire, mendWire } from './demo-wire.js';

const sent = (flow, from, ...flags) => flow.segments.filter((row) => row.from === from && has(row, ...flags));
const syns = (flow) => sent(flow, 'client', 'SYN');
const synAcks = (flow) => sent(flow, 'server', 'SYN', 'ACK');
const thirdAck = (flow) => flow.segments.find((row) => row.third_ack);
const request = (flow) => flow.segments.find((row) => row.from === 'client' && row.len > 0);
const timeOf = (flow) => milliseconds(between(syns(flow)[0], thirdAck(flow)));

/* ---- an ordinary one ---- */

const ofRun = (run) => (flows) => flows.find((flow) =>
	flow.tells(run) && syns(flow).length > 0 && synAcks(flow).length > 0 && thirdAck(flow));

async function open(experiment) {
	const run = newRun();

	experiment.follow((flow) => flow.tells(run));
	await get(1, `close&run=${run}`);
	const flow = await experiment.until(ofRun(run), 'The handshake');
	const [{ isn: client }, { isn: server, ack }, third] = [syns(flow)[0], synAcks(flow)[0], thirdAck(flow)];

	experiment.set('client-isn', client);
	experiment.set('server-isn', server);
	experiment.set('server-ack', (client + ack) >>> 0); /* rows count from the ISN */
	experiment.set('client-ack', (server + third.ack) >>> 0);
	experiment.set('time', timeOf(flow));
	return `From port ${flow.port}.`;
}

/* ---- the next one ---- */

async function third(experiment) {
	let next;

	experiment.follow((flow) => flow.isNew && (next ??= flow) === flow);
	experiment.say('Waiting for two minutes. Now the line for the terminal.');
	await experiment.until(() => next && thirdAck(next) && request(next), 'A connection with a request', 120);
	const rows = next.segments, ack = thirdAck(next);

	experiment.set('third-len', `${ack.len} bytes`);
	experiment.set('third-content', ack.content ?? 'nothing; the request has a segment of its own');
	experiment.set('third-segments', count(rows.indexOf(request(next)) + 1));
	return `From port ${next.port}.`;
}

/* ---- a lost SYN-ACK ---- */

/* A WebSocket: it has a connection of its own as well, and while it waits for that Chromium does not open a second one
 * beside it, as it does after a quarter of a second for an ordinary request. */
function openSocket() {
	const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
	const socket = new WebSocket(`${scheme}://${location.host}/ws/echo`);

	return new Promise((resolve, reject) => {
		socket.onopen = () => resolve(socket);
		socket.onerror = () => reject(new Error('The connection failed.'));
	});
}

async function openWithLoss(experiment, times) {
	await makeWire({ drop_next: `synack:${times}` });
	experiment.follow((flow) => flow.isNew);
	try {
		const socket = await openSocket();

		socket.close();
		return await experiment.until((flows) =>
			flows.find((flow) => thirdAck(flow) && synAcks(flow).some(isLost)), 'The handshake');
	} finally {
		await mendWire();
	}
}

async function lose(experiment, button) {
	const flow = await openWithLoss(experiment, button.dataset.do);

	experiment.set('syns', count(syns(flow).length));
	experiment.set('synacks', `${synAcks(flow).length}, ${synAcks(flow).filter(isLost).length} lost`);
	experiment.set('lost-time', timeOf(flow));
	return `From port ${flow.port}.`;
}

/* ---- a full SYN queue ---- */

async function startFlood() {
	const response = await fetch('/demo/flood', { method: 'POST' });

	if (response.status === 409)
		throw new Error('It is being filled already, by somebody else. Try again in ten seconds.');
	if (!response.ok)
		throw new Error(`/demo/flood: ${response.status} ${response.statusText}`);
	return response.json();
}

/* What comes from another port may not be read here, and need not be. */
async function getIn(experiment, port, run) {
	const url = `http://${location.hostname}:${port}/demo/object/2?close&run=${run}`;

	await fresh(url, { mode: 'no-cors' });
	const flow = await experiment.until(ofRun(run), 'The handshake');

	experiment.set('meanwhile', `open after ${timeOf(flow)}, from port ${flow.port}`);
}

function showQueue(experiment, now, limit) {
	const meter = document.querySelector('#full meter');

	meter.max = limit;
	meter.value = now;
	experiment.set('queue', `${count(now)} of ${count(limit)}`);
}

async function fill(experiment) {
	if (location.protocol === 'https:')
		throw new Error('Open this page by http: that port speaks no TLS.');
	const run = newRun(), { tcp: before } = await fetchJson('status.json');

	experiment.follow((flow) => flow.tells(run));
	const { port, syn_backlog: limit } = await startFlood();
	let most = 0;
	const watch = poll('status.json', 200, ({ tcp, tcp_now: { half_open: now } }) => {
		most = Math.max(most, now);
		showQueue(experiment, now, limit);
		experiment.set('most', count(most));
		experiment.set('cookies', count(tcp.SyncookiesSent - before.SyncookiesSent));
		experiment.set('cookies-back', count(tcp.SyncookiesRecv - before.SyncookiesRecv));
		return most > 0 && now < limit / 2;
	});

	await Promise.all([watch, getIn(experiment, port, run)]);
	return most >= limit ? 'It was full, and you got in.' : 'It was never full.';
}

startDemo({ open, third, lost: lose, full: fill });
