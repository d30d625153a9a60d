/* What happened on a connection from a request to the next, counted off its rows. Of what the server left out nothing
 * is known. */

const isDamaged = ({ drop }) => drop === 'tcp_checksum' || drop === 'ip_checksum';
const isAck = (row) => row.from === 'client' && row.len === 0 && row.flags === 'ACK' && row.drop === undefined;
const says = (text) => ({ note }) => note?.includes(text) ?? false;
const sent = (why) => (row) => row.from === 'server' && says(why)(row);

/* By name: which segments count. */
const KINDS = {
	/* Both ways. What reaches the browser's kernel damaged is dropped there, and nobody tells: the wire does. */
	lost: (row) => row.drop === 'wire' && !says('damaged')(row),
	damaged: (row) => isDamaged(row) || says('damaged on the wire')(row),
	acks: isAck,
	again: (row) => row.from === 'server' && row.sent_again && row.len > 0,
	fast: sent('fast retransmission'),
	tail: sent('tail loss probe'),
	timeouts: sent('retransmission (RTO)'),
	probes: sent('window probe'),
	zeroWindows: (row) => row.from === 'client' && row.window === 0 && !row.flags.includes('RST'),
};

export class Tally {
	#start; /* what the content of the first segment says that counts */
	#seen = 0; /* rows */
	#isCounting = false;
	#first = Infinity; /* of the server's numbers, relative as they are told */
	#acked = 0;
	counts = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, 0]));

	constructor(start) {
		this.#start = start;
	}

	/* Counts what the flow has got since the last time. */
	update(flow) {
		for (const row of flow.rows.slice(this.#seen))
			if (row.event === 'segment')
				this.#count(row);
		this.#seen = flow.rows.length;
		return this.counts;
	}

	/* Bytes of the answer that the client has acknowledged, its head among them. */
	get acknowledged() {
		return Math.max(0, this.#acked - this.#first);
	}

	#count(row) {
		const isRequest = row.from === 'client' && / \//.test(row.content ?? '');

		if (this.#isCounting)
			this.#follow(row); /* the next request acknowledges, too */
		if (isRequest)
			this.#isCounting = row.content.includes(this.#start);
		if (!this.#isCounting)
			return;
		for (const [kind, test] of Object.entries(KINDS))
			this.counts[kind] += test(row) ? 1 : 0;
	}

	#follow({ from, seq, ack, drop }) {
		if (from === 'server')
			this.#first = Math.min(this.#first, seq);
		else if (drop === undefined && ack !== undefined)
			this.#acked = Math.max(this.#acked, ack);
	}
}
