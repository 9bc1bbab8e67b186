import {encodeBase64Url, hashToken} from '../../crypto/index.ts';
import {ConflictError, type UpstreamFlowRow} from '../../storage/index.ts';
import {admit, type IdentityContext, link} from './arrivals.ts';
import {IdentityError} from './errors.ts';
import type {Arrival, IdentityProviders} from './identity-providers.ts';
import type {FlowSecrets} from './oidc-client.ts';
import {callbackOf} from './providers.ts';

/** Whoever is asked for a password elsewhere has as long. */
const FLOW_LIFETIME_MS = 15 * 60 * 1000;
const SECRET_BYTES = 32;
/**
 * What the state begins with where the provider is to ask once more who it is. A flow is found by the hash of its whole
 * state, so what went out with this comes back with it, or to no flow.
 */
const ASKED_ANEW = 'anew.';

/** Sends a browser to a provider; see `IdentityProviders.begin`. */
export async function beginFlow(
	{storage, providers, clock, random}: IdentityContext,
	...[providerId, way]: Parameters<IdentityProviders['begin']>
): Promise<string> {
	const {webSessionHash, returnTo = null, linksUserId = null, isRepeated = false} = way;
	const newSecret = (): string => encodeBase64Url(random(SECRET_BYTES));
	const state = (isRepeated ? ASKED_ANEW : '') + newSecret();
	const secrets: FlowSecrets = {state, nonce: newSecret(), codeVerifier: newSecret()};
	const url = await providers.get(providerId).client.begin(secrets, {isRepeated});
	const {nonce, codeVerifier} = secrets;
	const expiresTs = clock.now() + FLOW_LIFETIME_MS;
	const flow = {providerId, webSessionHash, nonce, codeVerifier, linksUserId, returnTo, expiresTs};
	const batch = storage.batch();
	storage.identities.sweep(batch, clock.now());
	storage.identities.addFlow(batch, {flowId: hashToken(state), ...flow});
	await storage.commit(batch);
	return url;
}

/** Takes in a browser that comes back; see `IdentityProviders.finish`. */
export async function finishFlow(
	context: IdentityContext,
	...[providerId, {webSessionHash, uri, userId}]: Parameters<IdentityProviders['finish']>
): Promise<Arrival> {
	const {providers, publicUrl} = context;
	const {config, client} = providers.get(providerId);
	const {search, searchParams} = new URL(uri, publicUrl);
	const state = searchParams.get('state') ?? '';
	const flow = await takeFlow(context, providerId, webSessionHash, state);
	const {nonce, codeVerifier, returnTo, linksUserId, expiresTs} = flow;
	const askedAnewTs = state.startsWith(ASKED_ANEW) ? expiresTs - FLOW_LIFETIME_MS : undefined;
	const url = publicUrl + callbackOf(providerId) + search;
	const person = await client.finish(url, {state, nonce, codeVerifier}, {askedAnewTs});
	if (linksUserId === null) return admit(context, {config, person, webSessionHash, returnTo});
	if (linksUserId !== userId) throw noFlow();
	await link(context, {providerId, subject: person.subject, userId});
	return {kind: 'linked', returnTo: returnTo ?? undefined};
}

/** Uses a flow up, if it is this browser's with this provider. */
async function takeFlow(
	{storage, clock}: IdentityContext,
	providerId: string,
	webSessionHash: string,
	state: string,
): Promise<UpstreamFlowRow> {
	const flow = await storage.identities.findFlow(hashToken(state));
	if (flow?.providerId !== providerId || flow.webSessionHash !== webSessionHash) throw noFlow();
	const batch = storage.batch();
	storage.identities.takeFlow(batch, flow.flowId, clock.now());
	await storage.commit(batch).catch((cause: unknown) => {
		throw cause instanceof ConflictError && cause.condition === 'upstream_flow' ? noFlow({cause}) : cause;
	});
	return flow;
}

function noFlow(options?: ErrorOptions): IdentityError {
	return new IdentityError('no-flow', 'Nobody is on the way to that provider in this browser', options);
}
