import type {ServerName, UserId} from '../../crypto/index.ts';

/** Who learns facts: somebody of this server, another server, whoever has an address, or a registration token. */
export type FactAsker =
	| {readonly kind: 'person'; readonly name: UserId}
	| {readonly kind: 'server'; readonly name: ServerName}
	/**
	 * By their network; known by a hash in memory under a salt of the day, and never written down. Whoever has not shown a
	 * registration token shares a budget with all others who have not.
	 */
	| {readonly kind: 'address'; readonly name: string; readonly hasToken: boolean}
	/** By its hash. */
	| {readonly kind: 'token'; readonly name: string};

/** What a fact is about: whether there is such a person, alias, name to register, or alias to take. */
export type FactTopic = 'person' | 'alias' | 'name' | 'alias-name';

/** Who learns, and about what. */
export interface Fact {
	readonly asker: FactAsker;
	readonly topic: FactTopic;
}

/** Numbers of one kind of asker, since the process began. */
export interface FactFigures {
	/** Facts that they were let learn. */
	readonly learnt: number;
	/** Facts that they were refused because they had learnt enough. */
	readonly refused: number;
	/** Names that they asked about without a right to know of them. */
	readonly probes: number;
}

/** Kinds of askers that are told apart in figures: whoever has no account here and is no server is an outsider. */
export type FigureKind = 'person' | 'server' | 'outsider';

/** Somebody has learnt as much about others as a day allows. */
export class FactsSpentError extends Error {
	override readonly name = 'FactsSpentError';
	/** Until the next day begins, in milliseconds. */
	readonly retryAfterMs: number;
	constructor(retryAfterMs: number) {
		super('As many names that you do not know were asked about as a day allows: try again tomorrow');
		this.retryAfterMs = retryAfterMs;
	}
}
