import {LRUCache} from 'lru-cache';
import {breathe, domainOf, localpartOf, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {AppserviceRegistration} from '../config/index.ts';

/** Names that are matched before others have their turn: some thousandths of a second. */
const NAMES_IN_TURN = 200;
/** Names of which it is remembered whose they are, those asked about last: some hundred bytes each. */
const NAMES_KNOWN_MAX = 50_000;
/** What is remembered of a name that is no service's. */
const NOBODYS = '';

/**
 * Names of this server that belong to application services, and stand for people elsewhere: they may hold phone numbers.
 * Whether anybody has such a name is not said here; nor is a service ever asked.
 */
export interface BridgedNames {
	/** Whether a name is a service's alone, by the registration files: its own user, and its exclusive namespaces. */
	isReserved(userId: UserId): boolean;
	/**
	 * Finds to which service each of these names belongs, by its id; whose is nobody's, or of another server, is left out.
	 * Costs one read of those that nobody asked about lately, whether anybody has them or not.
	 */
	findServices(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, string>>;
	/** Ends listening. */
	close(): void;
}

/** Knows the names by the registration files, and by the accounts that are marked as a service's. */
export function createBridgedNames({
	storage,
	serverName,
	registrations,
}: {
	readonly storage: Pick<Storage, 'accounts' | 'onCommitted'>;
	readonly serverName: ServerName;
	readonly registrations: readonly AppserviceRegistration[];
}): BridgedNames {
	const known = new LRUCache<UserId, string>({maxSize: NAMES_KNOWN_MAX, sizeCalculation: () => 1});
	/** Grows with every change: what was read before one may not be kept. */
	let changes = 0;
	const stop = storage.onCommitted((committed) => {
		for (const {kind, subject} of committed) {
			if (kind !== 'account') continue;
			changes += 1;
			known.delete(subject as UserId);
		}
	});

	const findReserving = (userId: UserId): string | undefined =>
		registrations.find(
			({senderLocalpart, users}) =>
				localpartOf(userId) === senderLocalpart ||
				users.some((namespace) => namespace.isExclusive && namespace.matches(userId)),
		)?.id;

	async function learn(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, string>> {
		const before = changes;
		// Accounts outlive the file that they were made by.
		const marked = await storage.accounts.listOfAppservices(userIds);
		const services = new Map(marked.map(({userId, appserviceId}) => [userId, appserviceId]));
		for (const [index, userId] of userIds.entries()) {
			if (index % NAMES_IN_TURN === NAMES_IN_TURN - 1) await breathe();
			services.set(userId, services.get(userId) ?? findReserving(userId) ?? NOBODYS);
		}
		if (changes === before) for (const [userId, service] of services) known.set(userId, service);
		return services;
	}

	return {
		isReserved: (userId) => domainOf(userId) === serverName && findReserving(userId) !== undefined,
		async findServices(userIds) {
			const services = new Map<UserId, string>();
			const unknown: UserId[] = [];
			const note = (userId: UserId, service: string): void => {
				if (service !== NOBODYS) services.set(userId, service);
			};
			for (const userId of userIds) {
				if (domainOf(userId) !== serverName) continue;
				const service = known.get(userId);
				if (service === undefined) unknown.push(userId);
				else note(userId, service);
			}
			if (unknown.length > 0) for (const [userId, service] of await learn(unknown)) note(userId, service);
			return services;
		},
		close: stop,
	};
}
