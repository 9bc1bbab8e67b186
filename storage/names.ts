import {LRUCache} from 'lru-cache';
import type {Driver, MaybePromise, RawRow} from './driver.ts';
import type {Ids} from './storage.ts';
import {decodeText, encodeText} from './text.ts';

/** Texts that are about to be interned and that no batch has committed yet, at most. */
const pendingMax = 100_000;

/** The statements that names are kept with. */
export interface NameStatements {
	readonly findByTexts: number;
	readonly findByIds: number;
	readonly encodeList: (values: readonly unknown[]) => unknown;
}

const then = <T, R>(value: MaybePromise<T>, use: (value: T) => R): MaybePromise<R> =>
	value instanceof Promise ? value.then(use) : use(value);

/**
 * Interned text: room ids, user ids, event types and state keys are integers in the database. A text that has none yet
 * gets one here, at once, and the batch that first uses it writes the row; until then it is pending.
 */
export class Names {
	readonly #driver: Driver;
	readonly #ids: Ids;
	readonly #statements: NameStatements;
	readonly #idByText: LRUCache<string, number>;
	readonly #textById: LRUCache<number, string>;
	readonly #pending = new LRUCache<string, number>({maxSize: pendingMax, sizeCalculation: () => 1});

	constructor(driver: Driver, ids: Ids, statements: NameStatements, entriesMax: number) {
		this.#driver = driver;
		this.#ids = ids;
		this.#statements = statements;
		this.#idByText = new LRUCache({maxSize: entriesMax, sizeCalculation: () => 1});
		this.#textById = new LRUCache({maxSize: entriesMax, sizeCalculation: () => 1});
	}

	/** Gives the id of a text that is known here to be in the database. */
	peekId(text: string): number | undefined {
		return this.#idByText.get(text);
	}

	/** Gives the text of an id that is known here. */
	peekText(id: number): string | undefined {
		return this.#textById.get(id);
	}

	/** Finds which of the texts are in the database. */
	findIds(texts: readonly string[]): MaybePromise<Map<string, number>> {
		const found = new Map<string, number>();
		const asked: string[] = [];
		for (const text of texts) {
			const id = this.#idByText.get(text);
			if (id === undefined) asked.push(encodeText(text));
			else found.set(text, id);
		}
		if (asked.length === 0) return found;
		const {findByTexts, encodeList} = this.#statements;
		return then(this.#driver.read(findByTexts, [encodeList(asked)]), (rows) => this.#learn(rows, found));
	}

	/** Finds the texts of ids. */
	findTexts(ids: readonly number[]): MaybePromise<Map<number, string>> {
		const found = new Map<string, number>();
		const asked: number[] = [];
		for (const id of ids) {
			const text = this.#textById.get(id);
			if (text === undefined) asked.push(id);
			else found.set(text, id);
		}
		const {findByIds, encodeList} = this.#statements;
		const all =
			asked.length === 0
				? found
				: then(this.#driver.read(findByIds, [encodeList(asked)]), (rows) => this.#learn(rows, found));
		return then(all, (map) => new Map([...map].map(([text, id]) => [id, text])));
	}

	/** Gives the id that a text has or, where it is in no database, will have. */
	reserve(text: string): number {
		const known = this.#idByText.get(text) ?? this.#pending.get(text);
		if (known !== undefined) return known;
		const id = this.#ids.next();
		this.#pending.set(text, id);
		return id;
	}

	/** Whether a batch that uses the text must also write its row. */
	isPending(text: string): boolean {
		return this.#pending.has(text);
	}

	/** The rows of these texts are on disk. */
	confirm(texts: Iterable<readonly [string, number]>): void {
		for (const [text, id] of texts) {
			if (this.#pending.get(text) === id) this.#pending.delete(text);
			this.#remember(text, id);
		}
	}

	/** Another process has given ids to some of these texts: ours are void. */
	forget(texts: Iterable<readonly [string, number]>): void {
		for (const [text, id] of texts) if (this.#pending.get(text) === id) this.#pending.delete(text);
	}

	#learn(rows: readonly RawRow[], found: Map<string, number>): Map<string, number> {
		for (const row of rows) {
			const id = row[0] as number;
			const text = decodeText(row[1] as string);
			this.#remember(text, id);
			found.set(text, id);
		}
		return found;
	}

	#remember(text: string, id: number): void {
		this.#pending.delete(text);
		this.#idByText.set(text, id);
		this.#textById.set(id, text);
	}
}
