import type {ServerName} from '../../crypto/index.ts';
import type {EventNid, Position} from '../../storage/index.ts';
import {findNewest, type Owed, type OwedContext, PDUS_MAX, readOwed, readPdus} from './owed.ts';

/** With more events than this to be told, a server that was away is told the newest ones first: 20 transactions. */
export const CATCH_UP_EVENTS = 1000;

/**
 * What a server is told that was away for long: the newest event of each room, newest room first, and every EDU that waits
 * for it. It learns at once in which rooms something happened, and asks for what lies between as it needs it. The plan is in
 * memory alone: the cursor moves when all of it is delivered, so after a restart it is made anew.
 */
export class CatchUp {
	/** How many events it was owed. */
	readonly owedCount: number;
	/** Up to here everything is told once the plan is carried out. */
	readonly upto: Position;
	readonly #context: OwedContext;
	readonly #server: ServerName;
	readonly #events: EventNid[];
	#edusTo: Position;

	private constructor(
		context: OwedContext,
		server: ServerName,
		range: {readonly after: Position; readonly upto: Position},
		newest: {readonly events: readonly EventNid[]; readonly owedCount: number},
	) {
		this.#context = context;
		this.#server = server;
		this.#events = [...newest.events];
		this.#edusTo = range.after;
		this.owedCount = newest.owedCount;
		this.upto = range.upto;
	}

	/** Makes the plan for a range of the stream. */
	static async plan(
		context: OwedContext,
		server: ServerName,
		range: {readonly after: Position; readonly upto: Position},
	): Promise<CatchUp> {
		return new CatchUp(context, server, range, await findNewest(context, server, range));
	}

	get isDone(): boolean {
		return this.#events.length === 0 && this.#edusTo >= this.upto;
	}

	/** Gives what goes into the next transaction. */
	async next(pdusMax: number): Promise<Owed> {
		const {pdus, newestTs} = await readPdus(this.#context, this.#events.splice(0, Math.min(pdusMax, PDUS_MAX)));
		const range = {after: this.#edusTo, upto: this.upto};
		const {edus, hasWaiting, to} = await readOwed(this.#context, this.#server, range, {
			pdusMax: null,
			edusMax: pdusMax,
		});
		this.#edusTo = to;
		return {pdus, edus, newestTs, hasWaiting, to};
	}
}
