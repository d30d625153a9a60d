// One connection: the visitor's own, or the one that was chosen.
import { drawCurves } from './curves.js';
import { count, duration, endpoint, hasThreshold } from './format.js';
import { $, setText } from './page.js';
import { watchWire } from './wire.js';

const bytes = (n) => `${count(n)} bytes`;

const facts = [
	['Client', (c) => endpoint(c.remote, c.remote_port)],
	['Server', (c) => endpoint(c.local, c.local_port)],
	['State', (c) => c.state],
	['Congestion control', (c) => c.congestion],
	['cwnd', (c) => bytes(c.cwnd)],
	['ssthresh', (c) => (hasThreshold(c) ? bytes(c.ssthresh) : 'none yet')],
	['In flight', (c) => bytes(c.in_flight)],
	['Round trip (srtt)', (c) => duration(c.srtt)],
	['Retransmission timeout', (c) => duration(c.rto)],
	['Client’s window', (c) => bytes(c['snd.wnd'])],
	['Our window', (c) => bytes(c['rcv.wnd'])],
	['Segment size (mss)', (c) => bytes(c.mss)],
	['Segments in, out', (c) => `${count(c.segs_in)}, ${count(c.segs_out)}`],
	['Retransmissions', (c) => count(c.retransmissions)],
	['Requests', (c) => (c.requests === null ? '–' : count(c.requests))],
	['TLS', (c) => c.tls ?? 'none'],
].map(([name, text]) => ({ name, text, element: document.createElement('dd') }));

function addFacts() {
	for (const fact of facts) {
		const group = document.createElement('div'), name = document.createElement('dt');

		name.textContent = fact.name;
		fact.element.textContent = '–';
		group.append(name, fact.element);
		$('one').append(group);
	}
}

export const isOwn = (c, you) =>
	c.remote === you.remote && c.remote_port === you.remote_port && c.local_port === you.local_port;

const OWN_TITLE = $('one-title').textContent;

let chosen = null; // its number; null: the visitor's own

export const isChosen = (c) => c.id === chosen;

export function choose(id) {
	chosen = id;
	$('own').hidden = id === null;
	setText($('one-title'), id === null ? OWN_TITLE : `Connection ${id}`);
	$('one-title').focus(); // it may be out of sight
}

function note(found) {
	if (chosen === null)
		return 'Two requests a second, one after the other.';
	return found ? 'As it is now.' : 'It is over; these were its last numbers.';
}

// From what connections.json has.
export function showOne({ connections, you }) {
	const own = connections.find((c) => isOwn(c, you)), one = chosen === null ? own : connections.find(isChosen);

	setText($('one-note'), note(one));
	if (!one)
		return;
	for (const fact of facts)
		setText(fact.element, fact.text(one));
	drawCurves(one);
	watchWire(one, own?.id ?? null);
}

addFacts();
