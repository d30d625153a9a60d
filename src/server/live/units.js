// Numbers with their units: in full, and short for the marks of an axis.
import { count, duration } from './format.js';

const PREFIXES = ['', 'k', 'M', 'G', 'T'];

// 12.5 k; with a space before prefix and unit, if there is one.
function short(n, unit) {
	const power = Math.min(Math.floor(Math.log10(Math.max(n, 1)) / 3), PREFIXES.length - 1);
	const number = String(Number((n / 1000 ** power).toPrecision(3)));

	return `${number} ${PREFIXES[power]}${unit}`.trim();
}

const known = {
	bytes: { text: (n) => `${count(n)} bytes`, mark: (n) => short(n, 'B') },
	us: { text: duration, mark: (us) => (us < 1000 ? `${us} µs` : us < 1e6 ? `${us / 1e3} ms` : `${us / 1e6} s`) },
};

export const unitOf = (name) => known[name] ?? { text: (n) => `${count(n)} ${name}`, mark: (n) => short(n, '') };

// The next of these steps, of ten times them, and so on, from n on.
export function roundUp(n, steps = [1, 2, 5, 10]) {
	const power = 10 ** Math.floor(Math.log10(n));

	return steps.find((step) => step * power >= n) * power;
}
