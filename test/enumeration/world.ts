/** A server under test with everybody in it, and the three who ask. */
import type {RoomId} from '../../crypto/index.ts';
import {call, createSeededRandom, type SeededRandom, type SignedPeer} from '../harness/index.ts';
import {type Population, populate} from './population.ts';
import type {Means} from './probe.ts';
import type {Target} from './target.ts';

/** What the recipes work with. */
export interface World {
	readonly target: Target;
	readonly population: Population;
	readonly means: Means;
	readonly random: SeededRandom;
	/** A server of which people here know nothing: whatever reaches it was sent unasked. */
	readonly silent: SignedPeer;
}

/** Makes the world. */
export async function createWorld(target: Target, samples: number, seed: string): Promise<World> {
	const random = createSeededRandom(seed);
	const population = await populate(target, samples, random.fork('population'));
	const peer = await target.startPeer();
	const {stranger, serverName} = population;
	const rooms = new Map<string, Promise<string>>();
	let count = 0;
	const createRoom = async (): Promise<string> => {
		const options = {token: stranger.access_token, body: {preset: 'private_chat', name: 'Of a stranger'}};
		return (await call<{room_id: string}>(target, 'POST', '/_matrix/client/v3/createRoom', options)).room_id;
	};
	const next = (): number => (count += 1);
	const means: Means = {
		next,
		serverName,
		stranger: {userId: stranger.user_id, token: stranger.access_token},
		roomFor(purpose) {
			let room = rooms.get(purpose);
			if (room === undefined) {
				room = createRoom();
				rooms.set(purpose, room);
			}
			return room;
		},
		peer,
		peerUserId: peer.userId('bob'),
		newPeerRoom: () => `!${String(next()).padStart(18, 'r')}:${peer.name}` as RoomId,
	};
	return {target, population, means, random, silent: await target.startPeer()};
}
