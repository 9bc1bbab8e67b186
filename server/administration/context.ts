import type {RandomBytes, ServerName} from '../../crypto/index.ts';
import type {Clock, Engine} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Accounts, Moderation} from '../accounts/index.ts';
import type {Audit} from '../audit/index.ts';
import type {Devices} from '../devices/index.ts';
import type {Events} from '../events/index.ts';
import type {Profiles} from '../profiles/index.ts';
import type {Actor, Rooms} from '../rooms/index.ts';

/** What administration is built from. */
export interface AdministrationDependencies {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly audit: Audit;
	readonly accounts: Accounts;
	readonly moderation: Moderation;
	readonly devices: Devices;
	readonly events: Events;
	readonly profiles: Profiles;
	readonly rooms: Rooms;
	readonly serverName: ServerName;
	readonly clock: Clock;
	readonly random: RandomBytes;
}

/** A page of a list that is cut by numbers. */
export interface OffsetPage {
	readonly offset: number;
	readonly limit: number;
}

/** Somebody of this server who is made to act. */
export function actorOf(userId: Actor['userId']): Actor {
	return {userId, isAdmin: false, isGuest: false, isSuspended: false};
}
