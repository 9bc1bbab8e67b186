import type {ExecutionContext} from 'ava';
import type {JsonObject, RoomId, ServerName} from '../../../crypto/index.ts';
import type {Engine, ReceiveRequest} from '../../../federation/engine/index.ts';
import {type EduReceiver, JoinsUnderway, Staging, takeTransaction} from '../../../federation/inbound/index.ts';
import type {Storage} from '../../../storage/index.ts';
import {makeEngine} from '../../harness/engine.ts';
import {until} from '../../harness/client.ts';
import {ManualClock} from '../../harness/manual-clock.ts';

export const origin = 'two.test' as ServerName;
export const roomId = '!entered:two.test' as RoomId;
export const pdu = (body: string): JsonObject => ({room_id: roomId, type: 'm.room.message', content: {body}});

interface World {
	/** Whether this server is in the room. */
	isEntered: boolean;
	/** What an event is kept waiting by, or fails by. */
	judge: () => Promise<void>;
}

/** Staging over a real database, and an engine that only writes down what it is given. */
export async function openStaging(t: ExecutionContext, wrap: (storage: Storage) => Storage = (storage) => storage) {
	const home = await makeEngine();
	t.teardown(() => home[Symbol.asyncDispose]());
	const storage = wrap(home.storage);
	const received: unknown[] = [];
	const ahead: unknown[] = [];
	const world: World = {isEntered: false, judge: () => Promise.resolve()};
	const engine = {
		findRoom: () => Promise.resolve(world.isEntered ? {isServerJoined: () => true} : undefined),
		checkAhead({json}: Pick<ReceiveRequest, 'json'>) {
			if (!ahead.includes(json)) ahead.push(json);
		},
		async receive({json, alsoWrite}: ReceiveRequest) {
			received.push((json['content'] as JsonObject)['body']);
			await world.judge();
			const batch = home.storage.batch();
			alsoWrite?.(batch);
			await home.storage.commit(batch);
			return {status: 'rejected', reason: 'a test'};
		},
	} as unknown as Engine;
	const clock = new ManualClock();
	const joins = new JoinsUnderway();
	const {serverName} = home;
	const context = {storage, engine, serverName, signatures: {check: () => Promise.resolve({allowed: true as const})}};
	const staging = new Staging({...context, joins, clock, onProblem: () => undefined});
	/** A join that ends when the test says so. */
	const enter = (): (() => void) => {
		let end = (): void => undefined;
		void joins.run(roomId, () => new Promise<void>((resolve) => (end = resolve)));
		return () => {
			world.isEntered = true;
			end();
		};
	};
	const edus: Record<string, EduReceiver> = {};
	/** Takes events, and lets the time go by until the answer leaves. */
	const take = async (txnId: string, ...pdus: JsonObject[]) => {
		let isAnswered = false;
		const answer = takeBoth(txnId, pdus, []).finally(() => (isAnswered = true));
		await until(() => isAnswered || clock.waiting > 0, 'the answer waits for its tick');
		if (!isAnswered) clock.advance(20);
		return answer;
	};
	const takeBoth = (txnId: string, pdus: JsonObject[], eduList: JsonObject[]) =>
		takeTransaction(
			{...context, staging, joins, clock, edus, onProblem: () => undefined},
			{origin, txnId, pdus, edus: eduList, brokenPdus: new Set(), brokenEdus: new Set()},
		);
	return {storage: home.storage, world, staging, clock, received, ahead, take, takeBoth, edus, enter};
}
