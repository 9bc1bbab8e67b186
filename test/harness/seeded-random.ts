import type {Random} from '../../federation/engine/index.ts';

/** Randomness that follows from a seed alone, with what tests like to draw. */
export interface SeededRandom extends Random {
	/** True with the given probability, 0 to 1. */
	chance(probability: number): boolean;
	/** Gives one of the items, each equally likely. There must be one. */
	pick<Item>(items: readonly Item[]): Item;
	/** Gives the items in random order. */
	readonly shuffle: <Item>(items: readonly Item[]) => Item[];
	/** Gives another generator that depends on this one's seed and a name only, and not on what was drawn before. */
	fork(name: string): SeededRandom;
}

const TWO_TO_32 = 2 ** 32;

/** Gives the generator of a seed: sfc32, whose state is filled from a hash of the seed. */
export function createSeededRandom(seed: number | string): SeededRandom {
	const draw = createSfc32(String(seed));
	const below = (bound: number): number => {
		if (!Number.isInteger(bound) || bound < 1 || bound > TWO_TO_32) {
			throw new RangeError(`Expected a bound of 1 to 2^32, got ${bound}`);
		}
		// What lies past the last whole multiple would make the first values likelier.
		const limit = TWO_TO_32 - (TWO_TO_32 % bound);
		let value = draw();
		while (value >= limit) value = draw();
		return value % bound;
	};
	return {
		below,
		bytes: (count) => Uint8Array.from({length: count}, () => draw() & 0xff),
		chance: (probability) => draw() < probability * TWO_TO_32,
		pick(items) {
			const item = items[below(items.length)];
			if (item === undefined) throw new RangeError('Expected items to pick from, got none');
			return item;
		},
		shuffle(items) {
			const shuffled = [...items];
			for (let at = shuffled.length - 1; at > 0; at--) {
				const other = below(at + 1);
				[shuffled[at], shuffled[other]] = [shuffled[other] as never, shuffled[at] as never];
			}
			return shuffled;
		},
		fork: (name) => createSeededRandom(`${seed}/${name}`),
	};
}

function createSfc32(seed: string): () => number {
	let [a, b, c, counter] = [hashText(seed, 1), hashText(seed, 2), hashText(seed, 3), 1];
	const draw = (): number => {
		const sum = (a + b + counter) | 0;
		counter = (counter + 1) | 0;
		a = b ^ (b >>> 9);
		b = (c + (c << 3)) | 0;
		c = ((c << 21) | (c >>> 11)) + sum;
		c |= 0;
		return sum >>> 0;
	};
	// The first values still resemble the seed.
	for (let round = 0; round < 16; round++) draw();
	return draw;
}

/** FNV-1a over UTF-16 code units, finished as Murmur3 does. */
export function hashText(text: string, salt = 0): number {
	let hash = 0x81_1c_9d_c5 ^ salt;
	for (let at = 0; at < text.length; at++) {
		hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93);
	}
	hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
	return (hash ^ (hash >>> 16)) >>> 0;
}
