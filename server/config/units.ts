import {type Schema, schemaOf} from '../validation/index.ts';

const sizePattern = /^(\d{1,12})\s?(B|KiB|MiB|GiB)?$/u;
const bytesOfUnit: Readonly<Record<string, number>> = {B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3};

/** A size: bytes as a number, or text such as `100MiB`. */
export const sizeSchema: Schema<number | string> = schemaOf<number | string>(
	"a size such as '100MiB' (B, KiB, MiB, GiB) or a number of bytes",
	(value) =>
		(Number.isSafeInteger(value) && (value as number) >= 0) || (typeof value === 'string' && sizePattern.test(value)),
);

/** The bytes of a size that the schema has accepted. */
export function readSize(size: number | string): number {
	if (typeof size === 'number') {
		return size;
	}
	const [, count = '0', unit = 'B'] = sizePattern.exec(size) ?? [];
	return Number(count) * bytesOfUnit[unit]!;
}
