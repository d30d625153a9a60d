// Samples of several numbers over time, in columns, as those who draw want them. Bounded: of too many every second
// one is forgotten, which leaves the shape.

export class Samples {
	times = [];
	columns;
	#span;
	#most;

	// span: those that are so many seconds older than the newest are forgotten; Infinity: none.
	constructor(width, { span = Infinity, most = 3000 } = {}) {
		this.columns = Array.from({ length: width }, () => []);
		this.#span = span;
		this.#most = most;
	}

	get length() {
		return this.times.length;
	}

	// Times do not run backwards: what comes late is as new as the newest.
	add(time, values) {
		this.times.push(Math.max(time, this.times.at(-1) ?? -Infinity));
		this.columns.forEach((column, i) => column.push(values[i] ?? null));
		this.#forgetOld();
		if (this.length > this.#most)
			this.#keep((_, i) => (this.length - 1 - i) % 2 === 0);
	}

	clear() {
		this.#keep(() => false);
	}

	// The values of a sample.
	at(index) {
		return this.columns.map((column) => column[index]);
	}

	// The sample that is nearest in time; -1: there is none.
	nearest(time) {
		let low = 0, high = this.length;

		while (low < high) {
			const middle = (low + high) >> 1;

			if (this.times[middle] < time)
				low = middle + 1;
			else
				high = middle;
		}
		const isLater = low > 0 && (low === this.length || time - this.times[low - 1] < this.times[low] - time);

		return this.length === 0 ? -1 : low - (isLater ? 1 : 0);
	}

	// One that is older stays: its line comes in from the left. In blocks: each costs a move of all.
	#forgetOld() {
		const oldest = this.times.at(-1) - this.#span;

		if (this.times.length < 64 || this.times[this.times.length >> 3] >= oldest)
			return;
		const first = this.times.findIndex((time) => time >= oldest) - 1;

		this.#keep((_, i) => i >= first);
	}

	#keep(isKept) {
		this.times = this.times.filter(isKept);
		this.columns = this.columns.map((column) => column.filter(isKept));
	}
}
