/** Bounds the work of one resolution, so that nobody can make a server think for minutes by the shape of a room. */
export interface WorkBudget {
	/** What was spent so far. */
	readonly spent: number;
	/**
	 * Counts work before it is done; a unit is about one event or one edge of the event graph looked at. Gives whether
	 * enough was done for one step: who can then lets others have their turn.
	 * @throws BudgetExceeded
	 */
	spend(units: number): boolean;
}

/** A resolution would cost more than it may. The room is not broken: a larger budget gives the same answer on every server. */
export class BudgetExceeded extends Error {
	override name = 'BudgetExceeded';
	readonly limit: number;

	constructor(limit: number, what: string) {
		super(`Expected at most ${limit} ${what}, got more`);
		this.limit = limit;
	}
}

/**
 * Enough for a conflict about 100,000 power levels in one line, which takes one to two seconds; ordinary conflicts need some
 * hundreds of units. It bounds CPU time without a clock, so that every run of one input ends alike.
 */
const WORK_UNITS_MAX = 5_000_000;

/** One step of it: some milliseconds, after which others of the same thread get their turn. */
const STEP_UNITS = 10_000;

/** Gives a budget that ends after so many units of work. */
export function createWorkBudget(unitsMax: number = WORK_UNITS_MAX): WorkBudget {
	let left = unitsMax;
	let leftOfStep = STEP_UNITS;
	return {
		get spent() {
			return unitsMax - left;
		},
		spend(units) {
			left -= units;
			if (left < 0) throw new BudgetExceeded(unitsMax, 'units of work');
			leftOfStep -= units;
			if (leftOfStep > 0) return false;
			leftOfStep = STEP_UNITS;
			return true;
		},
	};
}
