// What stands around the rows of the ladder: its title and legend, the two ends, the fields of one row, the table.
import { fields } from './ladder-words.js';

function add(parent, name, attributes = {}, text = '') {
	const element = document.createElement(name);

	for (const [key, value] of Object.entries(attributes))
		element.setAttribute(key, value);
	element.textContent = text;
	parent.append(element);
	return element;
}

function addEnd(parent, side, name) {
	const end = add(parent, 'p', { class: `ladder-end ladder-${side}` });

	add(end, 'b', {}, name);
	return { address: add(end, 'span'), state: add(end, 'span', { class: 'ladder-now' }, '–') };
}

const keys = [
	['from-client', 'client'],
	['from-server', 'server'],
	['again', 'sent again'],
	['dropped', 'dropped'],
];

function addCaption(figure, label) {
	const caption = add(figure, 'figcaption', { class: 'ladder-caption' });

	add(caption, 'span', { class: 'ladder-label' }, label);
	const legend = add(caption, 'ul', { class: 'ladder-legend' });

	for (const [name, text] of keys)
		add(legend, 'li', { class: `ladder-key ladder-${name}` }, text);
	return add(caption, 'button', { type: 'button', 'aria-pressed': 'false' }, 'As a table');
}

// It scrolls, by keyboard too.
const addRegion = (parent, name, label) =>
	add(parent, 'div', { class: name, role: 'region', 'aria-label': label, tabindex: 0 });

const HINT = 'All that is known of the row that is marked, numbers counted from the connection’s first. '
	+ 'Point at another, or go there by Tab and the arrow keys.';

export function newFrame(parent, label) {
	const figure = add(parent, 'figure', { class: 'ladder-figure' }), button = addCaption(figure, label);
	const picture = add(figure, 'div', { class: 'ladder-picture' });
	const ends = add(picture, 'div', { class: 'ladder-ends' });
	const client = addEnd(ends, 'client', 'Client'), server = addEnd(ends, 'server', 'Server');
	const first = add(picture, 'div', { class: 'ladder-first', role: 'list', 'aria-label': 'How it began' });
	const scroll = addRegion(picture, 'ladder-scroll', `What came last: ${label}`);
	const fold = add(scroll, 'p', { class: 'ladder-fold', hidden: '' });
	const last = add(scroll, 'div', { class: 'ladder-last', role: 'list', 'aria-label': 'The latest rows' });
	const twin = addRegion(figure, 'ladder-twin', label), table = add(twin, 'table');
	const empty = add(figure, 'p', { class: 'ladder-note' }, 'Nothing yet.');
	const known = add(figure, 'div', { class: 'ladder-known', hidden: '' });

	twin.hidden = true;
	add(known, 'p', { class: 'ladder-note' }, HINT);
	const list = add(known, 'dl');

	return { figure, button, picture, client, server, first, scroll, fold, last, twin, table, empty, known, list };
}

export function showFields(list, row) {
	list.replaceChildren(...fields(row).map(({ name, text }) => {
		const group = document.createElement('div');

		add(group, 'dt', {}, name);
		add(group, 'dd', {}, text);
		return group;
	}));
}
