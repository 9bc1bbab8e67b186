import type {EventId, RoomId} from '../../../crypto/index.ts';
import type {SyncingDevice} from './device.ts';
import type {Person, Scene} from './people.ts';
import type {Placed} from './processes.ts';

/** Says of everything that was acknowledged whether it came about once, in order, and reached whom it concerns. */
export async function findFaults(scene: Scene, devices: readonly SyncingDevice[]): Promise<string[]> {
	const {processes, rooms, people, chronicle} = scene;
	const timelines = new Map<RoomId, Placed[]>();
	for (const roomId of rooms) timelines.set(roomId, await processes.listTimeline(roomId));
	const faults = [...chronicle.faults, ...findDisorder(scene, [...timelines.values()].flat())];
	for (const device of devices) {
		const name = `${device.session.user_id} ${device.session.device_id}`;
		const person = people.find(({userId}) => userId === device.session.user_id)!;
		const own = [
			...device.faults,
			...[...timelines].flatMap(([roomId, timeline]) => checkRoom(device, roomId, timeline)),
			...compare('to-device messages', device.messages, chronicle.messages.get(name) ?? []),
			...checkPerson(device, person),
			...checkOthers(device, scene),
		];
		faults.push(...own.map((fault) => `${name}: ${fault}`));
	}
	faults.push(...checkClaims(scene, devices));
	return faults;
}

/** Each acknowledged event is there once, and whatever was begun after another one's end comes after it. */
function findDisorder({chronicle}: Scene, placed: readonly Placed[]): string[] {
	const positions = new Map(placed.map(({eventId, pos}) => [eventId, pos]));
	const faults: string[] = [];
	if (positions.size < placed.length) faults.push('an event has two places');
	if (new Set(placed.map(({pos}) => pos)).size < placed.length) faults.push('two events have one position');
	for (const {eventId, startedAt} of chronicle.deeds) {
		const pos = positions.get(eventId);
		if (pos === undefined) faults.push(`lost: ${eventId}`);
		const late = chronicle.deeds.find(
			(other) => other.endedAt < startedAt && (positions.get(other.eventId) ?? 0) >= (pos ?? Number.POSITIVE_INFINITY),
		);
		if (late)
			faults.push(`${eventId} at ${pos} was begun after ${late.eventId} at ${positions.get(late.eventId)} was done`);
	}
	return faults;
}

interface Stay {
	readonly from: number;
	readonly to: number;
}

/** When somebody was in a room. */
function staysOf(userId: string, timeline: readonly Placed[]): Stay[] {
	const stays: Stay[] = [];
	let from: number | undefined;
	for (const {type, stateKey, membership, pos} of timeline) {
		if (type !== 'm.room.member' || stateKey !== userId) continue;
		if (membership === 'join') from ??= pos;
		else if (from !== undefined) {
			stays.push({from, to: pos});
			from = undefined;
		}
	}
	return from === undefined ? stays : [...stays, {from, to: Number.POSITIVE_INFINITY}];
}

/** Everything that happened while somebody was in a room is told once and in order; after a new entry perhaps again. */
function checkRoom(device: SyncingDevice, roomId: RoomId, timeline: readonly Placed[]): string[] {
	const positions = new Map(timeline.map(({eventId, pos}) => [eventId, pos]));
	const stays = staysOf(device.session.user_id, timeline);
	const told = new Map<EventId, number>();
	const faults: string[] = [];
	let before = {upto: -1, pos: -1};
	for (const {eventId, after, upto} of device.deliveries.filter((delivery) => delivery.roomId === roomId)) {
		const pos = positions.get(eventId);
		if (pos === undefined) {
			faults.push(`was shown ${eventId}, which is not in the timeline of ${roomId}`);
			continue;
		}
		if (upto === before.upto && pos <= before.pos) faults.push(`${eventId} at ${pos} was shown after ${before.pos}`);
		before = {upto, pos};
		if (pos > upto) faults.push(`${eventId} at ${pos} was shown before ${upto}`);
		const isEntry = after === 0 || stays.some(({from}) => from > after && from <= upto);
		const isRepeated = told.has(eventId) || pos <= after;
		if (isRepeated && !isEntry) faults.push(`${eventId} at ${pos} was shown again in (${after}, ${upto}]`);
		if (!stays.some(({to}) => pos <= to)) faults.push(`${eventId} at ${pos} was shown to who had left`);
		told.set(eventId, pos);
	}
	// Who has left when a device begins is not told of it.
	const owed = timeline.filter(({pos}) =>
		stays.some(({from, to}) => from <= pos && pos <= to && to > (device.beganAfter ?? 0)),
	);
	const missing = owed.filter(({eventId}) => !told.has(eventId));
	if (missing.length > 0)
		faults.push(`was not shown ${missing.map(({eventId, pos}) => `${eventId} at ${pos}`).join()}`);
	return faults;
}

function compare(what: string, got: readonly string[], wanted: readonly string[]): string[] {
	const [one, other] = [got.toSorted().join(), wanted.toSorted().join()];
	return one === other ? [] : [`${what}: expected ${other}, got ${one}`];
}

function checkPerson(device: SyncingDevice, person: Person): string[] {
	if ((device.accountData ?? 0) === person.accountData) return [];
	return [`account data: expected ${person.accountData}, got ${device.accountData}`];
}

/** In the room that nobody leaves, everybody knows where the others have read to, and that their devices changed. */
function checkOthers(device: SyncingDevice, {people, rooms}: Scene): string[] {
	const [common] = rooms as [RoomId];
	const faults: string[] = [];
	for (const {userId, receipts, listChangedAt} of people) {
		const receipt = device.receipts.get(`${common} ${userId}`);
		if (receipt !== receipts.get(common)) {
			faults.push(`the receipt of ${userId}: expected ${receipts.get(common)}, got ${receipt}`);
		}
		const heardAt = device.listsChangedAt.get(userId) ?? device.beganAt ?? 0;
		if (heardAt < listChangedAt) faults.push(`was not told of the changed devices of ${userId}`);
	}
	return faults;
}

/** No one-time key is given out twice, and none is lost. */
function checkClaims({chronicle, people}: Scene, devices: readonly SyncingDevice[]): string[] {
	const faults: string[] = [];
	if (new Set(chronicle.claimed).size < chronicle.claimed.length) faults.push('a one-time key was given out twice');
	for (const {session, keyCount} of devices) {
		const {user_id: userId, device_id: deviceId} = session;
		const person = people.find((one) => one.userId === userId);
		const claimed = chronicle.claimed.filter((key) => key.startsWith(`${userId} ${deviceId} `)).length;
		const left = (person?.uploaded.get(deviceId) ?? 0) - claimed;
		if ((keyCount ?? 0) !== left) faults.push(`${userId} ${deviceId}: ${left} one-time keys are left, got ${keyCount}`);
	}
	return faults;
}
