// One row of the ladder: the client's side, the arrow between, the server's side.
import { count } from './format.js';
import { flags, inWords, remarks, sides, since, step } from './ladder-words.js';
import { addSvg } from './svg.js';

const SHORT = { ESTABLISHED: 'ESTAB', 'SYN-RECEIVED': 'SYN-RCVD' }; // as in RFC 9293 figure 5

function addText(parent, name, className, text) {
	const element = document.createElement(name);

	element.className = className;
	element.textContent = text;
	parent.append(element);
	return element;
}

// A side's state is written where it changes; both lengths are there, and the style sheet chooses.
function addState(row, side, state) {
	const cell = addText(row, 'span', `ladder-state ladder-${side}`, '');

	if (state === undefined)
		return;
	addText(cell, 'span', 'ladder-long', state);
	addText(cell, 'span', 'ladder-short', SHORT[state] ?? state).setAttribute('aria-hidden', 'true');
}

// ---- the picture: SVG whose lengths follow the size of the text ----

const TAIL_Y = '1.75em', HEAD_Y = '2.1em'; // time goes down

function kindOf(state) {
	switch (state) {
	case 'ESTABLISHED':
		return 'open';
	case 'CLOSED':
	case 'LISTEN':
	case undefined:
		return 'closed';
	default:
		return 'between';
	}
}

function addLines(svg, states, changed) {
	for (const [side, x] of [['client', '0'], ['server', '100%']]) {
		const life = `ladder-life ladder-${side} ladder-${kindOf(states[side])}`;

		addSvg(svg, 'line', { class: life, x1: x, x2: x, y1: 0, y2: '100%' });
		if (!changed[side])
			continue;
		const mark = addSvg(svg, 'svg', { class: `ladder-mark ladder-${side}`, x, y: '0.75em' });

		if (side === 'client')
			addSvg(mark, 'circle', { r: 4.5 });
		else
			addSvg(mark, 'path', { d: 'M-4.5 -4.5h9v9h-9z' });
	}
}

// Sent again: two lines; dropped: it does not arrive, and ends in an x.
function addArrow(svg, row) {
	const toRight = row.from === 'client', end = row.drop ? 86 : 100;
	const x1 = toRight ? '0%' : '100%', x2 = `${toRight ? end : 100 - end}%`;
	const place = { x1, x2, y1: TAIL_Y, y2: HEAD_Y };

	for (const shift of row.sent_again ? [-2, 2] : [0])
		addSvg(svg, 'line', { class: 'ladder-shaft', ...place, transform: `translate(0 ${shift})` });
	const head = addSvg(svg, 'svg', { class: 'ladder-head', x: x2, y: HEAD_Y });

	if (row.drop)
		addSvg(head, 'path', { class: 'ladder-cross', d: 'M-6 -6L6 6M-6 6L6 -6' });
	else
		addSvg(head, 'path', { class: 'ladder-point', d: toRight ? 'M0 0L-11 -5.5V5.5Z' : 'M0 0L11 -5.5V5.5Z' });
}

// For programs that read the page.
function tellData(svg, row) {
	const data = {
		from: row.from, flags: row.flags, isn: row.isn, seq: row.seq, ack: row.ack, len: row.len, window: row.window,
		drop: row.drop, again: row.sent_again, time: row.time, connection: row.connection,
		'client-state': row.client_state, 'server-state': row.server_state,
	};

	for (const [key, value] of Object.entries(data))
		svg.setAttribute(`data-${key}`, value ?? '');
}

// ---- the rows ----

function addSegment(element, row) {
	const says = addText(element, 'span', 'ladder-says', ''), carried = remarks(row);

	element.classList.add(`ladder-from-${row.from}`);
	element.classList.toggle('ladder-again', row.sent_again);
	element.classList.toggle('ladder-dropped', row.drop !== undefined);
	element.classList.toggle('ladder-reset', row.flags.includes('RST'));
	addText(says, 'b', '', flags(row));
	says.append(` ${row.seq}+${row.len}`, row.ack === undefined ? '' : ` ack ${row.ack}`);
	addText(says, 'span', 'ladder-long', ` win ${count(row.window)}`);
	if (carried)
		addText(element, 'span', 'ladder-carries', carried);
}

const middles = {
	segment: addSegment,
	opened: (element, row) => addText(element, 'span', 'ladder-says', `${sides(row).client} → ${sides(row).server}`),
	left_out: (element, row) => addText(element, 'span', 'ladder-says', `${count(row.rows)} rows left out by the server`),
};

function addStep(element, row) {
	element.classList.add(`ladder-from-${row.from ?? 'server'}`);
	addText(element, 'span', 'ladder-says', step(row));
}

const PAUSE_S = 0.1; // from there on one sees that time has passed

function addPause(element, row, before) {
	const pause = row.time - before?.time;

	if (pause >= PAUSE_S)
		element.dataset.pause = since(pause);
}

// entry: { flow, row }. context: { before, states, isOfMany } tells what is above: the row, the states in which each
// flow was left, and whether there are several of them. It is brought up to date.
export function newRow({ flow, row }, context) {
	const element = document.createElement('div'), isSegment = row.event === 'segment';
	const before = context.states.get(flow) ?? {};
	const states = isSegment ? { client: row.client_state, server: row.server_state } : before;
	const changed = { client: states.client !== before.client, server: states.server !== before.server };
	const number = context.isOfMany && row.number !== undefined ? `#${row.connection ?? row.number} ` : '';

	element.className = `ladder-row ladder-${row.event.replace('_', '-')}`;
	element.setAttribute('role', 'listitem');
	element.setAttribute('aria-label', `${number}${inWords(row)}`);
	element.tabIndex = -1;
	addState(element, 'client', changed.client ? states.client : undefined);
	addText(element, 'span', 'ladder-since', row.since === undefined ? '' : `${number}${since(row.since)}`);
	const svg = addSvg(element, 'svg', { 'aria-hidden': 'true' });

	addLines(svg, states, changed);
	if (isSegment) {
		svg.classList.add('arrow');
		addArrow(svg, row);
		tellData(svg, row);
	}
	(middles[row.event] ?? addStep)(element, row);
	addState(element, 'server', changed.server ? states.server : undefined);
	addPause(element, row, context.before);
	context.before = row;
	context.states.set(flow, states);
	return element;
}
