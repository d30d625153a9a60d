// Numbers as people read them.

export const count = (n) => n.toLocaleString('en');

// From microseconds. Nought is that nothing was measured yet.
export function duration(us) {
	if (us === 0)
		return '–';
	if (us < 1000)
		return `${us} µs`;
	if (us < 1000000)
		return `${(us / 1000).toFixed(us < 10000 ? 2 : 1)} ms`;
	return `${(us / 1000000).toFixed(1)} s`;
}

export function uptime(seconds) {
	const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24;
	const minutes = Math.floor(seconds / 60) % 60;

	if (days > 0)
		return `${days} d ${hours} h`;
	if (hours > 0)
		return `${hours} h ${minutes} min`;
	return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

// Until the first loss there is none.
export const hasThreshold = ({ ssthresh }) => ssthresh < 0x7fffffff;

export const endpoint = (address, port) => `${address.includes(':') ? `[${address}]` : address}:${port}`;
