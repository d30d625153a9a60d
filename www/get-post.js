/*
 * Sends forms without leaving the page, and shows what the server says that it saw. Nothing is guessed here: the
 * request is the one that /echo answers with, and sizes are the browser's own (Resource Timing).
 */
import { startDemo } from './demo.js';

const ECHO = '/echo';

let wire = null; /* the ladder, when it is there */

const statusBeside = (element) => element.closest('.act').querySelector('[role="status"]');
const kib = (n) => n < 10000 ? `${n.toLocaleString('en')} bytes` : `${Math.round(n / 1024).toLocaleString('en')} KiB`;

/* GET has its parameters behind the question mark and no body; POST has them in the body. */
const ask = (method, parameters, accept) => method === 'GET'
	? fetch(`${ECHO}?${parameters}`, { headers: { Accept: accept } })
	: fetch(ECHO, { method, body: parameters, headers: { Accept: accept } });

const why = (response) => {
	if (response.status === 404 || response.status === 405)
		return `${response.status}: there is no ${ECHO} on this site`;
	return `${response.status} ${response.statusText}`;
};

const field = (request, name) => request.fields.find(([n]) => n.toLowerCase() === name);

function asArrived(request) {
	const told = ['content-type', 'content-length'].map((name) => field(request, name)).filter(Boolean);
	const head = [`${request.method} ${request.target} HTTP/${request.version}`];

	told.forEach(([name, value]) => head.push(`${name}: ${value}`));
	return `${head.join('\n')}\n\n${request.body_bytes ? request.body : '(no body)'}`;
}

async function send(event) {
	const form = event.currentTarget;
	const status = statusBeside(form.querySelector('button'));
	const arrived = form.querySelector('.arrived');

	event.preventDefault();
	wire?.follow((flow) => flow.tells(ECHO));
	try {
		const response = await ask(form.method.toUpperCase(), new URLSearchParams(new FormData(form)),
			'application/json');
		status.textContent = `${why(response)}, ${response.headers.get('Cache-Control') ?? 'no Cache-Control'}`;
		arrived.textContent = response.ok ? asArrived(await response.json()) : '';
	} catch {
		status.textContent = 'No answer. Is the server still running?';
	}
}

/* Runs while the button waits; what it gives is shown beside it. */
async function show(button, run) {
	const status = statusBeside(button);

	button.disabled = true;
	status.textContent = '…';
	try {
		status.textContent = await run();
	} catch {
		status.textContent = 'No answer. Is the server still running?';
	}
	button.disabled = false;
	button.focus();
}

async function runIntoLimit(method, length) {
	const response = await ask(method, new URLSearchParams({ words: 'x'.repeat(length) }), 'text/plain');

	await response.arrayBuffer();
	return why(response);
}

const entriesOf = (url) => performance.getEntriesByName(url);

/* The browser tells of a request a moment after its answer. */
async function entryAfter(url, known) {
	for (let tries = 0; entriesOf(url).length === known && tries < 100; tries++)
		await new Promise((resolve) => setTimeout(resolve, 20));
	return entriesOf(url).at(-1);
}

/* What a request cost on the wire. */
function cost(entry) {
	if (!entry || entry.transferSize === 0)
		return 'nothing came over the wire: the kept copy was used';
	if (entry.transferSize < entry.encodedBodySize)
		return `304: ${kib(entry.transferSize)} came, and the kept copy of ${kib(entry.encodedBodySize)} was used`;
	return `${kib(entry.transferSize)} came, the whole of it`;
}

async function again(method) {
	const url = new URL(method === 'GET' ? location.pathname : ECHO, location).href, known = entriesOf(url).length;
	const response = method === 'GET' ? await fetch(url, { cache: 'no-cache' })
		: await ask('POST', new URLSearchParams({ words: 'again' }), 'text/html');

	await response.arrayBuffer();
	return response.ok ? cost(await entryAfter(url, known)) : why(response);
}

for (const form of document.querySelectorAll('#both form')) {
	const arrived = form.querySelector('.arrived');

	arrived.textContent = 'What arrives is shown here.';
	arrived.hidden = false;
	form.addEventListener('submit', send);
}
for (const button of document.querySelectorAll('[data-length]'))
	button.addEventListener('click', () => show(button,
		() => runIntoLimit(button.dataset.method, Number(button.dataset.length))));
for (const button of document.querySelectorAll('[data-again]'))
	button.addEventListener('click', () => show(button, () => again(button.dataset.again)));
for (const element of document.querySelectorAll('[data-needs-script]'))
	element.hidden = false;

({ both: wire } = await startDemo({ both: null }));
