// RFC 9293 figure 5 as data: where the states stand, and the ways from one to the next, each with what it takes and
// what is done on it. CLOSED stands there twice, as in the RFC: where a connection begins, and where it ends (END).

export const SIZE = { width: 360, height: 584 };
export const BOX = { width: 102, height: 34 };

export const places = {
	CLOSED: [180, 30],
	LISTEN: [180, 118],
	'SYN-RECEIVED': [53, 206],
	'SYN-SENT': [307, 206],
	ESTABLISHED: [180, 294],
	'FIN-WAIT-1': [53, 374],
	'CLOSE-WAIT': [307, 374],
	'FIN-WAIT-2': [53, 462],
	CLOSING: [180, 462],
	'LAST-ACK': [307, 462],
	'TIME-WAIT': [180, 546],
	END: [307, 546],
};

// from, to, the corners of the way, then the words on it: event, action, where, and which end of them is there.
export const ways = [
	['CLOSED', 'LISTEN', [[170, 47], [170, 101]], ['passive OPEN', 'create TCB', [164, 72], 'end']],
	['LISTEN', 'CLOSED', [[190, 101], [190, 47]], ['CLOSE', 'delete TCB', [196, 78], 'start']],
	['CLOSED', 'SYN-SENT', [[231, 24], [345, 24], [345, 189]], ['active OPEN', 'create TCB, snd SYN', [345, 9], 'end']],
	['SYN-SENT', 'CLOSED', [[300, 189], [300, 38], [231, 38]], ['CLOSE', 'delete TCB', [294, 52], 'end']],
	['SYN-RECEIVED', 'LISTEN', [[20, 189], [20, 118], [129, 118]], ['rcv RST', '', [74, 112], 'middle']],
	['LISTEN', 'SYN-RECEIVED', [[155, 135], [95, 189]], ['rcv SYN', 'snd SYN,ACK', [112, 153], 'end']],
	['LISTEN', 'SYN-SENT', [[205, 135], [265, 189]], ['SEND', 'snd SYN', [244, 153], 'start']],
	['SYN-SENT', 'SYN-RECEIVED', [[256, 206], [104, 206]], ['rcv SYN', 'snd SYN,ACK', [180, 192], 'middle']],
	['SYN-RECEIVED', 'ESTABLISHED', [[95, 223], [155, 277]], ['rcv ACK of SYN', '', [114, 256], 'end']],
	['SYN-SENT', 'ESTABLISHED', [[265, 223], [205, 277]], ['rcv SYN,ACK', 'snd ACK', [244, 256], 'start']],
	['SYN-RECEIVED', 'FIN-WAIT-1', [[20, 223], [20, 357]], ['CLOSE', 'snd FIN', [26, 290], 'start']],
	['ESTABLISHED', 'FIN-WAIT-1', [[150, 311], [95, 357]], ['CLOSE', 'snd FIN', [112, 326], 'end']],
	['ESTABLISHED', 'CLOSE-WAIT', [[210, 311], [265, 357]], ['rcv FIN', 'snd ACK', [248, 326], 'start']],
	['FIN-WAIT-1', 'FIN-WAIT-2', [[40, 391], [40, 445]], ['rcv ACK of FIN', '', [46, 422], 'start']],
	['FIN-WAIT-1', 'CLOSING', [[104, 380], [172, 380], [172, 445]], ['rcv FIN', 'snd ACK', [142, 366], 'middle']],
	['CLOSE-WAIT', 'LAST-ACK', [[307, 391], [307, 445]], ['CLOSE', 'snd FIN', [313, 416], 'start']],
	['FIN-WAIT-2', 'TIME-WAIT', [[53, 479], [53, 546], [129, 546]], ['rcv FIN', 'snd ACK', [59, 510], 'start']],
	['CLOSING', 'TIME-WAIT', [[180, 479], [180, 529]], ['rcv ACK of FIN', '', [186, 500], 'start']],
	['LAST-ACK', 'END', [[307, 479], [307, 529]], ['rcv ACK of FIN', '', [301, 516], 'end']],
	['TIME-WAIT', 'END', [[231, 546], [256, 546]], ['Timeout=2MSL, delete TCB', '', [243, 577], 'middle']],
].map(([from, to, corners, [event, action, at, anchor]]) => ({ from, to, corners, event, action, at, anchor }));

const isBackward = ({ to }) => to === 'CLOSED' || to === 'LISTEN';

// Those from one state to another, at most three: what happens in one segment is seen as one step.
export function wayBetween(from, to, most = 3) {
	const direct = ways.find((w) => w.from === from && w.to === to);

	if (direct)
		return [direct];
	for (const way of ways.filter((w) => most > 1 && w.from === from && !isBackward(w))) {
		const rest = wayBetween(way.to, to, most - 1);

		if (rest.length > 0)
			return [way, ...rest];
	}
	return [];
}
