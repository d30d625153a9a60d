// A plot's drawing as SVG, where uPlot was not built in.
import { addSvg } from './svg.js';

const TOP = 16, BOTTOM = 24, LEFT = 60, RIGHT = 24;

export class SvgChart {
	#svg;
	#height;
	#textX;
	#textY;
	#view;
	#marked;

	constructor(parent, { height, textX, textY }) {
		this.#height = height;
		this.#textX = textX;
		this.#textY = textY;
		this.#svg = addSvg(parent, 'svg', { height, width: '100%', 'aria-hidden': true });
	}

	resize() {} // it is drawn in the room that there is

	draw(view) {
		this.#view = view;
		this.#svg.setAttribute('viewBox', `0 0 ${this.#svg.clientWidth} ${this.#height}`);
		this.#svg.replaceChildren();
		this.#drawGrid();
		view.columns.forEach((column, i) => this.#drawLine(column, i));
		this.#marked = addSvg(this.#svg, 'path', { class: 'plot-marked' });
	}

	mark(index) {
		const x = index === null ? null : this.#x(this.#view.xs[index]).toFixed(1);

		this.#marked?.setAttribute('d', x === null ? '' : `M${x} ${TOP}V${this.#height - BOTTOM}`);
	}

	xAt(clientX) {
		const { left, right } = this.#view, at = clientX - this.#svg.getBoundingClientRect().left - LEFT;

		return left + at / this.#width * (right - left);
	}

	get #width() {
		return this.#svg.clientWidth - LEFT - RIGHT;
	}

	#x(x) {
		const { left, right } = this.#view;

		return LEFT + (x - left) / (right - left) * this.#width;
	}

	#y(n) {
		return this.#height - BOTTOM - n / this.#view.top * (this.#height - TOP - BOTTOM);
	}

	#drawGrid() {
		const { marksX, marksY } = this.#view;

		for (const n of marksY) {
			addSvg(this.#svg, 'path', { d: `M${LEFT} ${this.#y(n)}h${this.#width}`, class: 'plot-grid' });
			this.#write(LEFT - 8, this.#y(n) + 4, 'end', this.#textY(n));
		}
		for (const x of marksX)
			this.#write(this.#x(x), this.#height - 6, 'middle', this.#textX(x));
	}

	#write(x, y, anchor, text) {
		addSvg(this.#svg, 'text', { x, y, 'text-anchor': anchor }, text);
	}

	#drawLine(column, i) {
		let path = '', pen = 'M';

		column.forEach((n, k) => {
			if (n !== null)
				path += `${pen}${this.#x(this.#view.xs[k]).toFixed(1)} ${this.#y(n).toFixed(1)}`;
			pen = n === null ? 'M' : 'L';
		});
		addSvg(this.#svg, 'path', { d: path, class: `plot-line plot-line-${i}` });
	}
}
