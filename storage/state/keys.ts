import type {Batch} from '../batch.ts';
import {ConflictError} from '../errors.ts';
import type {StateKey} from '../interfaces/state.ts';
import type {Names} from '../names.ts';
import type {Ids} from '../storage.ts';
import type {TrieNode} from './node.ts';
import type {TrieKey} from './trie.ts';

/** Texts whose ids one chain of snapshots remembers; beyond, those that were not asked about last are looked up anew. */
const textsMax = 20_000;

/** The integers that stand for types and state keys in the snapshots of one chain. */
export class KeyIds {
	readonly #names: Names;
	readonly #ids: Ids;
	#known = new Map<string, number>();
	/** Texts that had no id and were given one here, by the id: the batch that stores them must intern them. */
	readonly #reserved = new Map<number, string>();

	constructor(names: Names, ids: Ids) {
		this.#names = names;
		this.#ids = ids;
	}

	/** Learns the ids of keys. A text that no row has is given one at once: where its key may go depends on it. */
	async load(keys: readonly StateKey[]): Promise<TrieKey[]> {
		const texts = new Set(keys.flatMap(({type, stateKey}) => [type, stateKey]));
		const unknown = [...texts].filter((text) => !this.#known.has(text));
		if (unknown.length > 0) {
			const found = await this.#names.findIds(unknown);
			await this.#ids.reserve(unknown.length - found.size);
			if (this.#known.size > textsMax) this.#known = new Map([...this.#reserved].map(([id, text]) => [text, id]));
			for (const [text, id] of found) this.#known.set(text, id);
			for (const text of texts) this.reserve(text);
		}
		return keys.map(({type, stateKey}) => ({type: this.reserve(type), stateKey: this.reserve(stateKey)}));
	}

	/** Gives the key as integers; `undefined` where it is not loaded. */
	peek(type: string, stateKey: string): TrieKey | undefined {
		const [typeId, keyId] = [this.#peekText(type), this.#peekText(stateKey)];
		return typeId === undefined || keyId === undefined ? undefined : {type: typeId, stateKey: keyId};
	}

	/** Gives the id of a text, a new one where none is known. */
	reserve(text: string): number {
		const known = this.#peekText(text);
		if (known !== undefined) return known;
		const id = this.#names.reserve(text);
		this.#known.set(text, id);
		if (this.#names.isPending(text)) this.#reserved.set(id, text);
		return id;
	}

	/** Gives the texts of ids. */
	async findTexts(ids: Iterable<number>): Promise<ReadonlyMap<number, string>> {
		const texts = new Map<number, string>();
		const asked: number[] = [];
		for (const id of new Set(ids)) {
			const text = this.#reserved.get(id);
			if (text === undefined) asked.push(id);
			else texts.set(id, text);
		}
		for (const [id, text] of await this.#names.findTexts(asked)) texts.set(id, text);
		return texts;
	}

	/** Notes in the batch which texts a node needs interned. @throws ConflictError('intern') where an id is void by now */
	noteTexts(node: TrieNode, batch: Batch): void {
		if (this.#reserved.size === 0) return;
		for (const {type, stateKey} of node.entries) {
			for (const id of [type, stateKey]) {
				const text = this.#reserved.get(id);
				if (text === undefined) continue;
				// Another process may have interned the text meanwhile: all that was built on the id is void.
				if (this.#names.reserve(text) !== id) throw new ConflictError('intern');
				if (this.#names.isPending(text)) batch.interned.set(text, id);
				else this.#reserved.delete(id);
			}
		}
	}

	#peekText(text: string): number | undefined {
		return this.#known.get(text) ?? this.#names.peekId(text);
	}
}
