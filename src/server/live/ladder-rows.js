// Rows as elements of a list, which grows at its end and shrinks at its beginning.
import { newRow } from './ladder-row.js';

const FEW = 12; // so many new rows in a frame can be followed by eye, and come in softly

export class Rows {
	#list;
	#shown = []; // { serial, row, element }
	#latest = 0; // serial

	constructor(list) {
		this.#list = list;
	}

	clear() {
		this.#list.replaceChildren();
		this.#shown = [];
		this.#latest = 0;
	}

	// entries: what is to be there. context: what goes from one list to the next, see newRow().
	show(entries, context) {
		const oldest = entries[0]?.serial ?? Infinity;
		const added = entries.filter(({ serial }) => serial > this.#latest);
		const hadFocus = this.#list.contains(document.activeElement);

		while (this.#shown[0]?.serial < oldest)
			this.#shown.shift().element.remove();
		for (const entry of added) {
			const element = newRow(entry, context);

			element.classList.toggle('ladder-new', added.length <= FEW);
			this.#shown.push({ ...entry, element });
		}
		this.#list.append(...this.#shown.slice(this.#shown.length - added.length).map(({ element }) => element));
		this.#latest = entries.at(-1)?.serial ?? this.#latest;
		if (hadFocus && !this.#list.contains(document.activeElement))
			this.#shown[0]?.element.focus({ preventScroll: true });
	}

	get elements() {
		return this.#shown.map(({ element }) => element);
	}

	rowOf(element) {
		return this.#shown.find((s) => s.element === element)?.row;
	}
}
