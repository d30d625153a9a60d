/* HTTP/1.1's text taken apart (RFC 9112): the start line, a field a line, the blank line, the body. */

const FIELDS = {
	host: ['Which site is meant: several may have one address. The only field that each request must have.', 'RFC 9110, 7.2'],
	connection: ['keep-alive: use the connection again. close: this was the last.', 'RFC 9110, 7.6.1'],
	'user-agent': ['Who asks, in a browser’s own words; most of it is history.', 'RFC 9110, 10.1.5'],
	accept: ['Media types that are welcome.', 'RFC 9110, 12.5.1'],
	'accept-encoding': ['Compressions that are understood.', 'RFC 9110, 12.5.3'],
	'accept-language': ['Languages that the reader likes.', 'RFC 9110, 12.5.4'],
	referer: ['The page from which it was asked for. (The spelling is a mistake of 1996.)', 'RFC 9110, 10.1.3'],
	origin: ['The site whose script asks.', 'RFC 6454, 7'],
	cookie: ['What this site asked the browser to remember.', 'RFC 6265, 4.2'],
	'cache-control': ['What may be kept, and for how long.', 'RFC 9111, 5.2'],
	pragma: ['no-cache, for caches of the last century.', 'RFC 9111, 5.4'],
	'content-type': ['What the body is, and its character set.', 'RFC 9110, 8.3'],
	'content-length': ['How many bytes of body follow: so the next message on this connection can be found.', 'RFC 9110, 8.6'],
	'content-encoding': ['How the body is compressed.', 'RFC 9110, 8.4'],
	'transfer-encoding': ['chunked: the length is not known beforehand.', 'RFC 9112, 6.1'],
	date: ['When the answer was made.', 'RFC 9110, 6.6.1'],
	server: ['Which program answers.', 'RFC 9110, 10.2.4'],
	etag: ['A name for exactly these bytes; If-None-Match asks whether it is still right.', 'RFC 9110, 8.8.3'],
	'last-modified': ['When the file was changed last.', 'RFC 9110, 8.8.2'],
	'accept-ranges': ['Parts may be asked for.', 'RFC 9110, 14.3'],
	vary: ['On which fields of the request the answer depends.', 'RFC 9110, 12.5.5'],
};
const OTHER = ['A field that is not explained here.', 'RFC 9110, 5'];
const SECURITY = ['A word of the browser’s about who asks and why; a script cannot forge it.', 'Fetch Metadata'];

function startLine(line) {
	const [first, second, ...rest] = line.split(' ');

	if (first.startsWith('HTTP/'))
		return [['http.response.version', 'Version', first, 'The protocol of the answer.', 'RFC 9112, 2.3'],
			['http.response.code', 'Status', second, '2: done; 3: look elsewhere, or in your cache; 4: '
				+ 'your mistake; 5: the server’s.', 'RFC 9110, 15'],
			['http.response.phrase', 'Reason', rest.join(' '), 'The same in words, for people.', 'RFC 9112, 4']];
	return [['http.request.method', 'Method', first, 'What is to be done.', 'RFC 9110, 9'],
		['http.request.uri', 'Target', second ?? '', 'With what. Parameters stand behind the question mark.', 'RFC 9112, 3.2'],
		['http.request.version', 'Version', rest.join(' '), 'The protocol that the client speaks.', 'RFC 9112, 2.3']];
}

/* Words, and the blank or line end behind each. */
function takeStartLine(reader, line) {
	const words = startLine(line);
	let left = line.length + 2;

	words.forEach(([key, name, value, text, rfc], i) => {
		const size = i < words.length - 1 ? Math.min(value.length + 1, left) : left;

		reader.take(size, { key, name, value, text, rfc });
		left -= size;
	});
}

function takeField(reader, line) {
	const colon = line.indexOf(':'), name = line.slice(0, colon), lower = name.toLowerCase();
	const other = lower.startsWith('sec-') ? SECURITY : OTHER;
	const [text, rfc] = Object.hasOwn(FIELDS, lower) ? FIELDS[lower] : other;

	const key = `http.${lower.replaceAll('-', '_')}`, value = line.slice(colon + 1).trim();

	reader.take(line.length + 2, { key, name, value, text, rfc });
}

const START = /^(HTTP\/1\.[01] \d{3} |[A-Z]+ \S+ HTTP\/1\.[01]$)/;

export function parseHttp(reader) {
	const lines = reader.text(reader.left).split('\r\n');

	if (!START.test(lines[0])) {
		reader.take(reader.left, { key: 'data', name: 'Data', value: `${reader.left} bytes`,
			text: 'A piece of a message that began in an earlier segment: TCP carries bytes, and knows '
				+ 'nothing of messages.', rfc: 'RFC 9293, 2.2' });
		return reader.fields;
	}
	takeStartLine(reader, lines.shift());
	while (lines.length > 1 && lines[0] !== '')
		takeField(reader, lines.shift());
	if (reader.left >= 2)
		reader.take(2, { key: null, name: 'Blank line', value: '',
			text: 'The head ends here.', rfc: 'RFC 9112, 2.1' });
	if (reader.left > 0)
		reader.take(reader.left, { key: null, name: 'Body', value: `${reader.left} bytes`,
			text: 'What all the rest is for; as many bytes as Content-Length says, though not always '
				+ 'in one frame.', rfc: 'RFC 9112, 6' });
	return reader.fields;
}
