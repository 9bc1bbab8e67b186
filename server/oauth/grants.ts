import type {errors as OidcErrors, KoaContextWithOIDC} from 'oidc-provider';
import {hashToken, secretsEqual, sha256Base64Url, type DeviceId, type UserId} from '../../crypto/index.ts';
import {ConflictError, type OAuthDeviceCodeRow, type WaitingCodeRow} from '../../storage/index.ts';
import {AccountsError, checkMay} from '../accounts/index.ts';
import {DevicesError, type IssuedTokens} from '../devices/index.ts';
import {DEVICE_GRANT} from './client-metadata.ts';
import type {OAuthDependencies} from './dependencies.ts';

/** The library's errors, which it answers with. */
export type Errors = typeof OidcErrors;

/** A device that asks more often than the specification's 5 s is told to slow down; clocks and networks may differ a little. */
const POLL_MS_MIN = 4_000;

const VERIFIER = /^[\w\-.~]{43,128}$/u;

/** A grant: the parameters it takes, and what it answers. */
export interface Grant {
	readonly type: string;
	readonly parameters: readonly string[];
	handle(parameters: Readonly<Record<string, string | undefined>>, client: GrantClient): Promise<object>;
}

/** The program that asks. */
interface GrantClient {
	readonly clientId: string;
	readonly clientName?: string | undefined;
}

/** What a code was given for. */
interface GivenCode extends WaitingCodeRow {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly scope: string;
}

/**
 * The grants, in place of the library's own: a session, its device and its code are one commit, and a refresh token stays
 * good until what it was exchanged for is used, as the specification asks.
 * @see https://spec.matrix.org/v1.19/client-server-api/#grant-types
 */
export function createGrants(dependencies: OAuthDependencies, errors: Errors): readonly Grant[] {
	return [
		{
			type: 'authorization_code',
			parameters: ['code', 'redirect_uri', 'code_verifier'],
			handle: (parameters, client) => exchangeCode(dependencies, errors, parameters, client),
		},
		{
			type: 'refresh_token',
			parameters: ['refresh_token'],
			handle: ({refresh_token: token}, {clientId}) => refresh(dependencies, errors, token, clientId),
		},
		{
			type: DEVICE_GRANT,
			parameters: ['device_code'],
			handle: ({device_code: code}, client) => exchangeDeviceCode(dependencies, errors, code, client),
		},
	];
}

/** Gives a grant the form that the library calls. */
export function toHandler(grant: Grant): (ctx: KoaContextWithOIDC) => Promise<void> {
	return async (ctx) => {
		const {client, params = {}} = ctx.oidc;
		if (client === undefined) throw new Error('expected a client');
		const texts = grant.parameters.map((name) => [name, params[name]] as const);
		const given = texts.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
		ctx.body = await grant.handle(Object.fromEntries(given), client);
	};
}

async function exchangeCode(
	dependencies: OAuthDependencies,
	errors: Errors,
	{code, redirect_uri: redirectUri, code_verifier: verifier}: Readonly<Record<string, string | undefined>>,
	client: GrantClient,
): Promise<object> {
	const {storage, clock} = dependencies;
	const {InvalidGrant, InvalidRequest} = errors;
	if (code === undefined || redirectUri === undefined || verifier === undefined) {
		throw new InvalidRequest('expected code, redirect_uri and code_verifier');
	}
	const row = await storage.oauth.findCode(hashToken(code));
	if (row === undefined || row.clientId !== client.clientId) throw new InvalidGrant('no such code');
	if (row.isUsed) {
		await endSessionOf(dependencies, row);
		throw new InvalidGrant('the code was used before');
	}
	if (row.expiresTs <= clock.now()) throw new InvalidGrant('the code has ended');
	if (row.redirectUri !== redirectUri) throw new InvalidGrant('the code was for another redirect_uri');
	if (!VERIFIER.test(verifier) || !secretsEqual(sha256Base64Url(verifier), row.codeChallenge)) {
		throw new InvalidGrant('the code_verifier is wrong');
	}
	return usingOnce(dependencies, errors, row, () =>
		openSession(dependencies, row, client, (batch) => storage.oauth.useCode(batch, row.codeHash)),
	);
}

async function exchangeDeviceCode(
	dependencies: OAuthDependencies,
	errors: Errors,
	code: string | undefined,
	client: GrantClient,
): Promise<object> {
	const {storage} = dependencies;
	if (code === undefined) throw new errors.InvalidRequest('expected device_code');
	const row = await storage.oauth.findDeviceCode(hashToken(code));
	if (row === undefined || row.clientId !== client.clientId) throw new errors.InvalidGrant('no such device code');
	if (row.state === 'used') {
		if (row.userId !== '') await endSessionOf(dependencies, {...row, userId: row.userId});
		throw new errors.InvalidGrant('the device code was used before');
	}
	await checkDeviceCode(dependencies, errors, row);
	const {userId} = row;
	if (userId === '') throw new Error('expected whoever approved it');
	return usingOnce(dependencies, errors, {...row, userId}, () =>
		openSession(dependencies, {...row, userId}, client, (batch) =>
			storage.oauth.decideDeviceCode(batch, {...row, from: 'approved', state: 'used'}),
		),
	);
}

/** @see https://www.rfc-editor.org/rfc/rfc8628#section-3.5 */
async function checkDeviceCode(
	{storage, clock}: OAuthDependencies,
	{AccessDenied, AuthorizationPending, ExpiredToken, SlowDown}: Errors,
	{codeHash, expiresTs, polledTs, state}: OAuthDeviceCodeRow,
): Promise<void> {
	const nowMs = clock.now();
	if (expiresTs <= nowMs) throw new ExpiredToken('the device code has ended');
	if (state === 'denied') throw new AccessDenied('the person said no');
	if (state === 'approved') return;
	const batch = storage.batch();
	storage.oauth.setPolled(batch, codeHash, nowMs);
	await storage.commit(batch);
	if (nowMs - polledTs < POLL_MS_MIN) throw new SlowDown('asked again within five seconds');
	throw new AuthorizationPending('nobody has consented yet');
}

async function refresh(
	{accounts}: OAuthDependencies,
	{InvalidGrant, InvalidRequest}: Errors,
	token: string | undefined,
	clientId: string,
): Promise<object> {
	if (token === undefined) throw new InvalidRequest('expected refresh_token');
	try {
		return tokenBody(await accounts.refresh(token, clientId));
	} catch (error) {
		if (error instanceof DevicesError || error instanceof AccountsError) throw new InvalidGrant(error.message);
		throw error;
	}
}

/** Opens a session, and uses its code up in the same commit. */
async function openSession(
	{storage, accounts, devices}: OAuthDependencies,
	{codeHash, userId, deviceId, scope, upstreamProviderId, upstreamSessionId}: GivenCode,
	{clientId, clientName}: GrantClient,
	use: (batch: ReturnType<OAuthDependencies['storage']['batch']>) => void,
): Promise<object> {
	const account = await accounts.find(userId);
	if (account === undefined) throw new AccountsError('unknown-account', 'No such account');
	checkMay('use', account);
	const batch = storage.batch();
	use(batch);
	const upstream =
		upstreamProviderId === null ? undefined : {providerId: upstreamProviderId, sessionId: upstreamSessionId};
	const session = await devices.open(batch, userId, {
		deviceId,
		displayName: clientName,
		wantsRefresh: true,
		upstream,
	});
	storage.oauth.addSession(batch, {userId, deviceId, clientId, scope, codeHash});
	await storage.commit(batch);
	// All sessions may have been ended meanwhile, by another password: then this is one that should have ended too.
	const isThere = (await storage.oauth.findCode(codeHash)) ?? (await storage.oauth.findDeviceCode(codeHash));
	if (isThere === undefined) {
		await devices.remove(userId, [deviceId]);
		throw new AccountsError('wrong-login-token', 'The code is unknown, was used, or has ended');
	}
	return {...tokenBody(session), scope};
}

async function usingOnce(
	dependencies: OAuthDependencies,
	{InvalidGrant}: Errors,
	code: GivenCode,
	open: () => Promise<object>,
): Promise<object> {
	try {
		return await open();
	} catch (error) {
		if (error instanceof ConflictError && error.condition === 'oauth_code') {
			await endSessionOf(dependencies, code);
			throw new InvalidGrant('the code was used before');
		}
		if (error instanceof DevicesError || error instanceof AccountsError) throw new InvalidGrant(error.message);
		throw error;
	}
}

/** A code that comes twice was stolen, by the first who came or by the second: nobody keeps what it gave. */
async function endSessionOf({storage, devices}: OAuthDependencies, code: GivenCode): Promise<void> {
	const session = await storage.oauth.findSession(code.userId, code.deviceId);
	if (session?.codeHash === code.codeHash) await devices.endCopied(session);
}

function tokenBody({accessToken, refreshToken, expiresInMs}: IssuedTokens): object {
	return {
		access_token: accessToken,
		token_type: 'Bearer',
		...(expiresInMs !== undefined && {expires_in: Math.floor(expiresInMs / 1000)}),
		refresh_token: refreshToken,
	};
}
