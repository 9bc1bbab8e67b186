import type {JsonObject, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {Clock, Random} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import {FederatedPresence} from './federated-presence.ts';
import {Presence} from './presence.ts';
import {Typing} from './typing.ts';

/** Something that is kept in memory only has changed. */
export type EphemeralChange =
	| {readonly kind: 'typing'; readonly roomId: RoomId; readonly seq: number}
	| {readonly kind: 'presence'; readonly userId: UserId; readonly seq: number};

/** What other servers are told in passing. */
export interface PassingEdu {
	readonly type: string;
	readonly content: JsonObject;
}

/** Tells partner servers, soon or never. */
export type TellServers = (servers: readonly ServerName[], key: string, edu: PassingEdu) => void;

/** What the domain is built from. */
export interface EphemeralDependencies {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: Random;
	readonly serverName: ServerName;
	/** Whether people here are told who of them is online. */
	readonly hasPresence: boolean;
	/** Of whom nobody is ever told that they are online; absent: of nobody. */
	readonly isUnseen?: ((userId: UserId) => boolean) | undefined;
	/** Tells the partner servers of a room, soon or never; a later one with the same key replaces it. */
	readonly tellRoom: (roomId: RoomId, key: string, edu: PassingEdu) => void;
	/** Tells these partner servers likewise who is online, and believes them of their own people; absent: neither. */
	readonly tellServers?: TellServers | undefined;
}

/** What passes: who types, who is online. It is kept in memory alone, and counted apart from the stream. */
export interface Ephemeral {
	/** A counter means something only within its epoch, which ends with the process. */
	readonly epoch: string;
	/** The count of the last change. */
	head(): number;
	readonly typing: Typing;
	readonly presence: Presence;
	/** Absent where presence is for people of this server only. */
	readonly federatedPresence: FederatedPresence | undefined;
	/** Calls the listener with every change. Returns how to stop. */
	onChange(listener: (change: EphemeralChange) => void): () => void;
	/** Ends timers. */
	close(): void;
}

/** Makes the domain. */
export function createEphemeral(dependencies: EphemeralDependencies): Ephemeral {
	const epoch = Buffer.from(dependencies.random.bytes(6)).toString('base64url');
	const listeners = new Set<(change: EphemeralChange) => void>();
	let seq = 0;
	const tell = (change: EphemeralChange): void => {
		for (const listener of listeners) listener(change);
	};
	const typing = new Typing(dependencies, (roomId) => {
		seq += 1;
		tell({kind: 'typing', roomId, seq});
		return seq;
	});
	const presence = new Presence(dependencies, (userId) => {
		seq += 1;
		tell({kind: 'presence', userId, seq});
		return seq;
	});
	const {tellServers} = dependencies;
	const federatedPresence = tellServers && new FederatedPresence({...dependencies, tellServers}, presence);
	if (federatedPresence) presence.onSign = (userId, isChange) => federatedPresence.note(userId, isChange);
	// Whoever leaves a room types there no more.
	const unlisten = dependencies.storage.onCommitted((changes) => {
		for (const {kind, roomId, subject} of changes) {
			if (kind === 'event' && roomId !== undefined && subject !== undefined) typing.stop(roomId, subject as UserId);
		}
	});
	return {
		epoch,
		head: () => seq,
		typing,
		presence,
		federatedPresence,
		onChange(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		close() {
			unlisten();
			typing.close();
			federatedPresence?.close();
		},
	};
}
