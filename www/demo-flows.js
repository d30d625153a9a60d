/*
 * Rows of the server's events, put together by connection, and what can be read off them. All that is counted
 * here was told by the server; nothing is estimated.
 */
const ETHERNET = 14; /* bytes in front of each segment on the wire */
const MOST_FLOWS = 200, MOST_ROWS = 20000; /* of one flow; what comes beyond is not looked at */

export const has = (row, ...flags) => flags.every((flag) => row.flags.split(',').includes(flag));
export const isLost = (row) => row.drop !== undefined;

/* How many rows the server has not told, as these say. */
export const leftOutOf = (rows) => rows.reduce((n, { event, rows: more }) => n + (event === 'left_out' ? more : 0), 0);

/* Milliseconds from one row to the other. */
export const between = (from, to) => (to.time - from.time) * 1000;

/* One connection, since one began to look at it. */
class Flow {
	rows = [];
	isNew = false; /* its first segment was seen live */
	isCut = false; /* there were more rows than are kept */

	add(row) {
		if (this.rows.length < MOST_ROWS)
			this.rows.push(row);
		else
			this.isCut = true;
		this.isNew ||= row.event === 'opened' && !row.replayed;
		this.port ??= row.client_port;
		this.connection ??= row.connection; /* there is none before the handshake's end */
	}

	get segments() {
		return this.rows.filter(({ event }) => event === 'segment');
	}

	/* The first segment of this side with these flags, and not those that are lost. */
	first(from, ...flags) {
		return this.segments.find((row) => row.from === from && has(row, ...flags) && !isLost(row));
	}

	/* The states of both sides after the last segment. */
	get states() {
		const { client_state: client, server_state: server, inferred } = this.segments.at(-1) ?? {};

		return { client, server, inferred };
	}

	/* Both sides have closed, and the second was heard. */
	get isClosed() {
		const { client, server } = this.states;

		return [client, server].every((state) => state === 'CLOSED' || state === 'TIME-WAIT');
	}

	/* Whether a segment or a step says this. */
	tells(text) {
		return this.rows.some(({ content, note }) => content?.includes(text) || note?.includes(text));
	}

	/* The steps that begin so. */
	steps(start) {
		return this.rows.filter(({ event, note }) => event === 'step' && note.startsWith(start));
	}
}

export class Flows {
	#byNumber = new Map();

	/* Returns those that the rows belong to. */
	add(rows) {
		const touched = new Set();

		for (const row of rows) {
			const flow = this.#of(row);

			if (!flow)
				continue;
			flow.add(row);
			touched.add(flow);
		}
		return touched;
	}

	#of({ number }) {
		if (number === undefined) /* a sample, or the end of a connection */
			return undefined;
		if (!this.#byNumber.has(number) && this.#byNumber.size < MOST_FLOWS)
			this.#byNumber.set(number, new Flow());
		return this.#byNumber.get(number);
	}

	get all() {
		return [...this.#byNumber.values()];
	}
}

/* What connections cost, as far as their rows tell. */
export function cost(flows) {
	const segments = flows.flatMap((flow) => flow.segments);
	const times = segments.map(({ time }) => time);
	const sum = (of) => segments.reduce((n, row) => n + of(row), 0);

	return {
		connections: flows.length,
		handshakes: flows.filter((flow) => flow.first('server', 'SYN', 'ACK')).length,
		segments: segments.length,
		text: sum((row) => row.len),
		wire: sum((row) => ETHERNET + row.headers + row.len),
		ms: (Math.max(...times) - Math.min(...times)) * 1000,
	};
}
