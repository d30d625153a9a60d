// The live page: asks for status.json and connections.json once a second, or less often when that takes long, and
// shows them.
import { showConnections } from './connections.js';
import { showStatus } from './counters.js';
import { uptime } from './format.js';
import { $, setText } from './page.js';
import { pauseWire } from './wire.js';

const PERIOD_MS = 1000, SHARE = 4, PATIENCE_MS = 10000;

let paused = false;

async function get(name) {
	const answer = await fetch(name, { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });

	if (!answer.ok)
		throw new Error(`${name}: ${answer.status}`);
	return answer.json();
}

// A worker tells of its own connections only, and the WebSocket may be with another one than the rest of the page.
function crew({ workers, worker, steering }) {
	if (workers.length === 1)
		return '';
	if (steering === 'address')
		return `, ${workers.length} workers; all connections from here are with number ${worker}`;
	return `, ${workers.length} workers, which share the connections from here: the ladder may show none ` +
		'(steering = "address" keeps them together)';
}

function showServer(status) {
	const { version, interface: { addresses, device }, uptime_seconds: seconds } = status;
	const place = `${addresses.join(', ')} on ${device}`;

	setText($('server'), `Version ${version} at ${place}, up ${uptime(seconds)}${crew(status)}`);
}

// One after the other: so both come over one connection, which is then shown as the visitor's own.
async function ask() {
	const status = await get('status.json'), connections = await get('connections.json');

	if (paused)
		return;
	showServer(status);
	showStatus(status);
	showConnections(connections);
	setText($('state'), 'Live.');
}

// The next question waits for the last answer, and at least three times as long as that took: a slow server or wire is
// asked less often, and thousands of rows do not keep the browser busy.
async function turn() {
	const started = performance.now();

	if (!paused && !document.hidden)
		try {
			await ask();
		} catch (error) {
			setText($('state'), `No answer (${error.message}). Trying again.`);
		}
	setTimeout(turn, Math.max(PERIOD_MS, (SHARE - 1) * (performance.now() - started)));
}

$('pause').hidden = false;
$('pause').addEventListener('click', () => {
	paused = !paused;
	setText($('pause'), paused ? 'Go on' : 'Pause');
	setText($('state'), paused ? 'Paused.' : '');
	pauseWire(paused);
});
document.addEventListener('visibilitychange', () => pauseWire(paused || document.hidden));
turn();
