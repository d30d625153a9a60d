/* The visitor's own wire: how it is made bad, and put right, at the latest when the page is left. */
const WIRE = '/.taphouse/wire';

let isBad = false;
let left = new AbortController(); /* what is asked for when the page is left, and must not come behind its end */

async function ask(options, query = '') {
	const response = await fetch(WIRE + query, { cache: 'no-store', ...options });

	if (!response.ok)
		throw new Error(`${WIRE}: ${response.status} ${response.statusText}`);
	return response;
}

/* spec: { loss, reorder, duplicate, corrupt (shares of one), delay_ms, rate_kbit }, both ways unless a key begins
 * with "tx.", from the server, or "rx.". */
export async function makeWire(spec) {
	const headers = { 'Content-Type': 'application/json' };

	isBad = true;
	await ask({ method: 'POST', headers, body: JSON.stringify(spec), signal: left.signal });
}

/* What it is now, and what it has done. */
export const readWire = async () => (await ask()).json();

/* query: by which the request is known in the ladder. */
export async function mendWire(query) {
	if (!isBad)
		return;
	await ask({ method: 'DELETE', keepalive: true }, query);
	isBad = false;
}

addEventListener('pagehide', () => {
	left.abort();
	left = new AbortController(); /* the page may come back */
	mendWire().catch(() => {});
});
