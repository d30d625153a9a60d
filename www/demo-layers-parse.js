/* A frame taken apart, layer by layer, the lowest first. What is inside of a layer is told by a number in it. */
import { parseHttp } from './demo-layers-http.js';
import { takeEthernet, takeIp } from './demo-layers-ip.js';
import { Reader, hex } from './demo-layers-reader.js';
import { parseTcp } from './demo-layers-tcp.js';

const TLS_TYPES = { 20: 'change cipher spec', 21: 'alert', 22: 'handshake', 23: 'application data' };

function takeTlsRecord(reader) {
	const type = reader.peek(1), length = reader.peek(2, 3), there = Math.min(length, reader.left - 5);

	reader.take(1, { key: 'tls.record.content_type', name: 'Content type', value: type, rfc: 'RFC 8446, 5.1',
		text: `${TLS_TYPES[type]}. Once keys are there, all says application data; what it really is stands `
			+ 'inside, encrypted.' });
	reader.take(2, { key: 'tls.record.version', name: 'Legacy version', value: hex(reader.peek(2), 4),
		rfc: 'RFC 8446, 5.1',
		text: 'Says TLS 1.2 in TLS 1.3 too: old boxes on the way would drop anything else.' });
	reader.take(2, { key: 'tls.record.length', name: 'Length', value: length, unit: 'bytes', rfc: 'RFC 8446, 5.1',
		text: 'Of the record, at most 16 KiB and a little.' });
	reader.take(there, { key: 'tls.data', name: type === 23 ? 'Encrypted' : 'Record', value: `${there} bytes`,
		rfc: 'RFC 8446, 5.2',
		text: 'The request or answer is in here, and nobody between the two ends can read it. Over http:// '
			+ 'it lies open.' });
}

const isTls = (reader) => reader.left > 5 && TLS_TYPES[reader.peek(1)] !== undefined && reader.peek(1, 1) === 3;

function parsePayload(bytes, at, end) {
	const reader = new Reader(bytes, at, end);

	if (reader.left === 0)
		return [];
	if (isTls(reader)) {
		while (isTls(reader))
			takeTlsRecord(reader);
		return [{ osi: 6, name: 'TLS', fields: reader.fields, start: at, end }];
	}
	return [{ osi: 7, name: 'HTTP', fields: parseHttp(reader), start: at, end }];
}

/* As many layers as can be opened, the lowest first: { osi, name, fields, start, end }. */
export function parseFrame(bytes) {
	const layers = [];
	const open = (osi, name, reader, start, parse) => {
		const found = parse(reader);

		layers.push({ osi, name, fields: reader.fields, start, end: reader.at });
		return found;
	};
	const reader = new Reader(bytes);

	if (reader.left < 14 || open(2, 'Ethernet', reader, 0, takeEthernet) !== 0x0800)
		return layers;
	const ip = new Reader(bytes, reader.at);

	if (ip.left < 20)
		return layers;
	const { end, protocol } = open(3, 'IPv4', ip, ip.at, takeIp), last = Math.min(end, bytes.length);

	if (protocol !== 6 || last - ip.at < 20)
		return layers;
	const tcp = new Reader(bytes, ip.at, last);

	open(4, 'TCP', tcp, tcp.at, parseTcp);
	return [...layers, ...parsePayload(bytes, tcp.at, last)];
}
