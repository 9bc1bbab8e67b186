import test from 'ava';
import {edit, react, redact, refer, reply, show} from './conversation.ts';
import {type ClientEvent, newsroom, type Person, room, VERSIONS} from './newsroom.ts';

interface Sent {
	readonly event_id: string;
}

const eventAt = (roomId: string, eventId: string) => `${room(roomId)}/event/${encodeURIComponent(eventId)}`;
const redactAt = (roomId: string, eventId: string, txnId: string) =>
	`${room(roomId)}/redact/${encodeURIComponent(eventId)}/${txnId}`;

test('a redacted event keeps what its room version protects, and says who took the rest', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version, preset: 'public_chat'});
		await bob.join(roomId);
		const eventId = await bob.say(roomId, 'the source is …');
		const {event_id: redaction} = await alice.do<Sent>('PUT', redactAt(roomId, eventId, '1'), {reason: 'protect'});
		const event = await bob.do<ClientEvent>('GET', eventAt(roomId, eventId));
		t.deepEqual(event.content, {}, version);
		const because = event.unsigned?.['redacted_because'] as ClientEvent;
		t.is(because.event_id, redaction, version);
		t.is(because.content['reason'], 'protect', version);
		// Both spellings, whatever the version.
		const shown = await bob.do<ClientEvent>('GET', eventAt(roomId, redaction));
		t.deepEqual([shown.redacts, shown.content['redacts']], [eventId, eventId], version);
		// A redacted member is a member still, without the name.
		const {event_id: memberId} = await alice.do<Sent>(
			'GET',
			`${room(roomId)}/state/m.room.member/${bob.id}?format=event`,
		);
		await alice.do('PUT', redactAt(roomId, memberId, '2'), {});
		t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {membership: 'join'}, version);
		await bob.say(roomId, 'still here');
	}
});

test('a redaction may be sent as any other event, in every version, and repeated', async (t) => {
	const {alice} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version});
		const eventId = await alice.say(roomId, 'typo');
		const path = `${room(roomId)}/send/m.room.redaction/1`;
		const first = await alice.do<Sent>('PUT', path, {redacts: eventId, reason: 'typo'});
		const second = await alice.do<Sent>('PUT', path, {redacts: eventId, reason: 'typo'});
		t.is(first.event_id, second.event_id, version);
		t.deepEqual((await alice.do<ClientEvent>('GET', eventAt(roomId, eventId))).content, {}, version);
		const bare = await alice.ask('PUT', `${room(roomId)}/send/m.room.redaction/2`, {});
		t.deepEqual([bare.status, bare.body['errcode']], [400, 'M_BAD_JSON'], version);
	}
});

test('who redacts needs to have said it, or the power', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const eventId = await alice.say(roomId, 'mine');
	const ask = async (person: Person, id: string, txnId: string) => {
		const answer = await person.ask('PUT', redactAt(roomId, id, txnId), {});
		return [answer.status, answer.body['errcode']];
	};
	t.deepEqual(await ask(bob, eventId, '1'), [403, 'M_FORBIDDEN']);
	t.deepEqual(await ask(carol, eventId, '1'), [403, 'M_FORBIDDEN']);
	t.deepEqual(await ask(bob, '$nothing', '2'), [404, 'M_NOT_FOUND']);
	t.deepEqual(await ask(bob, `$${'A'.repeat(43)}`, '3'), [404, 'M_NOT_FOUND']);
	// C8: an event of another room, and what makes the room what it is.
	const other = await alice.create();
	t.deepEqual(await ask(alice, await alice.say(other, 'elsewhere'), '4'), [404, 'M_NOT_FOUND']);
	const {event_id: create} = await alice.do<Sent>('GET', `${room(roomId)}/state/m.room.create?format=event`);
	t.deepEqual(await ask(alice, create, '5'), [403, 'M_FORBIDDEN']);
	t.deepEqual((await alice.do<ClientEvent>('GET', eventAt(roomId, eventId))).content, {
		body: 'mine',
		msgtype: 'm.text',
	});
});

test('redacting many times at once is redacting, and the same transaction one event', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const eventId = await alice.say(roomId, 'x');
	const answers = await Promise.all(
		Array.from({length: 32}, () => alice.do<Sent>('PUT', redactAt(roomId, eventId, 'one'), {})),
	);
	t.is(new Set(answers.map(({event_id: id}) => id)).size, 1);
});

test('what relates to an event goes with it where that is asked for, as far as one may', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const isGone = async (eventId: string) => Object.keys((await show(alice, roomId, eventId)).content).length === 0;
	const root = await bob.say(roomId, 'the source is …');
	const changed = await edit(bob, roomId, root, 'the source is known');
	const forged = await edit(alice, roomId, root, 'not by bob');
	const answer = await reply(alice, roomId, root);
	const reaction = await react(bob, roomId, root, '👍');
	await redact(bob, roomId, root, {reason: 'protect', with_rel_types: ['m.replace', 'm.thread']});
	t.deepEqual(await Promise.all([root, changed, forged, answer, reaction].map(isGone)), [
		true,
		true,
		false,
		false,
		false,
	]);
	const because = (await show(alice, roomId, changed)).unsigned?.['redacted_because'] as ClientEvent;
	t.deepEqual([because.sender, because.content['reason']], [bob.id, 'protect']);
	t.deepEqual(Object.keys(because.content).toSorted(), ['reason', 'redacts']);
	const second = await bob.say(roomId, 'once more');
	const all = [
		await reply(bob, roomId, second),
		await react(alice, roomId, second, '👍'),
		await refer(bob, roomId, second),
	];
	await redact(alice, roomId, second, {'org.matrix.msc3912.with_relations': ['*']});
	t.deepEqual(await Promise.all([second, ...all].map(isGone)), [true, true, true, true]);
	const third = await bob.say(roomId, 'and again');
	const kept = await refer(alice, roomId, third);
	await redact(alice, roomId, third, {with_rel_types: []});
	t.false(await isGone(kept));
	// What was redacted before is no relation any more, and a redaction is none.
	await redact(alice, roomId, third, {with_rel_types: ['m.room.redaction', '*']});
	t.true(await isGone(kept));
	for (const wrong of ['m.replace', [1], {}, null, Array.from({length: 21}, () => 'x')]) {
		const refused = await alice.ask('PUT', redactAt(roomId, forged, 'wrong'), {with_rel_types: wrong});
		t.deepEqual([refused.status, refused.body['errcode']], [400, 'M_BAD_JSON']);
	}
	t.false(await isGone(forged));
});
