import type {RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {FactCountRow, Storage} from '../../storage/index.ts';
import {type Account, dayOf, type FactLimits, FactLedger} from './fact-ledger.ts';
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
 * fact. What counts is who asks and never who is asked about: nobody can use up the budget of another.
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
	/** Told where counts could not be written; they are tried again. */
	readonly onProblem: (problem: unknown) => void;
}

/** Keeps the budgets. */
export function createFactBudget(dependencies: FactBudgetDependencies): FactBudget {
	const {storage, clock, random, perDay} = dependencies;
	const ledger = new FactLedger(clock, random);
	const writer = createWriter(dependencies, ledger);

	async function open(asker: FactAsker): Promise<Account> {
		const known = ledger.find(asker);
		if (known !== undefined) return known;
		const isKept = asker.kind === 'person' || asker.kind === 'server';
		const row = isKept ? await storage.factCounts.find(asker.kind, asker.name, dayOf(clock)) : undefined;
		return ledger.open(asker, row?.learnt ?? 0);
	}

	return {
		async learn(fact, subjects) {
			const account = await open(fact.asker);
			const isAllowed = ledger.spend(account, fact, subjects, limitsOf(fact, perDay));
			writer.plan();
			if (!isAllowed) throw new FactsSpentError(msUntilTomorrow(clock));
		},
		async learnSome(fact, subjects) {
			if (subjects.length === 0) return new Set();
			const account = await open(fact.asker);
			const limits = limitsOf(fact, perDay);
			const learnt = subjects.filter((subject) => ledger.spend(account, fact, [subject], limits));
			writer.plan();
			return new Set(learnt);
		},
		giveBack: (fact, subject) => ledger.giveBack(fact, subject),
		async noteProbes(asker, subjects) {
			if (subjects.length === 0) return;
			ledger.noteProbes(asker && (await open(asker)), subjects);
			writer.plan();
		},
		async listAskers({daysAgo, limit}) {
			await writer.flush();
			const day = dayOf(clock) - daysAgo;
			const date = new Date(day * DAY_MS).toISOString().slice(0, 'YYYY-MM-DD'.length);
			return {date, askers: await storage.factCounts.listOfDay(day, limit)};
		},
		figures: () => ledger.figures,
		close: () => writer.close(),
	};
}

function limitsOf({asker, topic}: Fact, perDay: number): FactLimits {
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
