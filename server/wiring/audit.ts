import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import {type Audit, createAudit} from '../audit/index.ts';
import type {Config} from '../config/index.ts';
import type {Logger} from '../telemetry/index.ts';
import type {Federation} from './federation.ts';

/** Builds the audit log, which signs with the key that events are signed with. */
export function wireAudit(
	{serverName}: Config,
	storage: Storage,
	{
		clock,
		log,
		partners: {signer, keys},
	}: {
		readonly clock: Clock;
		readonly log: Pick<Logger, 'info'>;
		readonly partners: Pick<Federation, 'keys' | 'signer'>;
	},
): Audit {
	return createAudit({
		storage,
		clock,
		serverName,
		signer,
		listKeys: () => keys.listKeys(),
		onSealed: ({position, hash}) => log.info({position, hash}, 'The audit log is sealed'),
	});
}
