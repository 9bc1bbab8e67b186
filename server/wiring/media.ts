import type {RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {streamPublic} from '../../federation/outbound/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Config} from '../config/index.ts';
import {
	ContentStore,
	createMedia,
	createRemoteMedia,
	type Media,
	type MediaDependencies,
	type ReadSpace,
	ThumbnailMaker,
} from '../media/index.ts';
import type {Logger} from '../telemetry/index.ts';
import type {Federation} from './federation.ts';

/** What media are built with. */
interface MediaParts {
	readonly config: Pick<Config, 'media' | 'publicUrl' | 'serverName' | 'support'>;
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly log: Pick<Logger, 'warn'>;
	readonly federation: Pick<Federation, 'client' | 'isAllowed' | 'network'>;
	/** Default: what the file system says. */
	readonly readSpace?: ReadSpace | undefined;
	/** Default: in processes of their own. */
	readonly thumbnailMaker?: MediaDependencies['thumbnailMaker'] | undefined;
}

/** Builds the media domain over the configured directory. */
export function wireMedia({
	config,
	log,
	federation,
	readSpace,
	thumbnailMaker = new ThumbnailMaker(),
	...parts
}: MediaParts): Media {
	const {store: root, ...limits} = config.media;
	const store = new ContentStore(root, parts.random, readSpace);
	const onProblem = (cause: unknown): void => log.warn({err: cause}, 'A file of a medium has a problem');
	return createMedia({
		...parts,
		store,
		thumbnailMaker,
		serverName: config.serverName,
		...limits,
		quotaInfoUri: config.support?.support_page ?? config.publicUrl,
		remote: createRemoteMedia({
			client: federation.client,
			openPublic: (url, bounds) => streamPublic(federation.network, url, bounds),
			sizeBytesMax: limits.uploadBytesMax,
		}),
		mayFederateWith: (server) => federation.isAllowed(server),
		onProblem,
	});
}
