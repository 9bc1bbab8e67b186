import test from 'ava';
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
