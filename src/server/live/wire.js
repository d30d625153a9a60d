// What goes over the wire of the connection that is shown: its ladder, and the states of both sides.
import { takeRows as takeSamples } from './curves.js';
import { openFeed } from './feed.js';
import { count } from './format.js';
import { createLadder } from './ladder.js';
import { createLife } from './life.js';
import { $, setText } from './page.js';
import { createStates, statesAfter } from './states.js';

const SAMPLES_MS = 100; // between two of the curves' samples

const states = createStates($('states')), life = createLife($('life'));
const ladder = createLadder($('ladder'), {
	label: 'Every segment, as it happens',
	onRow: (row) => states.peek(statesAfter(row)),
});

let feed = null, feedState = 'connecting';
let own = null, shown = null; // numbers of connections
let latest = null; // segment of the one that is shown
let taken = new WeakSet(); // its rows, as far as they are shown
let isCut = false; // its first segments are not known
let leftOut = 0, isPaused = false;

const feeds = {
	connecting: '',
	open: '',
	closed: 'The server’s events are lost, and asked for again: the ladder stands still until they are back.',
	refused: 'The server does not tell the events of this connection.',
	absent: 'There is no WebSocket here: the ladder stands still. The numbers come by asking, once a second.',
};

function tellFeed() {
	const beginning = isCut && 'How it began is no longer remembered.';

	setText($('feed'), [feeds[feedState], beginning].filter(Boolean).join(' '));
	if (leftOut > 0)
		setText($('sampling'), `More happens than is told: the server samples, and has left out ${count(leftOut)} rows.`);
}

// A SYN belongs to nobody until the third ACK says whose it was: so it is asked for what is known of the connection.
function takeRows() {
	const rows = feed.rows(shown).filter((row) => row.event === 'segment' && !taken.has(row));

	for (const row of rows) {
		taken.add(row);
		states.show(statesAfter(row));
	}
	life.add(rows);
	if (latest === null && rows.length > 0)
		isCut = rows[0].flags !== 'SYN';
	latest = rows.at(-1) ?? latest;
	tellFeed();
}

function onRows(rows) {
	ladder.add(rows);
	takeSamples(shown, rows);
	for (const row of rows)
		leftOut += row.event === 'left_out' ? row.rows : 0;
	takeRows();
}

function onState(state) {
	feedState = state;
	tellFeed();
}

function watch() {
	const wanted = isPaused ? null : [...new Set([own, shown])].filter((id) => id !== null);

	if (feed === null)
		feed = openFeed({ watch: wanted, samples: SAMPLES_MS, onRows, onState });
	else
		feed.watch(wanted, SAMPLES_MS);
}

function begin() {
	latest = null;
	isCut = false;
	taken = new WeakSet();
	states.clear();
	life.clear();
	ladder.show(shown);
}

// one: a row of connections.json; ownNumber: that of the visitor's own connection, which goes on to be watched.
export function watchWire(one, ownNumber) {
	const isNew = one.id !== shown;

	if (isNew || ownNumber !== own) {
		shown = one.id;
		own = ownNumber;
		if (isNew)
			begin();
		watch();
		takeRows();
	}
	if (feedState === 'absent')
		states.show({ server: one.state });
}

// When it goes on, the server tells what was missed, as far as it remembers.
export function pauseWire(paused) {
	isPaused = paused;
	if (feed !== null)
		watch();
}
