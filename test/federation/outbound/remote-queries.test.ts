import test from 'ava';
import type {JsonObject, JsonValue, ServerName, UserId} from '../../../crypto/index.ts';
import {
	createRemoteQueries,
	type FederationRequest,
	OutboundError,
	RemoteError,
} from '../../../federation/outbound/index.ts';

const server = 'them.example' as ServerName;
const bob = '@bob:them.example' as UserId;

function createWorld(answer: JsonValue | Error) {
	const requests: FederationRequest[] = [];
	const queries = createRemoteQueries({
		request(request) {
			requests.push(request);
			return answer instanceof Error
				? Promise.reject(answer)
				: Promise.resolve({status: 200, headers: {}, body: answer});
		},
	});
	return {queries, requests};
}

function refuse(status: number): RemoteError {
	return new RemoteError({status, errcode: undefined, retryAfterMs: undefined, roomVersion: undefined});
}

test("a profile is asked of the user's server, and absent where it gives none", async (t) => {
	const {queries, requests} = createWorld({displayname: 'Bob'});
	t.deepEqual(await queries.findProfile(bob, 'displayname'), {displayname: 'Bob'});
	t.like(requests[0], {
		destination: server,
		method: 'GET',
		path: '/_matrix/federation/v1/query/profile',
		query: {user_id: bob, field: 'displayname'},
	});
	t.is(await createWorld(refuse(403)).queries.findProfile(bob), undefined);
	t.is(await createWorld(refuse(404)).queries.findProfile(bob), undefined);
	await t.throwsAsync(createWorld(refuse(500)).queries.findProfile(bob), {instanceOf: RemoteError});
	await t.throwsAsync(createWorld([]).queries.findProfile(bob), {instanceOf: OutboundError});
});

test('keys of users who were not asked for are not taken', async (t) => {
	const users = {[bob]: []} as Record<UserId, string[]>;
	const keys: JsonObject = {[bob]: {PHONE: {}}, '@alice:us.example': {PHONE: {}}, __proto__: {}};
	const {queries, requests} = createWorld({
		device_keys: keys,
		master_keys: {[bob]: {usage: []}, '@alice:us.example': {}},
	});
	const found = await queries.queryKeys(server, users, 5000);
	t.deepEqual(Object.keys(found.deviceKeys), [bob]);
	t.deepEqual(Object.keys(found.masterKeys), [bob]);
	t.deepEqual(Object.keys(found.selfSigningKeys), []);
	t.like(requests[0], {
		method: 'POST',
		path: '/_matrix/federation/v1/user/keys/query',
		body: {device_keys: {[bob]: []}},
		limits: {timeoutMs: 5000},
	});
	for (const answer of [{device_keys: []}, {device_keys: {[bob]: 5}}, {}]) {
		t.deepEqual(
			Object.keys((await createWorld(answer as JsonValue).queries.queryKeys(server, users, 1)).deviceKeys),
			[],
		);
	}
});

test('one-time keys are claimed by user, device and algorithm', async (t) => {
	const users = {[bob]: {PHONE: 'signed_curve25519'}} as Record<UserId, Record<string, string>>;
	const {queries, requests} = createWorld({one_time_keys: {[bob]: {PHONE: {'signed_curve25519:A': {}}}, '@x:y': {}}});
	t.deepEqual(Object.keys(await queries.claimKeys(server, users, 5000)), [bob]);
	t.deepEqual(requests[0]?.body as unknown, {one_time_keys: {[bob]: {PHONE: 'signed_curve25519'}}});
});

test("a device list must be that of the user, and is cut where it is longer than anybody's", async (t) => {
	const devices = Array.from({length: 2000}, (_, index) => (index === 0 ? null : {device_id: `${index}`}));
	const {queries, requests} = createWorld({user_id: bob, stream_id: 7, devices, master_key: {usage: []}});
	const found = await queries.findDevices(bob);
	t.like(found, {userId: bob, streamId: 7, masterKey: {usage: []}, selfSigningKey: undefined});
	t.is(found?.devices.length, 999);
	t.is(requests[0]?.path, '/_matrix/federation/v1/user/devices/%40bob%3Athem.example');
	for (const answer of [
		{user_id: '@x:y', stream_id: 7, devices: []},
		{user_id: bob, devices: []},
		{user_id: bob, stream_id: 7},
	]) {
		await t.throwsAsync(createWorld(answer as JsonValue).queries.findDevices(bob), {instanceOf: OutboundError});
	}
	t.is(await createWorld(refuse(404)).queries.findDevices(bob), undefined);
});
