// The states of a connection and the ways between them (RFC 9293 figure 5), lit where each side stands, and along the
// way that it has come.
import { BOX, places, SIZE, wayBetween, ways } from './states-figure.js';
import { addSvg } from './svg.js';

const names = { client: 'Client', server: 'Server' };

// Where the first thing that is seen of a side comes from.
const origins = { 'SYN-SENT': ['CLOSED'], 'SYN-RECEIVED': ['CLOSED', 'LISTEN'] };

// ---- the figure ----

function addWay(svg, { corners, event, action, at: [x, y], anchor }) {
	const group = addSvg(svg, 'g', { class: 'states-way' }), [[fromX, fromY], [toX, toY]] = corners.slice(-2);
	const angle = Math.atan2(toY - fromY, toX - fromX) * 180 / Math.PI;

	addSvg(group, 'path', { class: 'states-line', d: `M${corners.map((c) => c.join(' ')).join('L')}` });
	const head = addSvg(group, 'path', { class: 'states-head', d: 'M0 0L-8 -4V4Z' });
	const words = addSvg(group, 'text', { class: 'states-words', x, y, 'text-anchor': anchor });

	head.setAttribute('transform', `translate(${toX} ${toY}) rotate(${angle})`);
	addSvg(words, 'tspan', { x }, event);
	if (action)
		addSvg(words, 'tspan', { x, dy: '1.15em' }, action);
	return group;
}

function addState(svg, name, [x, y]) {
	const { width, height } = BOX, state = name === 'END' ? 'CLOSED' : name;
	const group = addSvg(svg, 'g', { class: 'states-state', 'data-state': state });

	addSvg(group, 'rect', { x: x - width / 2, y: y - height / 2, width, height, rx: 4 });
	addSvg(group, 'text', { x, y, dy: '0.35em', 'text-anchor': 'middle' }, state);
	return group;
}

// Where a side stands: the client's is round and left, the server's square and right.
function addStone(svg, side) {
	const stone = addSvg(svg, 'g', { class: `states-stone states-${side}` });

	if (side === 'client')
		addSvg(stone, 'circle', { r: 9.5 });
	else
		addSvg(stone, 'rect', { x: -9, y: -9, width: 18, height: 18, rx: 2 });
	addSvg(stone, 'text', { dy: '0.36em', 'text-anchor': 'middle' }, names[side][0]);
	return stone;
}

function newFigure(element) {
	const figure = document.createElement('figure'), list = document.createElement('dl');

	figure.className = 'states-figure';
	const svg = addSvg(figure, 'svg', { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: 'img' });
	const lines = new Map(ways.map((way) => [way, addWay(svg, way)]));
	const boxes = new Map(Object.entries(places).map(([name, place]) => [name, addState(svg, name, place)]));
	const stones = { client: addStone(svg, 'client'), server: addStone(svg, 'server') };

	list.className = 'states-words-of';
	figure.append(list);
	element.append(figure);
	return { svg, lines, boxes, stones, list };
}

// ---- one side ----

class Side {
	#figure;
	#name;
	#place = null; // where it has come to
	#shown = null; // where it is shown

	constructor(figure, name) {
		this.#figure = figure;
		this.#name = name;
	}

	clear() {
		this.#place = null;
		this.#showAt(null, false);
		for (const line of this.#figure.lines.values())
			line.classList.remove(`states-${this.#name}-been`);
	}

	// It may stand still.
	go(state) {
		const place = this.#placeOf(state);

		if (place !== this.#place)
			this.#lightWay(place);
		this.#place = place;
	}

	// Where it stands, or where somebody wants to see it.
	show(state, isInferred) {
		this.#showAt(this.#placeOf(state), isInferred);
	}

	#placeOf(state) {
		return state === 'CLOSED' && ['LAST-ACK', 'TIME-WAIT', 'END'].includes(this.#place) ? 'END' : state;
	}

	#lightWay(place) {
		const stops = [...(this.#place === null ? origins[place] ?? [] : [this.#place]), place];

		for (let i = 1; i < stops.length; i++)
			for (const way of wayBetween(stops[i - 1], stops[i]))
				this.#figure.lines.get(way).classList.add(`states-${this.#name}-been`);
	}

	#showAt(place, isInferred) {
		const stone = this.#figure.stones[this.#name];

		stone.classList.toggle('states-there', place in places);
		stone.classList.toggle('states-inferred', isInferred);
		if (place === this.#shown)
			return;
		stone.classList.toggle('states-moves', this.#shown in places);
		if (place in places)
			stone.style.transform = this.#corner(places[place]);
		this.#figure.boxes.get(this.#shown)?.classList.remove(`states-${this.#name}`);
		this.#figure.boxes.get(place)?.classList.add(`states-${this.#name}`);
		this.#shown = place;
	}

	#corner([x, y]) {
		const side = this.#name === 'client' ? -1 : 1;

		return `translate(${x + side * (BOX.width / 2 - 9)}px, ${y - BOX.height / 2}px)`;
	}
}

// The same in words, below the figure.
function tell({ svg, list }, states) {
	const words = Object.keys(names).map((side) => {
		const state = `${states[side] ?? '–'}${states.inferred === side ? ' (inferred)' : ''}`;
		const group = document.createElement('div'), name = document.createElement('dt'), text = document.createElement('dd');

		group.className = `states-${side}`;
		name.textContent = names[side];
		text.textContent = state;
		group.append(name, text);
		return { group, text: `${names[side]} ${state}` };
	});

	svg.setAttribute('aria-label', `States, RFC 9293 figure 5. ${words.map(({ text }) => text).join(', ')}`);
	list.replaceChildren(...words.map(({ group }) => group));
}

// Those after a row of the ladder, if it tells any.
export function statesAfter(row) {
	const { client_state: client, server_state: server, inferred } = row ?? {};

	return client === undefined ? null : { client, server, inferred };
}

const isSame = (a, b) => a.client === b.client && a.server === b.server && a.inferred === b.inferred;

export function createStates(element) {
	const figure = newFigure(element), sides = { client: new Side(figure, 'client'), server: new Side(figure, 'server') };
	let latest = {}, peeked = null;

	function draw() {
		const states = peeked ?? latest;

		for (const [name, side] of Object.entries(sides))
			side.show(states[name] ?? null, states.inferred === name);
		tell(figure, states);
	}

	draw();
	return {
		// { client, server, inferred }; what is not known is left out.
		show(states) {
			if (isSame(states, latest))
				return;
			latest = states;
			for (const [name, side] of Object.entries(sides))
				side.go(states[name] ?? null);
			draw();
		},
		// Others are looked at, until it is told null: the way is not theirs.
		peek(states) {
			peeked = states;
			draw();
		},
		clear() {
			latest = {};
			peeked = null;
			sides.client.clear();
			sides.server.clear();
			draw();
		},
	};
}
