/* The seven layers: a request of this page's, its frames as the server saw them, and one of them opened. */
import { fetchJson, newRun, startDemo } from './demo.js';
import { showFrame, titleOf } from './demo-layers-view.js';

const TRIES = 5; /* a browser may take another of its connections for the next request */

const asks = {
	get: (run) => fetch(`favicon.svg?run=${run}`, { cache: 'no-store' }),
	post: (run) => fetch('/echo',
		{ method: 'POST', body: new URLSearchParams({ name: 'Ann', words: 'two pints', run }) }),
};

const hexOf = (text) => [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/* Over TLS nobody reads the marker: then it is the longest frame that came in. */
function requestOf(frames, run) {
	const mark = hexOf(run), longest = (found, frame) => found && found.len >= frame.len ? found : frame;

	if (location.protocol === 'https:')
		return frames.filter(({ from }) => from === 'client').reduce(longest, undefined);
	return frames.find(({ from, hex }) => from === 'client' && hex.includes(mark));
}

/* Asks for the connection's frames before and after, and again if the request took another connection. */
async function capture(ask, experiment) {
	for (let i = 0; i < TRIES; i++) {
		const run = newRun(), before = await fetchJson('frame');

		experiment.follow((flow) => flow.connection === before.connection);
		await (await ask(run)).arrayBuffer();
		const after = await fetchJson(`frame?connection=${before.connection}`);
		const request = requestOf(after.frames, run);

		if (request)
			return { connection: before.connection, frames: after.frames, request };
	}
	throw new Error('The request took another connection each time. Try again.');
}

/* ---- which of them is open ---- */

const choices = document.getElementById('frames');

function open(button, frame) {
	for (const other of choices.children)
		other.setAttribute('aria-pressed', String(other === button));
	showFrame(frame);
}

function choice(frame) {
	const button = document.createElement('button');

	button.type = 'button';
	button.textContent = `${frame.from === 'client' ? '→' : '←'} ${titleOf(frame)}, ${frame.len} bytes`;
	button.addEventListener('click', () => open(button, frame));
	return button;
}

async function openRequest(experiment, { dataset }) {
	const { connection, frames, request } = await capture(asks[dataset.do], experiment);

	document.getElementById('frame').hidden = false;
	choices.replaceChildren(...frames.map(choice));
	open(choices.children[frames.indexOf(request)], request);
	experiment.set('connection', connection);
	experiment.set('frames', frames.length);
	return 'Opened below.';
}

startDemo({ open: openRequest });
