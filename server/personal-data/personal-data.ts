import type {Writable} from 'node:stream';
import type {MediaId, ServerName, UserId} from '../../crypto/index.ts';
import type {Clock, Engine} from '../../federation/engine/index.ts';
import type {MediaRow, Storage} from '../../storage/index.ts';
import type {Audit} from '../audit/index.ts';
import type {Devices} from '../devices/index.ts';
import type {KeyBackups} from '../encryption/index.ts';
import type {Events} from '../events/index.ts';
import {type Media, MediaError, type OpenedMedium} from '../media/index.ts';
import {Archive} from './archive.ts';
import {writeAccount, writeKeyBackups} from './own-rows.ts';
import {writeRooms} from './own-rooms.ts';

/** What the domain is built from. */
export interface PersonalDataDependencies {
	readonly storage: Storage;
	readonly engine: Pick<Engine, 'readRows'>;
	readonly events: Pick<Events, 'render'>;
	readonly audit: Pick<Audit, 'listOfUser'>;
	readonly devices: Pick<Devices, 'list'>;
	readonly backups: Pick<KeyBackups, 'openKeys'>;
	readonly media: Pick<Media, 'open'>;
	readonly serverName: ServerName;
	readonly clock: Clock;
}

/** What an archive holds. */
export interface PersonalDataContents {
	readonly rooms: number;
	readonly events: number;
	readonly media: number;
	/** Media whose file is not there. */
	readonly missing: number;
}

/** What a person may have of all that the server keeps of them. */
export interface PersonalData {
	/**
	 * Writes all that is a person's own into a zip: account, profile, devices and their public keys, account data, filters,
	 * pushers, what administrators did to them or they did as one, rooms with the events that they sent there, key backups as encrypted as they are stored, and uploads. Read
	 * page by page and written as it is read, beside whatever else happens; the sink is ended, or destroyed on failure.
	 */
	write(userId: UserId, sink: Writable): Promise<PersonalDataContents>;
}

/** Media read at a time. */
const MEDIA_PAGE = 200;

/** Makes the domain. */
export function createPersonalData(dependencies: PersonalDataDependencies): PersonalData {
	return {
		async write(userId, sink) {
			const archive = new Archive(sink, dependencies.clock.now());
			try {
				await writeAccount(dependencies, archive, userId);
				await writeKeyBackups(dependencies, archive, userId);
				const rooms = await writeRooms(dependencies, archive, userId);
				const media = await writeMedia(dependencies, archive, userId);
				await archive.end();
				return {...rooms, ...media};
			} catch (error) {
				await archive.abort(error);
				throw error;
			}
		},
	};
}

async function writeMedia(
	{storage, media}: PersonalDataDependencies,
	archive: Archive,
	userId: UserId,
): Promise<Pick<PersonalDataContents, 'media' | 'missing'>> {
	const descriptions: string[] = [];
	let missing = 0;
	let after: string | undefined;
	for (;;) {
		const rows = await storage.media.listOfUploader(userId, {after, limit: MEDIA_PAGE});
		for (const row of rows) {
			// Handed out, and nothing has come.
			if (row.sizeBytes === null) continue;
			const opened = await openIfThere(media, row);
			const file = `media/${row.mediaId}`;
			if (opened === undefined) missing += 1;
			else await archive.add(file, opened.read(), {isCompressed: false});
			descriptions.push(describe(row, opened === undefined ? null : file));
		}
		if (rows.length < MEDIA_PAGE) break;
		after = rows.at(-1)?.mediaId;
	}
	await archive.addText('media.json', listOf(descriptions));
	return {media: descriptions.length - missing, missing};
}

async function openIfThere(media: Pick<Media, 'open'>, row: MediaRow): Promise<OpenedMedium | undefined> {
	try {
		return await media.open(row.origin, row.mediaId as MediaId, {timeoutMs: 0, signal: new AbortController().signal});
	} catch (error) {
		if (error instanceof MediaError) return undefined;
		throw error;
	}
}

function describe({origin, mediaId, contentType, fileName, sizeBytes, createdTs}: MediaRow, file: string | null) {
	return JSON.stringify({
		uri: `mxc://${origin}/${mediaId}`,
		file,
		file_name: fileName,
		content_type: contentType,
		size: sizeBytes,
		uploaded: new Date(createdTs).toISOString(),
	});
}

function* listOf(texts: readonly string[]): Iterable<string> {
	yield '[';
	for (const [index, text] of texts.entries()) yield `${index === 0 ? '' : ','}\n\t${text}`;
	yield '\n]\n';
}
