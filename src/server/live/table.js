// A table of rows that come again and again. A row keeps its element for as long as its key comes, so that
// focus and selection stay where they are; elements move only when their order has changed.

const collator = new Intl.Collator('en', { numeric: true });

function compare(a, b) {
	if (typeof a === 'number' && typeof b === 'number')
		return a - b;
	return collator.compare(String(a ?? ''), String(b ?? ''));
}

export class Table {
	#columns;
	#key;
	#size;
	#first = 0; // of the rows on this page
	#sortable;
	#body;
	#elements = new Map();
	#rows = [];
	#sort;
	#words = [];
	#onShown;

	// columns: { title, value(row), text(row)?, number?, header?, fill(cell, row)? }.
	// A page has size rows; onShown({ first, shown, matching, all }) is told.
	constructor(table, columns, { key, size = Infinity, sortable = false, onShown = () => {} }) {
		this.#columns = columns;
		this.#key = key;
		this.#size = size;
		this.#sortable = sortable;
		this.#sort = { column: columns[0], down: false };
		this.#onShown = onShown;
		this.#addHead(table.createTHead().insertRow());
		this.#body = table.createTBody();
	}

	update(rows) {
		this.#rows = rows;
		this.#show();
	}

	filter(text) {
		this.#words = text.toLowerCase().split(/\s+/).filter(Boolean);
		this.#first = 0;
		this.#show();
	}

	// So many pages on, or back.
	turn(pages) {
		this.#first = Math.max(0, this.#first + pages * this.#size);
		this.#show();
	}

	#addHead(row) {
		for (const column of this.#columns) {
			const cell = document.createElement('th');

			cell.scope = 'col';
			cell.classList.toggle('number', Boolean(column.number));
			row.append(cell);
			column.head = cell;
			if (this.#sortable)
				cell.append(this.#newSortButton(column));
			else
				cell.textContent = column.title;
		}
		this.#tellSort();
	}

	#newSortButton(column) {
		const button = document.createElement('button');

		button.type = 'button';
		button.textContent = column.title;
		button.addEventListener('click', () => {
			const again = this.#sort.column === column;

			this.#sort = { column, down: again ? !this.#sort.down : Boolean(column.number) };
			this.#first = 0;
			this.#tellSort();
			this.#show();
		});
		return button;
	}

	#tellSort() {
		const { column: { head }, down } = this.#sort;

		if (!this.#sortable)
			return;
		for (const column of this.#columns)
			column.head.removeAttribute('aria-sort');
		head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
	}

	#matches(row) {
		if (this.#words.length === 0)
			return true;
		const text = this.#columns.map((c) => String(c.value(row) ?? '')).join(' ').toLowerCase();
		return this.#words.every((word) => text.includes(word));
	}

	#ordered() {
		const { column, down } = this.#sort, rows = this.#rows.filter((row) => this.#matches(row));

		if (this.#sortable)
			rows.sort((a, b) => compare(column.value(a), column.value(b)) * (down ? -1 : 1));
		return rows;
	}

	#show() {
		const rows = this.#ordered(), shown = this.#page(rows);
		const keys = new Set(shown.map(this.#key)), focused = document.activeElement;

		for (const [key, element] of this.#elements)
			if (!keys.has(key)) {
				element.remove();
				this.#elements.delete(key);
			}
		shown.forEach((row, i) => {
			const element = this.#elementOf(row);

			if (this.#body.rows[i] !== element)
				this.#body.insertBefore(element, this.#body.rows[i] ?? null);
			this.#fill(element, row);
		});
		if (focused !== document.activeElement && focused.isConnected)
			focused.focus({ preventScroll: true });
		this.#onShown({
			first: this.#first, shown: shown.length, matching: rows.length, all: this.#rows.length,
		});
	}

	// There may be fewer rows than when it was turned to.
	#page(rows) {
		while (this.#first > 0 && this.#first >= rows.length)
			this.#first -= this.#size;
		return rows.slice(this.#first, this.#first + this.#size);
	}

	#elementOf(row) {
		const key = this.#key(row);
		let element = this.#elements.get(key);

		if (element)
			return element;
		element = document.createElement('tr');
		for (const column of this.#columns) {
			const cell = document.createElement(column.header ? 'th' : 'td');

			if (column.header)
				cell.scope = 'row';
			cell.classList.toggle('number', Boolean(column.number));
			element.append(cell);
		}
		this.#elements.set(key, element);
		return element;
	}

	#fill(element, row) {
		this.#columns.forEach((column, i) => {
			const cell = element.cells[i];

			if (column.fill) {
				column.fill(cell, row);
				return;
			}
			const text = String(column.text ? column.text(row) : column.value(row) ?? '–');

			if (cell.textContent !== text)
				cell.textContent = text;
		});
	}
}
