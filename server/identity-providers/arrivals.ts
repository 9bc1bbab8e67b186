import type {UserId} from '../../crypto/index.ts';
import {type Batch, DuplicateError, type IdentityRow} from '../../storage/index.ts';
import {AccountsError} from '../accounts/index.ts';
import type {OidcProviderConfig} from '../config/index.ts';
import {IdentityError} from './errors.ts';
import type {Arrival, IdentityProvidersDependencies, UpstreamProof} from './identity-providers.ts';
import type {UpstreamPerson} from './oidc-client.ts';
import type {Providers} from './providers.ts';

/** Whoever chooses a name has as long. */
const ARRIVAL_LIFETIME_MS = 15 * 60 * 1000;

/** What the verbs of the domain work with. */
export interface IdentityContext extends Omit<IdentityProvidersDependencies, 'providers'> {
	readonly providers: Providers;
}

/** Gives whom a provider vouches for their account, or has them choose a name for one. */
export async function admit(
	context: IdentityContext,
	{
		config,
		person,
		webSessionHash,
		returnTo,
	}: {
		readonly config: OidcProviderConfig;
		readonly person: UpstreamPerson;
		readonly webSessionHash: string;
		readonly returnTo: string | null;
	},
): Promise<Arrival> {
	const {storage, clock} = context;
	const {id: providerId} = config;
	const {subject, suggestion = null, sessionId = null, askedTs} = person;
	const known = (await storage.identities.find(providerId, subject))?.userId;
	if (known === undefined && !config.createsAccounts) {
		throw new IdentityError('no-account', 'Whom the provider vouches for has no account here');
	}
	const userId = known ?? (await registerSuggested(context, providerId, person));
	if (userId !== undefined)
		return {kind: 'known', ...proofOf(context, {providerId, userId, sessionId, askedTs, returnTo})};
	const expiresTs = clock.now() + ARRIVAL_LIFETIME_MS;
	const arrival = {webSessionHash, providerId, subject, sessionId, suggestion, returnTo, expiresTs};
	const batch = storage.batch();
	storage.identities.setArrival(batch, arrival);
	await storage.commit(batch);
	return {kind: 'new'};
}

/** Makes an account for somebody new, under the name that is suggested; `undefined` where that is none, or taken. */
async function registerSuggested(
	{storage, accounts}: IdentityContext,
	providerId: string,
	{subject, suggestion}: UpstreamPerson,
): Promise<UserId | undefined> {
	if (suggestion === undefined) return undefined;
	try {
		const userId = accounts.checkNewName(suggestion);
		const alsoWrite = (batch: Batch) => storage.identities.add(batch, {providerId, subject, userId});
		await accounts.register({userId, alsoWrite});
		return userId;
	} catch (error) {
		if (error instanceof AccountsError) return undefined;
		throw error;
	}
}

/** Makes the account of somebody who chose a name; see `IdentityProviders.register`. */
export async function registerArrival(
	context: IdentityContext,
	webSessionHash: string,
	username: string,
): Promise<UpstreamProof> {
	const {storage, accounts, clock} = context;
	const {identities} = storage;
	const arrival = await identities.findArrival(webSessionHash);
	if (arrival === undefined || arrival.expiresTs <= clock.now()) throw nobodyArrived();
	const {providerId, subject, sessionId, returnTo} = arrival;
	const userId = accounts.checkNewName(username);
	const alsoWrite = (batch: Batch) => {
		identities.add(batch, {providerId, subject, userId});
		identities.removeArrival(batch, webSessionHash);
	};
	await accounts.register({userId, alsoWrite}).catch((cause: unknown) => {
		throw cause instanceof DuplicateError && cause.table === 'identities' ? nobodyArrived({cause}) : cause;
	});
	// Until somebody has chosen a name, minutes go by: before they change anything, they are asked once more.
	return proofOf(context, {providerId, userId, sessionId, askedTs: undefined, returnTo});
}

/** Has a provider vouch for an account from now on. @throws IdentityError 'linked-elsewhere' */
export async function link({storage, notices}: IdentityContext, identity: IdentityRow): Promise<void> {
	const linked = await storage.identities.find(identity.providerId, identity.subject);
	if (linked?.userId === identity.userId) return;
	if (linked !== undefined) throw new IdentityError('linked-elsewhere', 'The provider vouches for another account');
	const batch = storage.batch();
	storage.identities.add(batch, identity);
	notices.add(batch, identity.userId, {kind: 'identity-linked'});
	await storage.commit(batch);
}

/** Gives what a provider's word is worth. */
function proofOf(
	{providers}: IdentityContext,
	word: {
		readonly providerId: string;
		readonly userId: UserId;
		readonly sessionId: string | null;
		readonly askedTs: number | undefined;
		readonly returnTo: string | null;
	},
): UpstreamProof {
	const {providerId, userId, sessionId, askedTs, returnTo} = word;
	const isWhole = providers.get(providerId).config.provesSecondFactor;
	return {userId, upstream: {providerId, sessionId}, isWhole, askedTs, returnTo: returnTo ?? undefined};
}

function nobodyArrived(options?: ErrorOptions): IdentityError {
	return new IdentityError('no-flow', 'Nobody without an account has come from a provider in this browser', options);
}
