// What is remembered of the rows that the server tells: of each connection how it began, and what came last. Of all
// connections together no more than MOST rows: the one that was silent longest is forgotten first.

const MOST = 5000;
const FIRST = 8, LAST = 240; // of one connection

class Flow {
	first = [];
	last = [];
	folded = 0; // rows between the two
	heard = -Infinity; // the time of its latest row, by the server's clock
	known = -Infinity; // the same, when the server began to number its connections anew

	add(entry) {
		if (this.first.length < FIRST)
			this.first.push(entry);
		else
			this.last.push(entry);
		if (this.last.length > LAST) {
			this.last.shift();
			this.folded++;
		}
		this.heard = entry.row.time ?? this.heard;
	}

	get length() {
		return this.first.length + this.last.length;
	}

	// What is replayed comes in order, and under a number that is not the one before: so what is as new as the
	// latest, and the same, is a repetition if its number is another.
	knows(row) {
		if (row.time !== this.heard)
			return row.time < this.heard;
		const isSame = ({ row: other }) => SAME.every((key) => other[key] === row[key]) && other.number !== row.number;

		return row.time <= this.known || this.first.some(isSame) || this.last.some(isSame);
	}
}

const SAME = ['event', 'time', 'from', 'flags', 'seq', 'ack', 'len', 'note'];
const NOTHING = new Flow();

export class Memory {
	#all = new Flow();
	#flows = new Map(); // by key; the one heard of last is at the end
	#keys = new Map(); // by number of the connection, and by what stood for it before
	#sinceGap = new Set(); // heard of since rows were left out
	#length = 0;
	#serial = 0;

	// Returns the rows that were not known yet.
	add(rows) {
		return rows.filter((row) => this.#addRow(row));
	}

	// Another conversation with the server begins, and its numbers begin again.
	begin() {
		for (const flow of this.#flows.values())
			flow.known = flow.heard;
	}

	// Of one connection, or of all (null): { first, last, folded }, of entries { serial, flow, row }.
	view(connection) {
		return connection === null ? this.#all : this.#flows.get(this.#keys.get(connection)) ?? NOTHING;
	}

	clear() {
		this.#all = new Flow();
		this.#flows.clear();
		this.#keys.clear();
		this.#sinceGap.clear();
		this.#length = 0;
	}

	#addRow(row) {
		if (row.event === 'left_out')
			return this.#addGap(row);
		return row.event === 'sample' || this.#addToFlow(row);
	}

	#addToFlow(row) {
		const key = this.#keyOf(row);

		if (key === undefined)
			return false;
		const flow = this.#flows.get(key) ?? new Flow();

		if (row.replayed && flow.knows(row))
			return false;
		this.#flows.delete(key);
		this.#flows.set(key, flow);
		this.#sinceGap.add(flow);
		this.#append(flow, row);
		this.#all.add({ serial: this.#serial, flow, row });
		this.#forgetSilent();
		return true;
	}

	// A handshake that is seen as it happens has no connection's number: the ladder's own stands for it, until the
	// third ACK says which it is. The row of the end has neither end in it.
	#keyOf(row) {
		if (row.client === undefined)
			return this.#keys.get(row.connection);
		const ends = `${row.client} ${row.client_port}`, early = `handshake ${row.number} ${ends}`;

		if (row.connection === undefined)
			return this.#keys.get(early) ?? early; // a SYN that crossed the third ACK belongs to it
		const key = `${row.connection} ${ends}`;

		this.#keys.set(row.connection, key);
		this.#keys.set(early, key);
		if (this.#flows.has(early)) {
			this.#flows.set(key, this.#flows.get(early));
			this.#flows.delete(early);
		}
		return key;
	}

	// Where rows are missing, of whichever connection: told in each that was heard of since the last time.
	#addGap(row) {
		for (const flow of this.#sinceGap)
			this.#append(flow, row);
		this.#sinceGap.clear();
		this.#all.add({ serial: ++this.#serial, flow: this.#all, row });
		return true;
	}

	#append(flow, row) {
		this.#length -= flow.length;
		flow.add({ serial: ++this.#serial, flow, row });
		this.#length += flow.length;
	}

	#forgetSilent() {
		while (this.#length > MOST) {
			const [key, flow] = this.#flows.entries().next().value;

			this.#flows.delete(key);
			this.#sinceGap.delete(flow);
			this.#length -= flow.length;
			for (const [connection, of] of this.#keys)
				if (of === key)
					this.#keys.delete(connection);
		}
	}
}
