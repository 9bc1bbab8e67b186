/** What is wrong with a JSON text, or with a part of it. */
export type JsonFault =
	| 'byte_order_mark'
	| 'defects'
	| 'depth'
	| 'duplicate_key'
	| 'lone_surrogate'
	| 'number_range'
	| 'syntax'
	| 'utf8';

const faultTexts: Record<JsonFault, string> = {
	byte_order_mark: 'JSON that does not start with a byte order mark',
	defects: 'JSON with at most 1,000 defects',
	depth: 'JSON with fewer levels of nesting',
	duplicate_key: 'JSON objects whose keys occur once',
	lone_surrogate: 'JSON strings without lone surrogates',
	number_range: 'JSON numbers that a double can hold',
	syntax: 'JSON',
	utf8: 'JSON in UTF-8',
};

/** Thrown for a text that cannot be read as JSON. The message never repeats the text. */
export class JsonSyntaxError extends SyntaxError {
	override name = 'JsonSyntaxError' as const;
	readonly fault: JsonFault;
	/** How many bytes precede the place where reading stopped; absent where the fault has no one place. */
	readonly offset: number | undefined;
	constructor(fault: JsonFault, offset?: number) {
		super(`Expected ${faultTexts[fault]}${offset === undefined ? '' : `, got something else at byte ${offset}`}`);
		this.fault = fault;
		this.offset = offset;
	}
}

/** Something wrong with one part of a text that is otherwise well-formed. */
export interface JsonDefect {
	/** The keys and indexes that lead to the part. */
	readonly path: readonly (string | number)[];
	readonly reason: 'depth' | 'duplicate_key' | 'lone_surrogate';
}
