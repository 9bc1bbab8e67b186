import {loadOrCreateSecret, type RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import {type Config, keyFilesOf} from '../config/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import {createSecondFactor, type SecondFactor} from '../second-factor/index.ts';
import type {Logger} from '../telemetry/index.ts';
import type {Discretion} from './visibility.ts';

/** Builds second factors, with the key that lies beside the signing key. @throws SigningKeyError where it is broken */
export async function wireSecondFactor({
	config,
	storage,
	clock,
	random,
	queue,
	sources,
	log,
}: {
	readonly config: Config;
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly queue: NoticeQueue;
	readonly sources: Discretion['sources'];
	readonly log: Pick<Logger, 'warn'>;
}): Promise<SecondFactor> {
	return createSecondFactor({
		storage,
		clock,
		random,
		secret: await loadOrCreateSecret(keyFilesOf(config).factors),
		serverName: config.serverName,
		publicUrl: config.publicUrl,
		policy: config.secondFactor,
		areSessionsHeld: config.quarantine,
		identityProviderIds: config.identityProviders.map(({id}) => id),
		notices: queue,
		isExempt: (userId) => sources.has(userId),
		onProblem: (problem) => log.warn({err: problem}, 'A second factor has a problem'),
	});
}
