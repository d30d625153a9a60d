/* The four-way close: by the server first, by the client first, and of one direction only. */
import { between, has } from './demo-flows.js';
import { count, fetchJson, fresh, get, milliseconds, newRun, poll, startDemo } from './demo.js';

const HALF_CLOSED_BODY = 64 << 10;

const fin = (flow, from) => flow.segments.find((row) => row.from === from && has(row, 'FIN'));
const firstFin = (flow) => flow.segments.find((row) => has(row, 'FIN'));

/* What this side went through since both were ESTABLISHED. */
function statesOf(flow, side) {
	const all = flow.segments.map((row) => row[`${side}_state`]);
	const closing = all.slice(all.lastIndexOf('ESTABLISHED') + 1);

	return closing.filter((state, i) => state !== closing[i - 1]).join(', ');
}

const ofRun = (run) => (flows) => flows.find((flow) => flow.tells(run) && flow.isClosed);

/* ---- TIME-WAIT at the server ---- */

const findWait = ({ time_wait: all }, flow) => all.find(({ remote_port: port }) => port === flow.port);

/* Goes on in the background until the record is gone, or the button has been pressed again. */
async function countDown(experiment, flow, isCurrent) {
	await poll('connections.json', 1000, (connections) => {
		const wait = findWait(connections, flow);

		if (isCurrent())
			experiment.set('server-wait', wait ? `${(wait.expires_in_us / 1e6).toFixed(1)} s` : 'over');
		return !wait || !isCurrent();
	});
}

/* ---- who is first ---- */

async function closeBy(experiment, side, query) {
	const run = newRun();

	experiment.follow((flow) => flow.tells(run));
	await get(1, `${query}&run=${run}`);
	const flow = await experiment.until(ofRun(run), 'The end of the connection');
	const segments = flow.segments;

	experiment.set(`${side}-first`, firstFin(flow).from);
	experiment.set(`${side}-segments`, count(segments.length - segments.indexOf(firstFin(flow))));
	return flow;
}

let latest; /* the connection whose TIME-WAIT is shown */

async function server(experiment) {
	const flow = latest = await closeBy(experiment, 'server', 'close');

	experiment.set('server-states', statesOf(flow, 'server'));
	experiment.set('server-client-states', statesOf(flow, 'client'));
	countDown(experiment, flow, () => latest === flow).catch(() => experiment.set('server-wait', 'not known'));
	return `Port ${flow.port}, connection closed.`;
}

async function client(experiment) {
	const flow = await closeBy(experiment, 'client', 'close=client');

	experiment.set('client-states', statesOf(flow, 'client'));
	experiment.set('client-server-states', statesOf(flow, 'server'));
	experiment.set('client-wait', findWait(await fetchJson('connections.json'), flow) ? 'yes' : 'none');
	return `Port ${flow.port}, connection closed.`;
}

/* ---- half-close ---- */

function textFromClient(flow) {
	const end = flow.segments.indexOf(fin(flow, 'server'));
	const sum = (rows) => rows.filter(({ from }) => from === 'client').reduce((n, { len }) => n + len, 0);

	return { before: sum(flow.segments.slice(0, end)), after: sum(flow.segments.slice(end)) };
}

async function half(experiment) {
	const run = newRun();

	experiment.follow((flow) => flow.tells(run));
	const body = new Uint8Array(HALF_CLOSED_BODY);
	const response = await fresh(`/demo/sink?early&run=${run}`, { method: 'POST', body });

	if (!response.ok)
		throw new Error(`/demo/sink: ${response.status} ${response.statusText}. make run has it.`);
	await response.text();
	const flow = await experiment.until(ofRun(run), 'The end of the connection');
	const text = textFromClient(flow);

	experiment.set('half-before', count(text.before));
	experiment.set('half-after', count(text.after));
	experiment.set('half-time', milliseconds(between(fin(flow, 'server'), fin(flow, 'client'))));
	return `Port ${flow.port}, connection closed.`;
}

startDemo({ server, client, half });
