import test from 'ava';
import {findRoomVersion, ROOM_VERSIONS} from '../../../federation/rooms/index.ts';

test('the twelve room versions are known and no other', (t) => {
	t.deepEqual(
		ROOM_VERSIONS.map(({id}) => id as string),
		Array.from({length: 12}, (_, index) => `${index + 1}`),
	);
	for (const id of ['0', '13', '', '1.0', '01', 'org.matrix.msc3667', 'constructor', '__proto__']) {
		t.is(findRoomVersion(id), undefined);
	}
});

function changes(name: keyof (typeof ROOM_VERSIONS)[number]): string[] {
	return ROOM_VERSIONS.filter((version, index) => index > 0 && version[name] !== ROOM_VERSIONS[index - 1]?.[name]).map(
		({id}) => id,
	);
}

test('what room versions differ in changes where the specification says', (t) => {
	t.deepEqual(changes('eventIds'), ['3', '4']);
	t.deepEqual(changes('eventReferences'), ['3']);
	t.deepEqual(changes('roomIds'), ['12']);
	t.deepEqual(changes('depthMax'), ['6']);
	t.deepEqual(changes('isStrictJson'), ['6']);
	t.deepEqual(changes('enforcesKeyValidity'), ['5']);
	t.deepEqual(changes('isSignedByEventIdServer'), ['3']);
	t.deepEqual(changes('stateResolution'), ['2', '12']);
	t.deepEqual(changes('redaction'), ['6', '8', '9', '11']);
	t.deepEqual(changes('redactsIn'), ['11']);
	t.deepEqual(changes('selectsCreateEvent'), ['12']);
	t.deepEqual(changes('creatorIn'), ['11']);
	t.deepEqual(changes('creatorsAreUnlimited'), ['12']);
	t.deepEqual(changes('hasAliasesRule'), ['6']);
	t.deepEqual(changes('hasRedactionRule'), ['3']);
	t.deepEqual(changes('powerLevelValues'), ['6', '10']);
	t.deepEqual(changes('guardsNotificationLevels'), ['6']);
	t.deepEqual(changes('joinRules'), ['7', '8', '10']);
	t.deepEqual(changes('hasKnocking'), ['7']);
	t.deepEqual(changes('hasRestrictedJoins'), ['8']);
});
