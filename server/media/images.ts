/** Types of thumbnails that the specification knows, and that every client shows. */
export type ImageType = 'image/gif' | 'image/jpeg' | 'image/png' | 'image/webp';

/** An image, as its first bytes tell, whatever its uploader said. */
export interface ImageKind {
	readonly type: ImageType;
	/** Whether it moves, or may. */
	readonly isAnimated: boolean;
}

/** So many bytes of a file are looked at. */
export const IMAGE_HEAD_BYTES = 4096;

/** Tells what image a file is by its first bytes; `undefined` where it is none of those that are shown in small. */
export function findImageKind(head: Buffer): ImageKind | undefined {
	const startsWith = (text: string, at = 0): boolean => head.toString('latin1', at, at + text.length) === text;
	if (startsWith('\u00ff\u00d8\u00ff')) return {type: 'image/jpeg', isAnimated: false};
	if (startsWith('\u0089PNG\r\n\u001a\n')) {
		// An animation announces itself before the first picture.
		const animation = head.indexOf('acTL');
		const picture = head.indexOf('IDAT');
		return {type: 'image/png', isAnimated: animation !== -1 && (picture === -1 || animation < picture)};
	}
	if (startsWith('GIF87a') || startsWith('GIF89a')) return {type: 'image/gif', isAnimated: true};
	if (startsWith('RIFF') && startsWith('WEBP', 8)) {
		const isAnimated = startsWith('VP8X', 12) && ((head[20] ?? 0) & 0x02) !== 0;
		return {type: 'image/webp', isAnimated};
	}
	return undefined;
}
