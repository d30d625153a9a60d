/*
 * The frame of all demos. A page has experiments: a section with data-experiment that says what to look for, with a
 * button that does it, and a ladder and numbers beside it. startDemo() is given what each of them does.
 *
 * Ladder and events come from the server's own pages, below /.taphouse/. Where there are none, a page says so, and
 * its words and the commands for a terminal are left.
 *
 * Connections that are certain to be new: browsers keep connections, and give no way to ask for another. But
 * requests without credentials have connections of their own (Fetch, "obtain a connection"), in Chromium and in
 * Firefox. If each answer to them closes, none is ever left, and the next request opens one.
 */
import { Flows } from './demo-flows.js';

const LIVE = '/.taphouse/';
const PATIENCE_S = 15;
const WORDS = { /* for states of the feed */
	open: 'The server tells what it sees.',
	absent: 'There is no WebSocket here, so the buttons wait in vain.',
};

export const fresh = (path, options = {}) => fetch(path, { cache: 'no-store', credentials: 'omit', ...options });

/* A small object over a new connection, or over the one that the last left open. Ends when all of it is there. */
export async function get(number, query) {
	const response = await fresh(`/demo/object/${number}?${query}`);

	if (!response.ok)
		throw new Error(`/demo/object: ${response.status} ${response.statusText}. make run has it.`);
	return response.text();
}

/* Tells the requests of one press of a button from all others. */
export const newRun = () => Math.random().toString(36).slice(2, 8);

export const milliseconds = (ms) => `${ms.toFixed(ms < 10 ? 2 : ms < 1000 ? 1 : 0)} ms`;
export const count = (n) => n.toLocaleString('en');

export async function fetchJson(name) {
	const response = await fetch(LIVE + name, { cache: 'no-store' });

	if (!response.ok)
		throw new Error(`${LIVE}${name}: ${response.status} ${response.statusText}`);
	return response.json();
}

/* Asks again and again; the work ends when it returns true. */
export async function poll(name, periodMs, work) {
	while (!await work(await fetchJson(name)))
		await new Promise((resolve) => setTimeout(resolve, periodMs));
}

class Experiment {
	#section;
	#ladders;
	#diagram; /* the states, if they are shown */
	#statesAfter; /* a row */
	#follow = null; /* what is looked at: flows, which of them, and who waits for something in them */

	constructor(section, { createLadder, createStates, statesAfter }) {
		const element = section.querySelector('[data-states]');
		const onRow = (row) => this.#diagram?.peek(statesAfter(row)); /* while one points at it */

		this.#section = section;
		this.#diagram = element && createStates(element);
		this.#ladders = [...section.querySelectorAll('[data-ladder]')].map((place) =>
			createLadder(place, { label: place.dataset.ladder, onRow }));
		this.#statesAfter = statesAfter;
	}

	say(text) {
		this.#section.querySelector('[role="status"]').textContent = text;
	}

	set(name, text) {
		this.#section.querySelector(`[data-number="${name}"]`).textContent = text;
	}

	/* From here on connections are looked at, and those that are wanted are shown; onShown is told of each that got rows. */
	follow(wanted = (flow) => flow.isNew, which = 0, onShown = () => {}) {
		const ladder = this.#ladders[which];

		ladder.clear();
		ladder.show(null);
		this.#follow = {
			flows: new Flows(), wanted, ladder, onShown, shown: new Map(), only: null, waiting: new Set(),
		};
	}

	/* Resolves with what the test gives, as soon as that is something. */
	until(test, what, seconds = PATIENCE_S) {
		const { waiting, flows } = this.#follow;

		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				waiting.delete(look);
				reject(new Error(`${what} did not come within ${seconds} s`));
			}, seconds * 1000);
			const look = () => {
				const found = test(flows.all);

				if (!found)
					return;
				clearTimeout(timer);
				waiting.delete(look);
				resolve(found);
			};

			waiting.add(look);
			look();
		});
	}

	enable(isEnabled) {
		for (const button of this.#section.querySelectorAll('button[data-do]'))
			button.disabled = !isEnabled;
	}

	take(rows) {
		if (this.#follow === null)
			return;
		for (const flow of this.#follow.flows.add(rows))
			this.#show(flow);
		for (const look of [...this.#follow.waiting])
			look();
	}

	#show(flow) {
		const follow = this.#follow, { shown, ladder } = follow;

		if (!follow.wanted(flow))
			return;
		const rows = flow.rows.slice(shown.get(flow) ?? 0);

		ladder.add(rows);
		if (this.#diagram)
			this.#showStates(rows, !shown.has(flow));
		shown.set(flow, flow.rows.length);
		follow.onShown(flow);
		const only = shown.size === 1 ? flow.connection ?? null : null; /* of several the ladder tells which is which */

		if (only !== follow.only)
			ladder.show(follow.only = only);
	}

	/* One after the other: so the way of each side is lit. */
	#showStates(rows, isOther) {
		if (isOther)
			this.#diagram.clear();
		for (const states of rows.map(this.#statesAfter).filter(Boolean))
			this.#diagram.show(states);
	}
}

/* Works while the buttons of the experiment wait. */
async function press(button, experiment, work) {
	experiment.enable(false);
	experiment.say('…');
	try {
		experiment.say(await work(experiment, button));
	} catch (error) {
		experiment.say(error.message);
	}
	experiment.enable(true);
	button.focus({ preventScroll: true });
}

function tell(text) {
	for (const element of document.querySelectorAll('[data-live-state]'))
		element.textContent = text;
}

function addStyle(name) {
	const link = document.createElement('link');

	link.rel = 'stylesheet';
	link.href = LIVE + name;
	document.head.append(link);
}

function newExperiment(name, work, live) {
	const section = document.querySelector(`[data-experiment="${name}"]`);
	const experiment = new Experiment(section, live);

	for (const button of section.querySelectorAll('button[data-do]'))
		button.addEventListener('click', () => press(button, experiment, work));
	return experiment;
}

/* The server's own modules, or null. */
async function importLive() {
	try {
		const [feed, ladder, states] = await Promise.all(
			['feed.js', 'ladder.js', 'states.js'].map((name) => import(LIVE + name)));

		['ladder.css', 'states.css'].forEach(addStyle);
		return { ...feed, ...ladder, ...states };
	} catch {
		return null;
	}
}

/* works: for each data-experiment, what its buttons do, an asynchronous function of the experiment and the button,
 * whose result is told beside it. Buttons work once the server's events come. samples: the period of samples in
 * milliseconds; onRows is given all that comes. Returns the experiments by name; none where there is nothing to see. */
export async function startDemo(works, { samples, onRows = () => {} } = {}) {
	const live = await importLive();

	if (live === null) {
		tell(`This site has no ${LIVE}, so the ladders stay empty. make run has it.`);
		return {};
	}
	const named = Object.entries(works).map(([name, work]) => [name, newExperiment(name, work, live)]);
	const experiments = named.map(([, experiment]) => experiment);
	let isReady = false; /* events have come once */

	live.openFeed({
		url: `${LIVE}events`,
		watch: 'mine',
		samples,
		onRows: (rows) => {
			experiments.forEach((experiment) => experiment.take(rows));
			onRows(rows);
		},
		onState: (state) => {
			tell(WORDS[state] ?? 'Not connected to the server’s events.');
			if (state === 'open' && !isReady)
				experiments.forEach((experiment) => experiment.enable(isReady = true));
		},
	});
	return Object.fromEntries(named);
}
