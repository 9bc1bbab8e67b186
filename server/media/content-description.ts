import {MediaError} from './errors.ts';

/** What the uploader says of a file. */
export interface ContentDescription {
	readonly contentType: string;
	readonly fileName: string | null;
}

const CONTENT_TYPE_CHARACTERS_MAX = 255;
const FILE_NAME_BYTES_MAX = 255;
const UNKNOWN_TYPE = 'application/octet-stream';

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const contentTypeForm = new RegExp(`^${token}/${token}(?:[ \\t]*;[ -~\\t]*)?$`, 'u');
// oxlint-disable-next-line no-control-regex -- what a header and a name of a file cannot hold
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/u;

/** Types that no client runs as a program. @see https://spec.matrix.org/v1.19/client-server-api/#serving-inline-content */
const inlineTypes: ReadonlySet<string> = new Set([
	'text/css',
	'text/plain',
	'text/csv',
	'application/json',
	'application/ld+json',
	'image/jpeg',
	'image/gif',
	'image/png',
	'image/apng',
	'image/webp',
	'image/avif',
	'video/mp4',
	'video/webm',
	'video/ogg',
	'video/quicktime',
	'audio/mp4',
	'audio/webm',
	'audio/aac',
	'audio/mpeg',
	'audio/ogg',
	'audio/wave',
	'audio/wav',
	'audio/x-wav',
	'audio/x-pn-wav',
	'audio/flac',
	'audio/x-flac',
]);

/** Gives a content type as it was said, or that of unknown bytes where it is none. */
export function readContentType(value: string | undefined): string {
	const type = value?.trim() ?? '';
	return type.length <= CONTENT_TYPE_CHARACTERS_MAX && contentTypeForm.test(type) ? type : UNKNOWN_TYPE;
}

/** Checks the name that an uploader gives a file. @throws MediaError 'invalid-name' */
export function checkFileName(name: string | undefined): string | null {
	if (name === undefined || name === '') return null;
	if (!isFileName(name)) {
		throw new MediaError('invalid-name', 'Expected a file name of at most 255 bytes without control characters');
	}
	return name;
}

function isFileName(name: string): boolean {
	return name.isWellFormed() && Buffer.byteLength(name) <= FILE_NAME_BYTES_MAX && !controlCharacter.test(name);
}

/**
 * Writes `Content-Disposition`: shown in place only for types that are safe to, under the name of the file.
 * @see https://www.rfc-editor.org/rfc/rfc6266
 */
export function writeDisposition({contentType, fileName}: ContentDescription): string {
	const [type = ''] = contentType.split(';');
	const disposition = inlineTypes.has(type.trim().toLowerCase()) ? 'inline' : 'attachment';
	if (fileName === null) return disposition;
	// Quotes and escapes are read differently by different clients, so such names take the other form too.
	return /^[ !#-[\]-~]+$/u.test(fileName)
		? `${disposition}; filename="${fileName}"`
		: `${disposition}; filename*=utf-8''${encodeExtended(fileName)}`;
}

function encodeExtended(text: string): string {
	return encodeURIComponent(text).replaceAll(/['()*]/gu, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

/** A parameter of a header, from its semicolon on; its value is in quotation marks or ends with the next one. */
const parameterForm = /\s*;\s*(?<name>[^\s=;"]*)(?:\s*=\s*(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<bare>[^;"]*)))?/uy;

/** Reads the name of a file from another server's `Content-Disposition`; `null` where there is none to use. */
export function readDispositionName(value: string | undefined): string | null {
	if (value === undefined || value.length > 2048) return null;
	const parameters = readParameters(value);
	const name = decodeExtended(parameters.get('filename*')) ?? parameters.get('filename');
	return name !== undefined && name !== '' && isFileName(name) ? name : null;
}

/** What stands in quotation marks is part of no other parameter, whatever it looks like. */
function readParameters(value: string): Map<string, string> {
	const parameters = new Map<string, string>();
	const form = new RegExp(parameterForm);
	form.lastIndex = Math.max(0, value.indexOf(';'));
	for (let match = form.exec(value); match !== null; match = form.exec(value)) {
		const {name = '', quoted, bare} = match.groups ?? {};
		const text = quoted?.replaceAll(/\\(.)/gu, '$1') ?? bare?.trim();
		const key = name.toLowerCase();
		if (text !== undefined && !parameters.has(key)) parameters.set(key, text);
	}
	return parameters;
}

function decodeExtended(value: string | undefined): string | undefined {
	const text = value === undefined ? undefined : /^utf-8'[^']*'(?<text>.+)$/iu.exec(value)?.groups?.['text'];
	if (text === undefined) return undefined;
	try {
		return decodeURIComponent(text);
	} catch {
		return undefined;
	}
}
