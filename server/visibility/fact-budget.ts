import type {RandomBytes, ServerName} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {FactCountRow, Storage} from '../../storage/index.ts';
import {dayOf, type FactLimits, FactLedger, isPool, poolOf} from './fact-ledger.ts';
import {type Fact, type FactAsker, type FactFigures, FactsSpentError, type FigureKind} from './facts.ts';

/** How long counts may wait to be written; a crash forgives what was learnt in that time. */
const FLUSH_MS = 10_000;
/** Counts that are written at a time; many more would keep other writers waiting. */
const ROWS_OF_COMMIT = 500;
/** A registration token may be many people's: so many budgets it has. */
const SHARES_OF_TOKEN = 10;
/** The part of a budget that goes to trying names for aliases: ten of thirty. */
const PARTS_OF_ALIASES = 3;
const DAY_MS = 86_400_000;

/**
 * How much each asker may learn in a day (UTC) where an answer must tell whether something is there. Names that exist
 * and names that do not are counted alike, before anything is looked up; the same name again on the same day is no other
 * fact. What counts is who asks and never who is asked about. A server counts by its host. Servers that share no room with
 * anybody here have a further budget together, and so have all who have no account: who is many of them learns no more than
 * that. It bounds nobody else, so that whom people here have to do with is never kept out by strangers.
 */
export interface FactBudget {
	/** Counts subjects as learnt, all or none. @throws FactsSpentError where the budget does not reach for all */
	learn(fact: Fact, subjects: readonly string[]): Promise<void>;
	/** Counts as many subjects as the budget reaches for, in their order, and gives those. */
	learnSome<Subject extends string>(fact: Fact, subjects: readonly Subject[]): Promise<ReadonlySet<Subject>>;
	/** Takes back what was counted: the asker made what they asked for. */
	giveBack(fact: Fact, subject: string): void;
	/** Counts names that were asked about and not told of, for administrators. `undefined`: by somebody without an account. */
	noteProbes(asker: FactAsker | undefined, subjects: readonly string[]): Promise<void>;
	/** Lists who learnt, was refused and asked on a day, the most refusals and probes first; outsiders are not kept. `date`: `YYYY-MM-DD`. */
	listAskers(page: {
		readonly daysAgo: number;
		readonly limit: number;
	}): Promise<{readonly date: string; readonly askers: readonly FactCountRow[]}>;
	/** Numbers by kind of asker. */
	figures(): Readonly<Record<FigureKind, FactFigures>>;
	/** Ends writing, after what is not written yet. */
	close(): Promise<void>;
}

/** What the budget is built from. */
export interface FactBudgetDependencies {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly perDay: number;
	/** What all strangers together may learn in a day: other servers, and likewise whoever has no account. */
	readonly strangersPerDay: number;
	/** The name that all names of one host count by. */
	readonly hostOf: (server: ServerName) => ServerName;
	/** Whether a server has nothing to do with anybody here. */
	readonly isStranger: (server: ServerName) => Promise<boolean>;
	/** Told where counts could not be written; they are tried again. */
	readonly onProblem: (problem: unknown) => void;
}

/** Keeps the budgets. */
export function createFactBudget(dependencies: FactBudgetDependencies): FactBudget {
	const {storage, clock, random, perDay, strangersPerDay, hostOf, isStranger} = dependencies;
	const ledger = new FactLedger(clock, random);
	const writer = createWriter(dependencies, ledger);

	async function open(asker: FactAsker): Promise<FactAsker> {
		const known: FactAsker = asker.kind === 'server' ? {kind: 'server', name: hostOf(asker.name)} : asker;
		if ((known.kind === 'person' || known.kind === 'server') && !ledger.has(known)) {
			const row = await storage.factCounts.find(known.kind, known.name, dayOf(clock));
			ledger.open(known, row?.learnt ?? 0);
		}
		return known;
	}

	/** Opens all that a fact counts in. */
	async function openFor({asker, topic}: Fact): Promise<{readonly fact: Fact; readonly limits: FactLimits}> {
		const isStrange = asker.kind === 'server' ? await isStranger(asker.name) : isUnknown(asker);
		const pool = isStrange ? poolOf(asker) : undefined;
		if (pool) await open(pool);
		const fact: Fact = {asker: await open(asker), topic};
		return {fact, limits: {...limitsOf(fact, perDay), pool, ofPool: strangersPerDay}};
	}

	return {
		async learn(fact, subjects) {
			if (subjects.length === 0) return;
			const account = await openFor(fact);
			const isAllowed = ledger.spend(account.fact, subjects, account.limits);
			writer.plan();
			if (!isAllowed) throw new FactsSpentError(msUntilTomorrow(clock));
		},
		async learnSome(fact, subjects) {
			if (subjects.length === 0) return new Set();
			const account = await openFor(fact);
			const learnt = subjects.filter((subject) => ledger.spend(account.fact, [subject], account.limits));
			writer.plan();
			return new Set(learnt);
		},
		giveBack: (fact, subject) => ledger.giveBack(fact, subject, isUnknown(fact.asker) ? poolOf(fact.asker) : undefined),
		async noteProbes(asker, subjects) {
			if (subjects.length === 0) return;
			ledger.noteProbes(asker && (await open(asker)), subjects);
			writer.plan();
		},
		async listAskers({daysAgo, limit}) {
			await writer.flush();
			const day = dayOf(clock) - daysAgo;
			const date = new Date(day * DAY_MS).toISOString().slice(0, 'YYYY-MM-DD'.length);
			const rows = await storage.factCounts.listOfDay(day, limit + 1);
			return {date, askers: rows.filter((row) => !isPool(row)).slice(0, limit)};
		},
		figures: () => ledger.figures,
		close: () => writer.close(),
	};
}

/** Whether somebody has neither an account nor a token, and is no server. */
const isUnknown = (asker: FactAsker): boolean => asker.kind === 'address' && !asker.hasToken;

function limitsOf({asker, topic}: Fact, perDay: number): Pick<FactLimits, 'all' | 'ofTopic'> {
	return {
		all: asker.kind === 'token' ? perDay * SHARES_OF_TOKEN : perDay,
		ofTopic: topic === 'alias-name' ? Math.ceil(perDay / PARTS_OF_ALIASES) : Number.POSITIVE_INFINITY,
	};
}

function msUntilTomorrow(clock: Pick<Clock, 'now'>): number {
	return (dayOf(clock) + 1) * DAY_MS - clock.now();
}

/** Writes counts some seconds after they changed, so that a question costs no commit. */
function createWriter({storage, clock, onProblem}: FactBudgetDependencies, ledger: FactLedger) {
	let timer: {cancel(): void} | undefined;
	let writing: Promise<void> | undefined;
	let isClosed = false;

	async function write(): Promise<void> {
		const rows = ledger.takeUnwritten();
		for (let at = 0; at < rows.length; at += ROWS_OF_COMMIT) {
			const batch = storage.batch();
			for (const row of rows.slice(at, at + ROWS_OF_COMMIT)) storage.factCounts.add(batch, row);
			try {
				await storage.commit(batch);
			} catch (error) {
				ledger.putBack(rows.slice(at));
				onProblem(error);
				plan();
				return;
			}
		}
		// Other processes over the same database count as well.
		if (storage.dialect === 'sqlite') return;
		for (const {kind, name, day} of rows) {
			const row = await storage.factCounts.find(kind, name, day);
			if (row) ledger.refresh(row);
		}
	}

	async function flush(): Promise<void> {
		// What is being written may have been taken before the last change.
		await writing;
		writing ??= write().finally(() => (writing = undefined));
		await writing;
	}

	function plan(): void {
		if (isClosed) return;
		timer ??= clock.setTimer(FLUSH_MS, () => {
			timer = undefined;
			flush().catch(onProblem);
		});
	}

	return {
		plan,
		flush,
		async close() {
			isClosed = true;
			timer?.cancel();
			await flush();
		},
	};
}
