/*
 * Does what arrived have the SHA-256 that the server told beforehand (Repr-Digest, RFC 9530)? Browsers compute it by
 * themselves on https:// alone; on http:// the server's sha256.js does. With neither the file is fetched once more and
 * compared byte by byte.
 */
const MODULE = '/.taphouse/sha256.js';

const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/* In hexadecimal, or null. */
export function toldDigest(response) {
	const [, base64] = response.headers.get('Repr-Digest')?.match(/sha-256=:([^:]+):/) ?? [];

	return base64 ? toHex(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))) : null;
}

async function subtleDigest(pieces) {
	return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(pieces).arrayBuffer())));
}

/* { add(piece), hex() }, where hex() gives null if there is no way to tell. */
export async function newDigest() {
	const { sha256 } = await import(MODULE).catch(() => ({ sha256: null }));
	const running = sha256?.create(), pieces = [];

	return {
		pieces,
		add(piece) {
			pieces.push(piece);
			running?.update(piece);
		},
		async hex() {
			if (running)
				return running.hex();
			return globalThis.crypto?.subtle ? subtleDigest(pieces) : null;
		},
	};
}

/* Without a hash: the same once more, over a good wire. */
export async function isSame(pieces, url) {
	const [first, second] = await Promise.all([new Blob(pieces).arrayBuffer(),
		fetch(url, { cache: 'no-store' }).then((response) => response.arrayBuffer())]);
	const [a, b] = [new Uint8Array(first), new Uint8Array(second)];

	return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
