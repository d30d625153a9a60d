/*
 * Speaks WebSocket with the server of this page, and shows what went over it. The handshake is what the server tells of
 * it (subprotocol taphouse.handshake): browsers do not show it to scripts, and no pings either; those are the ladder's.
 */
import { between } from './demo-flows.js';
import { count, milliseconds, newRun, startDemo } from './demo.js';

const SHOWN = 100; /* lines of a log */
const BASE = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws/`;

const byId = (id) => document.getElementById(id);
const stateOf = (name) => document.querySelector(`[data-state="${name}"]`);

function log(element, line) {
	const lines = element.textContent.split('\n').filter(Boolean);

	element.textContent = [...lines, line].slice(-SHOWN).join('\n');
	element.scrollTop = element.scrollHeight;
}

function showHandshake({ target, fields, answer }) {
	const lines = fields.map(([name, value]) => `${name}: ${value}`);

	byId('request').textContent = [`GET ${target} HTTP/1.1`, ...lines].join('\n');
	byId('answer').textContent = `HTTP/1.1 101 Switching Protocols\n${answer.trimEnd()}`;
}

const ended = ({ code, reason, wasClean }) =>
	`closed: ${code}${reason ? ` ${reason}` : ''}${wasClean ? '' : ', without a close frame'}`;

/* A connection, which opens again when it is needed. onHandshake: asks for the handshake as the first message. */
function connection(path, state, onMessage, onHandshake) {
	let socket;

	const open = () => {
		let handshakeIsOwed = onHandshake !== undefined, wasOpen = false;

		socket = new WebSocket(BASE + path, handshakeIsOwed ? ['taphouse.handshake'] : []);
		state.textContent = 'connecting';
		socket.onopen = () => {
			wasOpen = true;
			state.textContent = `connected${socket.extensions ? ', compressed' : ''}`;
		};
		socket.onmessage = ({ data }) => {
			if (handshakeIsOwed && socket.protocol !== '')
				onHandshake(JSON.parse(data).handshake);
			else
				onMessage(data);
			handshakeIsOwed = false;
		};
		socket.onclose = (event) => {
			state.textContent = event.code === 1006 && !wasOpen ? `no connection: is there a /ws/${path.split('?')[0]} here?` : ended(event);
		};
	};

	const send = (text) => {
		if (socket.readyState === WebSocket.OPEN) {
			socket.send(text);
			return;
		}
		if (socket.readyState !== WebSocket.CONNECTING)
			open();
		socket.addEventListener('open', () => socket.send(text), { once: true });
	};

	open();
	return { send };
}

/* ---- echo ---- */

function showEcho(experiment, flow) {
	const response = flow.segments.find(({ content }) => content?.startsWith('101 '));
	const messages = (from) => count(flow.steps('WebSocket text').filter((row) => row.from === from).length);

	if (response)
		experiment.set('upgrade', milliseconds(between(flow.segments[0], response)));
	experiment.set('messages', `${messages('client')}, ${messages('server')}`);
	experiment.set('pings', count(flow.steps('WebSocket ping').length));
	experiment.set('pongs', count(flow.steps('WebSocket pong').length));
}

/* experiment: undefined if the server tells nothing. */
function startEcho(experiment) {
	const run = newRun();

	experiment?.follow((flow) => flow.tells(run), 0, (flow) => showEcho(experiment, flow));
	const form = byId('echo-form');
	const lines = byId('echo-log');
	let since = 0; /* when what comes back now was sent */
	let missing = 0; /* messages that are to come back before one is told */

	const told = (text) => {
		if (--missing <= 0)
			log(lines, `← ${text}   after ${(performance.now() - since).toFixed(1)} ms`);
	};
	const echo = connection(`echo?run=${run}`, stateOf('echo'), told, showHandshake);

	const say = (line, messages) => {
		log(lines, `→ ${line}`);
		since = performance.now();
		missing = messages.length;
		messages.forEach(echo.send);
	};

	form.addEventListener('submit', (event) => {
		event.preventDefault();
		say(form.words.value, [form.words.value]);
	});
	form.querySelector('[data-hundred]').addEventListener('click', () => {
		say('a hundred messages', Array.from({ length: 100 }, (_, i) => `message ${i + 1} of 100`));
	});
}

/* ---- chat ---- */

function startChat() {
	const form = byId('chat-form');
	const lines = byId('chat-log');

	const chat = connection('chat/taproom', stateOf('chat'), (text) => {
		try {
			const { name, words } = JSON.parse(text);

			log(lines, `${String(name).slice(0, 40)}: ${String(words).slice(0, 500)}`);
		} catch {
			log(lines, `somebody: ${text.slice(0, 500)}`);
		}
	});

	form.addEventListener('submit', (event) => {
		event.preventDefault();
		chat.send(JSON.stringify({ name: form.name.value, words: form.words.value }));
		form.words.value = '';
		form.words.focus();
	});
}

/* ---- endings ---- */

const ways = {
	normal: (socket) => socket.close(1000),
	own: (socket) => socket.close(4321, 'closing time'),
	big: (socket) => socket.send(new Uint8Array((1 << 20) + 1)),
};

function startEndings(experiment) {
	document.querySelectorAll('[data-end]').forEach((button) => button.addEventListener('click', () => {
		const status = button.closest('.act').querySelector('[role="status"]');
		const run = newRun();

		experiment?.follow((flow) => flow.tells(run));
		const socket = new WebSocket(`${BASE}echo?run=${run}`);

		status.textContent = '…';
		socket.onopen = () => ways[button.dataset.end](socket);
		socket.onclose = (event) => {
			status.textContent = ended(event);
		};
	}));
}

document.querySelectorAll('[data-needs-script]').forEach((element) => {
	element.hidden = false;
});

const { echo, ends } = await startDemo({ echo: null, ends: null });

startEcho(echo);
startChat();
startEndings(ends);
