/* Reliability: a wire that is bad for this visitor alone, and a file that arrives over it as it was. */
import { count, startDemo } from './demo.js';
import { isSame, newDigest, toldDigest } from './demo-digest.js';
import { leftOutOf } from './demo-flows.js';
import { Tally } from './demo-tally.js';
import { makeWire, mendWire, readWire } from './demo-wire.js';

const form = document.getElementById('wire');
const sliders = [...form.querySelectorAll('input[type="range"]')];

const percent = ({ value }) => `${Number(value).toLocaleString('en')} %`;

/* ---- the sliders ---- */

const tellSlider = (slider) => {
	slider.closest('label').querySelector('output').textContent = percent(slider);
};

for (const slider of sliders)
	slider.addEventListener('input', () => tellSlider(slider));
form.addEventListener('submit', (event) => event.preventDefault());
form.addEventListener('reset', () => setTimeout(() => sliders.forEach(tellSlider)));
form.querySelector('[data-perfect]').addEventListener('click', () => sliders.forEach((slider) => {
	slider.value = 0;
	tellSlider(slider);
}));

/* Slow enough for the server to tell every segment, and as far away as the next town. */
const PATH = { 'tx.rate_kbit': 4000, delay_ms: 5 };

const shares = () => Object.fromEntries(sliders.map(({ name, value }) => [name, Number(value) / 100]));
const wireSpec = () => ({ ...PATH, ...shares() });

/* ---- the file ---- */

let stopper = null;

form.querySelector('[data-stop]').addEventListener('click', () => stopper?.abort());

async function readAll(experiment, response, digest) {
	const total = Number(response.headers.get('Content-Length'));
	let arrived = 0;

	for (const reader = response.body.getReader(); ;) {
		const { done, value } = await reader.read();

		if (done)
			return;
		digest.add(value);
		arrived += value.length;
		experiment.set('arrived', `${count(arrived)} of ${count(total)} bytes`);
	}
}

async function fetchFile(experiment, url) {
	const digest = await newDigest(), began = performance.now();
	const response = await fetch(url, { cache: 'no-store', signal: stopper.signal });

	if (!response.ok)
		throw new Error(`${url}: ${response.status} ${response.statusText}`);
	experiment.set('told', toldDigest(response) ?? 'not told');
	await readAll(experiment, response, digest);
	experiment.set('time', `${((performance.now() - began) / 1000).toFixed(2)} s`);
	return { told: toldDigest(response), got: await digest.hex(), pieces: digest.pieces };
}

async function verdict(experiment, { told, got, pieces }, url) {
	if (got !== null) {
		experiment.set('got', got);
		return got === told ? 'The same hash: every byte arrived.' : 'Another hash. That must not be: please tell us.';
	}
	experiment.set('got', 'no SHA-256 here: compared byte by byte with a second copy, over a good wire');
	return await isSame(pieces, url) ? 'The same bytes: all arrived.' : 'Other bytes. That must not be: please tell us.';
}

/* ---- what the server saw ---- */

const NUMBERS = ['lost', 'damaged', 'acks', 'again', 'fast', 'tail', 'timeouts'];

let leftOut = 0; /* rows that the server did not tell */

function showCounts(experiment, counts, { isCut }) {
	for (const name of NUMBERS)
		experiment.set(name, `${leftOut > 0 || isCut ? 'at least ' : ''}${count(counts[name])}`);
}

function showWire(experiment, { lost, corrupted, reordered, duplicated }) {
	experiment.set('wire', `${count(lost)} lost, ${count(corrupted)} damaged, ${count(duplicated)} doubled, `
		+ `${count(reordered)} out of order`);
}

/* The wire is mended before the page looks at what happened: its own questions go over it too. */
async function overBadWire(experiment, seed, work) {
	await makeWire(wireSpec());
	try {
		const result = await work();

		showWire(experiment, await readWire());
		return result;
	} finally {
		await mendWire(`?after=${seed}`);
	}
}

async function fetchOverIt(experiment) {
	const seed = 1 + Math.floor(Math.random() * 1e9), url = `/demo/bytes?seed=${seed}&n=${form.size.value}&digest`;
	const mark = `seed=${seed}`, tally = new Tally(mark), isOurs = (flow) => flow.tells(mark);

	stopper = new AbortController();
	leftOut = 0;
	experiment.follow(isOurs, 0, (flow) => showCounts(experiment, tally.update(flow), flow));
	try {
		const result = await overBadWire(experiment, seed, () => fetchFile(experiment, url));

		/* Rows come in the order of what happened: when this one is there, all of the download are. */
		await experiment.until((flows) => leftOut > 0
			|| flows.some((flow) => flow.isCut || flow.tells(`after=${seed}`)), 'What the server saw');
		return await verdict(experiment, result, url);
	} catch (error) {
		throw error.name === 'AbortError' ? new Error('Stopped.') : error;
	}
}

startDemo({ fetch: fetchOverIt }, {
	onRows: (rows) => { leftOut += leftOutOf(rows); },
});
