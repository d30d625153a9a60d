// The ladder as a table.
import { count } from './format.js';
import { flags, remarks, since, step } from './ladder-words.js';
import { Table } from './table.js';

const PERIOD_MS = 250; // between two fillings

const ofSegment = (title, text) => ({ title, value: ({ row }) => (row.event === 'segment' ? text(row) : '') });
const amount = (title, key) => ({
	title,
	number: true,
	value: ({ row }) => row[key],
	text: ({ row }) => (row[key] === undefined ? '' : count(row[key])),
});

function remark({ row }) {
	return row.event === 'left_out' ? `${count(row.rows)} rows were left out` : remarks(row) || step(row);
}

const columns = [
	{ title: 'No.', header: true, number: true, value: ({ serial }) => serial },
	amount('Connection', 'connection'),
	{ title: 'Time', number: true, value: ({ row }) => (row.since === undefined ? '' : since(row.since)) },
	{ title: 'From', value: ({ row }) => row.from ?? '' },
	ofSegment('Flags', flags),
	amount('Seq', 'seq'),
	amount('Ack', 'ack'),
	amount('Length', 'len'),
	amount('Window', 'window'),
	ofSegment('Client', (row) => row.client_state),
	ofSegment('Server', (row) => row.server_state),
	{ title: 'Remarks', value: remark },
];

// show(entries) fills the table within a quarter of a second, with those that came last.
export function createTwin(element, label) {
	const table = new Table(element, columns, { key: ({ serial }) => serial });
	const caption = element.createCaption();
	let entries = [], timer;

	function fill() {
		timer = undefined;
		table.update(entries);
	}

	caption.className = 'ladder-hidden';
	caption.textContent = label;
	return {
		show(latest) {
			entries = latest;
			timer ??= setTimeout(fill, PERIOD_MS);
		},
	};
}
