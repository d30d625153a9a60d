// The ladder of a connection: client left, server right, time down, an arrow for each segment. How it began stays in
// sight; of the rest the latest rows do, and it is said how many have folded away. Rows may come as fast as they
// like: they are drawn once a frame, and no more of them than are shown.
import { count } from './format.js';
import { newFrame, showFields } from './ladder-frame.js';
import { Memory } from './ladder-memory.js';
import { Rows } from './ladder-rows.js';
import { createTwin } from './ladder-twin.js';
import { sides } from './ladder-words.js';
import { setText } from './page.js';

const MANY = 8; // rows, of which some may be out of sight

// It follows what comes, unless somebody looks at what is there.
function follow(scroll) {
	if (!scroll.matches(':hover, :focus-within'))
		scroll.scrollTop = scroll.scrollHeight;
}

// ---- by pointer and by keyboard: one row is chosen, and Tab goes to it ----

const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

// Returns what makes sure that one is, although the one that was has folded away.
function letChoose(picture, elements, { onChoice, onLook }) {
	let chosen = null;

	function choose(element) {
		chosen?.classList.remove('ladder-chosen');
		if (chosen)
			chosen.tabIndex = -1;
		chosen = element;
		chosen.tabIndex = 0;
		chosen.classList.add('ladder-chosen');
		onChoice(chosen);
	}

	function look({ target }) {
		const row = target.closest('.ladder-row');

		if (row && row !== chosen)
			choose(row);
		if (row)
			onLook(row);
	}

	function step(event) {
		const all = elements(), at = all.indexOf(event.target.closest('.ladder-row')), by = steps[event.key];

		if (at < 0 || by === undefined)
			return;
		event.preventDefault();
		all[Math.max(0, Math.min(all.length - 1, at + by))].focus();
	}

	picture.addEventListener('pointerover', look);
	picture.addEventListener('focusin', look);
	picture.addEventListener('keydown', step);
	picture.addEventListener('pointerleave', () => onLook(null));
	picture.addEventListener('focusout', ({ relatedTarget }) => !picture.contains(relatedTarget) && onLook(null));
	return () => {
		const [row] = elements();

		if (!chosen?.isConnected && row)
			choose(row);
	};
}

// label: what it is a ladder of. onRow(row) is told of the row that is pointed at or has the focus, and null when
// none has any longer.
export function createLadder(element, { label = 'The ladder', onRow = () => {} } = {}) {
	const frame = newFrame(element, label), memory = new Memory();
	const first = new Rows(frame.first), last = new Rows(frame.last), twin = createTwin(frame.table, label);
	let connection = null, context, isScheduled = false;

	const rowOf = (of) => first.rowOf(of) ?? last.rowOf(of);
	const keepChosen = letChoose(frame.picture, () => [...first.elements, ...last.elements], {
		onChoice: (chosen) => showFields(frame.list, rowOf(chosen)),
		onLook: (at) => onRow(at && rowOf(at)),
	});

	function begin() {
		context = { before: null, states: new WeakMap(), isOfMany: connection === null };
		first.clear();
		last.clear();
		schedule();
	}

	function tellEnds(entries) {
		const segment = entries.findLast(({ row }) => row.event === 'segment')?.row;

		for (const side of ['client', 'server']) {
			setText(frame[side].address, segment ? sides(segment)[side] : '');
			setText(frame[side].state, segment?.[`${side}_state`] ?? '–');
			frame[side].state.classList.toggle('ladder-inferred', segment?.inferred === side);
		}
	}

	function tellFolded({ folded, last: { length } }) {
		const away = folded > 0 ? `${count(folded)} rows are folded away; ` : '';
		const rest = `then the latest ${count(length)} rows`;

		frame.scroll.hidden = length === 0;
		frame.fold.hidden = length < MANY;
		setText(frame.fold, away + rest);
	}

	function draw() {
		const view = memory.view(connection), isWanted = ({ row }) => context.isOfMany || row.event !== 'opened';
		const entries = [...view.first, ...view.last].filter(isWanted);

		isScheduled = false;
		first.show(view.first.filter(isWanted), context);
		last.show(view.last, context);
		tellEnds(entries);
		frame.empty.hidden = entries.length > 0;
		frame.known.hidden = entries.length === 0;
		tellFolded(view);
		if (!frame.twin.hidden)
			twin.show(entries);
		keepChosen();
		follow(frame.scroll);
	}

	function schedule() {
		if (!isScheduled)
			requestAnimationFrame(draw);
		isScheduled = true;
	}

	frame.button.addEventListener('click', () => {
		frame.twin.hidden = !frame.twin.hidden;
		frame.picture.hidden = !frame.twin.hidden;
		frame.button.setAttribute('aria-pressed', String(!frame.twin.hidden));
		schedule();
	});
	begin();
	return {
		add(rows) {
			memory.add(rows);
			schedule();
		},
		clear() {
			memory.clear();
			begin();
		},
		// The number of one connection, or null: all.
		show(which) {
			connection = which;
			begin();
		},
	};
}
