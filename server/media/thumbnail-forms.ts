/** What somebody wants a picture in small for. */
export interface ThumbnailRequest {
	/** In points, as the smallest of use. */
	readonly width: number;
	readonly height: number;
	/** `crop`: filling the size, what stands over cut off; `scale`: the whole picture. */
	readonly method: 'crop' | 'scale';
	/** Whether it may move, if the picture does. */
	readonly mayMove: boolean;
}

/** One of the forms that thumbnails are kept in. */
export interface ThumbnailForm {
	/** Names it in the database. */
	readonly variant: string;
	/** `null`: as large as the picture. */
	readonly size: {readonly width: number; readonly height: number} | null;
	/** How the picture meets the size: cut to it, within it, or over it in one direction. */
	readonly fit: 'cover' | 'inside' | 'outside';
}

/** A finite list bounds what a picture takes on the disk, and lets clients share what was made. The first two and the
 * first three are those of the specification; the others are for screens with more points. */
const crops = [32, 96, 320, 640] as const;
const scales = [
	[320, 240],
	[640, 480],
	[800, 600],
	[1600, 1200],
] as const;

/**
 * Chooses the smallest form that is not smaller than what was asked for.
 * @see https://spec.matrix.org/v1.19/client-server-api/#thumbnails
 */
export function chooseForm({width, height, method}: ThumbnailRequest): ThumbnailForm {
	if (method === 'crop' && width === height) {
		const side = crops.find((crop) => crop >= width);
		if (side !== undefined) return {variant: `crop-${side}`, size: {width: side, height: side}, fit: 'cover'};
	}
	const scale = scales.find(([scaleWidth, scaleHeight]) => scaleWidth >= width && scaleHeight >= height);
	if (scale === undefined) return {variant: 'whole', size: null, fit: 'inside'};
	const size = {width: scale[0], height: scale[1]};
	// A client cuts other shapes itself, from a picture that reaches over them in both directions.
	return method === 'crop'
		? {variant: `outside-${size.width}x${size.height}`, size, fit: 'outside'}
		: {variant: `scale-${size.width}x${size.height}`, size, fit: 'inside'};
}
