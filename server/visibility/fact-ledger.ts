import {createHash} from 'node:crypto';
import {LRUCache} from 'lru-cache';
import type {RandomBytes, ServerName} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {FactCountRow} from '../../storage/index.ts';
import type {Fact, FactAsker, FactFigures, FactTopic, FigureKind} from './facts.ts';

/** Askers of whom it is remembered what they learnt: some kilobytes each at most. */
const ASKERS_MAX = 5_000;
/** The name under which all strangers of a kind are counted together: no server and no network has it. */
const EVERYBODY = '*';
/** Subjects of which one asker was not told that are remembered in a day; beyond, each question counts. */
const UNTOLD_MAX = 30;
/** Characters of a subject's hash: two that fall together save somebody one fact, no more. */
const HASH_CHARACTERS = 12;
const SALT_BYTES = 16;
const DAY_MS = 86_400_000;

/** All strangers of a kind together. */
export type FactPool = Extract<FactAsker, {kind: 'server' | 'address'}>;

/** How much an asker may learn in a day: of everything together, of one topic, and together with all who are in a pool with them. */
export interface FactLimits {
	readonly all: number;
	readonly ofTopic: number;
	/** Absent: the asker is no stranger. */
	readonly pool?: FactPool | undefined;
	readonly ofPool: number;
}

/** What one asker has learnt on one day. */
interface Account {
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

/** Gives the pool of strangers of a kind. */
export function poolOf({kind}: FactAsker): FactPool {
	return kind === 'server'
		? {kind, name: EVERYBODY as ServerName}
		: {kind: 'address', name: EVERYBODY, hasToken: false};
}

/** Whether counts are those of a pool. */
export const isPool = ({name}: Pick<FactAsker, 'name'>): boolean => name === EVERYBODY;

/** The accounts of askers, in memory. Subjects are kept as hashes under a salt that each day has anew. */
export class FactLedger {
	readonly figures: Readonly<Record<FigureKind, Record<Countable, number>>> = {
		person: {learnt: 0, refused: 0, probes: 0},
		server: {learnt: 0, refused: 0, probes: 0},
		outsider: {learnt: 0, refused: 0, probes: 0},
	};
	readonly #clock: Pick<Clock, 'now'>;
	readonly #random: RandomBytes;
	/** Those whom the database counts as well: who has not asked for longest is forgotten here, and read again. */
	readonly #kept = new LRUCache<string, Account>({maxSize: ASKERS_MAX, sizeCalculation: () => 1});
	/** Those whom nothing else counts. Who has learnt something today is not forgotten. */
	readonly #unkept = new Map<string, Account>();
	#unwritten = new Map<string, FactCountRow>();
	#salt: {readonly day: number; readonly bytes: Uint8Array};

	constructor(clock: Pick<Clock, 'now'>, random: RandomBytes) {
		this.#clock = clock;
		this.#random = random;
		this.#salt = {day: dayOf(clock), bytes: random(SALT_BYTES)};
	}

	/** Whether an asker's account of today is in memory. */
	has(asker: FactAsker): boolean {
		return this.#find(asker) !== undefined;
	}

	/** Opens an asker's account of today; one that is open stays as it is. @param written facts that the database knows of */
	open(asker: FactAsker, written: number): void {
		if (!this.has(asker)) this.#keep(this.#openNew(asker, written));
	}

	/** Counts subjects as learnt, all or none. False where they are more than the limits allow. */
	spend({asker, topic}: Fact, subjects: readonly string[], {all, ofTopic, pool, ofPool}: FactLimits): boolean {
		const account = this.#find(asker) ?? this.#openNew(asker, 0);
		const together = pool && (this.#find(pool) ?? this.#openNew(pool, 0));
		const hashes = new Set(subjects.map((subject) => this.#hash(`${topic}\0${subject}`)));
		const fresh = [...hashes].filter((hash) => !account.learnt.has(hash));
		if (fresh.length === 0) return true;
		const count = [...account.learnt.values()].filter((learnt) => learnt === topic).length;
		const fits =
			account.used + fresh.length <= all &&
			count + fresh.length <= ofTopic &&
			(together?.used ?? 0) + fresh.length <= (together ? ofPool : Number.POSITIVE_INFINITY);
		if (!fits || !this.#keep(account)) {
			this.#countNew(account, 'refused', fresh);
			return false;
		}
		account.used += fresh.length;
		for (const hash of fresh) account.learnt.set(hash, topic);
		this.#count(asker, account.day, 'learnt', fresh.length);
		if (together) this.#countTogether(together, fresh.length);
		return true;
	}

	/** Takes one subject back, also from the pool that it was counted in. */
	giveBack({asker, topic}: Fact, subject: string, pool: FactPool | undefined): void {
		const account = this.#find(asker);
		if (account?.learnt.delete(this.#hash(`${topic}\0${subject}`)) !== true) return;
		account.used -= 1;
		this.#count(asker, account.day, 'learnt', -1);
		const together = pool && this.#find(pool);
		if (together) this.#countTogether(together, -1);
		// Whoever has learnt nothing needs no memory.
		if (account.used === 0) this.#unkept.delete(this.#keyOf(asker));
	}

	/** Counts questions about subjects that were not answered. */
	noteProbes(asker: FactAsker | undefined, subjects: readonly string[]): void {
		if (asker === undefined) {
			this.figures.outsider.probes += subjects.length;
			return;
		}
		this.#countNew(
			this.#find(asker) ?? this.#openNew(asker, 0),
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
		const account = this.#kept.get(this.#keyOf({kind, name}));
		if (account?.day !== day) return;
		account.used = learnt + (this.#unwritten.get(nameOf(account.asker, day))?.learnt ?? 0);
	}

	#find(asker: FactAsker): Account | undefined {
		const key = this.#keyOf(asker);
		return isKept(asker) ? this.#kept.get(key) : this.#unkept.get(key);
	}

	#openNew(asker: FactAsker, written: number): Account {
		const day = this.#salt.day;
		const used = written + (this.#unwritten.get(nameOf(asker, day))?.learnt ?? 0);
		return {asker, day, learnt: new Map(), untold: new Set(), used};
	}

	/** Remembers an account. False where there is no room. */
	#keep(account: Account): boolean {
		const key = this.#keyOf(account.asker);
		if (isKept(account.asker)) {
			this.#kept.set(key, account);
			return true;
		}
		// Were somebody forgotten who has used up their budget, they would begin anew: whoever has some thousand networks would
		// push one of theirs out with the next, all day. So it is whoever comes when there is no room that learns nothing.
		if (!this.#unkept.has(key) && this.#unkept.size >= ASKERS_MAX && !isPool(account.asker)) return false;
		this.#unkept.set(key, account);
		return true;
	}

	/** Counts what strangers learnt together. In no figure, for each of them is in one. */
	#countTogether(account: Account, count: number): void {
		account.used += count;
		this.#keep(account);
		const {kind, name} = account.asker;
		if (kind === 'server') this.#wait({kind, name, day: account.day, learnt: count, refused: 0, probes: 0});
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
		const none = {learnt: 0, refused: 0, probes: 0};
		if (isKept(asker)) this.#wait({kind: asker.kind, name: asker.name, day, ...none, [what]: number});
		this.figures[isKept(asker) ? asker.kind : 'outsider'][what] += number;
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

	#keyOf({kind, name}: Pick<FactAsker, 'kind' | 'name'>): string {
		const day = dayOf(this.#clock);
		if (day !== this.#salt.day) {
			this.#salt = {day, bytes: this.#random(SALT_BYTES)};
			this.#kept.clear();
			this.#unkept.clear();
		}
		return this.#hash(`${kind}\0${name}`);
	}

	#hash(text: string): string {
		return createHash('sha256').update(this.#salt.bytes).update(text).digest('base64url').slice(0, HASH_CHARACTERS);
	}
}

const nameOf = ({kind, name}: Pick<FactAsker, 'kind' | 'name'>, day: number): string => `${kind} ${day} ${name}`;

function isKept(asker: FactAsker): asker is Extract<FactAsker, {kind: 'person' | 'server'}> {
	return asker.kind === 'person' || asker.kind === 'server';
}
