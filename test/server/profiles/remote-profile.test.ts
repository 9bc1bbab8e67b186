import test from 'ava';
import {type JsonValue, readStrictJson, type UserId} from '../../../crypto/index.ts';
import {
	type FederationClient,
	type FederationRequest,
	OutboundError,
	RemoteError,
} from '../../../federation/outbound/index.ts';
import {queryRemoteProfile} from '../../../server/profiles/index.ts';

const CAROL = '@carol:elsewhere.example' as UserId;

function clientThat(answer: () => JsonValue) {
	const requests: FederationRequest[] = [];
	const client: FederationClient = {
		request: async (request) => {
			requests.push(request);
			return {status: 200, headers: {}, body: answer()};
		},
		stream: () => Promise.reject(new OutboundError('unreachable', 'Not here')),
	};
	return {client, requests};
}

test('the server of the user is asked, for the whole profile or a field', async (t) => {
	const {client, requests} = clientThat(() => ({displayname: 'Carol', 'm.tz': 'Europe/Oslo'}));
	t.deepEqual(await queryRemoteProfile(client, CAROL, undefined), {displayname: 'Carol', 'm.tz': 'Europe/Oslo'});
	await queryRemoteProfile(client, CAROL, 'displayname');
	t.like(requests[1], {
		destination: 'elsewhere.example',
		method: 'GET',
		path: '/_matrix/federation/v1/query/profile',
		query: {user_id: CAROL, field: 'displayname'},
	});
});

test('what clients could not read is left out', async (t) => {
	const text = `{"displayname": 5, "avatar_url": {}, "m.tz": null, "a.b": [1.5], "c.d": {"e": ["x", 1]}}`;
	const reading = readStrictJson(Buffer.from(text));
	const {client} = clientThat(() => reading);
	t.deepEqual(await queryRemoteProfile(client, CAROL, undefined), {'c.d': {e: ['x', 1]}});
});

test('an answer that is no profile, and none at all, is no profile', async (t) => {
	for (const body of [null, 'Carol', ['Carol'], 5]) {
		t.is(await queryRemoteProfile(clientThat(() => body).client, CAROL, undefined), undefined);
	}
	for (const error of [
		new OutboundError('timeout', 'Too late'),
		new RemoteError({status: 401, errcode: 'M_UNKNOWN_TOKEN', retryAfterMs: undefined, roomVersion: undefined}),
	]) {
		const {client} = clientThat(() => {
			throw error;
		});
		t.is(await queryRemoteProfile(client, CAROL, undefined), undefined);
	}
	const {client} = clientThat(() => {
		throw new TypeError('a bug');
	});
	await t.throwsAsync(queryRemoteProfile(client, CAROL, undefined), {instanceOf: TypeError});
});
