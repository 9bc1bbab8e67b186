/**
 * A process of its own that makes one thumbnail: the picture comes on its standard input, the thumbnail leaves on its
 * standard output. What a picture does to its decoder ends with this process, which knows no secret and no other picture.
 */
import {readFileSync} from 'node:fs';
import sharp from 'sharp';
import {exitCodes, type ThumbnailOrder} from './thumbnail-order.ts';

/** Animations are kept as such up to so many points in all, which takes a second or two; of larger ones the first is shown. */
const MOVING_PIXELS_MAX = 8_000_000;
/** JPEG and WebP: hardly to be told from the picture at this size. */
const QUALITY = 80;

/** Nothing but these is ever decoded, whatever else the library could. */
sharp.block({operation: ['VipsForeignLoad']});
sharp.unblock({
	operation: [
		'VipsForeignLoadJpegBuffer',
		'VipsForeignLoadNsgifBuffer',
		'VipsForeignLoadPngBuffer',
		'VipsForeignLoadWebpBuffer',
	],
});
sharp.cache(false);
sharp.concurrency(1);

async function make(order: ThumbnailOrder): Promise<Buffer | number> {
	const input = readFileSync(0);
	const {width, height, pages = 1, hasAlpha, format} = await sharp(input, {limitInputPixels: false}).metadata();
	const pixels = width * height;
	if (pixels > order.pixelsMax) return exitCodes.tooManyPixels;
	const canMove = pages > 1 && (format === 'gif' || format === 'webp');
	const moves = order.mayMove && canMove && pixels * pages <= MOVING_PIXELS_MAX;
	const options = {limitInputPixels: order.pixelsMax, failOn: 'error', animated: moves} as const;
	// Turned as the camera was held; nothing else of what the file says of itself is kept.
	const upright = sharp(input, options).autoOrient();
	const sized =
		order.size === null ? upright : upright.resize({...order.size, fit: order.fit, withoutEnlargement: true});
	if (moves) return sized.webp({quality: QUALITY, effort: 2}).toBuffer();
	return (hasAlpha ? sized.png() : sized.jpeg({quality: QUALITY})).toBuffer();
}

try {
	const made = await make(JSON.parse(process.argv[2] ?? '') as ThumbnailOrder);
	if (typeof made === 'number') process.exitCode = made;
	else process.stdout.end(made);
} catch {
	// There is nobody to read of the reason, and it may speak of the picture.
	process.exitCode = exitCodes.notAPicture;
}
