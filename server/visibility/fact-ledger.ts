import {createHash} from 'node:crypto';
import {LRUCache} from 'lru-cache';
import type {RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {FactCountRow} from '../../storage/index.ts';
import type {Fact, FactAsker, FactFigures, FactTopic, FigureKind} from './facts.ts';

/** Askers of whom it is remembered what they learnt, those who asked last: some kilobytes each at most. */
const ASKERS_MAX = 5_000;
/** Subjects of which one asker was not told that are remembered in a day; beyond, each question counts. */
const UNTOLD_MAX = 30;
/** Characters of a subject's hash: two that fall together save somebody one fact, no more. */
const HASH_CHARACTERS = 12;
const SALT_BYTES = 16;
const DAY_MS = 86_400_000;

/** How much an asker may learn in a day: of everything together, and of one topic. */
export interface FactLimits {
	readonly all: number;
	readonly ofTopic: number;
}

/** What one asker has learnt on one day. */
export interface Account {
	readonly asker: FactAsker;
	readonly day: number;
	/** Hashes of subjects. */
	readonly learnt: Map<string, FactTopic>;
	/** Hashes of subjects that they were not told of, with what came of the question. */
	readonly untold: Set<string>;
	/** Facts of the day, with those that the database knows of. */
	used: number;
}

type Countable = keyof FactFigures;

/** Gives the day (UTC), in days since the Unix epoch. */
export function dayOf(clock: Pick<Clock, 'now'>): number {
	return Math.floor(clock.now() / DAY_MS);
}

/** The accounts of askers, in memory. Subjects are kept as hashes under a salt that each day has anew. */
export class FactLedger {
	readonly figures: Readonly<Record<FigureKind, Record<Countable, number>>> = {
		person: {learnt: 0, refused: 0, probes: 0},
		server: {learnt: 0, refused: 0, probes: 0},
		outsider: {learnt: 0, refused: 0, probes: 0},
	};
	readonly #clock: Pick<Clock, 'now'>;
	readonly #random: RandomBytes;
	readonly #askers = new LRUCache<string, Account>({max: ASKERS_MAX});
	#unwritten = new Map<string, FactCountRow>();
	#salt: {readonly day: number; readonly bytes: Uint8Array};

	constructor(clock: Pick<Clock, 'now'>, random: RandomBytes) {
		this.#clock = clock;
		this.#random = random;
		this.#salt = {day: dayOf(clock), bytes: random(SALT_BYTES)};
	}

	/** Finds an asker's account of today, where there is one in memory. */
	find(asker: FactAsker): Account | undefined {
		return this.#askers.get(this.#keyOf(asker));
	}

	/** Opens an asker's account of today; one that is open stays as it is. @param written facts that the database knows of */
	open(asker: FactAsker, written: number): Account {
		const key = this.#keyOf(asker);
		const open = this.#askers.get(key);
		if (open !== undefined) return open;
		const day = this.#salt.day;
		const used = written + (this.#unwritten.get(nameOf(asker, day))?.learnt ?? 0);
		const account: Account = {asker, day, learnt: new Map(), untold: new Set(), used};
		this.#askers.set(key, account);
		return account;
	}

	/** Counts subjects as learnt, all or none. False where they are more than the limits allow. */
	spend(account: Account, {topic}: Fact, subjects: readonly string[], {all, ofTopic}: FactLimits): boolean {
		const hashes = new Set(subjects.map((subject) => this.#hash(`${topic}\0${subject}`)));
		const fresh = [...hashes].filter((hash) => !account.learnt.has(hash));
		const count = [...account.learnt.values()].filter((learnt) => learnt === topic).length;
		const fits = account.used + fresh.length <= all && count + fresh.length <= ofTopic;
		if (!fits && fresh.length > 0) {
			this.#countNew(account, 'refused', fresh);
			return false;
		}
		account.used += fresh.length;
		for (const hash of fresh) account.learnt.set(hash, topic);
		this.#count(account.asker, account.day, 'learnt', fresh.length);
		return true;
	}

	/** Takes one subject back. */
	giveBack({asker, topic}: Fact, subject: string): void {
		const account = this.find(asker);
		if (account?.learnt.delete(this.#hash(`${topic}\0${subject}`)) !== true) return;
		account.used -= 1;
		this.#count(asker, account.day, 'learnt', -1);
	}

	/** Counts questions about subjects that were not answered. */
	noteProbes(account: Account | undefined, subjects: readonly string[]): void {
		if (account === undefined) {
			this.figures.outsider.probes += subjects.length;
			return;
		}
		this.#countNew(
			account,
			'probes',
			subjects.map((subject) => this.#hash(subject)),
		);
	}

	/** Takes the counts that are to be written. */
	takeUnwritten(): FactCountRow[] {
		const rows = [...this.#unwritten.values()];
		this.#unwritten = new Map();
		return rows;
	}

	/** Counts once more what could not be written. */
	putBack(rows: readonly FactCountRow[]): void {
		for (const row of rows) this.#wait(row);
	}

	/** Takes over what the database knows of an asker by now, others' counts among it. */
	refresh({kind, name, day, learnt}: FactCountRow): void {
		const account = this.#askers.get(this.#keyOf({kind, name} as FactAsker));
		if (account?.day !== day) return;
		account.used = learnt + (this.#unwritten.get(nameOf(account.asker, day))?.learnt ?? 0);
	}

	/** Counts what was not told: the same subject once a day, for clients ask again and again. */
	#countNew({asker, day, untold}: Account, what: 'refused' | 'probes', hashes: Iterable<string>): void {
		let count = 0;
		for (const hash of hashes) {
			const key = `${what} ${hash}`;
			if (untold.has(key)) continue;
			if (untold.size < UNTOLD_MAX) untold.add(key);
			count += 1;
		}
		this.#count(asker, day, what, count);
	}

	#count(asker: FactAsker, day: number, what: Countable, number: number): void {
		if (number === 0) return;
		const isKept = asker.kind === 'person' || asker.kind === 'server';
		this.figures[isKept ? asker.kind : 'outsider'][what] += number;
		const none = {learnt: 0, refused: 0, probes: 0};
		if (isKept) this.#wait({kind: asker.kind, name: asker.name, day, ...none, [what]: number});
	}

	#wait(row: FactCountRow): void {
		const key = nameOf(row, row.day);
		const before = this.#unwritten.get(key) ?? {learnt: 0, refused: 0, probes: 0};
		this.#unwritten.set(key, {
			...row,
			learnt: before.learnt + row.learnt,
			refused: before.refused + row.refused,
			probes: before.probes + row.probes,
		});
	}

	#keyOf({kind, name}: FactAsker): string {
		const day = dayOf(this.#clock);
		if (day !== this.#salt.day) {
			this.#salt = {day, bytes: this.#random(SALT_BYTES)};
			this.#askers.clear();
		}
		return this.#hash(`${kind}\0${name}`);
	}

	#hash(text: string): string {
		return createHash('sha256').update(this.#salt.bytes).update(text).digest('base64url').slice(0, HASH_CHARACTERS);
	}
}

const nameOf = ({kind, name}: Pick<FactAsker, 'kind' | 'name'>, day: number): string => `${kind} ${day} ${name}`;
