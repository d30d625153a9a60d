// What the server tells of TCP as it happens: its WebSocket of events, opened again when it is lost.
import { Memory } from './ladder-memory.js';

const PAUSE_MS = 500, LONGEST_PAUSE_MS = 30000;
const POLICY_VIOLATION = 1008; // RFC 6455 section 7.4.1: what was asked for may not be seen

function rowsOf(text) {
	try {
		const rows = JSON.parse(text);

		return Array.isArray(rows) ? rows : [];
	} catch {
		return [];
	}
}

// watch: "mine", "all", null, or a list of connections' numbers; samples: how often, in milliseconds; none if left
// out. onRows is given each batch, without the rows that were known before; onState: "connecting", "open", "closed"
// (it will be tried again), "refused" (until something else is asked for), "absent" (there is no WebSocket here).
export function openFeed({
	url = new URL('events', import.meta.url), watch = 'mine', samples, onRows = () => {}, onState = () => {},
} = {}) {
	const memory = new Memory();
	let wanted = { watch, samples }, state, socket = null, pause = PAUSE_MS, timer;

	function enter(next) {
		state = next;
		onState(state);
	}

	function ask() {
		socket.send(JSON.stringify(wanted));
	}

	function connect() {
		const at = new URL(url, location.href);

		at.protocol = at.protocol === 'https:' ? 'wss:' : 'ws:';
		socket = new WebSocket(at);
		socket.onopen = () => {
			pause = PAUSE_MS;
			memory.begin();
			ask();
			enter('open');
		};
		socket.onmessage = ({ data }) => onRows(memory.add(rowsOf(data)));
		socket.onclose = onClose;
		enter('connecting');
	}

	function onClose({ code }) {
		if (code === POLICY_VIOLATION) {
			enter('refused');
			return;
		}
		enter('closed');
		timer = setTimeout(connect, pause);
		pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
	}

	if ('WebSocket' in globalThis)
		connect();
	else
		enter('absent');

	return {
		watch(what, period) {
			wanted = { watch: what, samples: period };
			if (state === 'open')
				ask();
			else if (state === 'refused')
				connect();
		},
		close() {
			clearTimeout(timer);
			state = 'ended';
			if (socket)
				socket.onopen = socket.onmessage = socket.onclose = null;
			socket?.close();
		},
		// Those that are remembered, of one connection or of all (null), the oldest first.
		rows(connection = null) {
			const { first, last } = memory.view(connection);

			return [...first, ...last].map(({ row }) => row);
		},
	};
}
