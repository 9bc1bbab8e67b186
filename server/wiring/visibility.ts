import {type Clock, systemRandom} from '../../federation/engine/index.ts';
import type {ServerName} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import {type BridgedNames, createBridgedNames} from '../appservices/index.ts';
import type {Config} from '../config/index.ts';
import {hostOf} from '../http/index.ts';
import type {Logger} from '../telemetry/index.ts';
import {
	createFactBudget,
	createVisibility,
	type FactBudget,
	openSourceNames,
	type SourceNames,
	type Visibility,
} from '../visibility/index.ts';

/** Who may know of whom, and how much anybody learns. */
export interface Discretion {
	readonly visibility: Visibility;
	readonly facts: FactBudget;
	readonly bridged: BridgedNames;
	readonly sources: SourceNames;
}

/** Builds what says who may know of whom, with what it asks. */
export async function wireVisibility(
	{serverName, privacy, federation: {mode, partners}, appservices, ...config}: Config,
	storage: Storage,
	clock: Clock,
	log: Pick<Logger, 'warn'>,
): Promise<Discretion> {
	const sources = await openSourceNames(storage);
	const bridged = createBridgedNames({storage, serverName, registrations: appservices});
	const isPartner = (server: ServerName): boolean => mode === 'partners' && partners.includes(server);
	const facts = createFactBudget({
		storage,
		clock,
		random: (sizeBytes) => systemRandom.bytes(sizeBytes),
		perDay: config.factBudgetPerDay,
		strangersPerDay: config.strangersFactBudgetPerDay,
		hostOf,
		isStranger: async (server) => !isPartner(server) && !(await storage.memberships.isServerPresent(server)),
		onProblem: (problem) => log.warn({err: problem}, 'Counts of what is learnt about people could not be written'),
	});
	const visibility = createVisibility({
		storage,
		serverName,
		scopes: privacy,
		isPartner,
		facts,
		bridged,
		sources,
		clock,
	});
	return {visibility, facts, bridged, sources};
}
