import type {RoomId, UserId} from '../../crypto/index.ts';
import type {Batch, Membership, Storage} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {addLive, alice, bob, eventId, write} from './rows.ts';

const rooms = ['!a:a.example', '!b:a.example', '!c:a.example'] as RoomId[];

const setMembership = (storage: Storage, batch: Batch, roomId: RoomId, userId: UserId, membership: Membership) => {
	const pos = batch.announce({kind: 'membership', roomId, subject: userId});
	const row = {roomId, userId, membership, eventNid: null, sender: userId, isLocal: true, strippedState: null, pos};
	storage.memberships.set(batch, row);
};

onBoth('state of rooms that a user is joined to is sifted by its text', async (t, database) => {
	const storage = await database.open();
	const setState = (batch: Batch, roomId: RoomId, type: string, stateKey: string, content: object) => {
		const name = `${roomId}/${type}/${stateKey}`;
		const {nid} = addLive(storage, batch, {
			eventId: eventId(name),
			roomId,
			type,
			stateKey,
			json: JSON.stringify(content),
		});
		storage.rooms.setCurrentState(batch, roomId, [{type, stateKey, eventNid: nid}]);
	};
	await write(storage, (batch) => {
		for (const roomId of rooms) {
			storage.rooms.add(batch, {roomId, version: '12', creator: null});
			setState(batch, roomId, 'rules', '', {rule: roomId === rooms[1] ? 'closed' : 'open'});
			setState(batch, roomId, 'rules', 'key', {rule: 'open'});
			setState(batch, roomId, 'other', '', {rule: 'open'});
		}
		for (const roomId of rooms.slice(0, 2)) setMembership(storage, batch, roomId, alice, 'join');
		setMembership(storage, batch, rooms[2]!, alice, 'leave');
		setMembership(storage, batch, rooms[2]!, bob, 'join');
	});
	const list = async (userId: string, like: string, limit = 9) =>
		(await storage.rooms.listStateOfJoinedRooms(userId as UserId, {type: 'rules', like, limit})).map(
			({roomId, stateKey}) => `${roomId} ${stateKey}`,
		);
	t.deepEqual(await list(alice, '%"rule":"open"%'), ['!a:a.example ']);
	t.deepEqual(await list(bob, '%"rule":"open"%'), ['!c:a.example ']);
	t.deepEqual((await list(alice, '%')).toSorted(), ['!a:a.example ', '!b:a.example ']);
	t.is((await list(alice, '%', 1)).length, 1);
	t.deepEqual(await list(alice, '%"rule":"o'), []);
	t.deepEqual(await list('@nobody:a.example', '%'), []);
	const ofRooms = await storage.rooms.listStateOfRooms(rooms.slice(1), {type: 'rules', like: '%"rule":"open"%'});
	t.deepEqual(
		ofRooms.map(({roomId, stateKey}) => `${roomId} ${stateKey}`),
		['!c:a.example '],
	);
	t.deepEqual(await storage.rooms.listStateOfRooms([], {type: 'rules', like: '%'}), []);
});
