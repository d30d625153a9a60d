/* Twenty objects, each over a connection of its own, and all over one: what that took, counted of the server's
 * events. */
import { cost, leftOutOf } from './demo-flows.js';
import { count, get, milliseconds, newRun, startDemo } from './demo.js';

const OBJECTS = 20;

let leftOut = 0; /* rows that the server did not tell */

/* queryOf: what the nth request asks for. Ends when all connections are closed. */
async function fetchAll(experiment, ladder, connections, queryOf) {
	const run = newRun();

	experiment.follow((flow) => flow.tells(run), ladder);
	for (let n = 0; n < OBJECTS; n++)
		await get(n, `${queryOf(n)}run=${run}`);
	return experiment.until((flows) => {
		const ours = flows.filter((flow) => flow.tells(run) && flow.isClosed);

		return ours.length === connections && ours;
	}, 'The end of the connections');
}

function show(experiment, name, flows) {
	const { connections, handshakes, segments, text, wire, ms } = cost(flows);

	experiment.set(`${name}-connections`, count(connections));
	experiment.set(`${name}-handshakes`, count(handshakes));
	experiment.set(`${name}-segments`, count(segments));
	experiment.set(`${name}-text`, count(text));
	experiment.set(`${name}-wire`, count(wire));
	experiment.set(`${name}-time`, milliseconds(ms));
	return segments;
}

async function both(experiment) {
	leftOut = 0;
	const short = show(experiment, 'short', await fetchAll(experiment, 0, OBJECTS, () => 'close&'));

	experiment.say('Now all over one connection …');
	/* The last answer closes, so that both ways have their end in the numbers. */
	const kept = show(experiment, 'kept', await fetchAll(experiment, 1, 1, (n) => n === OBJECTS - 1 ? 'close&' : ''));

	return `${(short / kept).toFixed(1)} times as many segments for short connections.`
		+ (leftOut > 0 ? ` More happened than the server told: ${count(leftOut)} rows are not counted.` : '');
}

startDemo({ both }, {
	onRows: (rows) => { leftOut += leftOutOf(rows); },
});
