/** A server under test with everybody in it, and the three who ask. */
import type {RoomId} from '../../crypto/index.ts';
import {call, createSeededRandom, type SeededRandom} from '../harness/index.ts';
import {makeFarFiles} from './far-files.ts';
import {type Population, populate} from './population.ts';
import type {Means} from './probe.ts';
import type {Target} from './target.ts';

/** What the recipes work with. */
export interface World {
	readonly target: Target;
	readonly population: Population;
	readonly means: Means;
	readonly random: SeededRandom;
}

/** Files of another server are fetched one by one. */
const FAR_FILES_MAX = 20;

/** Makes the world. */
export async function createWorld(target: Target, samples: number, seed: string): Promise<World> {
	const random = createSeededRandom(seed);
	const population = await populate(target, samples, random.fork('population'));
	const peer = await target.startPeer();
	const {stranger, serverName} = population;
	let count = 0;
	const next = (): number => (count += 1);
	const means: Means = {
		next,
		serverName,
		stranger: {userId: stranger.user_id, token: stranger.access_token},
		roomFor: makeRooms(target, stranger.access_token),
		peer,
		peerUserId: peer.userId('bob'),
		newPeerRoom: () => `!${String(next()).padStart(18, 'r')}:${peer.name}` as RoomId,
	};
	const subjects = [
		...population.subjects,
		...(await makeFarFiles(target, peer, population.host.access_token, Math.min(FAR_FILES_MAX, samples))),
		// Its keys are known since it sent that file; those of the other are not.
		{kind: 'server', class: 'a server that was spoken with', isHere: true, name: peer.name} as const,
		{kind: 'server', class: 'a server that was not', isHere: false, name: '127.99.99.99:44444'} as const,
	];
	return {target, population: {...population, subjects}, means, random};
}

/** Gives a function that makes a room of the stranger's for a purpose, once. */
export function makeRooms({url}: Pick<Target, 'url'>, token: string): Means['roomFor'] {
	const rooms = new Map<string, Promise<string>>();
	const body = {preset: 'private_chat', name: 'Of a stranger'};
	return (purpose) => {
		let room = rooms.get(purpose);
		if (room === undefined) {
			room = call<{room_id: string}>({url}, 'POST', '/_matrix/client/v3/createRoom', {token, body}).then(
				(made) => made.room_id,
			);
			rooms.set(purpose, room);
		}
		return room;
	};
}
