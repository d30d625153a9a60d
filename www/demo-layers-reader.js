/*
 * Bytes of a frame, and the fields that are found in them: where each stands (bytes, and bits where it is no whole
 * byte), its value, what it says, and where that is written. The keys of fields are the names that Wireshark has for
 * them.
 */
export const hex = (n, digits) => `0x${n.toString(16).padStart(digits, '0')}`;

/* Bytes of a frame, and the fields found in them. Reading behind the end gives null, and a layer ends there. */
export class Reader {
	fields = [];

	constructor(bytes, at = 0, end = bytes.length) {
		this.bytes = bytes;
		this.at = at;
		this.end = end;
	}

	get left() {
		return this.end - this.at;
	}

	/* A number of so many bytes, ahead bytes from here. */
	peek(size, ahead = 0) {
		let n = 0;

		for (let i = 0; i < size; i++)
			n = n * 256 + this.bytes[this.at + ahead + i];
		return n;
	}

	text(size) {
		return new TextDecoder('latin1').decode(this.bytes.subarray(this.at, this.at + size));
	}

	/* The next size bytes are this field. */
	take(size, field) {
		this.fields.push({ start: this.at, end: this.at + size, ...field });
		this.at += size;
	}

	/* So many of the bits from the byte ahead on, without going on. */
	bits(ahead, size, field) {
		this.fields.push({ start: this.at + ahead, end: this.at + ahead + size, ...field });
	}
}
