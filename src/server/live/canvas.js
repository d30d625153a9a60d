// A plot's drawing by uPlot, on a canvas. Lines have the colours that plot.css has for those of an SVG.
import uPlot from './uplot.js';

const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]];
const WIDTH_OF_MARKS = 60, HEIGHT_OF_MARKS = 30;

// uPlot sets styles by the CSSOM alone, which a Content-Security-Policy without unsafe-inline allows.
export class CanvasChart {
	#element;
	#plot;
	#height;
	#view = { xs: [], columns: [], left: 0, right: 1, top: 1, marksX: [], marksY: [] };
	#colours = new Map();

	constructor(parent, { series, height, textX, textY }) {
		this.#element = parent;
		this.#height = height;
		this.#plot = new uPlot({
			width: parent.clientWidth || 300,
			height,
			legend: { show: false },
			cursor: this.#cursor(),
			scales: {
				x: { time: false, range: () => [this.#view.left, this.#view.right] },
				y: { range: () => [0, this.#view.top] },
			},
			axes: [
				this.#axis(() => this.#view.marksX, textX, HEIGHT_OF_MARKS),
				this.#axis(() => this.#view.marksY, textY, WIDTH_OF_MARKS),
			],
			series: [{}, ...series.map((label, i) => ({
				label,
				stroke: () => this.#colour(`--plot-line-${i % DASHES.length}`),
				width: 2,
				dash: DASHES[i % DASHES.length],
				points: { show: false },
			}))],
		}, [[], ...series.map(() => [])], parent);
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#recolour());
	}

	resize() {
		this.#plot.setSize({ width: this.#element.clientWidth, height: this.#height });
	}

	draw(view) {
		this.#view = view;
		this.#plot.setData([view.xs, ...view.columns]);
	}

	mark(index) {
		const left = index === null ? -10 : this.#plot.valToPos(this.#view.xs[index], 'x');

		this.#plot.setCursor({ left, top: index === null ? -10 : 0 }, false);
	}

	xAt(clientX) {
		return this.#plot.posToVal(clientX - this.#plot.over.getBoundingClientRect().left, 'x');
	}

	// It is the plot that listens to pointers.
	#cursor() {
		const none = () => null;

		return {
			y: false,
			drag: { x: false, y: false },
			bind: {
				mousedown: none, mouseup: none, click: none, dblclick: none,
				mousemove: none, mouseleave: none, mouseenter: none,
			},
		};
	}

	#axis(splits, text, size) {
		const line = { stroke: () => this.#colour('--plot-grid'), width: 1 };

		return {
			splits, size,
			values: (_, marks) => marks.map(text),
			stroke: () => this.#colour('--plot-text'),
			font: '12px system-ui, sans-serif',
			gap: 4,
			grid: line,
			ticks: { ...line, size: 4 },
		};
	}

	#colour(name) {
		if (!this.#colours.has(name))
			this.#colours.set(name, getComputedStyle(this.#element).getPropertyValue(name).trim());
		return this.#colours.get(name);
	}

	#recolour() {
		this.#colours.clear();
		this.#plot.redraw(false, true);
	}
}
