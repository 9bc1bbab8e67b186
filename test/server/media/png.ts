/** PNG files that are made by hand: of little size, and large to decode. */
import {crc32, deflateSync} from 'node:zlib';

/** Where each pass of an interlaced picture begins, and its steps. @see https://www.w3.org/TR/png-3/#8Interlace */
const passes = [
	[0, 0, 8, 8],
	[4, 0, 8, 8],
	[0, 4, 4, 8],
	[2, 0, 4, 4],
	[0, 2, 2, 4],
	[1, 0, 2, 2],
	[0, 1, 1, 2],
] as const;

/** A piece of a PNG file. */
export function pngChunk(type: string, data: Buffer): Buffer {
	const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
	const named = Buffer.concat([Buffer.from(type), data]);
	length.writeUInt32BE(data.length);
	sum.writeUInt32BE(crc32(named));
	return Buffer.concat([length, named, sum]);
}

/**
 * A square of one colour that can be seen through: a bit for each point in the file, four bytes when it is decoded. Where
 * it is interlaced all of it must be in memory at once.
 */
export function paintSquare(side: number, {isInterlaced}: {readonly isInterlaced: boolean}): Buffer {
	const head = Buffer.alloc(13);
	head.writeUInt32BE(side, 0);
	head.writeUInt32BE(side, 4);
	head[8] = 1; // bits for a point
	head[9] = 3; // by a palette
	head[12] = isInterlaced ? 1 : 0;
	// Each row has a byte of its own before its points.
	const sizeOf = (width: number, height: number): number => height * (1 + Math.ceil(width / 8));
	const sizeBytes = isInterlaced
		? passes.reduce((sum, [x, y, right, down]) => sum + sizeOf((side - x) / right, Math.ceil((side - y) / down)), 0)
		: sizeOf(side, side);
	return Buffer.concat([
		Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
		pngChunk('IHDR', head),
		pngChunk('PLTE', Buffer.from([200, 20, 20])),
		pngChunk('tRNS', Buffer.from([128])),
		pngChunk('IDAT', deflateSync(Buffer.alloc(sizeBytes), {level: 9})),
		pngChunk('IEND', Buffer.alloc(0)),
	]);
}
