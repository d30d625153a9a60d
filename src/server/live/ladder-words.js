// What a row of the ladder says, in words.
import { count, endpoint } from './format.js';

const MICROSECONDS = 1e6;

// Seconds since the first segment, as exactly as the server tells them.
export function since(seconds) {
	const us = Math.round(seconds * MICROSECONDS);

	if (us < 1e6)
		return `${(us / 1000).toFixed(us < 1e5 ? 3 : 1)} ms`;
	return `${(us / 1e6).toFixed(us < 1e8 ? 3 : 1)} s`;
}

export const flags = ({ flags: names }) => names.replaceAll(',', ' ');

export const other = ({ from }) => (from === 'client' ? 'server' : 'client');

// Its name is that of the counter; the bad wire is none of the server's own.
const dropped = ({ drop }) => (drop === 'wire' ? 'lost on the wire' : `dropped: ${drop.replaceAll('_', ' ')}`);

// What a step says. Where a connection ends is known even when nothing of it is left.
export function step({ event, note, state }) {
	if (event !== 'closed')
		return note ?? event;
	return state === 'TIME-WAIT' ? 'over; a record of TIME-WAIT is left' : 'over';
}

// What is worth a word about a segment beside its numbers: what it carries, and what became of it.
export function remarks(row) {
	return [
		row.drop && dropped(row),
		row.note,
		row.sent_again && !row.note && 'sent again',
		row.third_ack && 'third ACK',
		row.content,
	].filter(Boolean).join(' · ');
}

export const sides = (row) => ({
	client: endpoint(row.client, row.client_port),
	server: endpoint(row.server, row.server_port),
});

const stateOf = (row, side) => `${row[`${side}_state`]}${row.inferred === side ? ' (inferred)' : ''}`;

// Everything the server told of a row: { name, text } each.
export function fields(row) {
	const all = [
		['Time', row.since !== undefined && since(row.since)],
		['Connection', row.connection],
		['From', row.from && `${row.from}, ${sides(row)[row.from]}`],
		['To', row.from && `${other(row)}, ${sides(row)[other(row)]}`],
		['Flags', row.flags && flags(row)],
		['Sequence number', row.seq !== undefined && count(row.seq)],
		['On the wire (ISN)', row.isn !== undefined && String(row.isn)],
		['Acknowledgement', row.ack !== undefined && count(row.ack)],
		['Length', row.len !== undefined && `${count(row.len)} bytes`],
		['Headers', row.headers !== undefined && `${count(row.headers)} bytes of IP and TCP`],
		['Window', row.window !== undefined && `${count(row.window)} bytes`],
		['Client, after it', row.client_state && stateOf(row, 'client')],
		['Server, after it', row.server_state && stateOf(row, 'server')],
		['Carries', row.content],
		['Third ACK', row.third_ack && 'yes: the handshake is complete'],
		['Sent again', row.sent_again && 'yes'],
		['What became of it', row.drop && dropped(row)],
		['Note', row.event === 'segment' && row.note],
		['Step', (row.event === 'step' || row.event === 'closed') && step(row)],
		['Left out', row.rows && `${count(row.rows)} rows, of all connections that are watched`],
	];

	return all.filter(([, text]) => text !== undefined && text !== false && text !== '')
		.map(([name, text]) => ({ name, text: String(text) }));
}

function segmentInWords(row) {
	const ack = row.ack === undefined ? '' : `, ack ${row.ack}`;

	return `${row.from} to ${other(row)}: ${flags(row)}, seq ${row.seq}, length ${row.len}${ack}, window ${row.window}; `
		+ `then client ${row.client_state}, server ${row.server_state}`;
}

// A row for the ear.
export function inWords(row) {
	const at = row.since === undefined ? '' : `, at ${since(row.since)}`;

	switch (row.event) {
	case 'opened':
		return `connection of ${sides(row).client} with ${sides(row).server}`;
	case 'segment':
		return `${segmentInWords(row)}${at}${remarks(row) && `; ${remarks(row)}`}`;
	case 'left_out':
		return `${count(row.rows)} rows were left out by the server`;
	default:
		return `${row.from ?? 'connection'}: ${step(row)}${at}`;
	}
}
