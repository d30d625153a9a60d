/* The three-way handshake: of a new connection, of the next one whoever opens it, and with a SYN-ACK lost. */
import { between, has, isLost } from './demo-flows.js';
import { count, get, milliseconds, newRun, startDemo } from './demo.js';

const sent = (flow, from, ...flags) => flow.segments.filter((row) => row.from === from && has(row, ...flags));
const syns = (flow) => sent(flow, 'client', 'SYN');
const synAcks = (flow) => sent(flow, 'server', 'SYN', 'ACK');
const thirdAck = (flow) => flow.segments.find((row) => row.third_ack);
const request = (flow) => flow.segments.find((row) => row.from === 'client' && row.len > 0);
const timeOf = (flow) => milliseconds(between(syns(flow)[0], thirdAck(flow)));

/* ---- an ordinary one ---- */

const ofRun = (run) => (flows) => flows.find((flow) => flow.tells(run) && thirdAck(flow));

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
	await experiment.until(() => next && request(next), 'A connection with a request', 120);
	const rows = next.segments, ack = thirdAck(next);

	experiment.set('third-len', `${ack.len} bytes`);
	experiment.set('third-content', ack.content ?? 'nothing; the request has a segment of its own');
	experiment.set('third-segments', count(rows.indexOf(request(next)) + 1));
	return `From port ${next.port}.`;
}

/* ---- a lost SYN-ACK ---- */

/* A WebSocket: it has a connection of its own as well, and browsers that wait for one do not open a second beside it,
 * as they do after a quarter of a second for an ordinary request. */
function openSocket() {
	const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
	const socket = new WebSocket(`${scheme}://${location.host}/ws/echo`);

	return new Promise((resolve, reject) => {
		socket.onopen = () => resolve(socket);
		socket.onerror = () => reject(new Error('The connection failed.'));
	});
}

/* Of the visitor's own wire: arms it, or takes it away. */
async function setWire(method, body) {
	const response = await fetch('/.taphouse/wire', { method, body });

	if (!response.ok)
		throw new Error(`/.taphouse/wire: ${response.status} ${response.statusText}`);
}

async function openWithLoss(experiment, times) {
	await setWire('POST', new URLSearchParams({ drop_next: `synack:${times}` }));
	experiment.follow((flow) => flow.isNew);
	try {
		const socket = await openSocket();

		socket.close();
		return await experiment.until((flows) =>
			flows.find((flow) => thirdAck(flow) && synAcks(flow).some(isLost)), 'The handshake');
	} finally {
		await setWire('DELETE');
	}
}

async function lose(experiment, button) {
	const flow = await openWithLoss(experiment, button.dataset.do);

	experiment.set('syns', count(syns(flow).length));
	experiment.set('synacks', `${synAcks(flow).length}, ${synAcks(flow).filter(isLost).length} lost`);
	experiment.set('lost-time', timeOf(flow));
	return `From port ${flow.port}.`;
}

startDemo({ open, third, lost: lose });
