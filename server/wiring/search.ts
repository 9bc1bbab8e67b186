import type {Clock, Engine} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Events} from '../events/index.ts';
import {createSearch, type Search} from '../search/index.ts';
import type {Logger} from '../telemetry/index.ts';

/** Builds the search of what people may read. */
export function wireSearch(
	storage: Storage,
	{
		log,
		...parts
	}: {readonly engine: Engine; readonly events: Events; readonly clock: Clock; readonly log: Pick<Logger, 'warn'>},
): Search {
	return createSearch({
		...parts,
		storage,
		onProblem: (problem) => log.warn({err: problem}, 'Events could not be indexed for search'),
	});
}
