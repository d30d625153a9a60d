// All connections.
import { count, duration, endpoint, hasThreshold } from './format.js';
import { choose, isChosen, isOwn, showOne } from './one.js';
import { $, setText } from './page.js';
import { Table } from './table.js';

let latest = null; // connections.json

function chooseAndShow(id) {
	choose(id);
	showOne(latest);
	table.update(latest.connections);
}

// The number opens its connection.
function fillNumber(cell, c) {
	let button = cell.firstElementChild;

	if (!button) {
		button = document.createElement('button');
		button.type = 'button';
		button.textContent = String(c.id);
		button.addEventListener('click', () => chooseAndShow(c.id));
		cell.append(button);
	}
	const own = isOwn(c, latest.you);

	button.setAttribute('aria-label', `Open connection ${c.id}${own ? ', your own' : ''}`);
	button.setAttribute('aria-pressed', String(isChosen(c)));
	cell.parentElement.classList.toggle('own', own);
}

function tellShown({ first, shown, matching, all }) {
	const page = shown < matching ? `${count(first + 1)} to ${count(first + shown)} of ` : '';

	setText($('shown'), `${page}${count(matching)} of ${count(all)}`);
	setText($('cut'), `The server has more than these ${count(all)} connections, and left the others out.`);
	$('cut').hidden = !latest.truncated;
	$('pages').hidden = shown === matching;
	$('back').ariaDisabled = first === 0;
	$('on').ariaDisabled = first + shown === matching;
}

function turn(button, pages) {
	if (button.ariaDisabled !== 'true')
		table.turn(pages);
}

const amount = (title, key) => ({
	title,
	number: true,
	value: (c) => c[key],
	text: (c) => (c[key] === null ? '–' : count(c[key])),
});
const time = (title, key) => ({ title, number: true, value: (c) => c[key], text: (c) => duration(c[key]) });

const PAGE = 100;

const table = new Table($('connections'), [
	{ title: 'No.', header: true, value: (c) => c.id, fill: fillNumber },
	{ title: 'Client', value: (c) => endpoint(c.remote, c.remote_port) },
	{ title: 'Port', number: true, value: (c) => c.local_port },
	{ title: 'State', value: (c) => c.state },
	amount('cwnd', 'cwnd'),
	{
		title: 'ssthresh',
		number: true,
		value: (c) => c.ssthresh,
		text: (c) => (hasThreshold(c) ? count(c.ssthresh) : '∞'),
	},
	amount('In flight', 'in_flight'),
	time('srtt', 'srtt'),
	time('rto', 'rto'),
	amount('snd.wnd', 'snd.wnd'),
	amount('rcv.wnd', 'rcv.wnd'),
	amount('Bytes out', 'bytes_acked'),
	amount('Bytes in', 'bytes_received'),
	amount('Retrans.', 'retransmissions'),
	amount('Requests', 'requests'),
	{ title: 'TLS', value: (c) => c.tls },
	{ title: 'Control', value: (c) => c.congestion },
], { key: (c) => c.id, size: PAGE, sortable: true, onShown: tellShown });

export function showConnections(answer) {
	latest = answer;
	showOne(latest);
	table.update(latest.connections);
}

$('own').addEventListener('click', () => chooseAndShow(null));
$('filter').addEventListener('input', () => latest && table.filter($('filter').value));
$('back').addEventListener('click', () => turn($('back'), -1));
$('on').addEventListener('click', () => turn($('on'), 1));
$('search').addEventListener('submit', (event) => event.preventDefault());
