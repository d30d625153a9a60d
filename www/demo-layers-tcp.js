/* TCP's header taken apart (RFC 9293, section 3.1), with its options. */
import { hex } from './demo-layers-reader.js';

const FLAGS = [
	['cwr', 'CWR', 'The sender has reduced its window, as ECE asked for.', 'RFC 3168, 6.1'],
	['ece', 'ECE', 'A router has marked congestion; in a SYN: I can do ECN.', 'RFC 3168, 6.1'],
	['urg', 'URG', 'The urgent pointer counts.', 'RFC 9293, 3.8.5'],
	['ack', 'ACK', 'The acknowledgement number counts: in all segments but the first.', 'RFC 9293, 3.1'],
	['push', 'PSH', 'There is nothing more for the moment: hand it to the application.', 'RFC 9293, 3.9.1'],
	['reset', 'RST', 'There is no such connection (any more).', 'RFC 9293, 3.5.2'],
	['syn', 'SYN', 'The sequence number is the first of this direction.', 'RFC 9293, 3.5'],
	['fin', 'FIN', 'Nothing more comes from this side.', 'RFC 9293, 3.6'],
];

function takeFlags(reader) {
	const word = reader.peek(2);

	reader.bits(0, 1, { key: 'tcp.hdr_len', name: 'Data offset', value: (word >> 12) * 4,
		bits: '0–3', unit: 'bytes', rfc: 'RFC 9293, 3.1',
		text: `${word >> 12} words of four bytes: where the data begins. More than five are options.` });
	reader.bits(0, 1, { key: 'tcp.flags.res', name: 'Reserved', value: word >> 9 & 7, bits: '4–6',
		rfc: 'RFC 9293, 3.1', text: 'Nought, until somebody finds a use for them.' });
	FLAGS.forEach(([key, name, text, rfc], i) => reader.bits(1, 1,
		{ key: `tcp.flags.${key}`, name, value: word >> (7 - i) & 1, bits: String(i), rfc, text }));
	reader.at += 2;
}

/* By kind: name, key of its value, and what it says. */
const OPTIONS = {
	2: ['Maximum segment size', 'tcp.options.mss_val', 2, 'The most data that the sender of this takes in one '
		+ 'segment.', 'RFC 9293, 3.7.1'],
	3: ['Window scale', 'tcp.options.wscale.shift', 1, 'The window field counts in units of two to this power.', 'RFC 7323, 2'],
	4: ['SACK permitted', null, 0, 'You may tell me what has arrived behind a gap.', 'RFC 2018, 2'],
};

function takeTimestamps(reader) {
	reader.take(2, { key: null, name: 'Timestamps', value: '', rfc: 'RFC 7323, 3',
		text: 'Option 8, ten bytes long. They measure the round trip of each segment, and tell old '
			+ 'duplicates from new data (PAWS).' });
	reader.take(4, { key: 'tcp.options.timestamp.tsval', name: 'Timestamp value', value: reader.peek(4),
		rfc: 'RFC 7323, 3.2', text: 'The sender’s clock, from a random beginning.' });
	reader.take(4, { key: 'tcp.options.timestamp.tsecr', name: 'Timestamp echo', value: reader.peek(4),
		rfc: 'RFC 7323, 3.2', text: 'The other side’s clock, sent back: now less this is the round trip.' });
}

function takeSack(reader, length) {
	reader.take(2, { key: null, name: 'SACK', value: `${(length - 2) / 8} blocks`, rfc: 'RFC 2018, 3',
		text: 'What has arrived behind the acknowledgement number.' });
	for (let i = 0; i < (length - 2) / 4; i++)
		reader.take(4, { key: null, name: i % 2 === 0 ? 'Left edge' : 'Right edge', value: reader.peek(4),
			rfc: 'RFC 2018, 3', text: 'A sequence number: from left to right, without the right one, '
				+ 'all is there.' });
}

function takeOption(reader, kind, length) {
	const other = [`Option ${kind}`, null, 0, 'An option that is not opened here.', 'RFC 9293, 3.1'];
	const [name, key, size, text, rfc] = OPTIONS[kind] ?? other;
	const value = size > 0 ? reader.peek(size, 2) : '';

	if (kind === 8 && length === 10)
		takeTimestamps(reader);
	else if (kind === 5)
		takeSack(reader, length);
	else
		reader.take(length, { key, name, value, rfc, text });
}

function takeOptions(reader, end) {
	while (reader.at < end) {
		const kind = reader.peek(1), length = kind < 2 ? 1 : reader.peek(1, 1);

		if (kind === 1)
			reader.take(1, { key: null, name: 'No operation', value: '', rfc: 'RFC 9293, 3.1',
				text: 'Fills up, so that what follows begins at a word.' });
		else if (kind === 0 || length < 2 || reader.at + length > end)
			reader.take(end - reader.at, { key: null, name: 'End of options', value: '',
				rfc: 'RFC 9293, 3.1', text: 'Nothing follows but filling.' });
		else
			takeOption(reader, kind, length);
	}
}

export function parseTcp(reader) {
	const header = (reader.peek(1, 12) >> 4) * 4, end = Math.min(reader.at + Math.max(header, 20), reader.end);

	reader.take(2, { key: 'tcp.srcport', name: 'Source port', value: reader.peek(2), rfc: 'RFC 9293, 3.1',
		text: 'Which connection of the sender’s. A client’s is picked by its system.' });
	reader.take(2, { key: 'tcp.dstport', name: 'Destination port', value: reader.peek(2), rfc: 'RFC 9293, 3.1',
		text: 'Which service, or connection: 80 is HTTP’s, 443 HTTPS’s. Addresses and ports together are '
			+ 'the connection’s name.' });
	reader.take(4, { key: 'tcp.seq_raw', name: 'Sequence number', value: reader.peek(4), rfc: 'RFC 9293, 3.4',
		text: 'The number of the first byte of data here. Each byte has one.' });
	reader.take(4, { key: 'tcp.ack_raw', name: 'Acknowledgement number', value: reader.peek(4),
		rfc: 'RFC 9293, 3.4', text: 'The next byte that is expected: all before it has arrived.' });
	takeFlags(reader);
	reader.take(2, { key: 'tcp.window_size_value', name: 'Window', value: reader.peek(2), rfc: 'RFC 9293, 3.8.6',
		text: 'How much more the sender of this has room for, in units that its SYN told (window scale). '
			+ 'Nought: stop.' });
	reader.take(2, { key: 'tcp.checksum', name: 'Checksum', value: hex(reader.peek(2), 4), rfc: 'RFC 9293, 3.1',
		text: 'Over header, data, addresses and length. If it is wrong, the segment is dropped and never '
			+ 'acknowledged, so it comes again.' });
	reader.take(2, { key: 'tcp.urgent_pointer', name: 'Urgent pointer', value: reader.peek(2), rfc: 'RFC 6093',
		text: 'Counts with URG only; nobody should use it any more.' });
	takeOptions(reader, end);
}
