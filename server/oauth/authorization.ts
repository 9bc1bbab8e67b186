import type {AdapterPayload} from 'oidc-provider';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import type {UpstreamSession} from '../../storage/index.ts';
import {type ConsentClient, toConsentClient} from './consent-client.ts';
import type {OAuthDependencies} from './dependencies.ts';
import type {Flow} from './flow.ts';
import {PATHS} from './metadata.ts';
import type {LoadedProvider} from './provider.ts';
import type {ProtocolAnswer, ProtocolRequest} from './serve.ts';
import {type GrantedScope, readScope, WHOLE_SCOPE} from './scopes.ts';

/** What somebody has decided. */
export interface Decision {
	readonly userId: UserId;
	readonly isApproved: boolean;
	/** The hash of the browser's session in which they decided: a consent is none once that has ended. */
	readonly webSessionHash?: string | undefined;
	/** The other service that vouched for them; absent: none did. */
	readonly upstream?: UpstreamSession | undefined;
}

/** What a browser was sent with. */
export type AuthorizationRequest =
	/** Its person is to be asked. */
	| {
			readonly kind: 'consent';
			readonly client: ConsentClient;
			readonly deviceId: DeviceId;
			/** Where the browser goes afterwards: an origin, or a program's own scheme, as a content security policy has it. */
			readonly formTarget: string;
			/** Whether the client says that its person wants a new account, and there are any to be had. */
			readonly wantsAccount: boolean;
	  }
	/** It is sent back to the client, which asked for something that there is not. */
	| {readonly kind: 'answer'; readonly answer: ProtocolAnswer}
	/** It can be sent back nowhere: nothing says that the address is the client's. */
	| {readonly kind: 'failure'; readonly error: string; readonly description: string | undefined};

/** What the library is told of a request; whatever else a client sends means nothing here. */
const PARAMETERS = [
	'response_type',
	'client_id',
	'redirect_uri',
	'scope',
	'state',
	'response_mode',
	'code_challenge',
	'code_challenge_method',
] as const;

type Ask = (request: ProtocolRequest, flow: Flow) => Promise<ProtocolAnswer>;

/** A request that the library took, with what it keeps of it. */
interface Begun {
	readonly flow: Flow;
	readonly interaction: AdapterPayload;
	readonly granted: GrantedScope;
	readonly clientId: string;
	readonly redirectUri: string;
}

/**
 * Makes the part for browsers. Nothing is kept between asking and deciding: the request stands in the address of the page,
 * and is read anew with the decision.
 */
export function createAuthorization(
	{storage, offersAccounts}: Pick<OAuthDependencies, 'storage' | 'offersAccounts'>,
	ask: Ask,
	load: () => Promise<LoadedProvider>,
) {
	async function begin(search: URLSearchParams): Promise<Begun | Exclude<AuthorizationRequest, {kind: 'consent'}>> {
		const mode = search.get('response_mode') ?? 'query';
		if (mode !== 'query' && mode !== 'fragment') {
			return {kind: 'failure', error: 'invalid_request', description: 'response_mode: expected query or fragment'};
		}
		const flow: Flow = {rows: new Map()};
		const uri = `${PATHS.authorization}?${pick(search).toString()}`;
		const answer = await ask({method: 'GET', uri, accept: 'text/html'}, flow);
		if (flow.failure !== undefined) {
			return {kind: 'failure', error: flow.failure.error, description: flow.failure.error_description};
		}
		const interaction = [...flow.rows].find(([key]) => key.startsWith('Interaction '))?.[1];
		if (interaction === undefined) return {kind: 'answer', answer};
		const {client_id: clientId, redirect_uri: redirectUri, [WHOLE_SCOPE]: scope} = interaction.params ?? {};
		const granted = readScope(String(scope));
		if (typeof granted === 'string') throw new Error('expected a scope that was checked');
		return {flow, interaction, granted, clientId: String(clientId), redirectUri: String(redirectUri)};
	}

	return {
		async readRequest(search: URLSearchParams): Promise<AuthorizationRequest> {
			const begun = await begin(search);
			if ('kind' in begun) return begun;
			const client = await storage.oauth.findClient(begun.clientId);
			if (client === undefined) throw new Error('expected the client that the library found');
			return {
				kind: 'consent',
				client: toConsentClient(client.metadata),
				deviceId: begun.granted.deviceId,
				formTarget: toFormTarget(begun.redirectUri),
				wantsAccount: offersAccounts && search.get('prompt')?.split(' ').includes('create') === true,
			};
		},
		async decide(search: URLSearchParams, decision: Decision): Promise<ProtocolAnswer> {
			const {userId, isApproved, upstream, webSessionHash} = decision;
			const begun = await begin(search);
			if ('kind' in begun) {
				return begun.kind === 'answer' ? begun.answer : {status: 400, headers: {}, body: begun.error};
			}
			const {flow, interaction, granted} = begun;
			if (isApproved) flow.approval = {...granted, userId, upstream, webSessionHash};
			// What the library's own pages would leave for it to go on with.
			interaction['result'] = isApproved ? {login: {accountId: userId, remember: false}, consent: {}} : DENIED;
			const {resumeCookie} = await load();
			const {jti, returnTo} = interaction;
			const {pathname} = new URL(String(returnTo));
			return ask({method: 'GET', uri: pathname, accept: 'text/html', cookie: `${resumeCookie}=${String(jti)}`}, flow);
		},
	};
}

/** Such policies have no way to name a program's own host, which it has none of, or an address of IPv6. */
function toFormTarget(redirectUri: string): string {
	const {protocol, host} = new URL(redirectUri);
	return host === '' || host.startsWith('[') ? protocol : `${protocol}//${host}`;
}

const DENIED = {error: 'access_denied', error_description: 'the person said no'};

/** Repeated parameters stay, for the library to refuse. */
function pick(search: URLSearchParams): URLSearchParams {
	const picked = new URLSearchParams();
	for (const name of PARAMETERS) {
		for (const value of search.getAll(name)) picked.append(name, value);
	}
	picked.set(WHOLE_SCOPE, search.get('scope') ?? '');
	return picked;
}
