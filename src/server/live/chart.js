// A chart of numbers over the last two minutes, as SVG. What it shows stands in words in its label.

const SPAN_MS = 120000;
const HEIGHT = 180, TOP = 22, BOTTOM = 24, SIDE = 4;

function add(parent, name, attributes, text) {
	const element = document.createElementNS('http://www.w3.org/2000/svg', name);

	for (const [key, value] of Object.entries(attributes))
		element.setAttribute(key, value);
	element.textContent = text ?? '';
	parent.append(element);
	return element;
}

// The next of 1, 2, 5, 10, 20, 50 ... from n on.
function roundUp(n) {
	const power = 10 ** Math.floor(Math.log10(Math.max(n, 1)));

	return [1, 2, 5, 10].find((step) => step * power >= n) * power;
}

export class Chart {
	#svg;
	#title;
	#series;
	#format;
	#samples = [];

	// series: { name, value(sample) }, whose value is null where there is none; format: numbers into words.
	constructor(parent, { title, series, format }) {
		const figure = document.createElement('figure'), caption = document.createElement('figcaption');

		this.#title = title;
		this.#series = series;
		this.#format = format;
		caption.append(title, this.#newLegend());
		figure.append(caption);
		this.#svg = add(figure, 'svg', { role: 'img', height: HEIGHT, width: '100%' });
		parent.append(figure);
		new ResizeObserver(() => this.draw(this.#samples)).observe(figure);
	}

	#newLegend() {
		const list = document.createElement('ul');

		this.#series.forEach(({ name }, i) => {
			const item = document.createElement('li');
			const key = add(item, 'svg', { width: 28, height: 10, 'aria-hidden': true });

			add(key, 'path', { d: 'M0 5H28', class: `line line-${i}` });
			item.append(name);
			list.append(item);
		});
		return list;
	}

	// samples: the oldest first, each with the time at which it was taken.
	draw(samples) {
		this.#samples = samples;
		const width = this.#svg.clientWidth, now = samples.at(-1)?.at ?? 0;
		const shown = samples.filter(({ at }) => now - at <= SPAN_MS);
		const most = roundUp(Math.max(0, ...shown.flatMap((s) => this.#series.map(({ value }) => value(s) ?? 0))));
		const x = (at) => width - SIDE - (now - at) / SPAN_MS * (width - 2 * SIDE);
		const y = (n) => HEIGHT - BOTTOM - n / most * (HEIGHT - TOP - BOTTOM);

		this.#svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
		this.#svg.setAttribute('aria-label', this.#inWords(samples.at(-1)));
		this.#svg.replaceChildren();
		this.#drawGrid(width, [0, most / 2, most], y);
		this.#series.forEach(({ value }, i) => this.#drawLine(shown, value, x, y, i));
	}

	#inWords(sample) {
		const words = this.#series.map(({ name, value }) => {
			const n = sample && value(sample);

			return `${name} ${n === null || n === undefined ? 'none' : this.#format(n)}`;
		});

		return `${this.#title}, now: ${words.join('; ')}`;
	}

	#drawGrid(width, marks, y) {
		for (const mark of marks) {
			add(this.#svg, 'path', { d: `M0 ${y(mark)}H${width}`, class: 'grid' });
			add(this.#svg, 'text', { x: SIDE, y: y(mark) - 4 }, mark === 0 ? '0' : this.#format(mark));
		}
		add(this.#svg, 'text', { x: SIDE, y: HEIGHT - 6 }, '2 min ago');
		add(this.#svg, 'text', { x: width - SIDE, y: HEIGHT - 6, class: 'end' }, 'now');
	}

	#drawLine(samples, value, x, y, i) {
		let path = '', pen = 'M';

		for (const sample of samples) {
			const n = value(sample);

			if (n !== null)
				path += `${pen}${x(sample.at).toFixed(1)} ${y(n).toFixed(1)}`;
			pen = n === null ? 'M' : 'L';
		}
		add(this.#svg, 'path', { d: path, class: `line line-${i}` });
	}
}
