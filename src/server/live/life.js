// The states of one connection over time: a line for each change, and what changed it.
import { flags, since } from './ladder-words.js';
import { Table } from './table.js';

const MOST = 50; // changes that are kept, the latest ones

// Where a SYN finds both. Of a connection that is seen from the middle, what was before is not known.
const before = (row) => (row.flags === 'SYN' ? { client: 'CLOSED', server: 'LISTEN' } : {});

export function createLife(element) {
	const table = new Table(element, [
		{ title: 'Time', number: true, header: true, value: ({ row }) => since(row.since) },
		{ title: 'Side', value: ({ side }) => side },
		{ title: 'State', value: ({ from, to }) => `${from} → ${to}` },
		{ title: 'By', value: ({ row }) => `${row.from}’s ${flags(row)}` },
	], { key: ({ serial }) => serial });
	let changes = [], states = {}, serial = 0;

	function note(row) {
		for (const side of ['client', 'server']) {
			const from = states[side] ?? before(row)[side], to = row[`${side}_state`];

			if (from !== undefined && from !== to)
				changes.push({ serial: ++serial, row, side, from, to });
			states[side] = to;
		}
	}

	return {
		// Rows of this connection.
		add(rows) {
			rows.filter(({ event }) => event === 'segment').forEach(note);
			changes = changes.slice(-MOST);
			table.update(changes);
		},
		clear() {
			changes = [];
			states = {};
			table.update(changes);
		},
	};
}
