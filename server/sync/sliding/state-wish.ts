import {LRUCache} from 'lru-cache';
import {sha256Base64Url} from '../../../crypto/index.ts';
import type {StateKey} from '../../../storage/index.ts';
import type {RequiredState, StateElement} from './request.ts';

/** Characters of wishes held in memory, of each kind; clients of one sort all have the same few. */
const WISHES_MAX = 4 * 1024 * 1024;
/** Characters of a wish's id: 48 bits, by which a client's own wishes are told apart. */
const ID_LENGTH = 8;

export const memberType = 'm.room.member';

const keyOf = (type: string, stateKey: string): string => `${type}\0${stateKey}`;

/** One `required_state`, ready for use. */
class Part {
	readonly required: RequiredState;
	readonly #keys = new Set<string>();
	readonly #types = new Set<string>();
	readonly #stateKeys = new Set<string>();
	readonly #isAll: boolean;

	constructor(required: RequiredState) {
		this.required = required;
		this.#isAll = required.include.some(({type, stateKey}) => type === undefined && stateKey === undefined);
		for (const {type, stateKey} of required.include) {
			if (type !== undefined && stateKey !== undefined) this.#keys.add(keyOf(type, stateKey));
			else if (type !== undefined) this.#types.add(type);
			else if (stateKey !== undefined) this.#stateKeys.add(stateKey);
		}
	}

	get hasWildcards(): boolean {
		return this.#isAll || this.#types.size + this.#stateKeys.size > 0;
	}

	/** Whether all member events belong to it. */
	get hasAllMembers(): boolean {
		return this.#types.has(memberType) || (this.#isAll && !this.required.lazyMembers);
	}

	matches({type, stateKey}: StateKey): boolean {
		const isIncluded =
			(this.#isAll && (type !== memberType || !this.required.lazyMembers)) ||
			this.#types.has(type) ||
			this.#stateKeys.has(stateKey) ||
			this.#keys.has(keyOf(type, stateKey));
		return isIncluded && !this.required.exclude.some((element) => fits(element, {type, stateKey}));
	}

	/** Whether everything that another part matches belongs to this one. `false` where that is not plain to see. */
	covers({required}: Part): boolean {
		if (this.required.exclude.some((element) => !required.exclude.some((other) => isSame(element, other))))
			return false;
		return required.include.every((element) => this.#includes(element, required.lazyMembers));
	}

	#includes({type, stateKey}: StateElement, isLazy: boolean): boolean {
		if (type === undefined && stateKey === undefined) return this.#isAll && (isLazy || !this.required.lazyMembers);
		const isPlain = type !== undefined && type !== memberType;
		if (this.#isAll && (isPlain || !this.required.lazyMembers)) return true;
		if (type !== undefined && this.#types.has(type)) return true;
		if (stateKey !== undefined && this.#stateKeys.has(stateKey)) return true;
		return type !== undefined && stateKey !== undefined && this.#keys.has(keyOf(type, stateKey));
	}
}

const isSame = (a: StateElement, b: StateElement): boolean => a.type === b.type && a.stateKey === b.stateKey;

function fits(element: StateElement, {type, stateKey}: StateKey): boolean {
	return (element.type ?? type) === type && (element.stateKey ?? stateKey) === stateKey;
}

/** Which state of a room a client wants: what any of the requests that the room belongs to asks for. */
export class StateWish {
	/** As JSON, from which it can be made again. */
	readonly text: string;
	/** A fingerprint of the text. */
	readonly id: string;
	readonly parts: readonly RequiredState[];
	/** Whether members are sent as the timeline makes the client need them. */
	readonly lazyMembers: boolean;
	/** Whether all member events are wanted. */
	readonly hasAllMembers: boolean;
	/** The keys that are wanted; absent where types or keys as a whole are, so that the state must be gone through. */
	readonly keys: readonly StateKey[] | undefined;
	/** Members whose events are wanted. */
	readonly memberKeys: readonly string[];
	readonly #parts: readonly Part[];

	constructor(parts: readonly RequiredState[]) {
		this.text = JSON.stringify(parts);
		this.id = sha256Base64Url(this.text).slice(0, ID_LENGTH);
		this.parts = parts;
		this.#parts = parts.map((required) => new Part(required));
		this.hasAllMembers = this.#parts.some((part) => part.hasAllMembers);
		this.lazyMembers = !this.hasAllMembers && parts.some(({lazyMembers}) => lazyMembers);
		this.keys = this.#parts.some((part) => part.hasWildcards) ? undefined : this.#listKeys();
		this.memberKeys = this.#listMemberKeys();
	}

	/** Whether an entry of state is wanted whatever the timeline shows. */
	matches(key: StateKey): boolean {
		return this.#parts.some((part) => part.matches(key));
	}

	/** Whether whoever has what this wish asks for lacks nothing of another. `false` where that is not plain to see. */
	covers(other: StateWish): boolean {
		return this.id === other.id || other.#parts.every((part) => this.#parts.some((own) => own.covers(part)));
	}

	#listKeys(): StateKey[] {
		const keys = this.parts.flatMap(({include}) => include) as StateKey[];
		const distinct = new Map(keys.map((key) => [keyOf(key.type, key.stateKey), key]));
		return [...distinct.values()].filter((key) => this.matches(key));
	}

	#listMemberKeys(): string[] {
		const elements = this.parts.flatMap(({include}) => include).filter(({type = memberType}) => type === memberType);
		const keys = new Set(elements.map(({stateKey}) => stateKey).filter((key) => key !== undefined));
		return [...keys].filter((stateKey) => this.matches({type: memberType, stateKey}));
	}
}

const bounds = {maxSize: WISHES_MAX, sizeCalculation: ({text}: StateWish) => text.length};

/** The wishes of clients, each made ready once. */
export class StateWishes {
	readonly #byText = new LRUCache<string, StateWish>(bounds);
	readonly #byId = new LRUCache<string, StateWish>(bounds);
	readonly #united = new LRUCache<string, StateWish>(bounds);

	/** Gives the wish of one request. */
	of(required: RequiredState): StateWish {
		return this.#make([required]);
	}

	/** Gives the wish that asks for what either asks for. */
	unite(a: StateWish, b: StateWish): StateWish {
		if (a === b) return a;
		const key = `${a.id} ${b.id}`;
		let united = this.#united.get(key);
		if (!united) {
			const parts = new Map([...a.parts, ...b.parts].map((part) => [JSON.stringify(part), part]));
			united = this.#make([...parts.values()]);
			this.#united.set(key, united);
		}
		return united;
	}

	/** Finds a wish by its id; `undefined` for one that was forgotten, or never known to this process. */
	find(id: string): StateWish | undefined {
		return this.#byId.get(id);
	}

	/** Takes in a wish that was kept as text; one that cannot be read stays unknown. */
	learn(text: string): void {
		if (!this.#byText.has(text)) this.#make(JSON.parse(text) as readonly RequiredState[]);
	}

	#make(parts: readonly RequiredState[]): StateWish {
		const text = JSON.stringify(parts);
		let wish = this.#byText.get(text);
		if (!wish) {
			wish = new StateWish(parts);
			this.#byText.set(text, wish);
			this.#byId.set(wish.id, wish);
		}
		return wish;
	}
}
