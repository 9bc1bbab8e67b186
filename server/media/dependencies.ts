import type {RandomBytes, ServerName} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {ContentStore} from './content-store.ts';
import type {RemoteMedia} from './remote-media.ts';
import type {ThumbnailMaker} from './thumbnail-maker.ts';

/** What the media domain is built from. */
export interface MediaDependencies {
	readonly storage: Storage;
	readonly store: ContentStore;
	readonly remote: RemoteMedia;
	readonly thumbnailMaker: Pick<ThumbnailMaker, 'make'>;
	readonly serverName: ServerName;
	readonly clock: Clock;
	readonly random: RandomBytes;
	/** Largest upload. */
	readonly uploadBytesMax: number;
	/** What one person may keep here; `undefined`: any number of files. */
	readonly userBytesMax: number | undefined;
	/** What is kept of other servers' files; `undefined`: all that anybody has looked at. */
	readonly cacheBytesMax: number | undefined;
	/** Where people are told of what they may keep. */
	readonly quotaInfoUri: string;
	/** Whether the settings let this server talk with another. */
	readonly mayFederateWith: (server: ServerName) => boolean;
	/** Told of what failed with nobody waiting for it. */
	readonly onProblem: (problem: unknown) => void;
}
