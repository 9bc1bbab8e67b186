import type {RandomBytes} from '../../crypto/index.ts';
import {askPublic, type Network} from '../../federation/outbound/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Accounts, PasswordDirectory} from '../accounts/index.ts';
import type {Config} from '../config/index.ts';
import {createPasswordDirectory, type ProviderFetch} from '../identity-providers/index.ts';
import type {Logger} from '../telemetry/index.ts';

/** Builds what asks directories about passwords; `accounts` is asked for when somebody new comes. */
export function wirePasswordDirectory(
	{identityProviders: providers}: Config,
	storage: Storage,
	{
		random,
		log,
		accounts,
	}: {readonly random: RandomBytes; readonly log: Pick<Logger, 'warn'>; readonly accounts: () => Accounts},
): PasswordDirectory {
	return createPasswordDirectory({
		storage,
		providers,
		random,
		register: (registration) => accounts().register(registration),
		onProblem: (problem) => log.warn({err: problem}, 'A directory could not be asked about a password'),
	});
}

/** Keys of a provider and what it says of one person; whoever sends more, or takes longer, is none. */
const ANSWER_LIMITS = {sizeBytesMax: 1 << 20, totalTimeoutMs: 10_000};
/** Statuses of answers that have no body. */
const BODILESS = new Set([204, 205, 304]);

/** Builds what asks where the documents of identity providers lead: https at addresses that may be reached alone. */
export function wireProviderFetch(network: Network): ProviderFetch {
	return async (url, {method, headers, body, signal}) => {
		if (method !== 'GET' && method !== 'POST') throw new TypeError(`Expected GET or POST, got ${method}`);
		const text = body instanceof URLSearchParams ? body.toString() : body;
		if (text !== undefined && text !== null && typeof text !== 'string') throw new TypeError('Expected a text as body');
		const answer = await askPublic(
			network,
			{
				method,
				url: new URL(url),
				headers: Object.fromEntries(new Headers(headers)),
				...(typeof text === 'string' && {text}),
			},
			ANSWER_LIMITS,
			signal ?? AbortSignal.timeout(ANSWER_LIMITS.totalTimeoutMs),
		);
		const {status, headers: given} = answer;
		return new Response(BODILESS.has(status) ? null : new Uint8Array(answer.body), {status, headers: given});
	};
}
