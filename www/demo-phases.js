/*
 * Which phase of congestion control a connection is in, read off its samples: slow start below ssthresh (RFC 5681,
 * section 3.1), congestion avoidance from there on, recovery while what was lost is sent again. BBR has phases of its
 * own (draft-ietf-ccwg-bbr), and no ssthresh; samples do not tell them, so they have but one name here.
 */
const FIRST = 4, MOST = 9; /* names that are kept: how it began, and what came last */

function nameOf(control, { in_recovery: recovers, cwnd, ssthresh }) {
	if (recovers)
		return 'recovery';
	if (control === 'bbr')
		return 'BBR’s model';
	return cwnd < ssthresh ? 'slow start' : 'congestion avoidance';
}

function append(seen, name) {
	seen.push(name);
	if (seen.length > MOST)
		seen.splice(FIRST, 2, '…');
}

/* now, seen (in order, each once in a row), most: the largest cwnd. */
export function newPhases() {
	const phases = { now: '–', seen: [], most: 0 };

	phases.sample = (control, sample) => {
		phases.now = nameOf(control, sample);
		phases.most = Math.max(phases.most, sample.cwnd);
		if (phases.seen.at(-1) !== phases.now)
			append(phases.seen, phases.now);
	};
	return phases;
}
