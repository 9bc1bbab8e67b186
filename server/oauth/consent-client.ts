import type {JsonObject} from '../../crypto/index.ts';

/** A program as people are shown it. */
export interface ConsentClient {
	readonly name: string;
	/** The host where it is at home: the only part that says who made it. */
	readonly host: string;
	readonly tosUri?: string | undefined;
	readonly policyUri?: string | undefined;
}

/** Gives what people are shown of a program. */
export function toConsentClient(metadata: JsonObject): ConsentClient {
	const {client_name: name, client_uri: uri, tos_uri: tosUri, policy_uri: policyUri} = metadata;
	if (typeof uri !== 'string') throw new Error('expected the metadata of a registered client');
	const {host} = new URL(uri);
	return {
		host,
		name: typeof name === 'string' ? name : host,
		tosUri: typeof tosUri === 'string' ? tosUri : undefined,
		policyUri: typeof policyUri === 'string' ? policyUri : undefined,
	};
}
