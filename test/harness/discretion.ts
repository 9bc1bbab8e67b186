/** What the stranger rule is built with in tests that build it themselves: a budget that nobody uses up, no bridges and no sources. */
import {randomBytes} from 'node:crypto';
import {type Clock, systemClock} from '../../federation/engine/index.ts';
import type {ServerName} from '../../crypto/index.ts';
import {createBridgedNames} from '../../server/appservices/index.ts';
import {hostOf} from '../../server/http/index.ts';
import {createFactBudget, type VisibilityDependencies} from '../../server/visibility/index.ts';
import type {Storage} from '../../storage/index.ts';

/** So many facts that no test is about them by accident. */
export const FACTS_OF_TESTS = 1_000_000;

/** Gives the parts. */
export function discretionOf(
	storage: Storage,
	serverName: ServerName,
	clock: Clock = systemClock,
): Pick<VisibilityDependencies, 'facts' | 'bridged' | 'sources'> {
	return {
		facts: createFactBudget({
			storage,
			clock,
			random: randomBytes,
			perDay: FACTS_OF_TESTS,
			strangersPerDay: FACTS_OF_TESTS,
			hostOf,
			isStranger: () => Promise.resolve(false),
			onProblem: () => undefined,
		}),
		bridged: createBridgedNames({storage, serverName, registrations: []}),
		sources: {has: () => false},
	};
}
