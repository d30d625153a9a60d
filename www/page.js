/*
 * Shows what this browser measured about this page and its requests (Navigation and Resource Timing), and
 * which server answered. It makes no figure up: where the browser gives none, it says so.
 */
'use strict';

(() => {
	const MOST_ROWS = 12;
	const again = 'favicon.svg';

	const set = (name, text) => {
		for (const e of document.querySelectorAll(`[data-meter="${name}"]`)) {
			e.textContent = text;
			e.hidden = false;
		}
	};

	/* Browsers round these clocks, some to 0.1 ms and some to more, so 0 is not a time. */
	const duration = (ms) => {
		if (ms <= 0)
			return 'under the clock’s step';
		if (ms < 10)
			return `${ms.toFixed(1)} ms`;
		if (ms < 1000)
			return `${ms.toFixed(0)} ms`;
		return `${(ms / 1000).toFixed(1)} s`;
	};

	const count = (n) => `${n.toLocaleString('en')} bytes`;

	/* A connection that stood already when the request began has all its times at fetchStart. */
	const isNew = (t) => t.connectEnd > t.fetchStart;
	const handshake = (t) => (t.secureConnectionStart || t.connectEnd) - t.connectStart;
	const isCached = (t) => t.transferSize === 0 && t.decodedBodySize > 0;
	/* 304: headers came over the wire, the body did not. */
	const isRevalidated = (t) => t.transferSize > 0 && t.transferSize < t.encodedBodySize;
	const body = (t) => isRevalidated(t) ? '304: kept copy' : count(t.encodedBodySize);

	function showPage(t) {
		set('protocol', t.nextHopProtocol || 'not told');
		set('bytes', body(t));
		if (isCached(t)) {
			set('note', 'This copy came out of your browser’s cache: no packet was needed. '
				+ 'Reload to have it sent.');
			set('handshake-long', 'this copy came out of the cache.');
			set('answer-long', 'this copy came out of the cache.');
			return;
		}
		const first = duration(t.responseStart - t.requestStart);
		const rest = duration(t.responseEnd - t.responseStart);
		set('handshake', 'done before');
		set('handshake-long', 'over before this page was asked for: '
			+ 'the connection was opened ahead, or kept from before.');
		set('first', first);
		set('rest', rest);
		set('answer-long', `first byte ${first} after the request, last ${rest} after the first.`);
	}

	/* Browsers often open the first connection ahead of the request, and do not tell how long that took. */
	function showHandshake(t) {
		const path = new URL(t.name).pathname;
		set('handshake', duration(handshake(t))); /* on one line, as the dash before it: nothing moves */
		set('handshake-long', `SYN to ESTABLISHED in ${duration(handshake(t))}, `
			+ `on the connection opened for ${path}.`);
	}

	function cell(row, kind, text, name) {
		const c = document.createElement(kind);
		c.textContent = text;
		if (name)
			c.className = name;
		if (kind === 'th')
			c.scope = 'row';
		row.append(c);
	}

	function objectName(t) {
		const path = new URL(t.name).pathname;
		const isOurHead = t.initiatorType === 'fetch' && t.name === location.href.split('#')[0];

		return isOurHead ? `HEAD ${path}` : path;
	}

	let handshakeShown = false;

	function showRequest(t) {
		const rows = document.querySelector('.requests tbody');
		const row = document.createElement('tr');
		const fresh = isNew(t) && !isCached(t);

		if (fresh && !handshakeShown) {
			handshakeShown = true;
			showHandshake(t);
		}
		cell(row, 'th', objectName(t));
		if (isCached(t)) {
			cell(row, 'td', 'none: from the cache');
			cell(row, 'td', '', 'n');
			cell(row, 'td', '', 'n');
		} else {
			if (fresh)
				cell(row, 'td', `new: handshake ${duration(handshake(t))}`, 'fresh');
			else
				cell(row, 'td', 'open already', 'kept');
			cell(row, 'td', duration(t.responseStart - t.requestStart), 'n');
			cell(row, 'td', duration(t.responseEnd - t.responseStart), 'n');
		}
		cell(row, 'td', body(t), 'n');
		if (rows.rows.length === MOST_ROWS)
			rows.rows[1].remove();
		rows.append(row);
	}

	/* HEAD: the headers only. It is also one more request over the connection that stands. */
	async function showServer() {
		try {
			const response = await fetch(location.href, { method: 'HEAD', cache: 'no-store' });
			await response.text();
			const server = response.headers.get('Server');
			set('server', server || 'keeps it to itself');
			if (server && !server.startsWith('taphouse'))
				set('note', 'Another server sent this copy, then, and its kernel’s TCP carried it. '
					+ 'What the page says of itself does not hold here.');
		} catch {
			set('server', 'no answer');
		}
	}

	async function askAgain(event) {
		const button = event.currentTarget;
		const status = document.querySelector('.act [role="status"]');
		button.disabled = true;
		try {
			const response = await fetch(again, { cache: 'no-store' });
			await response.arrayBuffer();
			status.textContent = `${response.status} ${response.statusText}`;
		} catch {
			status.textContent = 'No answer. Is the server still running?';
		}
		button.disabled = false;
		button.focus();
	}

	function start() {
		const page = performance.getEntriesByType('navigation')[0];
		if (!page)
			return;
		showPage(page);
		showRequest(page);
		document.querySelector('.requests').hidden = false;
		document.querySelector('.act button').addEventListener('click', askAgain);
		new PerformanceObserver((list) => list.getEntries().forEach(showRequest))
			.observe({ type: 'resource', buffered: true });
		showServer();
	}

	for (const e of document.querySelectorAll('[data-host]')) {
		const inUrl = e.closest('pre')?.textContent.includes('://');
		e.textContent = inUrl ? location.host : location.hostname;
	}

	/* The page's last byte is known only after its load event. */
	addEventListener('load', () => setTimeout(start));
})();
