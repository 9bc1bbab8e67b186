import type {Adapter, AdapterPayload} from 'oidc-provider';
import {type DeviceId, hashToken} from '../../crypto/index.ts';
import {ConflictError} from '../../storage/index.ts';
import type {OAuthDependencies} from './dependencies.ts';
import {signedOut} from './errors.ts';
import {currentFlow} from './flow.ts';
import {readScope, WHOLE_SCOPE} from './scopes.ts';

/** Long enough for whoever has to fetch their phone, and to type a password twice. */
export const DEVICE_CODE_LIFETIME_MS = 20 * 60 * 1000;

/** A client exchanges its code as soon as its window has come up. */
export const CODE_LIFETIME_MS = 60 * 1000;

type Stored = Pick<OAuthDependencies, 'storage' | 'clock'>;

/** Where the library keeps things: clients and codes in our tables, all else for the length of a request. */
export function createAdapter(dependencies: Stored): (model: string) => Adapter {
	return (model) => {
		const adapter = createFlowAdapter(model);
		if (model === 'Client') return {...adapter, find: (clientId) => findClient(dependencies, clientId)};
		if (model === 'AuthorizationCode') return {...adapter, upsert: (id, code) => addCode(dependencies, id, code)};
		if (model === 'DeviceCode') return {...adapter, upsert: (id, code) => addDeviceCode(dependencies, id, code)};
		return adapter;
	};
}

async function findClient({storage}: Stored, clientId: string): Promise<AdapterPayload | undefined> {
	const row = await storage.oauth.findClient(clientId);
	return row && {...row.metadata, client_id: clientId};
}

async function addCode({storage, clock}: Stored, id: string, code: AdapterPayload): Promise<void> {
	const {approval} = currentFlow();
	if (approval === undefined || code.accountId !== approval.userId)
		throw new Error('expected an approval of its account');
	if (code.codeChallenge === undefined || code.codeChallengeMethod !== 'S256') throw new Error('expected a challenge');
	const batch = storage.batch();
	storage.oauth.addCode(batch, {
		codeHash: hashToken(id),
		clientId: textOf(code.clientId),
		userId: approval.userId,
		deviceId: approval.deviceId,
		scope: approval.scope,
		redirectUri: textOf(code.redirectUri),
		codeChallenge: code.codeChallenge,
		expiresTs: clock.now() + CODE_LIFETIME_MS,
		isUsed: false,
		upstreamProviderId: approval.upstream?.providerId ?? null,
		upstreamSessionId: approval.upstream?.sessionId ?? null,
	});
	if (approval.webSessionHash !== undefined) storage.webSessions.expect(batch, approval.webSessionHash);
	await storage.commit(batch).catch((cause: unknown) => {
		throw cause instanceof ConflictError && cause.condition === 'web_session' ? signedOut({cause}) : cause;
	});
}

async function addDeviceCode({storage, clock}: Stored, id: string, code: AdapterPayload): Promise<void> {
	const granted = readScope(textOf(code.params?.[WHOLE_SCOPE]));
	if (typeof granted === 'string') throw new Error('expected a scope that was checked');
	const batch = storage.batch();
	storage.oauth.addDeviceCode(batch, {
		codeHash: hashToken(id),
		userCodeHash: hashToken(textOf(code.userCode)),
		clientId: textOf(code.clientId),
		deviceId: granted.deviceId satisfies DeviceId,
		scope: granted.scope,
		expiresTs: clock.now() + DEVICE_CODE_LIFETIME_MS,
		polledTs: 0,
		state: 'pending',
		userId: '',
		upstreamProviderId: null,
		upstreamSessionId: null,
	});
	await storage.commit(batch);
}

function textOf(value: unknown): string {
	if (typeof value !== 'string') throw new Error(`expected a text of the library, got ${typeof value}`);
	return value;
}

function createFlowAdapter(model: string): Adapter {
	const key = (id: string): string => `${model} ${id}`;
	const find = async (id: string): Promise<AdapterPayload | undefined> => currentFlow().rows.get(key(id));
	const nothing = async (): Promise<undefined> => undefined;
	return {
		find,
		async upsert(id, payload) {
			currentFlow().rows.set(key(id), payload);
		},
		async destroy(id) {
			currentFlow().rows.delete(key(id));
		},
		findByUid: nothing,
		findByUserCode: nothing,
		consume: nothing,
		revokeByGrantId: nothing,
	};
}
