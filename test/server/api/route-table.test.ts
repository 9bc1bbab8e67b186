import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {routeTables} from '../../../server/api/index.ts';
import type {AuthKind} from '../../../server/http/index.ts';

/** One operation of the specification, as `../shared/spec/endpoints.json` has it. */
interface Endpoint {
	readonly api: string;
	readonly method: string;
	readonly path: string;
	readonly operationId: string;
	readonly auth: string;
	readonly guests: boolean | null;
}

const file = join(process.cwd(), '../shared/spec/endpoints.json');
const maybe = existsSync(file) ? test : test.skip;
if (!existsSync(file)) {
	console.log(`skipped: ${file} is not here`);
}

const readEndpoints = (): Endpoint[] => {
	const {endpoints} = JSON.parse(readFileSync(file, 'utf8')) as {endpoints: Endpoint[]};
	return endpoints.filter(({api}) => api === 'client-server' || api === 'server-server');
};

/** What a route may declare where the specification asks for `auth`. */
const allowedAuth: Readonly<Record<string, readonly AuthKind[]>> = {
	access_token: ['user', 'guest', 'admin'],
	// A token that is allowed need not be looked at.
	optional: ['optional', 'none'],
	none: ['none', 'optional'],
	server_signature: ['server'],
	// Application services are not served yet: whoever has a token is told that they are none.
	as_token: ['user'],
};

/** Routes that ask more of their caller than the specification does, and why. */
const stricterAuth: Readonly<Record<string, AuthKind>> = {
	// Without a token only a validated address could say whose password or account it is, and none opens an account here.
	changePassword: 'user',
	deactivateAccount: 'user',
};

const noPhoneNumbers = 'this server knows no phone numbers';

/** Operations that are not served: whoever calls them is told M_UNRECOGNIZED. */
const absent: Readonly<Record<string, string>> = {
	'client-server requestTokenTo3PIDMSISDN': noPhoneNumbers,
	'client-server requestTokenToRegisterMSISDN': noPhoneNumbers,
	'client-server requestTokenToResetPasswordMSISDN': noPhoneNumbers,
	'server-server askPolicyServerToSign': 'a server is a policy server by serving this',
};

/** Paths that the specification names in its text alone. */
const proseOnly = [
	'/_matrix/client/v3/auth/:authType/fallback/web',
	'/_matrix/static/client/login/',
	// Only clients ask for this one.
	'/_matrix/static/client/register/',
];

const keyOf = (method: string, path: string): string => `${method} ${path.trim().replace(/\{\w+\}|:\w+/gu, ':')}`;

const namesIn = (path: string): string[] => path.match(/(?<=[:{])\w+/gu) ?? [];

const routes = routeTables.flatMap((table) => table.routes);

test('every operation has one route, and its id is nobody else’s', (t) => {
	// The specification itself names operations of two of its APIs alike (getRoomState).
	for (const table of routeTables) {
		const ids = table.routes.map(({id}) => id);
		t.deepEqual(ids.length, new Set(ids).size);
	}
});

maybe('every route of the Matrix APIs is an operation of the specification, with its method, path and caller', (t) => {
	// The first of two operations at one place (invites by user id and by address) names it.
	const endpoints = new Map(
		readEndpoints()
			.toReversed()
			.map((endpoint) => [keyOf(endpoint.method, endpoint.path), endpoint]),
	);
	for (const route of routes) {
		if (
			!/^\/(?:_matrix|\.well-known\/matrix)\//u.test(route.path) ||
			route.path.includes('/unstable/') ||
			proseOnly.includes(route.path)
		) {
			continue;
		}
		const endpoint = endpoints.get(keyOf(route.method, route.path));
		if (endpoint === undefined) {
			t.fail(`${route.id}: the specification has no ${route.method} ${route.path}`);
			continue;
		}
		t.is(route.id, endpoint.operationId, `${route.method} ${route.path}`);
		t.deepEqual(namesIn(route.path), namesIn(endpoint.path), `${route.id}: names of parameters`);
		const isAllowed =
			allowedAuth[endpoint.auth]?.includes(route.auth) === true || stricterAuth[route.id] === route.auth;
		t.true(isAllowed, `${route.id}: auth of ${endpoint.auth}`);
		if (endpoint.guests !== null && endpoint.auth === 'access_token') {
			t.is(route.auth === 'guest', endpoint.guests, `${route.id}: guests`);
		}
	}
});

maybe('every operation of the specification is served, or named with the reason why not', (t) => {
	const served = new Set(routes.flatMap(({method, path, alsoAt}) => [path, ...alsoAt].map((at) => keyOf(method, at))));
	const missing = readEndpoints().filter(({method, path}) => !served.has(keyOf(method, path)));
	const found = missing.map(({api, operationId}) => `${api} ${operationId}`).toSorted();
	t.deepEqual(found, Object.keys(absent).toSorted());
});
