import type {RandomBytes, ServerName, UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {createRemoteQueries} from '../../federation/outbound/index.ts';
import type {Storage} from '../../storage/index.ts';
import {createEncryption, type Encryption} from '../encryption/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import type {Logger} from '../telemetry/index.ts';
import type {Visibility} from '../visibility/index.ts';
import type {Federation} from './federation.ts';

/** What encryption is built with. */
interface EncryptionParts {
	readonly storage: Storage;
	readonly serverName: ServerName;
	readonly visibility: Visibility;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly notices: NoticeQueue;
	readonly noticesSender: UserId | undefined;
	readonly log: Pick<Logger, 'warn'>;
	readonly federation: Pick<Federation, 'client' | 'edus' | 'isAllowed'>;
}

/** Builds the encryption domain, and has it take the EDUs that are its own. */
export function wireEncryption({federation, log, ...parts}: EncryptionParts): Encryption {
	const encryption = createEncryption({
		...parts,
		remoteKeys: createRemoteQueries(federation.client),
		mayFederateWith: (server) => federation.isAllowed(server),
		onProblem: (cause) => log.warn({err: cause}, 'A device list was not asked for'),
	});
	const {receive} = encryption;
	federation.edus.receivers = {
		...federation.edus.receivers,
		'm.device_list_update': receive.deviceListUpdate,
		'm.direct_to_device': receive.directToDevice,
		'm.signing_key_update': receive.signingKeyUpdate,
	};
	return encryption;
}
