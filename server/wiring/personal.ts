import type {RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {Clock, Engine, Random} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import {type AccountData, AccountDataError, carryRoomDataOver, createAccountData} from '../account-data/index.ts';
import {createEphemeral, type Ephemeral, type PassingEdu} from '../ephemeral/index.ts';
import type {Events} from '../events/index.ts';
import {createFilters, type Filters} from '../filters/index.ts';
import {createPushRules, type PushRules} from '../push/index.ts';
import {createReceipts, type Receipts} from '../receipts/index.ts';
import {createSync, type EncryptionSource, type Sync} from '../sync/index.ts';
import type {Federation} from './federation.ts';

/** What the domains of a user's own things are built with. */
export interface PersonalParts {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly events: Events;
	readonly encryption: EncryptionSource;
	readonly clock: Clock;
	readonly random: Random;
	readonly serverName: ServerName;
	readonly presence: 'off' | 'local' | 'federated';
	/** Of whom nobody is told that they are online. */
	readonly isUnseen: (userId: UserId) => boolean;
	readonly federation: Pick<Federation, 'edus' | 'sender'>;
	/** Told of a room that a sync leaves out because it cannot be read. */
	readonly onDamage: (cause: unknown) => void;
}

/** What people keep for themselves and how far they have read, what passes, and how they are told of it all. */
export interface Personal {
	readonly accountData: AccountData;
	readonly ephemeral: Ephemeral;
	readonly filters: Filters;
	readonly pushRules: PushRules;
	readonly receipts: Receipts;
	readonly sync: Sync;
}

/** Gives a user for one room what they keep for another, as far as there is place for it. */
export type CarryOver = (userId: UserId, rooms: {readonly from: RoomId; readonly to: RoomId}) => Promise<void>;

/** Builds these domains, and has them take the EDUs that are theirs. */
export function createPersonal(parts: PersonalParts): {
	readonly services: Personal;
	readonly carryOver: CarryOver;
	readonly close: () => void;
} {
	const {storage, federation} = parts;
	const accountData = createAccountData({storage});
	const ephemeral = createEphemeral({
		...parts,
		hasPresence: parts.presence !== 'off',
		tellRoom: (roomId, key, {type, content}) => federation.sender.sendEphemeral(roomId, key, {edu_type: type, content}),
		...(parts.presence === 'federated' && {
			tellServers: (servers: readonly ServerName[], key: string, {type, content}: PassingEdu) =>
				federation.sender.sendEphemeral(servers, key, {edu_type: type, content}),
		}),
	});
	const pushRules = createPushRules({storage, accountData});
	const receipts = createReceipts({...parts, accountData});
	federation.edus.receivers = {
		...federation.edus.receivers,
		'm.receipt': (origin, content) => receipts.receive(origin, content),
		'm.typing': (origin, content) => ephemeral.typing.receive(origin, content),
		...(ephemeral.federatedPresence && {
			'm.presence': (origin, content) => ephemeral.federatedPresence?.receive(origin, content) ?? Promise.resolve(),
		}),
	};
	const sync = createSync({...parts, random: (count) => parts.random.bytes(count), ephemeral, pushRules});
	return {
		services: {accountData, ephemeral, filters: createFilters({storage}), pushRules, receipts, sync},
		async carryOver(userId, rooms) {
			try {
				await carryRoomDataOver(accountData, userId, rooms);
				await pushRules.copyForRoom(userId, rooms.from, rooms.to);
			} catch (error) {
				// Who keeps so much that no more fits goes on without; nobody stays outside for it.
				if (!(error instanceof AccountDataError)) throw error;
			}
		},
		close() {
			sync.close();
			ephemeral.close();
			pushRules.close();
		},
	};
}
