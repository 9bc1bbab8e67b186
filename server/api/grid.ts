import type {Route} from '../http/index.ts';
import type {Services} from '../services.ts';

/**
 * Makes an endpoint's refusals leave at a tick of the grid (design of `server/visibility`): a room, an event or an alias that
 * somebody may not know of, and one that there is not, then differ in no clock either.
 */
export function refusingOnGrid(route: Route<Services>): Route<Services> {
	return {
		...route,
		handle: (request, services) => services.visibility.refuseOnGrid(async () => await route.handle(request, services)),
	};
}

/** The same of whatever it answers: where what there is decides whether something is written. */
export function answeringOnGrid(route: Route<Services>): Route<Services> {
	return {
		...route,
		handle: (request, services) => services.visibility.answerOnGrid(async () => await route.handle(request, services)),
	};
}
