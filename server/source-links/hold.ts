import {LRUCache} from 'lru-cache';
import type {RoomId, UserId} from '../../crypto/index.ts';
import {SourceLinksError} from './errors.ts';
import {operationsOfSources, roomNamedIn} from './operations.ts';
import type {SourceLinksDependencies} from './source-links.ts';

/** Sources whose room is remembered: they write seldom. */
const ROOMS_KNOWN_MAX = 1_000;

/** What somebody asks for. */
export interface Asked {
	readonly operation: string;
	/** Path and query as they came. */
	readonly uri: string;
}

/** Holds sources to what their accounts are for. */
export interface SourceHolder {
	/** Whether an account is of a link. Costs nothing. */
	isSource(userId: UserId): boolean;
	/**
	 * Lets a caller go on, unless it is a source who asks for something else than its room. Costs nothing for others.
	 * @throws SourceLinksError 'not-for-sources'
	 */
	hold<Caller extends {readonly userId: UserId}>(caller: Caller, asked: Asked): Promise<Caller> | Caller;
}

/** Makes what holds sources to their rooms. */
export function createHolder({storage, names}: Pick<SourceLinksDependencies, 'storage' | 'names'>): SourceHolder {
	const rooms = new LRUCache<UserId, RoomId>({maxSize: ROOMS_KNOWN_MAX, sizeCalculation: () => 1});

	async function mustBeOwnRoom(userId: UserId, roomId: string): Promise<void> {
		const own = rooms.get(userId) ?? (await storage.sourceLinks.findSource(userId))?.roomId;
		if (own !== undefined) rooms.set(userId, own);
		if (own !== roomId) throw refused();
	}

	return {
		isSource: (userId) => names.has(userId),
		hold(caller, {operation, uri}) {
			if (!names.has(caller.userId)) return caller;
			if (!operationsOfSources.has(operation)) throw refused();
			const roomId = roomNamedIn(uri);
			return roomId === undefined ? caller : mustBeOwnRoom(caller.userId, roomId).then(() => caller);
		},
	};
}

function refused(): SourceLinksError {
	return new SourceLinksError('not-for-sources', 'This account is for one conversation, and does nothing else');
}
