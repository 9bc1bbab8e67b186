import {
	canonicalJson,
	type DeviceId,
	hashToken,
	type JsonObject,
	sha256Base64Url,
	type UserId,
} from '../../crypto/index.ts';
import {ConflictError, type OAuthDeviceCodeRow} from '../../storage/index.ts';
import {type AuthorizationRequest, createAuthorization, type Decision} from './authorization.ts';
import {type ClientMetadata, readClientMetadata} from './client-metadata.ts';
import {type ConsentClient, toConsentClient} from './consent-client.ts';
import type {OAuthDependencies} from './dependencies.ts';
import {OAuthError, signedOut} from './errors.ts';
import {type Flow, runFlow} from './flow.ts';
import {makeDiscovery, makeMetadata, PATHS} from './metadata.ts';
import {loadProvider, type LoadedProvider} from './provider.ts';
import {WHOLE_SCOPE} from './scopes.ts';
import type {ProtocolAnswer, ProtocolRequest} from './serve.ts';

/** Clients that nobody is signed in with; equal ones are one, so that a few dozen is what a busy server sees. */
const UNUSED_CLIENTS_MAX = 10_000;

/** What somebody is asked about a device that waits for them. */
export interface WaitingDevice {
	readonly client: ConsentClient;
	readonly deviceId: DeviceId;
}

/**
 * Signing in by OAuth 2.0. What people see and decide is for the pages; who they are is for the browser's session.
 * @see https://spec.matrix.org/v1.19/client-server-api/#oauth-20-api
 */
export interface OAuth {
	readonly isEnabled: boolean;
	/**
	 * What clients must know.
	 * @param options.isOlder whether it is asked for by a name from before it was specified
	 * @throws OAuthError 'off'
	 */
	metadata(options: {readonly isOlder: boolean}): Readonly<Record<string, unknown>>;
	/**
	 * Gives what the well-known file says of signing in: the issuer, and where people manage their account.
	 * @throws OAuthError 'off'
	 */
	discovery(): {readonly issuer: string; readonly account: string};
	/** Registers a program; equal ones share their id. @throws OAuthError 'invalid_client_metadata', 'invalid_redirect_uri' */
	register(body: JsonObject): Promise<JsonObject>;
	/** Reads what a browser was sent with: what to ask its person, or what to answer at once. */
	readRequest(search: URLSearchParams): Promise<AuthorizationRequest>;
	/** Answers what a browser was sent with, once its person has decided. */
	decide(search: URLSearchParams, decision: Decision): Promise<ProtocolAnswer>;
	/** Answers a form that was sent for tokens. */
	token(form: string): Promise<ProtocolAnswer>;
	/** Answers a device without a browser that wants to sign in. */
	startDevice(form: string): Promise<ProtocolAnswer>;
	/** Finds the device that shows this code; letters' case and what is between them do not count. */
	findDevice(userCode: string): Promise<WaitingDevice | undefined>;
	/** Says what somebody has decided about the device that shows this code. @throws OAuthError 'unknown-user-code' */
	decideDevice(userCode: string, decision: Decision): Promise<void>;
	/** Ends the session of a token; whether there was one. */
	revoke(token: string): Promise<boolean>;
	/** Whether a device signed in by OAuth. */
	hasSession(userId: UserId, deviceId: DeviceId): Promise<boolean>;
}

/** Makes the oauth domain; the library is loaded when somebody comes that needs it. */
export function createOAuth(dependencies: OAuthDependencies): OAuth {
	const {storage, clock, devices, publicUrl, isEnabled, offersAccounts} = dependencies;
	let loading: Promise<LoadedProvider> | undefined;
	const load = (): Promise<LoadedProvider> => {
		if (!isEnabled) throw off();
		loading ??= loadProvider(dependencies).catch((error: unknown) => {
			loading = undefined;
			throw error;
		});
		return loading;
	};
	const ask = async (request: ProtocolRequest, flow: Flow = {rows: new Map()}): Promise<ProtocolAnswer> => {
		const provider = await load();
		const answer = await runFlow(flow, () => provider.answer(request));
		if (flow.cause !== undefined) throw flow.cause;
		return answer;
	};
	const postForm = (uri: string, form: string): Promise<ProtocolAnswer> =>
		ask({
			method: 'POST',
			uri,
			accept: 'application/json',
			contentType: 'application/x-www-form-urlencoded',
			body: form,
		});
	return {
		isEnabled,
		metadata({isOlder}) {
			if (!isEnabled) throw off();
			return makeMetadata(publicUrl, {isOlder, offersAccounts});
		},
		discovery() {
			if (!isEnabled) throw off();
			return makeDiscovery(publicUrl);
		},
		async register(body) {
			const metadata = readClientMetadata(body);
			if (!isEnabled) throw off();
			const stored = {...metadata} as unknown as JsonObject;
			const clientId = sha256Base64Url(canonicalJson(stored));
			// What is registered was checked when it first came.
			if ((await storage.oauth.findClient(clientId)) === undefined) await checkWithLibrary(ask, metadata);
			const batch = storage.batch();
			storage.oauth.addClient(batch, {clientId, metadata: stored, usedTs: clock.now()}, UNUSED_CLIENTS_MAX);
			await storage.commit(batch);
			return {client_id: clientId, ...stored};
		},
		...createAuthorization({storage, offersAccounts}, ask, load),
		token: (form) => postForm(PATHS.token, form),
		async startDevice(form) {
			const fields = new URLSearchParams(form);
			fields.set(WHOLE_SCOPE, fields.get('scope') ?? '');
			const answer = await postForm(PATHS.deviceAuthorization, fields.toString());
			return answer.status === 200 ? withLink(answer, publicUrl) : answer;
		},
		...createDeviceDecisions(dependencies),
		revoke: (token) => devices.revoke(token),
		hasSession: async (userId, deviceId) => (await storage.oauth.findSession(userId, deviceId)) !== undefined,
	};
}

function off(): OAuthError {
	return new OAuthError('off', 'Signing in by OAuth is turned off here');
}

/** The library knows more rules for metadata than ours, and must be able to read what is stored. */
async function checkWithLibrary(
	ask: (request: ProtocolRequest) => Promise<ProtocolAnswer>,
	metadata: ClientMetadata,
): Promise<void> {
	const answer = await ask({
		method: 'POST',
		uri: PATHS.registration,
		accept: 'application/json',
		contentType: 'application/json',
		body: JSON.stringify(metadata),
	});
	if (answer.status === 201) return;
	const {error, error_description: description} = JSON.parse(answer.body) as Record<string, string | undefined>;
	const code = error === 'invalid_redirect_uri' ? error : 'invalid_client_metadata';
	throw new OAuthError(code, description ?? 'The metadata cannot be registered');
}

function withLink(answer: ProtocolAnswer, publicUrl: string): ProtocolAnswer {
	const body = JSON.parse(answer.body) as {readonly user_code: string};
	const link = publicUrl + PATHS.link;
	const complete = `${link}?${new URLSearchParams({user_code: body.user_code}).toString()}`;
	const extra = {verification_uri: link, verification_uri_complete: complete, interval: 5};
	return {...answer, body: JSON.stringify({...body, ...extra})};
}

function createDeviceDecisions({storage, clock}: OAuthDependencies): Pick<OAuth, 'findDevice' | 'decideDevice'> {
	async function find(userCode: string): Promise<OAuthDeviceCodeRow | undefined> {
		const normal = userCode.toUpperCase().replaceAll(/[^A-Z0-9]/gu, '');
		const row = await storage.oauth.findDeviceCodeByUserCode(hashToken(normal));
		return row?.state === 'pending' && row.expiresTs > clock.now() ? row : undefined;
	}
	return {
		async findDevice(userCode) {
			const row = await find(userCode);
			const client = row && (await storage.oauth.findClient(row.clientId));
			return client && {deviceId: row.deviceId, client: toConsentClient(client.metadata)};
		},
		async decideDevice(userCode, {userId, isApproved, upstream, webSessionHash}) {
			const row = await find(userCode);
			if (row === undefined) throw unknownUserCode();
			const {codeHash} = row;
			const batch = storage.batch();
			const state = isApproved ? 'approved' : 'denied';
			storage.oauth.decideDeviceCode(batch, {
				codeHash,
				from: 'pending',
				state,
				userId,
				upstreamProviderId: upstream?.providerId ?? null,
				upstreamSessionId: upstream?.sessionId ?? null,
			});
			if (webSessionHash !== undefined) storage.webSessions.expect(batch, webSessionHash);
			try {
				await storage.commit(batch);
			} catch (cause) {
				if (cause instanceof ConflictError && cause.condition === 'web_session') throw signedOut({cause});
				throw cause instanceof ConflictError && cause.condition === 'oauth_code' ? unknownUserCode({cause}) : cause;
			}
		},
	};
}

function unknownUserCode(options?: ErrorOptions): OAuthError {
	return new OAuthError('unknown-user-code', 'No device waits with this code', options);
}
