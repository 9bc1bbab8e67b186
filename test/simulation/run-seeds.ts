import type {ExecutionContext} from 'ava';
import {Simulation} from './simulation.ts';

/** Lines of the trace that a failure prints; the whole of it is had by running the seed again. */
const TRACE_LINES = 60;

/**
 * Runs a scenario under several seeds. A failing one is printed with the end of its trace, and
 * `SIMULATION_SEED=… npx ava …` runs it alone; `SIMULATION_SEEDS` changes how many there are.
 */
export async function runSeeds(
	t: ExecutionContext,
	options: {readonly first: number; readonly count: number},
	scenario: (simulation: Simulation) => Promise<void>,
): Promise<void> {
	for (const seed of listSeeds(options)) {
		const simulation = new Simulation(seed);
		try {
			// oxlint-disable-next-line no-await-in-loop -- Simulations side by side would share the process's event loop.
			await scenario(simulation);
		} catch (error) {
			t.log(`Simulation failed. Run it again with SIMULATION_SEED=${seed}`);
			for (const line of simulation.trace.slice(-TRACE_LINES)) t.log(line);
			throw new Error(`Simulation failed with seed ${seed}`, {cause: error});
		} finally {
			// oxlint-disable-next-line no-await-in-loop
			await simulation.end();
		}
	}
	t.pass();
}

function listSeeds({first, count}: {readonly first: number; readonly count: number}): number[] {
	const only = process.env['SIMULATION_SEED'];
	if (only !== undefined) return [Number(only)];
	const length = Number(process.env['SIMULATION_SEEDS'] ?? count);
	return Array.from({length}, (_, at) => first + at);
}
