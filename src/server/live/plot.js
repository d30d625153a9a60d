// Curves of numbers over time, which go on while these come: drawn by uPlot where it was built in, else as SVG. What
// they say at a moment stands in words below their names: now, or where the pointer is, or, by keyboard, where the
// arrows go: the drawing is a slider over the samples.
import { CanvasChart } from './canvas.js';
import { SvgChart } from './chart.js';
import { Samples } from './samples.js';
import { addSvg } from './svg.js';
import { roundUp, unitOf } from './units.js';
import uPlot from './uplot.js';

const PAUSE_MS = 100, LONGER_PAUSE_MS = 1000; // between two drawings; where less motion is asked for
const LEAST_S = 10; // of a span that is not full yet
const PIXELS_A_MARK = 80, TOPS = [1, 2, 4, 6, 8, 10];

// What is drawn on a canvas takes its colours from there, so it is waited for.
function linkStyle(name) {
	const link = document.createElement('link');

	link.rel = 'stylesheet';
	link.href = new URL(name, import.meta.url);
	if ([...document.styleSheets].some(({ href }) => href === link.href))
		return null;
	return new Promise((done) => {
		link.onload = link.onerror = done;
		document.head.append(link);
	});
}

await Promise.all((uPlot ? ['uplot.css', 'plot.css'] : ['plot.css']).map(linkStyle));

const greatest = (column) => column.reduce((a, b) => Math.max(a, b), 0);

const stillness = matchMedia('(prefers-reduced-motion: reduce)');

class Plot {
	#samples;
	#span;
	#unit;
	#label;
	#series;
	#chart;
	#slider = document.createElement('div');
	#words = []; // an element a series
	#reading = null; // { time } by keyboard, { clientX } by pointer; null: the newest
	#drawn = 0;
	#timer = null;

	constructor(element, { series, unit, label, span, height }) {
		const figure = document.createElement('figure'), caption = document.createElement('figcaption');
		const title = document.createElement('span');

		this.#samples = new Samples(series.length, { span });
		this.#span = span;
		this.#unit = unitOf(unit);
		this.#label = label;
		this.#series = series;
		figure.className = 'plot';
		title.className = 'plot-title';
		title.textContent = label;
		caption.append(title, this.#newLegend());
		figure.append(caption, this.#slider);
		element.append(figure);
		this.#chart = new (uPlot ? CanvasChart : SvgChart)(this.#slider, {
			series,
			height,
			textX: (x) => this.#textX(x),
			textY: (n) => (n === 0 ? '0' : this.#unit.mark(n)),
		});
		this.#listen();
		new ResizeObserver(() => this.#resize()).observe(this.#slider);
		this.#draw();
	}

	add(time, values) {
		this.#samples.add(time, values);
		this.#drawSoon();
	}

	clear() {
		this.#samples.clear();
		this.#reading = null;
		this.#drawSoon();
	}

	#newLegend() {
		const list = document.createElement('ul');

		for (const [i, name] of this.#series.entries()) {
			const item = document.createElement('li'), words = document.createElement('span');
			const key = addSvg(item, 'svg', { width: 28, height: 10, 'aria-hidden': true });

			addSvg(key, 'path', { d: 'M0 5H28', class: `plot-line plot-line-${i}` });
			words.className = 'plot-words';
			item.append(name, ' ', words);
			this.#words.push(words);
			list.append(item);
		}
		return list;
	}

	// ---- drawing ----

	// Not more often than the eye needs, and never for those who do not look.
	#drawSoon() {
		const pause = stillness.matches ? LONGER_PAUSE_MS : PAUSE_MS;

		this.#timer ??= setTimeout(() => requestAnimationFrame(() => this.#draw()),
			Math.max(0, this.#drawn + pause - performance.now()));
	}

	#draw() {
		clearTimeout(this.#timer);
		this.#timer = null;
		this.#drawn = performance.now();
		this.#chart.draw(this.#view());
		this.#tell();
	}

	#resize() {
		this.#chart.resize();
		this.#draw();
	}

	// What is nought on the axis: now, or the start.
	get #origin() {
		return this.#samples.times.at(this.#span ? -1 : 0) ?? 0;
	}

	#view() {
		const { times, columns } = this.#samples, origin = this.#origin;
		const past = (times.at(-1) ?? 0) - (times[0] ?? 0);
		const left = this.#span ? -Math.min(this.#span, Math.max(LEAST_S, past)) : 0;
		const right = this.#span ? 0 : Math.max(1, past);
		const top = roundUp(Math.max(2, ...columns.map(greatest)), TOPS);

		return {
			xs: times.map((time) => time - origin),
			columns, left, right, top,
			marksX: this.#marksX(left, right),
			marksY: [0, top / 2, top],
		};
	}

	#marksX(left, right) {
		const width = Math.max(this.#slider.clientWidth, PIXELS_A_MARK);
		const step = roundUp((right - left) * PIXELS_A_MARK / width);
		const first = Math.ceil(left / step);

		return Array.from({ length: Math.floor(right / step) - first + 1 }, (_, i) => (first + i) * step);
	}

	#textX(x) {
		if (x === 0 && this.#span)
			return 'now';
		return `${Number(x.toPrecision(3))} s`.replace('-', '−');
	}

	// ---- reading ----

	// Of the sample that is read off.
	get #index() {
		const last = this.#samples.length - 1;

		if (this.#reading === null || last < 0)
			return last;
		const { time, clientX } = this.#reading;

		return this.#samples.nearest(time ?? this.#origin + this.#chart.xAt(clientX));
	}

	#wordsAt(index) {
		return this.#samples.at(index).map((n) => (n === null || n === undefined ? 'none' : this.#unit.text(n)));
	}

	#tell() {
		const index = this.#index, words = this.#wordsAt(index);

		this.#words.forEach((element, i) => {
			element.textContent = words[i];
		});
		this.#chart.mark(this.#reading === null || index < 0 ? null : index);
		if (document.activeElement !== this.#slider)
			this.#tellSlider(index, words); // who listens to it is told when a key is pressed
	}

	#tellSlider(index, words) {
		const when = index < 0 ? 'no samples yet' : `at ${this.#textX(this.#samples.times[index] - this.#origin)}`;

		this.#slider.ariaValueMax = Math.max(this.#samples.length - 1, 0);
		this.#slider.ariaValueNow = Math.max(index, 0);
		this.#slider.ariaValueText = [when, ...words.map((text, i) => `${this.#series[i]} ${text}`)].join('; ');
	}

	#listen() {
		const slider = this.#slider;

		slider.className = 'plot-slider';
		slider.tabIndex = 0;
		slider.role = 'slider';
		slider.ariaLabel = `${this.#label}, over time`;
		slider.ariaValueMin = 0;
		slider.addEventListener('pointermove', ({ clientX }) => this.#readAt({ clientX }));
		slider.addEventListener('pointerleave', () => this.#readAt(null));
		slider.addEventListener('blur', () => this.#readAt(null));
		slider.addEventListener('keydown', (event) => this.#onKey(event));
	}

	#readAt(reading) {
		this.#reading = reading;
		this.#tell();
	}

	#onKey(event) {
		const last = this.#samples.length - 1, index = this.#index;
		const to = {
			ArrowLeft: index - 1, ArrowDown: index - 1, ArrowRight: index + 1, ArrowUp: index + 1,
			PageDown: index - 20, PageUp: index + 20, Home: 0, End: last, Escape: null,
		}[event.key];

		if (to === undefined || last < 0)
			return;
		event.preventDefault();
		this.#readAt(to === null ? null : { time: this.#samples.times[Math.min(Math.max(to, 0), last)] });
		this.#tellSlider(this.#index, this.#wordsAt(this.#index));
	}
}

// series: names; unit: "bytes", "us" (microseconds), or another word; label: what it is about; span: seconds that are
// shown, up to now; without it all is, from the start on.
export function createPlot(element, { series, unit, label, span, height = 180 }) {
	const plot = new Plot(element, { series, unit, label, span, height });

	return { add: (time, values) => plot.add(time, values), clear: () => plot.clear() };
}
