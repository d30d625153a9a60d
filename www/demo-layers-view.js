/*
 * A frame on the page: its bytes, each a cell, and its layers with their fields, each a button. Whoever points at, or
 * walks with the arrow keys to, a field or a byte sees both, and what the field says.
 */
import { parseFrame } from './demo-layers-parse.js';

const $ = (id) => document.getElementById(id);

function make(name, properties = {}, ...children) {
	const element = Object.assign(document.createElement(name), properties);

	element.append(...children);
	return element;
}

/* ---- the bytes ---- */

const printable = (byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';

function byteCell(byte, at, layer) {
	const cell = make('span', { className: `byte osi-${layer}` }, byte.toString(16).padStart(2, '0'),
		make('small', {}, printable(byte)));

	cell.dataset.at = at;
	return cell;
}

function showBytes(bytes, layers) {
	const layerAt = (at) => layers.find(({ start, end }) => at >= start && at < end)?.osi ?? 0;

	$('bytes').replaceChildren(...[...bytes].map((byte, at) => byteCell(byte, at, layerAt(at))));
}

/* ---- one field ---- */

let current = null; /* its button */

const placeOf = ({ start, end, bits }) => {
	const bytes = end - start === 1 ? `byte ${start}` : `bytes ${start} to ${end - 1}`;

	return bits ? `${bytes}, ${bits.includes('–') ? 'bits' : 'bit'} ${bits}` : bytes;
};

function tell(field) {
	$('told-name').textContent = field.name;
	$('told-place').textContent = `${placeOf(field)}; ${field.rfc}`;
	$('told-text').textContent = field.text;
}

/* Within its box; the page stays where it is. */
function bringIntoView(cell) {
	const box = $('bytes'), top = cell.offsetTop - box.offsetTop, bottom = top + cell.offsetHeight;

	if (top < box.scrollTop)
		box.scrollTop = top;
	else if (bottom > box.scrollTop + box.clientHeight)
		box.scrollTop = bottom - box.clientHeight;
}

function choose(button, field) {
	current?.classList.remove('chosen');
	current?.setAttribute('tabindex', -1);
	current = button;
	button.classList.add('chosen');
	button.setAttribute('tabindex', 0);
	for (const cell of $('bytes').children)
		cell.classList.toggle('chosen', cell.dataset.at >= field.start && cell.dataset.at < field.end);
	bringIntoView($('bytes').children[field.start]);
	tell(field);
}

function fieldRow(field) {
	const value = `${field.value}${field.unit ? ` ${field.unit}` : ''}`;
	const button = make('button', { type: 'button', tabIndex: -1 },
		make('span', {}, field.name), make('b', {}, value));

	Object.assign(button.dataset, { start: field.start, end: field.end, value: field.value });
	if (field.key)
		button.dataset.field = field.key;
	button.addEventListener('focus', () => choose(button, field));
	button.addEventListener('pointerenter', () => choose(button, field));
	return make('li', {}, button);
}

/* ---- the layers ---- */

const OSI = ['', 'physical', 'data link', 'network', 'transport', 'session', 'presentation', 'application'];

function layerSection({ osi, name, fields, start, end }) {
	const mark = make('span', { className: `mark osi-${osi}` }, `${osi} ${OSI[osi]}`);
	const title = make('h3', {}, mark, ` ${name}, ${end - start} bytes`);
	const section = make('section', { className: 'layer-open' }, title, make('ul', {}, ...fields.map(fieldRow)));

	section.dataset.osi = osi;
	return section;
}

function tellSizes(layers) {
	for (const cell of document.querySelectorAll('[data-size]')) {
		const layer = layers.find(({ osi }) => osi === Number(cell.dataset.size));

		cell.textContent = layer ? `${layer.end - layer.start} bytes` : cell.dataset.without;
	}
}

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));

/* A frame as the server tells it. */
export function showFrame(frame) {
	const bytes = bytesOf(frame.hex), layers = parseFrame(bytes);

	current = null;
	showBytes(bytes, layers);
	$('layers').replaceChildren(...layers.map(layerSection));
	tellSizes(layers);
	tellAbout(frame, bytes.length);
	choose($('layers').querySelector('button'), layers[0].fields[0]);
}

function tellAbout({ len, segment_size: size, checksum_finished: finished }, shown) {
	const notes = [`${len} bytes from the Ethernet header on.`];

	if (shown < len)
		notes.push(`The first ${shown} are shown.`);
	if (size > 0)
		notes.push(`A run of segments of ${size} bytes each, passed on as one; a cable would see them one by one, `
			+ 'each with headers of its own.');
	if (finished)
		notes.push('TCP’s checksum was left to the device, as with a network card; it is filled in here.');
	$('frame-note').textContent = notes.join(' ');
}

/* What a frame is, in a few words: its flags, and how its text begins. */
export function titleOf(frame) {
	const layers = parseFrame(bytesOf(frame.hex));
	const fields = layers.flatMap((layer) => layer.fields);
	const of = (key) => fields.find((field) => field.key === key)?.value;
	const isSet = ({ key, value }) => key?.startsWith('tcp.flags.') && value === 1;
	const flags = fields.filter(isSet).map(({ name }) => name);
	const text = of('http.request.method') ? `${of('http.request.method')} ${of('http.request.uri')}`
		: of('http.response.code') ? `${of('http.response.code')} ${of('http.response.phrase')}`
			: layers.at(-1).name === 'TLS' ? 'TLS' : layers.length > 3 ? 'data' : '';

	return [flags.join(' '), text.length > 32 ? `${text.slice(0, 32)}…` : text].filter(Boolean).join(', ');
}

/* ---- pointing and walking ---- */

function fieldAt(at) {
	const buttons = [...$('layers').querySelectorAll('button')];

	return buttons.find(({ dataset: { start, end } }) => at >= Number(start) && at < Number(end));
}

$('bytes').addEventListener('pointerover', ({ target }) => {
	const at = target.closest('[data-at]')?.dataset.at;

	if (at !== undefined)
		fieldAt(Number(at))?.dispatchEvent(new Event('pointerenter'));
});

$('layers').addEventListener('keydown', (event) => {
	const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
	const buttons = [...$('layers').querySelectorAll('button')];

	if (!step)
		return;
	event.preventDefault();
	buttons[(buttons.indexOf(current) + step + buttons.length) % buttons.length].focus();
});
