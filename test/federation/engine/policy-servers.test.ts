/** Events that a room's policy server is asked about, while other things happen in the room. */
import test, {type ExecutionContext} from 'ava';
import {
	encodeBase64,
	type EventId,
	generateSigningKey,
	type JsonObject,
	type RoomId,
	type ServerName,
	type SigningKey,
	type UserId,
} from '../../../crypto/index.ts';
import {type Engine, EngineError, type PolicyAnswer, type PolicyServers} from '../../../federation/engine/index.ts';
import {type Pdu, signPdu, toFederationEvent} from '../../../federation/rooms/index.ts';
import type {Storage} from '../../../storage/index.ts';
import {onPostgres, serverName} from '../../contract/databases.ts';
import {engineOver, firstEvents, gated, makeEngine} from '../../harness/engine.ts';
import {until} from '../../harness/index.ts';

const KEY_ID = 'ed25519:policy_server';
const two = 'two.test' as ServerName;
const bob = '@bob:two.test' as UserId;

/** A policy server of which the test says how it answers. */
class Watch implements PolicyServers {
	readonly asked: Pdu[] = [];
	key: SigningKey = generateSigningKey();
	/** What happens before it answers. */
	before: (pdu: Pdu) => Promise<unknown> = () => Promise.resolve();

	async ask(server: ServerName, pdu: Pdu): Promise<PolicyAnswer> {
		this.asked.push(pdu);
		const {key} = this;
		await this.before(pdu);
		const sign = (bytes: Uint8Array) => key.sign(bytes);
		const {signatures} = signPdu(pdu, server, {keyId: KEY_ID, sign} as never);
		return {signature: signatures[server]![KEY_ID]!};
	}

	/** The event that names this server's key as it is now. */
	policy(sender: UserId) {
		const content: JsonObject = {via: two, public_keys: {ed25519: encodeBase64(this.key.publicKey)}};
		return {type: 'm.room.policy', stateKey: '', sender, content};
	}
}

const message = (sender: UserId, body: string) => ({type: 'm.room.message', sender, content: {body} as JsonObject});

/** Takes an event of bob's server, built by the engine itself: nobody checks signatures here. */
async function receiveFrom(engine: Engine, roomId: RoomId, event: Parameters<Engine['makeProto']>[1]): Promise<Pdu> {
	const {version, event: proto} = await engine.makeProto(roomId, event);
	const pdu = engine.signFromProto({
		version,
		roomId,
		event,
		prevEvents: proto['prev_events'] as EventId[],
		authEvents: proto['auth_events'] as EventId[],
		depth: proto['depth'] as number,
	});
	const {status} = await engine.receive({roomId, json: toFederationEvent(pdu), origin: two, relay: true});
	if (status !== 'accepted') throw new Error(status);
	return pdu;
}

/** A room of alice in which bob is, whose server is not asked yet. */
async function makeRoom(engine: Engine, alice: UserId): Promise<RoomId> {
	const {roomId} = await engine.createRoom({version: '12', events: firstEvents('12', alice, 'public')});
	await receiveFrom(engine, roomId, {
		type: 'm.room.member',
		sender: bob,
		stateKey: bob,
		content: {membership: 'join'},
	});
	return roomId;
}

async function start(t: ExecutionContext, wrap?: (storage: Storage) => Storage) {
	const watch = new Watch();
	const home = await makeEngine('one.test', {over: {policyServers: watch}, ...(wrap && {wrap})});
	t.teardown(() => home[Symbol.asyncDispose]());
	const alice = '@alice:one.test' as UserId;
	return {watch, engine: home.engine, alice, roomId: await makeRoom(home.engine, alice)};
}

const hasKey = (pdu: Pdu): boolean => pdu.signatures[two]?.[KEY_ID] !== undefined;

test('an event that was signed while the room came to follow another key is signed anew', async (t) => {
	const {watch, engine, alice, roomId} = await start(t);
	await engine.send({roomId, event: watch.policy(alice)});
	watch.before = async () => {
		watch.before = () => Promise.resolve();
		watch.key = generateSigningKey();
		await engine.send({roomId, event: watch.policy(alice)});
	};
	const {pdu} = await engine.send({roomId, event: message(alice, 'hello')});
	t.is(watch.asked.length, 2);
	const {signatures} = signPdu(pdu, two, {keyId: KEY_ID, sign: (bytes: Uint8Array) => watch.key.sign(bytes)} as never);
	t.is(pdu.signatures[two]![KEY_ID], signatures[two]![KEY_ID]);
	const again = await engine.receive({roomId, json: toFederationEvent(pdu), origin: two});
	t.is(again.status, 'known');
});

test('an event that was signed while the room did away with its policy server is sent all the same', async (t) => {
	const {watch, engine, alice, roomId} = await start(t);
	await engine.send({roomId, event: watch.policy(alice)});
	watch.before = async () => {
		await engine.send({roomId, event: {...watch.policy(alice), content: {}}});
	};
	const {pdu} = await engine.send({roomId, event: message(alice, 'hello')});
	t.is(watch.asked.length, 1);
	const stored = await engine.findEvent(pdu.eventId);
	t.deepEqual([stored?.row.softFailed, stored?.row.rejected], [false, null]);
	t.deepEqual((await engine.findRoom(roomId))?.extremities, [pdu.eventId]);
});

test('an event that the room forbids while it is being signed is refused', async (t) => {
	const {watch, engine, alice, roomId} = await start(t);
	await engine.send({roomId, event: watch.policy(alice)});
	watch.before = async (pdu) => {
		if (pdu.sender !== alice || pdu.type !== 'm.room.topic') return;
		const leave = {type: 'm.room.member', sender: alice, stateKey: alice, content: {membership: 'leave'}};
		await engine.send({roomId, event: leave});
	};
	const topic = {type: 'm.room.topic', sender: alice, stateKey: '', content: {topic: 'late'}};
	const error = await t.throwsAsync<EngineError>(engine.send({roomId, event: topic}), {instanceOf: EngineError});
	t.true(error?.code === 'forbidden' || error?.code === 'not_in_room', error?.code);
});

test('nothing is signed that is built on what is not on disk', async (t) => {
	let gate: ReturnType<typeof gated> | undefined;
	const {watch, engine, alice, roomId} = await start(t, (storage) => (gate = gated(storage)).wrapped);
	await engine.send({roomId, event: watch.policy(alice)});
	gate!.close();
	const policy = engine.send({roomId, event: watch.policy(alice)});
	await until(() => gate!.gate.waiting === 1, 'the first on its way');
	const sending = engine.send({roomId, event: message(alice, 'hello')});
	await new Promise((resolve) => setImmediate(resolve));
	t.is(watch.asked.length, 0);
	gate!.gate.open();
	const [first, second] = await Promise.all([policy, sending]);
	t.deepEqual(second.pdu.prevEvents, [first.eventId]);
	t.is(watch.asked.length, 1);
});

test('where a room has more ends than an event names, its event is signed once and joins some of them', async (t) => {
	const {watch, engine, alice, roomId} = await start(t);
	const {version, event: proto} = await engine.makeProto(roomId, message(bob, 'x'));
	for (let index = 0; index < 14; index += 1) {
		const pdu = engine.signFromProto({
			version,
			roomId,
			event: message(bob, `fork ${index}`),
			prevEvents: proto['prev_events'] as EventId[],
			authEvents: proto['auth_events'] as EventId[],
			depth: proto['depth'] as number,
		});
		t.is((await engine.receive({roomId, json: toFederationEvent(pdu), origin: two})).status, 'accepted');
	}
	await engine.send({roomId, event: watch.policy(alice)});
	const {pdu} = await engine.send({roomId, event: message(alice, 'hello')});
	t.true(hasKey(pdu));
	t.is(watch.asked.length, 1);
	t.true(((await engine.findRoom(roomId))?.extremities.length ?? 0) < 10);
});

onPostgres(
	'two processes send into a room with a policy server at once: all is signed, and nothing lost',
	async (t, database) => {
		const watch = new Watch();
		const alice = `@alice:${serverName}` as UserId;
		const storages = [await database.open(), await database.open()] as const;
		const [one, other] = storages.map((storage) => engineOver(storage, serverName, {policyServers: watch})) as [
			Engine,
			Engine,
		];
		const roomId = await makeRoom(one, alice);
		await one.send({roomId, event: watch.policy(alice)});
		await storages[1].barrier();
		const sent = await Promise.all(
			Array.from({length: 10}, (_, index) => [
				one.send({roomId, event: message(alice, `one ${index}`)}),
				other.send({roomId, event: message(alice, `other ${index}`)}),
			]).flat(),
		);
		t.is(new Set(sent.map(({eventId}) => eventId)).size, 20);
		await storages[0].barrier();
		for (const {eventId} of sent) {
			const stored = await one.findEvent(eventId);
			t.true(stored !== undefined && hasKey(stored.pdu) && stored.row.anchor !== null);
		}
	},
);
