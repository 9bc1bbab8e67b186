/** Media of a server of ours over a database, with their files in a directory of the test's. */
import {randomBytes} from 'node:crypto';
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {ServerName, UserId} from '../../../crypto/index.ts';
import {ContentStore, createMedia, ThumbnailMaker} from '../../../server/media/index.ts';
import type {Storage} from '../../../storage/index.ts';
import {serverName as testServerName} from '../../contract/databases.ts';
import {ManualClock} from '../../harness/manual-clock.ts';

const serverName = testServerName as ServerName;

/** Bytes as a store takes them. */
export const give = (text: string) =>
	async function* source() {
		yield Buffer.from(text);
	};

/** Opens media that ask nobody; the test's end removes the files. */
export function openMedia(t: ExecutionContext, storage: Storage) {
	const root = mkdtempSync(join(tmpdir(), 'broadsheet-files-'));
	t.teardown(() => rmSync(root, {recursive: true, force: true}));
	const store = new ContentStore(root, randomBytes);
	const clock = new ManualClock();
	const media = createMedia({
		storage,
		store,
		thumbnailMaker: new ThumbnailMaker(),
		remote: {fetch: () => Promise.reject(new Error('nobody is asked'))},
		serverName,
		clock,
		random: randomBytes,
		uploadBytesMax: 1000,
		userBytesMax: undefined,
		cacheBytesMax: undefined,
		quotaInfoUri: 'https://news.example',
		mayFederateWith: () => false,
		onProblem: (problem) => t.fail(String(problem)),
	});
	return {
		store,
		clock,
		media,
		upload: async (owner: UserId, text: string) => {
			const description = {contentType: 'text/plain', fileName: undefined, sizeBytes: undefined};
			const uri = await media.upload(owner, description, give(text));
			return storage.media.find(serverName, uri.slice(uri.lastIndexOf('/') + 1));
		},
		/** Where the file of some content is. */
		pathOf: (sha256: string): string => join(root, sha256.slice(0, 2), sha256.slice(2, 4), sha256.slice(4)),
		/** Hashes of the contents that have files, sorted. */
		list: (): string[] =>
			readdirSync(root, {recursive: true, encoding: 'utf8'})
				.map((name) => name.replaceAll('/', ''))
				.filter((name) => /^[0-9a-f]{64}$/u.test(name))
				.toSorted(),
	};
}
