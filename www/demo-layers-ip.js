/* The headers of Ethernet (IEEE 802.3) and IPv4 (RFC 791), taken apart. */
import { hex } from './demo-layers-reader.js';

const macOf = (reader) => [...reader.bytes.subarray(reader.at, reader.at + 6)]
	.map((byte) => byte.toString(16).padStart(2, '0')).join(':');

const ETHERTYPES = { 0x0800: 'IPv4', 0x0806: 'ARP', 0x86dd: 'IPv6' };

export function takeEthernet(reader) {
	const type = reader.peek(2, 12);

	reader.take(6, { key: 'eth.dst', name: 'Destination', value: macOf(reader), rfc: 'IEEE 802.3, 3.2.4',
		text: 'The MAC address of the next hop: good for this link only. ARP found it.' });
	reader.take(6, { key: 'eth.src', name: 'Source', value: macOf(reader), rfc: 'IEEE 802.3, 3.2.5',
		text: 'The MAC address of who put the frame on this link. A second bit of 1 in its first byte: '
			+ 'made up locally, not by a factory.' });
	reader.take(2, { key: 'eth.type', name: 'Type', value: hex(type, 4), rfc: 'IEEE 802.3, 3.2.6',
		text: `What is inside: ${ETHERTYPES[type] ?? 'something else'}.` });
	return type;
}

const ipOf = (reader, ahead) => [...reader.bytes.subarray(reader.at + ahead, reader.at + ahead + 4)].join('.');

const ECN = ['not ECN-capable', 'ECN-capable, ECT(1)', 'ECN-capable, ECT(0)', 'congestion experienced'];
const PROTOCOLS = { 1: 'ICMP', 6: 'TCP', 17: 'UDP' };

function takeIpFirst(reader) {
	const [first, second] = [reader.peek(1), reader.peek(1, 1)];

	reader.bits(0, 1, { key: 'ip.version', name: 'Version', value: first >> 4, bits: '0–3', rfc: 'RFC 791, 3.1',
		text: 'Four: IPv4.' });
	reader.bits(0, 1, { key: 'ip.hdr_len', name: 'Header length', value: (first & 15) * 4,
		bits: '4–7', unit: 'bytes', rfc: 'RFC 791, 3.1',
		text: `${first & 15} words of four bytes. More than five would be options.` });
	reader.bits(1, 1, { key: 'ip.dsfield.dscp', name: 'DSCP', value: second >> 2, bits: '0–5', rfc: 'RFC 2474, 3',
		text: 'How routers should queue it. Nought: like all others.' });
	reader.bits(1, 1, { key: 'ip.dsfield.ecn', name: 'ECN', value: second & 3, bits: '6–7', rfc: 'RFC 3168, 5',
		text: `A router may mark here that its queue grows, instead of dropping. Here: ${ECN[second & 3]}.` });
	reader.at += 2;
}

function takeIpFragment(reader) {
	const word = reader.peek(2);

	reader.bits(0, 1, { key: 'ip.flags.df', name: 'Don’t fragment', value: word >> 14 & 1, bits: '1',
		rfc: 'RFC 791, 3.1',
		text: 'Who cannot pass it on whole says so by ICMP, and the sender learns the path’s MTU.' });
	reader.bits(0, 1, { key: 'ip.flags.mf', name: 'More fragments', value: word >> 13 & 1, bits: '2',
		rfc: 'RFC 791, 3.1',
		text: 'One if this is a piece of a packet, and not its last.' });
	reader.bits(0, 2, { key: 'ip.frag_offset', name: 'Fragment offset', value: (word & 0x1fff) * 8,
		bits: '3–15', unit: 'bytes', rfc: 'RFC 791, 3.1',
		text: 'Where in the whole packet this piece belongs.' });
	reader.at += 2;
}

/* Returns where the packet ends, and its protocol. */
export function takeIp(reader) {
	const start = reader.at, header = (reader.peek(1) & 15) * 4;
	const length = reader.peek(2, 2), protocol = reader.peek(1, 9);

	takeIpFirst(reader);
	reader.take(2, { key: 'ip.len', name: 'Total length', value: length, unit: 'bytes', rfc: 'RFC 791, 3.1',
		text: 'Of this header and all behind it. What Ethernet adds behind a short packet is not counted.' });
	reader.take(2, { key: 'ip.id', name: 'Identification', value: hex(reader.peek(2), 4), rfc: 'RFC 6864, 4',
		text: 'Tells the fragments of one packet from those of another. Without fragments it means nothing.' });
	takeIpFragment(reader);
	reader.take(1, { key: 'ip.ttl', name: 'Time to live', value: reader.peek(1), unit: 'hops',
		rfc: 'RFC 791, 3.2',
		text: 'Each router takes one off. At nought the packet is dropped, so that none goes in circles '
			+ 'for ever.' });
	reader.take(1, { key: 'ip.proto', name: 'Protocol', value: protocol, rfc: 'RFC 791, 3.1',
		text: `What is inside: ${PROTOCOLS[protocol] ?? 'something else'}.` });
	reader.take(2, { key: 'ip.checksum', name: 'Header checksum', value: hex(reader.peek(2), 4),
		rfc: 'RFC 791, 3.1; RFC 1071',
		text: 'Over this header alone. TCP’s own covers the data.' });
	reader.take(4, { key: 'ip.src', name: 'Source', value: ipOf(reader, 0), rfc: 'RFC 791, 3.2',
		text: 'Whose packet it is: the same all the way, unless somebody translates addresses.' });
	reader.take(4, { key: 'ip.dst', name: 'Destination', value: ipOf(reader, 0), rfc: 'RFC 791, 3.2',
		text: 'Where it is to go. Routers look at this, and at little else.' });
	if (header > 20)
		reader.take(header - 20, { key: 'ip.options', name: 'Options', value: `${header - 20} bytes`,
			rfc: 'RFC 791, 3.1', text: 'Hardly anybody sends them.' });
	return { end: start + length, protocol };
}
