/** How tests upload files and ask for them. */
import {existsSync, readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {type App, checkConformance, checkHeaders, type Session} from '../../../harness/index.ts';

export const UPLOAD = '/_matrix/media/v3/upload';
export const DOWNLOAD = '/_matrix/client/v1/media/download';
export const THUMBNAIL = '/_matrix/client/v1/media/thumbnail';

/** What an upload came to. */
export interface Uploaded {
	readonly status: number;
	readonly body: Record<string, unknown>;
	/** `/server/media`. */
	readonly path: string;
}

/** Uploads a file; to a path of its own where its id was handed out before. */
export async function upload(
	app: App,
	{access_token: token}: Session,
	content: Buffer | string,
	options: {readonly type?: string; readonly name?: string; readonly path?: string} = {},
): Promise<Uploaded> {
	const query = options.name === undefined ? '' : `?filename=${encodeURIComponent(options.name)}`;
	const method = options.path === undefined ? 'POST' : 'PUT';
	const answer = await fetch(app.url + (options.path ?? UPLOAD) + query, {
		method,
		headers: {
			authorization: `Bearer ${token}`,
			...(options.type !== undefined && {'content-type': options.type}),
		},
		body: content,
	});
	const body = (await answer.json()) as Record<string, unknown>;
	checkConformance(method, options.path ?? UPLOAD, answer.status, body);
	return {status: answer.status, body, path: String(body['content_uri']).slice('mxc:/'.length)};
}

/** Asks for a file. */
export async function download(
	app: App,
	{access_token: token}: Session,
	path: string,
	headers: Readonly<Record<string, string>> = {},
): Promise<{readonly status: number; readonly headers: Headers; readonly content: Buffer}> {
	const answer = await fetch(app.url + path, {headers: {...headers, authorization: `Bearer ${token}`}});
	checkHeaders('GET', path, answer.status, answer.headers);
	return {status: answer.status, headers: answer.headers, content: Buffer.from(await answer.arrayBuffer())};
}

/** Lists the files of a directory and all below it. */
export function listFiles(directory: string): string[] {
	if (!existsSync(directory)) return [];
	return readdirSync(directory, {recursive: true, encoding: 'utf8'}).filter((name) =>
		statSync(join(directory, name)).isFile(),
	);
}

/** The smallest picture. */
export const png = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
	'base64',
);
