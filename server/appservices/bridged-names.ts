import {breathe, domainOf, localpartOf, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {AppserviceRegistration} from '../config/index.ts';

/** Names that are matched before others have their turn: some thousandths of a second. */
const NAMES_IN_TURN = 200;

/**
 * Names of this server that belong to application services, and stand for people elsewhere: they may hold phone numbers.
 * Whether anybody has such a name is not said here; nor is a service ever asked.
 */
export interface BridgedNames {
	/** Whether a name is a service's alone, by the registration files: its own user, and its exclusive namespaces. */
	isReserved(userId: UserId): boolean;
	/**
	 * Finds to which service each of these names belongs, by its id; whose is nobody's, or of another server, is left out.
	 * Costs one read, whatever the names are.
	 */
	findServices(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, string>>;
}

/** Knows the names by the registration files, and by the accounts that are marked as a service's. */
export function createBridgedNames({
	storage,
	serverName,
	registrations,
}: {
	readonly storage: Pick<Storage, 'accounts'>;
	readonly serverName: ServerName;
	readonly registrations: readonly AppserviceRegistration[];
}): BridgedNames {
	const findReserving = (userId: UserId): string | undefined =>
		registrations.find(
			({senderLocalpart, users}) =>
				localpartOf(userId) === senderLocalpart ||
				users.some((namespace) => namespace.isExclusive && namespace.matches(userId)),
		)?.id;

	return {
		isReserved: (userId) => domainOf(userId) === serverName && findReserving(userId) !== undefined,
		async findServices(userIds) {
			const local = userIds.filter((userId) => domainOf(userId) === serverName);
			const services = new Map<UserId, string>();
			if (local.length === 0) return services;
			// Accounts outlive the file that they were made by.
			for (const {userId, appserviceId} of await storage.accounts.listOfAppservices(local)) {
				services.set(userId, appserviceId);
			}
			for (const [index, userId] of local.entries()) {
				if (index % NAMES_IN_TURN === NAMES_IN_TURN - 1) await breathe();
				const id = services.has(userId) ? undefined : findReserving(userId);
				if (id !== undefined) services.set(userId, id);
			}
			return services;
		},
	};
}
