import {AsyncLocalStorage} from 'node:async_hooks';
import type {AdapterPayload} from 'oidc-provider';
import type {UserId} from '../../crypto/index.ts';
import type {UpstreamSession} from '../../storage/index.ts';
import type {GrantedScope} from './scopes.ts';

/**
 * What the library would keep between the requests of one sign-in, and what we tell it in one. Who is signed in at a
 * browser is known by the server's own sessions, and what is asked stands in the address: so nothing of this outlives the
 * request it is made in.
 */
export interface Flow {
	readonly rows: Map<string, AdapterPayload>;
	/** Who has consented, to what. */
	approval?: GrantedScope & {
		readonly userId: UserId;
		readonly upstream: UpstreamSession | undefined;
		readonly webSessionHash: string | undefined;
	};
	/** Why the library showed an error page. */
	failure?: {readonly error: string; readonly error_description?: string | undefined};
	/** What broke, where something did. */
	cause?: unknown;
}

const flows = new AsyncLocalStorage<Flow>();

/** Runs what asks the library something. */
export function runFlow<T>(flow: Flow, run: () => Promise<T>): Promise<T> {
	return flows.run(flow, run);
}

/** The flow of the request that the library is answering. */
export function currentFlow(): Flow {
	const flow = flows.getStore();
	if (flow === undefined) throw new Error('expected to be within a flow');
	return flow;
}
