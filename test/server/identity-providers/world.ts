/** A server that lets in whom a provider vouches for. */
import type {ExecutionContext} from 'ava';
import {type App, startApp, type Visitor} from '../../harness/index.ts';
import {FakeProvider} from './fake-provider.ts';

/** Where a browser begins that the provider is to vouch for. */
export const SIGN_IN = '/account/sign-in/with/idp';

/** A server, and the provider that it trusts. */
export interface World {
	readonly app: App;
	readonly provider: FakeProvider;
}

/** Starts both. */
export async function start(
	t: ExecutionContext,
	having: object = {},
	more: readonly object[] = [],
	config: object = {},
): Promise<World> {
	const provider = await FakeProvider.start(t);
	const own = {id: 'idp', kind: 'oidc', name: 'The House', issuer: provider.issuer, client_id: 'broadsheet', ...having};
	const app = await startApp(t, {config: {identity_providers: [own, ...more], registration: 'closed', ...config}});
	return {app, provider};
}

/** Goes to the provider and back; where the browser is sent then. */
export async function come({provider}: World, visitor: Visitor, path = SIGN_IN) {
	const {to, status} = await visitor.open(path);
	if (status !== 303) throw new Error(`expected a way to the provider, got ${status}`);
	return visitor.open(provider.authorize(to));
}

/** Hands a logout token in, as the provider does. */
export const logOut = ({app}: World, token: string) =>
	fetch(`${app.url}/_broadsheet/client/v1/upstream/idp/logout`, {
		method: 'POST',
		body: new URLSearchParams({logout_token: token}),
	});
